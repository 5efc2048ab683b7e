//! The three tables, as little of DynamoDB as the product needs.
//!
//! Everything above speaks of rows, revisions and conditions; the real tables
//! ([`super::dynamo`]) and the simulation's ([`super::memory`]) must answer alike, and one suite of
//! tests holds both to it.

use std::collections::HashMap;
use std::future::Future;

use aws_sdk_dynamodb::types::AttributeValue;

/// A row as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Workspaces, numbers, installs.
    Directory,
    /// Chats, aliases, id rows, messages, quarantine.
    Chats,
    /// Leases, limiter items, sessions.
    Runtime,
}

/// A row's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The table.
    pub table: Table,
    /// Partition key, attribute `pk`.
    pub pk: String,
    /// Sort key, attribute `sk`.
    pub sk: String,
}

/// What a write asks of the row that is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Cond {
    /// Nothing.
    Always,
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// Its attribute `rev` is this.
    Rev(u64),
    /// There is none, or its numeric attribute is less than the value.
    AbsentOrBefore(&'static str, i64),
    /// Its text attribute is this.
    Is(&'static str, String),
}

/// What a write does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Puts the whole row; `pk` and `sk` are added to it.
    Put(Item),
    /// Removes the row; removing what is not there is no error.
    Delete,
    /// Nothing but the condition.
    Check,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Where.
    pub key: Key,
    /// What.
    pub op: Op,
    /// Under which condition.
    pub only_if: Cond,
}

/// An index of a table. Rows without its attributes are not in it, and of the others only the keys,
/// its own and the table's: whoever wants the row reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// `due` on chats and on directory: `due_shard` (text), `due_at` (number).
    Due,
    /// `by_number` on chats: `number_id` (text), `last_at` (number).
    ByNumber,
    /// `by_stand` on chats: `stand_in` (text), `last_at` (number).
    ByStand,
    /// `by_holder` on chats: `holder_in` (text), `last_at` (number).
    ByHolder,
    /// `by_change` on chats: `number_id` (text), `changed_at` (number).
    ByChange,
}

impl Index {
    /// Every index.
    pub const ALL: [Index; 5] = [
        Index::Due,
        Index::ByNumber,
        Index::ByStand,
        Index::ByHolder,
        Index::ByChange,
    ];
}

/// A range of sort keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// `from <= sk <= to` of the table.
    Text {
        /// The first.
        from: String,
        /// The last.
        to: String,
    },
    /// `from <= sort <= to` of an index with a numeric sort key.
    Number {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
}

/// Rows of one partition in the order of their sort keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The table.
    pub table: Table,
    /// One of its indexes, which lag behind; the table itself is read strongly consistent.
    pub index: Option<Index>,
    /// The partition key of the table or of the index.
    pub pk: String,
    /// Which of them.
    pub range: Range,
    /// From the last to the first.
    pub backwards: bool,
    /// At most so many rows.
    pub limit: usize,
}

/// Why a table did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A condition did not hold: somebody else was there first. Read again and decide anew.
    #[error("a condition on the row did not hold")]
    Condition {
        /// Which of the writes, by its place; several may have failed.
        failed: Vec<usize>,
    },
    /// Two transactions met; the same one can be tried again as it is.
    #[error("another transaction was working on the row")]
    Conflict,
    /// The table refuses or cannot be reached. Whether a write was applied is not known.
    #[error("the {table:?} table did not answer: {why}")]
    Unavailable {
        /// The table.
        table: Table,
        /// The service's words.
        why: String,
    },
    /// A row that this program cannot read, or a request that is wrong: a bug.
    #[error("a row of {what} cannot be read or written: {why}")]
    Malformed {
        /// What was being done.
        what: &'static str,
        /// The details.
        why: String,
    },
}

/// The tables.
pub trait Db: Send + Sync + 'static {
    /// One row, strongly consistent.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, DbError>> + Send;

    /// Rows in order, at most `query.limit`.
    fn query(&self, query: &Query) -> impl Future<Output = Result<Vec<Item>, DbError>> + Send;

    /// All of the writes or none of them; one write alone costs half.
    fn write(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), DbError>> + Send;
}
