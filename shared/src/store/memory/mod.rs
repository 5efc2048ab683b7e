//! The tables in memory, with DynamoDB's habits: for the simulation and for tests.
//!
//! Two things differ on purpose: nothing expires, and an index never lags behind.

mod hook;
mod rows;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) use hook::meet;
pub use hook::{Call, Fate, Hook};
pub use rows::n_bytes;

use super::db::{Db, DbError, Item, Key, Op, Query, Range, Table, Write};
use super::dynamo::request::{self, IndexKeys};
use crate::realtime::map::Change;

/// The most writes of one transaction.
const MOST_WRITES: usize = 100;

/// What the tables were asked since they were made. A conditional write that fails is counted: it
/// is billed, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Gets and queries.
    pub reads: BTreeMap<Table, u64>,
    /// Rows put, deleted and checked.
    pub writes: BTreeMap<Table, u64>,
    /// Writes of several rows, or with a check.
    pub transactions: u64,
}

/// The three tables in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryDb {
    tables: Arc<Mutex<Tables>>,
    hook: Option<Arc<dyn Hook>>,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<Key, Item>,
    counts: Counts,
    /// What was written to tables with a stream; only where somebody takes it.
    stream: Option<Vec<Change>>,
}

impl MemoryDb {
    /// Empty tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty tables whose streams somebody takes ([`MemoryDb::stream`]).
    pub fn streamed() -> Self {
        let db = Self::default();
        db.lock().stream = Some(Vec::new());
        db
    }

    /// What was written to `directory` and `chats`, past the first `n_seen` changes, in order.
    pub fn stream(&self, n_seen: usize) -> Vec<Change> {
        let tables = self.lock();
        let changes = tables.stream.iter().flatten().skip(n_seen);
        changes.cloned().collect()
    }

    /// The same tables as somebody else sees them, whose calls `hook` decides about.
    pub fn hooked(&self, hook: Arc<dyn Hook>) -> Self {
        MemoryDb {
            tables: Arc::clone(&self.tables),
            hook: Some(hook),
        }
    }

    /// What was asked so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Every row of a table in the order of the keys, past the hook and uncounted.
    pub fn rows(&self, table: Table) -> Vec<(Key, Item)> {
        let tables = self.lock();
        let rows = tables.rows.iter().filter(|(key, _)| key.table == table);
        rows.map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Others get their turn before and after, as they do while a request travels.
    async fn call<T>(
        &self,
        call: impl FnOnce() -> Call,
        table: Table,
        apply: impl FnOnce(&mut Tables) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let refused = |_| DbError::Unavailable {
            table,
            why: "the test says so".to_owned(),
        };
        let hook = self.hook.as_deref().map(|hook| (hook, call()));
        tokio::task::yield_now().await;
        if let Some((hook, call)) = &hook {
            hook::meet(hook.before(call)).await.map_err(refused)?;
        }
        let answer = apply(&mut self.lock());
        if let Some((hook, call)) = &hook {
            hook::meet(hook.after(call)).await.map_err(refused)?;
        }
        tokio::task::yield_now().await;
        answer
    }
}

impl Db for MemoryDb {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        self.call(
            || Call::Get(key.clone()),
            key.table,
            |tables| tables.get(key),
        )
        .await
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        self.call(
            || Call::Query(query.clone()),
            query.table,
            |tables| tables.query(query),
        )
        .await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        let Some(table) = writes.first().map(|write| write.key.table) else {
            return Ok(());
        };
        self.call(
            || Call::Write(writes.clone()),
            table,
            |tables| tables.write(&writes),
        )
        .await
    }
}

impl Tables {
    fn get(&mut self, key: &Key) -> Result<Option<Item>, DbError> {
        refuse_if("a read", rows::refuse_key(key))?;
        *self.counts.reads.entry(key.table).or_default() += 1;
        Ok(self.rows.get(key).cloned())
    }

    fn query(&mut self, query: &Query) -> Result<Vec<Item>, DbError> {
        let Some(shape) = request::shape(query)? else {
            return Ok(Vec::new());
        };
        *self.counts.reads.entry(query.table).or_default() += 1;
        let mut found: Vec<Item> = match (&query.range, shape.index) {
            (Range::Text { from, to }, _) => {
                let key = |sk: &String| Key {
                    table: query.table,
                    pk: query.pk.clone(),
                    sk: sk.clone(),
                };
                self.rows
                    .range(key(from)..=key(to))
                    .map(|(_, row)| row.clone())
                    .collect()
            }
            (Range::Number { from, to }, _) => self.scan(query, &shape.keys, *from, *to),
        };
        if query.backwards {
            found.reverse();
        }
        found.truncate(query.limit);
        Ok(found)
    }

    fn scan(&self, query: &Query, keys: &IndexKeys, from: i64, to: i64) -> Vec<Item> {
        let (from, to) = (
            AttributeValue::N(from.to_string()),
            AttributeValue::N(to.to_string()),
        );
        let pk = rows::string(&query.pk);
        let mut found: Vec<&Item> = self
            .rows
            .iter()
            .filter(|(key, row)| {
                let sort = row.get(keys.sort);
                let in_range = |sort: &AttributeValue| {
                    rows::compare(sort, &from).is_some_and(|order| order.is_ge())
                        && rows::compare(sort, &to).is_some_and(|order| order.is_le())
                };
                key.table == query.table
                    && row.get(keys.partition) == Some(&pk)
                    && sort.is_some_and(in_range)
            })
            .map(|(_, row)| row)
            .collect();
        found.sort_by(|a, b| {
            let order = a.get(keys.sort).zip(b.get(keys.sort));
            order
                .and_then(|(a, b)| rows::compare(a, b))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let projected = |row: &Item| {
            let kept = [request::PK, request::SK, keys.partition, keys.sort];
            row.iter()
                .filter(|(name, _)| kept.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        found.into_iter().map(projected).collect()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), DbError> {
        let mut keys = HashSet::new();
        for Write { key, op, .. } in writes {
            refuse_if("a write", rows::refuse_key(key))?;
            if !keys.insert(key) {
                return malformed("a write", "two writes of one row in a transaction");
            }
            if let Op::Put(row) = op {
                refuse_if("a write", rows::refuse_row(key, row))?;
            }
        }
        if writes.len() > MOST_WRITES {
            return malformed("a write", "too many writes in a transaction");
        }

        if writes.len() > 1 || writes.iter().any(|write| write.op == Op::Check) {
            self.counts.transactions += 1;
        }
        for write in writes {
            *self.counts.writes.entry(write.key.table).or_default() += 1;
        }

        let fails = |write: &Write| !rows::holds(&write.only_if, self.rows.get(&write.key));
        let failed: Vec<usize> = writes
            .iter()
            .enumerate()
            .filter(|(_, w)| fails(w))
            .map(|(idx, _)| idx)
            .collect();
        if !failed.is_empty() {
            return Err(DbError::Condition { failed });
        }

        for Write { key, op, .. } in writes {
            let (old, new) = match op {
                Op::Put(row) => {
                    let row = request::keyed(key, row.clone());
                    (self.rows.insert(key.clone(), row.clone()), Some(row))
                }
                Op::Delete => (self.rows.remove(key), None),
                Op::Check => continue,
            };
            self.note(key, old, new);
        }
        Ok(())
    }

    /// As DynamoDB's streams, which say nothing of a write that changes nothing.
    fn note(&mut self, key: &Key, old: Option<Item>, new: Option<Item>) {
        if let Some(stream) = &mut self.stream
            && key.table != Table::Runtime
            && old != new
        {
            stream.push(Change {
                pk: key.pk.clone(),
                sk: key.sk.clone(),
                old: old.map(Into::into),
                new: new.map(Into::into),
            });
        }
    }
}

fn refuse_if(what: &'static str, why: Option<String>) -> Result<(), DbError> {
    match why {
        Some(why) => Err(DbError::Malformed { what, why }),
        None => Ok(()),
    }
}

fn malformed<T>(what: &'static str, why: &str) -> Result<T, DbError> {
    Err(DbError::Malformed {
        what,
        why: why.to_owned(),
    })
}

#[cfg(test)]
mod tests;
