//! The tables in DynamoDB.
//!
//! The SDK repeats a request whose answer was lost. A transaction carries a token, so its
//! repetition is answered like the first time; a single conditional write does not, so one that was
//! applied at the first try can come back as [`DbError::Condition`]. Callers read the row again in
//! either case and recognise their own write.

mod failure;
pub(crate) mod request;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};

use super::db::{Cond, Db, DbError, Item, Key, Op, Query, Table, Write};
use crate::config::Tables;
use request::Condition;

/// The tables in DynamoDB.
#[derive(Clone, Debug)]
pub struct Dynamo {
    client: Client,
    names: Tables,
}

impl Dynamo {
    /// The tables that have these names. Timeouts and retries are those of [`crate::config::aws`].
    pub fn new(client: Client, names: Tables) -> Self {
        Dynamo { client, names }
    }

    fn name(&self, table: Table) -> &str {
        match table {
            Table::Directory => &self.names.directory,
            Table::Chats => &self.names.chats,
            Table::Runtime => &self.names.runtime,
        }
    }

    async fn put(&self, key: &Key, row: Item, only_if: &Cond) -> Result<(), DbError> {
        let condition = Condition::new(only_if);
        self.client
            .put_item()
            .table_name(self.name(key.table))
            .set_item(Some(request::keyed(key, row)))
            .set_condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failure::of_one(key.table, "a write", &error))
    }

    async fn delete(&self, key: &Key, only_if: &Cond) -> Result<(), DbError> {
        let condition = Condition::new(only_if);
        self.client
            .delete_item()
            .table_name(self.name(key.table))
            .set_key(Some(request::key(key)))
            .set_condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failure::of_one(key.table, "a write", &error))
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), DbError> {
        let mut places = Vec::with_capacity(writes.len());
        let mut items = Vec::with_capacity(writes.len());
        let mut table = None;
        for (place, write) in writes.into_iter().enumerate() {
            // DynamoDB has no check without a condition, and it would check nothing.
            if write.op == Op::Check && write.only_if == Cond::Always {
                continue;
            }
            table = table.or(Some(write.key.table));
            places.push(place);
            items.push(self.transact_item(write)?);
        }
        let Some(table) = table else { return Ok(()) };
        self.client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failure::of_several(table, &places, &error))
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, DbError> {
        let Write { key, op, only_if } = write;
        let name = self.name(key.table);
        let Condition {
            expression,
            names,
            values,
        } = Condition::new(&only_if);
        let item = TransactWriteItem::builder();
        let item = match op {
            Op::Put(row) => Put::builder()
                .table_name(name)
                .set_item(Some(request::keyed(&key, row)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map(|put| item.put(put)),
            Op::Delete => Delete::builder()
                .table_name(name)
                .set_key(Some(request::key(&key)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map(|delete| item.delete(delete)),
            Op::Check => ConditionCheck::builder()
                .table_name(name)
                .set_key(Some(request::key(&key)))
                .set_condition_expression(expression)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .build()
                .map(|check| item.condition_check(check)),
        };
        item.map(|item| item.build())
            .map_err(|e| DbError::Malformed {
                what: "a transaction",
                why: e.to_string(),
            })
    }
}

impl Db for Dynamo {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        self.client
            .get_item()
            .table_name(self.name(key.table))
            .set_key(Some(request::key(key)))
            .consistent_read(true)
            .send()
            .await
            .map(|output| output.item)
            .map_err(|error| failure::of_one(key.table, "a read", &error))
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        let Some(shape) = request::shape(query)? else {
            return Ok(Vec::new());
        };
        let pk = AttributeValue::S(query.pk.clone());
        let base = self
            .client
            .query()
            .table_name(self.name(query.table))
            .set_index_name(
                shape
                    .index
                    .map(|index| request::index_name(index).to_owned()),
            )
            // Indexes cannot be read consistently.
            .consistent_read(shape.index.is_none())
            .key_condition_expression("#p = :p AND #s BETWEEN :from AND :to")
            .expression_attribute_names("#p", shape.keys.partition)
            .expression_attribute_names("#s", shape.keys.sort)
            .expression_attribute_values(":p", pk)
            .expression_attribute_values(":from", shape.from)
            .expression_attribute_values(":to", shape.to)
            .scan_index_forward(!query.backwards);

        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let n_missing = query.limit - rows.len();
            let page = base
                .clone()
                .limit(i32::try_from(n_missing).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failure::of_one(query.table, "a query", &error))?;
            rows.extend(page.items.unwrap_or_default());
            // A page ends after a megabyte, too.
            if page.last_evaluated_key.is_none() || query.limit <= rows.len() {
                return Ok(rows);
            }
            start = page.last_evaluated_key;
        }
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        match <[Write; 1]>::try_from(writes) {
            Ok(
                [
                    Write {
                        key,
                        op: Op::Put(row),
                        only_if,
                    },
                ],
            ) => self.put(&key, row, &only_if).await,
            Ok(
                [
                    Write {
                        key,
                        op: Op::Delete,
                        only_if,
                    },
                ],
            ) => self.delete(&key, &only_if).await,
            Ok([check]) => self.transact(vec![check]).await,
            Err(writes) => self.transact(writes).await,
        }
    }
}
