//! Conversations, messages, and what an id of a provider stands for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::delivery::Lane;
use crate::domain::event::NewMessage;
use crate::domain::ids::{ChatId, ContactId, LocationId, NumberId, WorkspaceId};
use crate::domain::message::Message;
use crate::domain::status::Receipt;

row!(Message, "a message");

/// A conversation of one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRow {
    /// The revision, also what browsers catch up by.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    #[serde(rename = "number_id")]
    pub number: NumberId,
    /// Its id.
    pub chat: ChatId,
    /// Where messages to it are sent.
    pub address: Alias,
    /// All of WhatsApp's ids that lead here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<Alias>,
    /// E.164 with `+`, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The group's title or the person's name, as last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The sequence of its last message.
    pub seq: u64,
    /// When it last had a message: the chat list's order.
    pub last_at: Millis,
    /// When the customer last wrote.
    #[serde(default)]
    pub last_in_ms: Millis,
    /// What each lane has done and when it has to go on.
    #[serde(default)]
    pub lanes: BTreeMap<Lane, LaneState>,
    /// Messages whose status the CRM has not been told yet.
    #[serde(default)]
    pub untold: BTreeSet<u64>,
    /// Echoes of messages that nobody has claimed: their WhatsApp id and when they came.
    #[serde(default)]
    pub echoes: BTreeMap<String, Millis>,
    /// Calls that wait for their outcome, by WhatsApp's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ringing: BTreeMap<String, Ringing>,
    /// Its contact in the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<CrmContact>,
    /// Closed for writing: it lives on in another chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ChatId>,
    /// Chats that were merged into this one and whose lanes go first.
    #[serde(default)]
    pub waits_for: BTreeSet<ChatId>,
    /// The earliest of the lanes' due times; in the due index while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index; there when `due_at` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(ChatRow, "a chat");

/// How far a lane has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneState {
    /// Everything before this sequence is settled.
    pub cursor: u64,
    /// There is work, not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<Millis>,
}

/// A chat's contact in the CRM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrmContact {
    /// The location it is in.
    pub location: LocationId,
    /// Its id there.
    pub contact: ContactId,
    /// Name and tags have been set; a contact that the CRM gave us needs no name.
    #[serde(default)]
    pub dressed: bool,
    /// The phone was learned after the contact had been made with a stand-in.
    #[serde(default)]
    pub phone_to_tell: bool,
}

impl ChatRow {
    /// A chat without messages.
    pub fn new(workspace: WorkspaceId, number: NumberId, chat: ChatId, address: Alias) -> Self {
        let phone = (address.kind() == AliasKind::Phone).then(|| format!("+{}", address.digits()));
        ChatRow {
            rev: 0,
            workspace,
            number,
            chat,
            aliases: [address.clone()].into(),
            address,
            phone,
            title: None,
            seq: 0,
            last_at: 0,
            last_in_ms: 0,
            lanes: BTreeMap::new(),
            untold: BTreeSet::new(),
            echoes: BTreeMap::new(),
            ringing: BTreeMap::new(),
            crm: None,
            merged_into: None,
            waits_for: BTreeSet::new(),
            due_at: None,
            due_shard: None,
        }
    }

    /// Whether several people write in it.
    pub fn is_group(&self) -> bool {
        self.address.kind() == AliasKind::Group
    }

    /// Says that a lane has work, not before `at_ms`. An earlier time that is noted already stays.
    pub fn set_due(&mut self, lane: Lane, at_ms: Millis) {
        let state = self.lanes.entry(lane).or_default();
        state.due_ms = Some(state.due_ms.map_or(at_ms, |due| due.min(at_ms)));
        self.settle_due();
    }

    /// Says when a lane has to go on; `None` if it has nothing to do.
    pub fn replace_due(&mut self, lane: Lane, at_ms: Option<Millis>) {
        self.lanes.entry(lane).or_default().due_ms = at_ms;
        self.settle_due();
    }

    /// When a lane has to go on.
    pub fn due(&self, lane: Lane) -> Option<Millis> {
        self.lanes.get(&lane).and_then(|state| state.due_ms)
    }

    /// The first sequence that a lane may have work at.
    pub fn cursor(&self, lane: Lane) -> u64 {
        self.lanes.get(&lane).map_or(1, |state| state.cursor.max(1))
    }

    fn settle_due(&mut self) {
        self.due_at = self.lanes.values().filter_map(|state| state.due_ms).min();
        self.due_shard = self.due_at.map(|_| keys::due_shard_of(self.chat.as_str()));
    }
}

/// Which conversation an alias stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AliasRow {
    /// The revision.
    pub rev: u64,
    /// The conversation.
    pub chat: ChatId,
}

row!(AliasRow, "an alias");

/// What a provider's id stands for: the one meeting point of messages, echoes and receipts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IdRow {
    /// The revision.
    pub rev: u64,
    /// The message, once somebody has claimed the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claim>,
    /// Receipts that came before the claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// The echo that came before the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<ParkedEcho>,
    /// When the row may be cleaned up, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

row!(IdRow, "an id row");

/// The message that an id stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its chat.
    pub chat: ChatId,
    /// Its place there.
    pub seq: u64,
    /// Which of its parts; 0 where there is one.
    #[serde(default)]
    pub part: usize,
}

/// An echo that waits to be claimed by the send that it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParkedEcho {
    /// The chat that it was seen in.
    pub chat: ChatId,
    /// When it came.
    pub at_ms: Millis,
    /// What it says.
    pub message: NewMessage,
}

/// A call that waits for its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ringing {
    /// When it was told, milliseconds since 1970.
    pub since_ms: Millis,
    /// What is shown if no outcome is ever told.
    pub message: NewMessage,
}

/// A contact's conversation on one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactChatRow {
    /// The revision.
    pub rev: u64,
    /// The number.
    pub number: NumberId,
    /// The conversation.
    pub chat: ChatId,
}

row!(ContactChatRow, "a contact's chat");

/// A send whose outcome is unknown: nobody else's echo may be taken for a stranger's while it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnsureRow {
    /// The revision.
    pub rev: u64,
    /// When the call was made.
    pub since_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(UnsureRow, "an unsure send");

/// A body that an authenticated sender sent and that could not be understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// The revision.
    pub rev: u64,
    /// What was wrong with it.
    pub why: String,
    /// The body, cut at [`QUARANTINE_CAP`] bytes.
    pub body: String,
    /// How long it was, in bytes.
    pub n_bytes: usize,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(QuarantineRow, "a quarantined body");

/// A row can have 400 kB; the rest is for keys and for UTF-8.
pub const QUARANTINE_CAP: usize = 300 * 1024;

/// The conversation that an alias of a number stands for.
pub async fn chat_of_alias(
    db: &impl Db,
    number: &NumberId,
    alias: &Alias,
) -> Result<Option<AliasRow>, DbError> {
    row::load(db, &keys::alias(number, alias)).await
}

/// A conversation. One that was merged into another is followed to where it lives on.
pub async fn living_chat(db: &impl Db, chat: &ChatId) -> Result<Option<ChatRow>, DbError> {
    let mut id = chat.clone();
    // A chain of merges is as long as a person has aliases.
    for _ in 0..8 {
        match row::load::<ChatRow>(db, &keys::chat(&id)).await? {
            Some(ChatRow {
                merged_into: Some(survivor),
                ..
            }) => id = survivor,
            found => return Ok(found),
        }
    }
    Err(DbError::Malformed {
        what: "a chat",
        why: "merged in a circle".into(),
    })
}

/// The live messages from `seq` on, at most `limit`.
pub async fn messages_from(
    db: &impl Db,
    chat: &ChatId,
    seq: u64,
    limit: usize,
) -> Result<Vec<Message>, DbError> {
    let (pk, range) = keys::messages_from(chat, seq);
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

/// The conversations of a contact, one for each number it has been written to through.
pub async fn chats_of_contact(
    db: &impl Db,
    location: &LocationId,
    contact: &ContactId,
) -> Result<Vec<ContactChatRow>, DbError> {
    let (pk, range) = keys::contact_chats(location, contact);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: false,
        limit: 100,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}
