//! An import as people see it.

use greenhub::clock::{Millis, rfc3339};
use greenhub::store::history::{ChatPhase, ImportRow, ImportedChatRow, Phase};
use serde::Serialize;
use utoipa::ToSchema;

/// An import.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportView {
    /// `waiting` for a phone, `planning`, `running`, `paused`, `cancelled`, `done`, `failed`
    phase: &'static str,
    /// Why it failed, or why nothing happens at the moment.
    trouble: Option<String>,
    /// Files are copied.
    files: bool,
    /// Messages go into GoHighLevel.
    to_crm: bool,
    /// When it began, RFC 3339.
    started_at: String,
    /// When it ended, RFC 3339.
    ended_at: Option<String>,
    /// How many chats there are; 0 before that is known.
    chats: u64,
    /// How many of them are done, the failed ones included.
    chats_done: u64,
    /// How many of them failed.
    chats_failed: u64,
    /// How many messages the chats have that are done.
    total: u64,
    /// How many of them were stored.
    saved: u64,
    /// How many of them were known before.
    skipped: u64,
    /// How many of those that were stored are of an unknown kind.
    placeholders: u64,
    /// How much longer it takes, in seconds; unknown before a tenth of the chats is done.
    seconds_left: Option<i64>,
}

impl ImportView {
    pub(super) fn of(import: ImportRow, now_ms: Millis) -> Self {
        let left_ms = import.left_ms(now_ms);
        let trouble = match &import.phase {
            Phase::Failed { why } => Some(why.clone()),
            phase if phase.is_open() => import.trouble,
            _ => None,
        };
        ImportView {
            phase: import.phase.as_str(),
            trouble,
            files: import.options.files,
            to_crm: import.options.to_crm,
            started_at: rfc3339(import.started_ms),
            ended_at: import.ended_ms.map(rfc3339),
            chats: import.counts.chats,
            chats_done: import.counts.chats_done,
            chats_failed: import.counts.chats_failed,
            total: import.counts.total,
            saved: import.counts.saved,
            skipped: import.counts.skipped,
            placeholders: import.counts.placeholders,
            seconds_left: left_ms.map(|left_ms| (left_ms + 999) / 1000),
        }
    }
}

/// What became of an import's chats.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportReport {
    /// In the order of their ids.
    chats: Vec<ImportedChat>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

/// What became of one chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportedChat {
    /// WhatsApp's id of it.
    chat_id: String,
    /// What it is called.
    name: Option<String>,
    /// Leads to the conversation, `/chats/…`, once there is one.
    link: Option<String>,
    /// `open`, `done`, `failed`
    phase: &'static str,
    /// Why it failed.
    reason: Option<String>,
    /// How many messages there are.
    total: u64,
    /// How many of them were stored.
    saved: u64,
    /// How many of them were known before.
    skipped: u64,
    /// How many of those that were stored are of an unknown kind.
    placeholders: u64,
}

impl ImportReport {
    /// Chats of a page that has at most `page` of them.
    pub(super) fn of(chats: Vec<ImportedChatRow>, page: usize) -> Self {
        let last = chats.last().filter(|_| chats.len() == page);
        let next = last.map(|chat| chat.alias.to_string());
        ImportReport {
            chats: chats.into_iter().map(ImportedChat::from).collect(),
            next,
        }
    }
}

impl From<ImportedChatRow> for ImportedChat {
    fn from(row: ImportedChatRow) -> Self {
        let (phase, reason) = match row.phase {
            ChatPhase::Open => ("open", None),
            ChatPhase::Done => ("done", None),
            ChatPhase::Failed { why } => ("failed", Some(why)),
        };
        ImportedChat {
            chat_id: row.alias.to_string(),
            name: row.name,
            link: row.chat.map(|chat| format!("/chats/{chat}")),
            phase,
            reason,
            total: row.total,
            saved: row.saved,
            skipped: row.skipped,
            placeholders: row.placeholders,
        }
    }
}
