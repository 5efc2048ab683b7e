//! Counts what is asked of the tables and of the queues, and what AWS bills for it.

mod units;

use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use greenhub::queue::{ImportWakeUp, Queue, QueueError, WakeUp};
use greenhub::store::db::{Db, DbError, Item, Key, Query, Write};

/// What was asked, and what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Calls that read one row.
    pub(crate) gets: u64,
    /// Calls that read a range of rows.
    pub(crate) queries: u64,
    /// Calls that write or remove one row.
    pub(crate) writes: u64,
    /// Calls that write several rows at once.
    pub(crate) transactions: u64,
    /// Rows written or removed, by whatever call.
    pub(crate) rows_written: u64,
    /// Wake-ups sent.
    pub(crate) wake_ups: u64,
    /// Halves of DynamoDB's read request units.
    pub(crate) half_read_units: u64,
    /// DynamoDB's write request units for the tables.
    pub(crate) write_units: u64,
    /// The same for their indexes.
    pub(crate) index_units: u64,
}

impl Calls {
    /// Calls that read.
    pub(crate) fn reads(&self) -> u64 {
        self.gets + self.queries
    }

    /// Calls to AWS, of whatever kind.
    pub(crate) fn all(&self) -> u64 {
        self.reads() + self.writes + self.transactions + self.wake_ups
    }

    fn merge(self, other: Calls, one: impl Fn(u64, u64) -> u64) -> Calls {
        Calls {
            gets: one(self.gets, other.gets),
            queries: one(self.queries, other.queries),
            writes: one(self.writes, other.writes),
            transactions: one(self.transactions, other.transactions),
            rows_written: one(self.rows_written, other.rows_written),
            wake_ups: one(self.wake_ups, other.wake_ups),
            half_read_units: one(self.half_read_units, other.half_read_units),
            write_units: one(self.write_units, other.write_units),
            index_units: one(self.index_units, other.index_units),
        }
    }
}

impl Add for Calls {
    type Output = Calls;

    fn add(self, other: Calls) -> Calls {
        self.merge(other, |a, b| a + b)
    }
}

impl Sub for Calls {
    type Output = Calls;

    fn sub(self, earlier: Calls) -> Calls {
        self.merge(earlier, |a, b| a - b)
    }
}

/// Where everything is counted. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<Mutex<Calls>>);

impl Counter {
    /// What was asked since the start.
    pub(crate) fn so_far(&self) -> Calls {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Calls)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Tables or queues whose calls are counted. What a write costs depends on the row before it, which
/// is read past the counter: nobody else may be writing meanwhile.
#[derive(Clone)]
pub(crate) struct Counted<T> {
    inner: T,
    counter: Counter,
}

impl<T> Counted<T> {
    pub(crate) fn new(inner: T, counter: &Counter) -> Self {
        Counted {
            inner,
            counter: counter.clone(),
        }
    }
}

impl<D: Db> Db for Counted<D> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        let got = self.inner.get(key).await?;
        self.counter.count(|calls| {
            calls.gets += 1;
            calls.half_read_units += 2 * units::read(got.as_slice());
        });
        Ok(got)
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        let found = self.inner.query(query).await?;
        // Indexes cannot be read consistently, which costs half.
        let halves = if query.index.is_some() { 1 } else { 2 };
        self.counter.count(|calls| {
            calls.queries += 1;
            calls.half_read_units += halves * units::read(&found);
        });
        Ok(found)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        let mut before = Vec::new();
        for write in &writes {
            before.push(self.inner.get(&write.key).await?);
        }
        let written = self.inner.write(writes.clone()).await;
        self.counter.count(|calls| {
            match writes.len() {
                1 => calls.writes += 1,
                _ => calls.transactions += 1,
            }
            calls.rows_written += writes.len() as u64;
            // In a transaction every row is written twice; the indexes follow it later, once.
            let times = if writes.len() == 1 { 1 } else { 2 };
            for (write, before) in writes.iter().zip(&before) {
                let after = units::after(write);
                calls.write_units += times * units::write(before.as_ref(), after.as_ref());
                // A condition that does not hold costs as much, and changes no index.
                if written.is_ok() {
                    calls.index_units +=
                        units::indexes(write.key.table, before.as_ref(), after.as_ref());
                }
            }
        });
        written
    }
}

impl<Q: Queue> Queue for Counted<Q> {
    async fn wake(&self, wake_up: WakeUp, delay: Duration) -> Result<(), QueueError> {
        self.counter.count(|calls| calls.wake_ups += 1);
        self.inner.wake(wake_up, delay).await
    }

    async fn wake_import(&self, wake_up: ImportWakeUp, delay: Duration) -> Result<(), QueueError> {
        self.counter.count(|calls| calls.wake_ups += 1);
        self.inner.wake_import(wake_up, delay).await
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use greenhub::store::db::{Cond, Index, Op, Range, Table};
    use greenhub::store::memory::MemoryDb;

    use super::*;

    fn row(n_bytes: usize) -> Item {
        Item::from([("text".to_owned(), AttributeValue::S("x".repeat(n_bytes)))])
    }

    fn put(sk: &str, item: Item, only_if: Cond) -> Write {
        Write {
            key: Key {
                table: Table::Chats,
                pk: "p".into(),
                sk: sk.into(),
            },
            op: Op::Put(item),
            only_if,
        }
    }

    #[tokio::test]
    async fn calls_are_counted_by_kind_and_by_what_they_cost() {
        let counter = Counter::default();
        let db = Counted::new(MemoryDb::new(), &counter);
        let mut before = Calls::default();
        let mut check = |what: &str, expect: Calls| {
            let now = counter.so_far();
            assert_eq!(now - before, expect, "{what}");
            before = now;
        };
        let one = put("a", row(100), Cond::Absent);
        db.write(vec![one.clone()]).await.unwrap();
        let expect = Calls {
            writes: 1,
            rows_written: 1,
            write_units: 1,
            ..Calls::default()
        };
        check("a row", expect);

        assert!(db.write(vec![one]).await.is_err());
        check("a row under a condition that does not hold", expect);

        let due = [
            ("due_shard".to_owned(), AttributeValue::S("01".into())),
            ("due_at".to_owned(), AttributeValue::N("5".into())),
        ];
        let mut waiting = row(1500);
        waiting.extend(due);
        let both = vec![
            put("b", waiting, Cond::Absent),
            put("c", row(1), Cond::Always),
        ];
        db.write(both).await.unwrap();
        let expect = Calls {
            transactions: 1,
            rows_written: 2,
            write_units: 2 * 2 + 2,
            index_units: 1,
            ..Calls::default()
        };
        check("two rows at once, one of them in an index", expect);

        let key = put("nowhere", row(1), Cond::Always).key;
        db.get(&key).await.unwrap();
        let expect = Calls {
            gets: 1,
            half_read_units: 2,
            ..Calls::default()
        };
        check("a read of what is not there", expect);

        let range = Range::Text {
            from: "a".into(),
            to: "z".into(),
        };
        let mut query = Query {
            table: Table::Chats,
            index: None,
            pk: "p".into(),
            range,
            backwards: false,
            limit: 10,
        };
        assert_eq!(db.query(&query).await.unwrap().len(), 3);
        let expect = Calls {
            queries: 1,
            half_read_units: 2,
            ..Calls::default()
        };
        check("three rows of less than 4 kB together", expect);

        query.index = Some(Index::Due);
        query.pk = "01".into();
        query.range = Range::Number { from: 0, to: 9 };
        assert_eq!(db.query(&query).await.unwrap().len(), 1);
        let expect = Calls {
            half_read_units: 1,
            ..expect
        };
        check("an index", expect);
    }
}
