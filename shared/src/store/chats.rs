//! Conversations, messages, and what an id of a provider stands for.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, Row, row};
use super::team::{Decided, Listed, Team};
use crate::clock::Millis;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::delivery::Lane;
use crate::domain::event::NewMessage;
use crate::domain::ids::{ChatId, ContactId, LocationId, NumberId, WorkspaceId};
use crate::domain::message::{Direction, Message};
use crate::domain::sms::Shape;
use crate::domain::status::Receipt;
use crate::domain::telegram::Topic;
use crate::queue::LONGEST_DELAY;

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
    /// When it last changed in a way that a list shows: the order in which browsers catch up.
    #[serde(default)]
    pub changed_at: Millis,
    /// How many messages came in that somebody should look at.
    #[serde(default)]
    pub n_in: u64,
    /// How many of them somebody has looked at.
    #[serde(default)]
    pub n_in_read: u64,
    /// What the team has decided about it.
    #[serde(default)]
    pub team: Team,
    /// Which of its number's lists it is in; in the index `by_stand`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
    /// Whose list it is in while it is open; in the index `by_holder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_in: Option<String>,
    /// Its rows in other lists.
    #[serde(default)]
    pub listed: Listed,
    /// What each lane has done and when it has to go on.
    #[serde(default)]
    pub lanes: BTreeMap<Lane, LaneState>,
    /// Messages whose status the CRM has not been told yet.
    #[serde(default)]
    pub untold: BTreeSet<u64>,
    /// Messages with files whose copies are still to be made.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub files: BTreeSet<u64>,
    /// Echoes of messages that nobody has claimed: their WhatsApp id and when they came.
    #[serde(default)]
    pub echoes: BTreeMap<String, Millis>,
    /// Calls that wait for their outcome, by WhatsApp's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ringing: BTreeMap<String, Ringing>,
    /// The last answer that the number gave by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_replied: Option<AutoReplied>,
    /// Its contact in the CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<CrmContact>,
    /// Its topic in the business's group in Telegram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Closed for writing: it lives on in another chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ChatId>,
    /// Chats that were merged into this one: their messages are this one's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub merged_from: BTreeSet<ChatId>,
    /// Those of them whose lanes go first.
    #[serde(default)]
    pub waits_for: BTreeSet<ChatId>,
    /// The earliest of the lanes' due times; in the due index while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index; there when `due_at` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

impl Row for ChatRow {
    const WHAT: &'static str = "a chat";

    fn rev(&self) -> u64 {
        self.rev
    }

    /// With every write the attributes follow that its indexes go by.
    fn set_rev(&mut self, rev: u64) {
        self.rev = rev;
        self.settle_indexes();
    }
}

/// How much the clocks of two workers may differ: an alarm that is so near may have gone off.
const ALARM_SPREAD_MS: Millis = 1_000;

/// How far a lane has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneState {
    /// Everything before this sequence is settled.
    pub cursor: u64,
    /// There is work, not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<Millis>,
    /// When the delayed wake-up arrives that was sent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_ms: Option<Millis>,
    /// Where it stands in the line for the provider's queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Messages before the cursor that got another part since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub behind: BTreeSet<u64>,
}

/// An answer that a number gave by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoReplied {
    /// When, milliseconds since 1970.
    pub at_ms: Millis,
    /// Its place in the chat.
    pub seq: u64,
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
            changed_at: 0,
            n_in: 0,
            n_in_read: 0,
            team: Team::default(),
            stand_in: None,
            holder_in: None,
            listed: Listed::default(),
            lanes: BTreeMap::new(),
            untold: BTreeSet::new(),
            files: BTreeSet::new(),
            echoes: BTreeMap::new(),
            ringing: BTreeMap::new(),
            auto_replied: None,
            crm: None,
            topic: None,
            merged_into: None,
            merged_from: BTreeSet::new(),
            waits_for: BTreeSet::new(),
            due_at: None,
            due_shard: None,
        }
    }

    /// Whether several people write in it.
    pub fn is_group(&self) -> bool {
        self.address.kind() == AliasKind::Group
    }

    /// Notes a message that has got its place in it at `now`.
    pub fn note_message(&mut self, new: &NewMessage, now: Millis) {
        self.last_at = now;
        self.changed_at = now;
        match new.direction {
            Direction::In => {
                self.last_in_ms = now;
                if new.content.is_to_be_read() {
                    self.n_in += 1;
                    self.team.is_archived = false;
                    if std::mem::take(&mut self.team.is_closed) {
                        self.team.note(Decided::Reopened, None, now);
                    }
                }
            }
            // Whoever answers has read what they answer; a program has not.
            Direction::Out if new.origin.is_a_person() => self.n_in_read = self.n_in,
            Direction::Out => {}
        }
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

    /// Has a lane go on at `at_ms`. Says whether a wake-up has to be sent for that: one that is
    /// under way and early enough will do. Without that, each of many messages that come while a
    /// lane waits would add a wake-up that renews itself.
    pub fn wait_until(&mut self, lane: Lane, at_ms: Millis, now_ms: Millis) -> bool {
        self.replace_due(lane, Some(at_ms));
        let state = self.lanes.entry(lane).or_default();
        let is_covered = state
            .alarm_ms
            .is_some_and(|alarm_ms| now_ms + ALARM_SPREAD_MS < alarm_ms && alarm_ms <= at_ms);
        if !is_covered {
            let longest_ms = LONGEST_DELAY.as_millis() as Millis;
            state.alarm_ms = Some(at_ms.min(now_ms + longest_ms));
        }
        !is_covered
    }

    /// When a lane has to go on.
    pub fn due(&self, lane: Lane) -> Option<Millis> {
        self.lanes.get(&lane).and_then(|state| state.due_ms)
    }

    /// Where a lane stands in the line for the provider's queue.
    pub fn line(&self, lane: Lane) -> Option<&str> {
        self.lanes
            .get(&lane)
            .and_then(|state| state.line.as_deref())
    }

    /// The first sequence that a lane may have work at.
    pub fn cursor(&self, lane: Lane) -> u64 {
        self.lanes.get(&lane).map_or(1, |state| state.cursor.max(1))
    }

    /// The messages that got another part after the lane had gone past them.
    pub fn behind(&self, lane: Lane) -> impl Iterator<Item = u64> {
        let state = self.lanes.get(&lane);
        state
            .into_iter()
            .flat_map(|state| state.behind.iter().copied())
    }

    /// Notes a message that got another part, for a lane that may have gone past it or may never
    /// have been anywhere.
    pub fn go_back_for(&mut self, lane: Lane, seq: u64) {
        let state = self.lanes.entry(lane).or_default();
        // A lane that has nothing to do is done with all there is.
        if state.due_ms.is_none() {
            state.cursor = state.cursor.max(self.seq + 1);
        }
        state.behind.insert(seq);
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

/// What a contact was written lately in the same words and files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TwinsRow {
    /// The revision.
    pub rev: u64,
    /// The messages that the other of the app's providers may bring as well, oldest first.
    pub waiting: Vec<Twin>,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(TwinsRow, "a contact's equal messages");

/// A message that one of the app's providers brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    /// Which.
    pub shape: Shape,
    /// When it came, milliseconds since 1970.
    pub arrived_ms: Millis,
    /// When it was written, where that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_ms: Option<Millis>,
    /// What it was taken as.
    pub claim: Claim,
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

/// Where the address of a file leads: to the message that has it, for as long as the row is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileLinkRow {
    /// The revision.
    pub rev: u64,
    /// The message's chat.
    pub chat: ChatId,
    /// Its place there.
    pub seq: u64,
    /// Which of its files.
    pub file: usize,
    /// Until when the address works, milliseconds since 1970: checked on every read.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(FileLinkRow, "a file's address");

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

/// The conversations that an index finds, in its order: an index has their keys alone.
///
/// # Errors
/// The tables.
pub async fn chats_of_index(db: &impl Db, query: &Query) -> Result<Vec<ChatRow>, DbError> {
    let found = db.query(query).await?;
    let pks = found.iter().filter_map(|item| item.get("pk")?.as_s().ok());
    let mut reads = Vec::new();
    for id in pks.filter_map(|pk| keys::chat_of_pk(pk)) {
        reads.push(async move { row::load(db, &keys::chat(&id)).await });
    }
    // One that is gone since is not there.
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// A conversation. One that was merged into another is followed to where it lives on.
pub async fn living_chat(db: &impl Db, chat: &ChatId) -> Result<Option<ChatRow>, DbError> {
    Ok(chat_and_survivors(db, chat).await?.pop())
}

/// A conversation and those that it was merged into, one after the other: it lives on in the last.
/// Empty if there is no such conversation.
pub async fn chat_and_survivors(db: &impl Db, chat: &ChatId) -> Result<Vec<ChatRow>, DbError> {
    let mut chats: Vec<ChatRow> = Vec::new();
    let mut id = chat.clone();
    // A chain of merges is as long as a person has aliases.
    for _ in 0..8 {
        let Some(found) = row::load::<ChatRow>(db, &keys::chat(&id)).await? else {
            return Ok(Vec::new());
        };
        let survivor = found.merged_into.clone();
        chats.push(found);
        match survivor {
            Some(survivor) => id = survivor,
            None => return Ok(chats),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_waits_has_one_wake_up_under_way() {
        let alias = Alias::from_phone_digits("79001234567");
        let mut chat = ChatRow::new(
            WorkspaceId::new("ws"),
            NumberId::new("n"),
            ChatId::new("c"),
            alias,
        );
        let mut check = |now_ms: Millis, at_ms: Millis, expect: bool| {
            let wake = chat.wait_until(Lane::Whatsapp, at_ms, now_ms);
            assert_eq!(wake, expect, "at {now_ms} until {at_ms}");
            assert_eq!(chat.due(Lane::Whatsapp), Some(at_ms));
        };
        check(0, 15_000, true);
        check(1_000, 16_000, false);
        check(1_000, 5_000, true);
        check(2_000, 15_000, false);
        // It has gone off, or is about to.
        check(4_000, 15_000, true);
        check(20_000, 35_000, true);
        // No wake-up comes later than after a quarter of an hour.
        check(40_000, 4_000_000, true);
        check(41_000, 4_000_000, false);
        check(940_000, 4_000_000, true);
    }
}
