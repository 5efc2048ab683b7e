//! Imports of old conversations: one job of a number, and a row for each of its chats.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::row::{self, row};
use super::{directory, keys};
use crate::clock::Millis;
use crate::domain::chat_id::Alias;
use crate::domain::ids::{ChatId, NumberId, WorkspaceId};

/// What is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOptions {
    /// Nothing older than this, milliseconds since 1970; everything unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<Millis>,
    /// Only these chats; all unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chats: Option<BTreeSet<Alias>>,
    /// Their files are copied as well.
    #[serde(default)]
    pub files: bool,
    /// They are put into the CRM as well.
    #[serde(default)]
    pub to_crm: bool,
    /// Only the chats that failed the last time.
    #[serde(default)]
    pub failed_only: bool,
}

/// Where an import stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// For a phone to be linked.
    Waiting {
        /// Until then, milliseconds since 1970.
        until_ms: Millis,
    },
    /// Finds out which chats there are.
    Planning,
    /// Chat by chat.
    Running,
    /// Somebody has stopped it, and may let it go on.
    Paused,
    /// Somebody has ended it.
    Cancelled,
    /// At its end.
    Done,
    /// It could not be done.
    Failed {
        /// For people.
        why: String,
    },
}

impl Phase {
    /// Whether there is something left to be done.
    pub fn is_open(&self) -> bool {
        !matches!(self, Phase::Cancelled | Phase::Done | Phase::Failed { .. })
    }

    /// Whether a worker has something to do.
    pub fn is_at_work(&self) -> bool {
        self.is_open() && *self != Phase::Paused
    }

    /// For programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Phase::Waiting { .. } => "waiting",
            Phase::Planning => "planning",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Cancelled => "cancelled",
            Phase::Done => "done",
            Phase::Failed { .. } => "failed",
        }
    }
}

/// How much has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Chats of the plan.
    pub chats: u64,
    /// Chats that are done, the failed ones included.
    pub chats_done: u64,
    /// Chats that failed.
    pub chats_failed: u64,
    /// Messages of the chats that are done.
    pub total: u64,
    /// Of them: stored.
    pub saved: u64,
    /// Of them: known before, or somebody else's to take.
    pub skipped: u64,
    /// Of those that were stored: of a kind that this program does not know.
    pub placeholders: u64,
}

/// The import of a number's old conversations: the one that runs, or the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// What is imported.
    pub options: ImportOptions,
    /// Where it stands.
    pub phase: Phase,
    /// How much has been done.
    #[serde(default)]
    pub counts: Counts,
    /// The last chat that is done, in the order of their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Alias>,
    /// Why nothing happens at the moment, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Since when there has been trouble, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble_since_ms: Option<Millis>,
    /// When it began, milliseconds since 1970.
    pub started_ms: Millis,
    /// Since when the time that is left is measured, and how many chats were done then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<(Millis, u64)>,
    /// When it ended, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<Millis>,
    /// When the sweeper wakes it if nobody is at it; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(ImportRow, "an import");

impl ImportRow {
    /// Has the sweeper wake it at `at_ms`, or not at all.
    pub fn set_due(&mut self, at_ms: Option<Millis>) {
        self.due_at = at_ms;
        self.due_shard = at_ms.map(|_| keys::due_shard_of(self.number.as_str()));
    }

    /// Ends it.
    pub fn end(&mut self, phase: Phase, now_ms: Millis) {
        self.phase = phase;
        self.ended_ms = Some(now_ms);
        self.set_due(None);
    }

    /// How much longer it takes, in milliseconds, by how long the chats took that are done. Unknown
    /// before a tenth of them are.
    pub fn left_ms(&self, now_ms: Millis) -> Option<Millis> {
        let Counts {
            chats, chats_done, ..
        } = self.counts;
        let (since_ms, before) = self.measured?;
        if self.phase != Phase::Running || chats_done * 10 < chats || chats_done <= before {
            return None;
        }
        let took_ms = u128::try_from(now_ms - since_ms).ok()?;
        let left = u128::from(chats.saturating_sub(chats_done));
        Millis::try_from(took_ms * left / u128::from(chats_done - before)).ok()
    }
}

/// Where one chat of an import stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ChatPhase {
    /// Its turn comes, or it is at it.
    #[default]
    Open,
    /// Imported.
    Done,
    /// Not imported, or not all of it.
    Failed {
        /// For people.
        why: String,
    },
}

/// One chat of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportedChatRow {
    /// The revision.
    pub rev: u64,
    /// WhatsApp's id of it.
    pub alias: Alias,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The conversation with us, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatId>,
    /// Where it stands.
    #[serde(default)]
    pub phase: ChatPhase,
    /// How often it was tried in vain.
    #[serde(default)]
    pub attempts: u32,
    /// How many messages there are to import.
    #[serde(default)]
    pub total: u64,
    /// Of them: stored.
    #[serde(default)]
    pub saved: u64,
    /// Of them: known before, or somebody else's to take.
    #[serde(default)]
    pub skipped: u64,
    /// Of those that were stored: of a kind that this program does not know.
    #[serde(default)]
    pub placeholders: u64,
    /// The last message that was seen to: when it was written, seconds since 1970, and its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<(i64, String)>,
}

row!(ImportedChatRow, "a chat of an import");

/// How many rows of chats are read at once.
const PAGE: usize = 500;

/// The import of a number.
///
/// # Errors
/// The tables.
pub async fn import(
    db: &impl Db,
    workspace: &WorkspaceId,
    number: &NumberId,
) -> Result<Option<ImportRow>, DbError> {
    row::load(db, &keys::import(workspace, number)).await
}

/// The chats of a number's import after `after`, in the order of their ids, at most `limit`.
///
/// # Errors
/// The tables.
pub async fn chats(
    db: &impl Db,
    number: &NumberId,
    after: Option<&Alias>,
    limit: usize,
) -> Result<Vec<ImportedChatRow>, DbError> {
    let (pk, range) = keys::imported_chats(number, after);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: false,
        limit,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}

/// All chats of a number's import.
///
/// # Errors
/// The tables.
pub async fn all_chats(db: &impl Db, number: &NumberId) -> Result<Vec<ImportedChatRow>, DbError> {
    let mut all: Vec<ImportedChatRow> = Vec::new();
    loop {
        let after = all.last().map(|row| row.alias.clone());
        let page = chats(db, number, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The imports of a workspace's numbers.
///
/// # Errors
/// The tables.
pub async fn imports(db: &impl Db, workspace: &WorkspaceId) -> Result<Vec<ImportRow>, DbError> {
    let (pk, range) = keys::imports(workspace);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit: directory::MOST_NUMBERS,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_a_tenth_is_done() {
        let check = |chats, chats_done, measured, phase: Phase, expect: Option<Millis>| {
            let import = ImportRow {
                rev: 1,
                workspace: WorkspaceId::new("w"),
                number: NumberId::new("n"),
                options: ImportOptions::default(),
                phase,
                counts: Counts {
                    chats,
                    chats_done,
                    ..Counts::default()
                },
                cursor: None,
                trouble: None,
                trouble_since_ms: None,
                started_ms: 0,
                measured,
                ended_ms: None,
                due_at: None,
                due_shard: None,
            };
            assert_eq!(import.left_ms(100_000), expect, "{chats_done} of {chats}");
        };
        let from_start = Some((0, 0));
        check(200, 0, from_start, Phase::Running, None);
        check(200, 19, from_start, Phase::Running, None);
        check(200, 20, from_start, Phase::Running, Some(900_000));
        check(200, 200, from_start, Phase::Running, Some(0));
        check(0, 0, from_start, Phase::Running, None);
        check(200, 100, None, Phase::Planning, None);
        check(200, 100, from_start, Phase::Paused, None);
        // It went on after a pause: only what was done since says how quick it is.
        check(200, 100, Some((90_000, 100)), Phase::Running, None);
        check(200, 110, Some((90_000, 100)), Phase::Running, Some(90_000));
    }
}
