//! Leases and sessions: what is forgotten without harm.

use serde::{Deserialize, Serialize};

use super::db::{Cond, Db, DbError, Key, Op, Write};
use super::directory::PauseReason;
use super::row::{self, row};
use crate::clock::{Clock, Millis};
use crate::domain::ids::{CompanyId, LocationId, WorkspaceId};

/// Who works something off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The revision; not looked at, a lease is replaced by whoever finds it ended.
    pub rev: u64,
    /// The run that has it.
    pub owner: String,
    /// Until when, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(LeaseRow, "a lease");

/// A lease that was obtained. It is not given back by itself: an end by time is always safe.
#[derive(Clone, Debug)]
pub struct Lease {
    key: Key,
    /// The run that has it.
    pub owner: String,
    /// Until when, milliseconds since 1970.
    pub until_ms: Millis,
}

impl Lease {
    /// Takes the lease if nobody has it, or whoever had it let it end.
    pub async fn take(
        db: &impl Db,
        clock: &Clock,
        key: Key,
        owner: &str,
        length_ms: Millis,
    ) -> Result<Option<Lease>, DbError> {
        let now = clock.now_ms();
        let only_if = Cond::AbsentOrBefore("until_ms", now);
        match db
            .write(vec![put(&key, owner, now + length_ms, only_if)?])
            .await
        {
            Ok(()) => {}
            // Not ours, unless it was our own write that was repeated after its answer got lost.
            Err(DbError::Condition { .. }) => {
                let held = row::load::<LeaseRow>(db, &key).await?;
                if held.is_none_or(|held| held.owner != owner) {
                    return Ok(None);
                }
            }
            Err(DbError::Conflict) => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(Lease {
            key,
            owner: owner.to_owned(),
            until_ms: now + length_ms,
        }))
    }

    /// Makes the lease last `length_ms` from now; `false` if somebody else has taken it.
    pub async fn renew(
        &mut self,
        db: &impl Db,
        clock: &Clock,
        length_ms: Millis,
    ) -> Result<bool, DbError> {
        let until_ms = clock.now_ms() + length_ms;
        let only_if = Cond::Is("owner", self.owner.clone());
        match db
            .write(vec![put(&self.key, &self.owner, until_ms, only_if)?])
            .await
        {
            Ok(()) => {
                self.until_ms = until_ms;
                Ok(true)
            }
            Err(DbError::Condition { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the lease back, if it is still ours.
    pub async fn release(self, db: &impl Db) -> Result<(), DbError> {
        let only_if = Cond::Is("owner", self.owner);
        match db
            .write(vec![Write {
                key: self.key,
                op: Op::Delete,
                only_if,
            }])
            .await
        {
            Err(DbError::Condition { .. }) => Ok(()),
            done => done,
        }
    }
}

fn put(key: &Key, owner: &str, until_ms: Millis, only_if: Cond) -> Result<Write, DbError> {
    let row = LeaseRow {
        rev: 1,
        owner: owner.to_owned(),
        until_ms,
        expires_at: until_ms / 1000 + 3600,
    };
    Ok(Write {
        key: key.clone(),
        op: Op::Put(row::item(&row)?),
        only_if,
    })
}

/// A GoHighLevel user who opened our page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The revision.
    pub rev: u64,
    /// The tenant whose rows it may see.
    pub workspace: WorkspaceId,
    /// The location that the page was opened in.
    pub location: LocationId,
    /// GoHighLevel's id of the user.
    pub user: String,
    /// What GoHighLevel calls them; may be empty.
    #[serde(default)]
    pub user_name: String,
    /// May change things, not only read them.
    pub is_admin: bool,
    /// When it ends, milliseconds since 1970: checked on every read.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(SessionRow, "a session");

/// A browser that may see how an agency's installation goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstallReportRow {
    /// The revision.
    pub rev: u64,
    /// The agency.
    pub company: CompanyId,
    /// The installation's code, hashed: the address with it shows the same.
    pub code_sha256: String,
    /// When it ends, seconds since 1970: checked on every read.
    pub expires_at: i64,
}

row!(InstallReportRow, "a report's reader");

/// Something that may happen only once in a while: there as long as it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenRow {
    /// The revision.
    pub rev: u64,
    /// When the row may be cleaned up, seconds since 1970; never, if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

row!(SeenRow, "a seen mark");

/// A webhook address that still gets notifications of a number that was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoneHookRow {
    /// The revision.
    pub rev: u64,
    /// What the bearer token must hash to.
    pub token_sha256: String,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(GoneHookRow, "a removed number's webhook address");

/// The code that links a phone to a number, as it was last asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QrRow {
    /// The revision.
    pub rev: u64,
    /// When GREEN-API was asked, milliseconds since 1970.
    pub asked_ms: Millis,
    /// Since when it has said the same, milliseconds since 1970.
    pub since_ms: Millis,
    /// What it said.
    pub told: QrTold,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(QrRow, "a linking code");

/// What GREEN-API said when it was asked for a linking code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum QrTold {
    /// A picture in base64.
    Code {
        /// PNG.
        png: String,
    },
    /// A phone is linked.
    Linked,
    /// No code now.
    Wait {
        /// Why, in GREEN-API's words.
        reason: String,
    },
    /// There will be none until a person has done something.
    Unusable {
        /// What is wrong.
        why: PauseReason,
    },
}
