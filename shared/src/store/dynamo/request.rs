//! How keys, conditions and queries are put to DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::db::{Cond, DbError, Index, Item, Key, Query, Range, Table};

/// The partition key of every table.
pub(crate) const PK: &str = "pk";
/// The sort key of every table.
pub(crate) const SK: &str = "sk";
/// The revision that [`Cond::Rev`] is about.
pub(crate) const REV: &str = "rev";

/// The key attributes of a table or of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexKeys {
    /// The partition key.
    pub(crate) partition: &'static str,
    /// The sort key.
    pub(crate) sort: &'static str,
}

/// The index's key attributes, if the table has that index.
pub(crate) fn index_keys(index: Index, table: Table) -> Option<IndexKeys> {
    match (index, table) {
        (Index::Due, Table::Chats | Table::Directory) => Some(IndexKeys {
            partition: "due_shard",
            sort: "due_at",
        }),
        (Index::ByNumber, Table::Chats) => Some(IndexKeys {
            partition: "number_id",
            sort: "last_at",
        }),
        (Index::ByStand, Table::Chats) => Some(IndexKeys {
            partition: "stand_in",
            sort: "last_at",
        }),
        (Index::ByHolder, Table::Chats) => Some(IndexKeys {
            partition: "holder_in",
            sort: "last_at",
        }),
        (Index::ByChange, Table::Chats) => Some(IndexKeys {
            partition: "number_id",
            sort: "changed_at",
        }),
        _ => None,
    }
}

/// The index's name in the tables' definitions.
pub(crate) fn index_name(index: Index) -> &'static str {
    match index {
        Index::Due => "due",
        Index::ByNumber => "by_number",
        Index::ByStand => "by_stand",
        Index::ByHolder => "by_holder",
        Index::ByChange => "by_change",
    }
}

/// The row with its key in it.
pub(crate) fn keyed(key: &Key, mut row: Item) -> Item {
    row.insert(PK.to_owned(), AttributeValue::S(key.pk.clone()));
    row.insert(SK.to_owned(), AttributeValue::S(key.sk.clone()));
    row
}

/// The key alone.
pub(super) fn key(key: &Key) -> Item {
    keyed(key, Item::new())
}

/// A query that DynamoDB will take.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    /// The index, or the table itself.
    pub(crate) index: Option<Index>,
    /// What is compared.
    pub(crate) keys: IndexKeys,
    /// The first sort key.
    pub(crate) from: AttributeValue,
    /// The last sort key.
    pub(crate) to: AttributeValue,
}

/// Checks a query. `None`: nothing can be in its range, which DynamoDB would refuse to look at.
pub(crate) fn shape(query: &Query) -> Result<Option<Shape>, DbError> {
    let keys = match query.index {
        None => Some(IndexKeys {
            partition: PK,
            sort: SK,
        }),
        Some(index) => index_keys(index, query.table),
    };
    let malformed = |why: &str| DbError::Malformed {
        what: "a query",
        why: why.to_owned(),
    };
    let keys = keys.ok_or_else(|| malformed("the table has no such index"))?;
    if query.pk.is_empty() {
        return Err(malformed("the partition key is empty"));
    }
    let (from, to, is_empty) = match (&query.range, query.index) {
        (Range::Text { from, .. }, None) if from.is_empty() => {
            return Err(malformed("a range cannot begin with an empty key"));
        }
        (Range::Text { from, to }, None) => (
            AttributeValue::S(from.clone()),
            AttributeValue::S(to.clone()),
            from > to,
        ),
        (Range::Number { from, to }, Some(_)) => (
            AttributeValue::N(from.to_string()),
            AttributeValue::N(to.to_string()),
            from > to,
        ),
        _ => {
            return Err(malformed(
                "tables are sorted by text and indexes by numbers",
            ));
        }
    };
    let nothing = is_empty || query.limit == 0;
    Ok((!nothing).then_some(Shape {
        index: query.index,
        keys,
        from,
        to,
    }))
}

/// A condition in DynamoDB's words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Condition {
    pub(super) expression: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    /// `#a` and `:v` stand for the attribute and the value, so that no name of ours can be one of
    /// DynamoDB's reserved words.
    pub(super) fn new(cond: &Cond) -> Self {
        let about = |expression: &str, name: &str, value: AttributeValue| Condition {
            expression: Some(expression.to_owned()),
            names: Some(HashMap::from([("#a".to_owned(), name.to_owned())])),
            values: Some(HashMap::from([(":v".to_owned(), value)])),
        };
        let plain = |expression: &str| Condition {
            expression: Some(expression.to_owned()),
            ..Condition::default()
        };
        match cond {
            Cond::Always => Condition::default(),
            Cond::Absent => plain("attribute_not_exists(pk)"),
            Cond::Present => plain("attribute_exists(pk)"),
            Cond::Rev(rev) => about("#a = :v", REV, AttributeValue::N(rev.to_string())),
            Cond::AbsentOrBefore(name, value) => about(
                "attribute_not_exists(pk) OR #a < :v",
                name,
                AttributeValue::N(value.to_string()),
            ),
            Cond::Is(name, text) => about("#a = :v", name, AttributeValue::S(text.clone())),
        }
    }
}
