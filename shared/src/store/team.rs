//! What a team keeps about its conversations, and the index rows that lists and searches go by.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::chats::{ChatRow, QuarantineRow};
use super::db::{Cond, DbError, Op, Write};
use super::row::{self, row};
use super::{find, keys};
use crate::clock::Millis;
use crate::domain::delivery::{Destination, Lane};
use crate::domain::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use crate::domain::message::Direction;

/// The label under which pinned conversations are listed; no label of a team has such an id.
pub const PINNED: &str = "=pinned";

/// What a team has decided about a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Team {
    /// Who answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
    /// What was decided, oldest first; of many the latest thirty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Nothing is to be done, until the customer writes again.
    pub is_closed: bool,
    /// Out of sight, until the customer writes again.
    pub is_archived: bool,
    /// On top.
    pub is_pinned: bool,
    /// Ids of the workspace's labels.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// The person does not want to be written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_out: Option<OptedOut>,
    /// Chats that are other people's, whatever WhatsApp's ids suggest: a person said so.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub apart: BTreeSet<ChatId>,
}

/// Something that was decided about a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When, milliseconds since 1970.
    pub at_ms: Millis,
    /// By whom; `None`: it followed from something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// What.
    #[serde(flatten)]
    pub what: Decided,
}

/// What can be decided about a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "to")]
pub enum Decided {
    /// Who answers; nobody in particular if `None`.
    Assigned(Option<PersonId>),
    /// Nothing is to be done.
    Closed,
    /// Something is.
    Reopened,
    /// It goes on in another conversation, with the reason: usually on another number.
    MovedOn {
        /// Where.
        chat: ChatId,
        /// Why.
        reason: String,
    },
    /// It goes on from another conversation.
    CameFrom {
        /// Which.
        chat: ChatId,
        /// Why.
        reason: String,
    },
    /// Another conversation is the same person's.
    Merged(ChatId),
    /// Another conversation is not.
    Split(ChatId),
    /// The person does not want to be written to.
    OptedOut,
    /// The person may be written to again.
    OptedIn,
}

/// Since when somebody does not want to be written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptedOut {
    /// Milliseconds since 1970.
    pub at_ms: Millis,
    /// The word that they wrote; `None`: somebody of the team noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Who noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
}

/// How many decisions are kept.
const DECISIONS: usize = 30;

impl Team {
    /// Notes a decision.
    pub fn note(&mut self, what: Decided, by: Option<PersonId>, at_ms: Millis) {
        if self.decisions.len() >= DECISIONS {
            self.decisions.remove(0);
        }
        self.decisions.push(Decision { at_ms, by, what });
    }
}

/// Which of a number's lists a conversation is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Something may have to be done, by nobody in particular.
    Unassigned,
    /// Something may have to be done by somebody.
    Assigned,
    /// Nothing has.
    Closed,
    /// Out of sight.
    Archived,
}

impl Stand {
    /// The part of the index's key.
    pub fn as_str(self) -> &'static str {
        match self {
            Stand::Unassigned => "unassigned",
            Stand::Assigned => "assigned",
            Stand::Closed => "closed",
            Stand::Archived => "archived",
        }
    }
}

/// The index rows that a conversation has, apart from those that the table makes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// The lists by label, with the activity under which it is there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Millis>,
    /// What it is found by.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub words: BTreeSet<String>,
}

/// A row of a list: its key says all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRow {
    /// The revision.
    pub rev: u64,
    /// The conversation.
    pub chat: ChatId,
}

row!(ListedRow, "a list's row");

impl ChatRow {
    /// Where it stands; `None` for one that lives on in another.
    pub fn stand(&self) -> Option<Stand> {
        if self.merged_into.is_some() {
            return None;
        }
        Some(if self.team.is_archived {
            Stand::Archived
        } else if self.team.is_closed {
            Stand::Closed
        } else if self.team.assignee.is_some() {
            Stand::Assigned
        } else {
            Stand::Unassigned
        })
    }

    /// Incoming messages that nobody has looked at.
    pub fn unread(&self) -> u64 {
        self.n_in.saturating_sub(self.n_in_read)
    }

    /// Sets what the table's own indexes go by.
    pub(super) fn settle_indexes(&mut self) {
        let stand = self.stand();
        self.stand_in = stand.map(|stand| keys::stand(&self.number, stand));
        let holder = self.team.assignee.as_ref();
        let holder = holder.filter(|_| stand == Some(Stand::Assigned));
        self.holder_in = holder.map(|person| keys::holder(&self.number, person));
    }

    /// The writes that bring the rows of lists and searches to what the conversation is now. They
    /// go with the conversation's own write.
    ///
    /// # Errors
    /// A bug.
    pub fn relist(&mut self, writes: &mut Vec<Write>) -> Result<(), DbError> {
        let is_alive = self.merged_into.is_none();
        let mut labels = BTreeMap::new();
        let mut words = BTreeSet::new();
        if is_alive {
            let pinned = self.team.is_pinned.then(|| PINNED.to_owned());
            let all = self.team.labels.iter().cloned().chain(pinned);
            labels = all.map(|label| (label, self.last_at)).collect();
            words = find::words_of(self.title.as_deref(), self.phone.as_deref());
        }
        let listed = std::mem::take(&mut self.listed);
        let (number, chat) = (&self.number, &self.chat);
        let under = |label: &str, at_ms| keys::labelled(number, label, at_ms, chat);
        for (label, at_ms) in &listed.labels {
            if labels.get(label) != Some(at_ms) {
                writes.push(gone(under(label, *at_ms)));
            }
        }
        for (label, at_ms) in &labels {
            if listed.labels.get(label) != Some(at_ms) {
                writes.push(there(under(label, *at_ms), chat)?);
            }
        }
        for word in listed.words.difference(&words) {
            writes.push(gone(keys::found(number, word, chat)));
        }
        for word in words.difference(&listed.words) {
            writes.push(there(keys::found(number, word, chat), chat)?);
        }
        self.listed = Listed { labels, words };
        Ok(())
    }

    /// The keys of the rows that [`ChatRow::relist`] has written.
    pub fn listed_keys(&self) -> Vec<super::db::Key> {
        let labels = self.listed.labels.iter();
        let labels =
            labels.map(|(label, at_ms)| keys::labelled(&self.number, label, *at_ms, &self.chat));
        let words = self.listed.words.iter();
        let words = words.map(|word| keys::found(&self.number, word, &self.chat));
        labels.chain(words).collect()
    }
}

fn there(key: super::db::Key, chat: &ChatId) -> Result<Write, DbError> {
    let row = ListedRow {
        rev: 1,
        chat: chat.clone(),
    };
    Ok(Write {
        key,
        op: Op::Put(row::item(&row)?),
        only_if: Cond::Always,
    })
}

fn gone(key: super::db::Key) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    }
}

/// A message that a person has to do something about. Its message says more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// The conversation.
    pub chat: ChatId,
    /// The message's place there.
    pub seq: u64,
    /// Which way it goes.
    pub direction: Direction,
    /// The destinations that do not have it.
    pub at: BTreeSet<Destination>,
    /// Nobody knows whether it arrived: to send it again may send it twice.
    pub is_unclear: bool,
    /// What is wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(StuckRow, "a stuck message");

/// A note that only the team sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRow {
    /// The revision.
    pub rev: u64,
    /// Its id: its place among the conversation's notes.
    pub id: String,
    /// Who wrote it.
    pub by: PersonId,
    /// Their name then.
    pub by_name: String,
    /// When, milliseconds since 1970.
    pub at_ms: Millis,
    /// When it was last changed, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_ms: Option<Millis>,
    /// What it says.
    pub text: String,
}

row!(NoteRow, "a note");

/// What somebody has begun to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRow {
    /// The revision.
    pub rev: u64,
    /// As it stands.
    pub text: String,
    /// Since when, milliseconds since 1970.
    pub at_ms: Millis,
}

row!(DraftRow, "a draft");

/// What a workspace has set for its conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxRow {
    /// The revision.
    pub rev: u64,
    /// The labels that conversations can have.
    pub labels: Vec<Label>,
    /// The words by which people ask not to be written to; `None`: [`find::OPT_OUT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<Vec<String>>,
    /// Prepared answers.
    pub canned: Vec<Canned>,
}

row!(InboxRow, "a workspace's inbox");

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its id.
    pub id: String,
    /// What it says.
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
}

/// A prepared answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canned {
    /// Its id.
    pub id: String,
    /// What it is called up by.
    pub shortcut: String,
    /// With variables like `{{name}}`.
    pub text: String,
}

/// What of a number is overdue, as the sweeper counted it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacklogRow {
    /// The revision.
    pub rev: u64,
    /// When it was counted, milliseconds since 1970.
    pub at_ms: Millis,
    /// By lane.
    pub lanes: BTreeMap<Lane, Backlog>,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(BacklogRow, "a number's backlog");

/// What waits in a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// In how many conversations.
    pub n_chats: u64,
    /// Since when the longest, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ms: Option<Millis>,
}

impl Backlog {
    /// Counts a conversation that waits since `due_ms`.
    pub fn add(&mut self, due_ms: Millis) {
        self.n_chats += 1;
        self.oldest_ms = Some(self.oldest_ms.map_or(due_ms, |oldest| oldest.min(due_ms)));
    }
}

/// A body that could not be understood, and when it came.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantinedAt {
    /// Milliseconds since 1970.
    pub at_ms: Millis,
    /// The body, and what was wrong with it.
    pub row: QuarantineRow,
}
