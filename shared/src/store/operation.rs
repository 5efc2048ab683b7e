//! What happened to numbers: each change of their state, and what people are alarmed about.

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::operation::{Alarm, StateChange};

/// How long both are kept, seconds.
pub const KEPT_S: i64 = 30 * 24 * 3600;

/// One change of a number's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateRow {
    /// The revision.
    pub rev: u64,
    /// What changed.
    pub change: StateChange,
    /// It was over before it counted.
    #[serde(default)]
    pub is_flap: bool,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(StateRow, "a change of a number's state");

/// Something that people are alarmed about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub alarm: Alarm,
    /// The change that it is about, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<StateChange>,
    /// When it happened, milliseconds since 1970.
    pub at_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(AlertRow, "an alert");

/// The changes of a number's state, the latest first, at most `limit`.
///
/// # Errors
/// The tables.
pub async fn states(
    db: &impl Db,
    number: &NumberId,
    limit: usize,
) -> Result<Vec<StateRow>, DbError> {
    let (pk, range) = keys::states(number);
    latest(db, pk, range, limit).await
}

/// The alerts of a workspace, the latest first, at most `limit`.
///
/// # Errors
/// The tables.
pub async fn alerts(
    db: &impl Db,
    workspace: &WorkspaceId,
    limit: usize,
) -> Result<Vec<AlertRow>, DbError> {
    let (pk, range) = keys::alerts(workspace);
    latest(db, pk, range, limit).await
}

async fn latest<T: row::Row>(
    db: &impl Db,
    pk: String,
    range: super::db::Range,
    limit: usize,
) -> Result<Vec<T>, DbError> {
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        limit,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}
