//! What became of one message at one destination.

use serde::{Deserialize, Serialize};

use super::content::Content;
use super::status::Status;
use super::telegram::Aside;

/// Where messages go. Each has lanes of its own, so that one's trouble never touches another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The customer's phone, through GREEN-API.
    Whatsapp,
    /// The business's CRM: GoHighLevel.
    Crm,
    /// The business's channel or group in Telegram.
    Telegram,
}

/// One chat at one destination: what is delivered in order. Statuses towards the CRM have a lane of
/// their own, so that a status never holds up a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Messages to the customer.
    Whatsapp,
    /// Messages to the CRM.
    Crm,
    /// What the CRM is told about messages that came from it.
    CrmStatus,
    /// Copies of files, which keep no order and hold up no message for long.
    Media,
    /// Posts in Telegram, and reactions to what people wrote there.
    Telegram,
}

impl Lane {
    /// Every lane a chat can have.
    pub const ALL: [Lane; 5] = [
        Lane::Whatsapp,
        Lane::Crm,
        Lane::CrmStatus,
        Lane::Media,
        Lane::Telegram,
    ];

    /// The part of keys and of wake-ups.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Whatsapp => "whatsapp",
            Lane::Crm => "crm",
            Lane::CrmStatus => "crm_status",
            Lane::Media => "media",
            Lane::Telegram => "telegram",
        }
    }
}

impl Destination {
    /// The lane of messages to this destination.
    pub fn lane(self) -> Lane {
        match self {
            Destination::Whatsapp => Lane::Whatsapp,
            Destination::Crm => Lane::Crm,
            Destination::Telegram => Lane::Telegram,
        }
    }
}

/// One message at one destination, in parts of one provider call each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// In the order of their calls; never empty.
    pub parts: Vec<Part>,
}

/// One provider call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Where it stands.
    pub state: PartState,
    /// Since when attempts have been failing, milliseconds since 1970: what waits too long is given
    /// up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<i64>,
    /// How many calls were begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The destination's id of what the call made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// How far it has come on the other side, where the destination tells ([`Destination::Whatsapp`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What went wrong last, for people; without secrets and bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the destination took it, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    /// What went wrong, oldest first; of many the latest eight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PartError>,
    /// Which of the message's files go with the call, on the way to the CRM; all of them unless it
    /// says. A file whose copy is late follows as a part of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<usize>>,
    /// What the call does in Telegram, if it does not post the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Aside>,
}

/// What went wrong with a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartError {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// For people; without secrets and bodies.
    pub text: String,
}

/// How many errors of a part are kept.
const ERRORS: usize = 8;

impl Part {
    /// Notes what went wrong with it, unless that was the last thing that did.
    pub fn note_error(&mut self, now_ms: i64) {
        let Some(text) = &self.error else {
            return;
        };
        if self.errors.last().is_some_and(|last| last.text == *text) {
            return;
        }
        if self.errors.len() == ERRORS {
            self.errors.remove(0);
        }
        self.errors.push(PartError {
            at_ms: now_ms,
            text: text.clone(),
        });
    }

    /// Whether a person has to do something about it.
    pub fn is_stuck(&self) -> bool {
        let is_unclear = matches!(
            self.state,
            PartState::Unknown {
                to_person: true,
                ..
            }
        );
        is_unclear || self.state == PartState::Dead || self.status == Some(Status::Failed)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Where a part stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum PartState {
    /// Waiting for its turn.
    #[default]
    Pending,
    /// A call was begun at `since_ms` and has not been settled. Whoever finds it like this under a
    /// lease of their own knows only that the outcome is unknown.
    Sending {
        /// Milliseconds since 1970.
        since_ms: i64,
        /// The run of the lane that began the call: it alone knows more.
        by: String,
    },
    /// The destination has it.
    Done,
    /// To be tried again, not before `at_ms`; the lane waits.
    Retry {
        /// Milliseconds since 1970.
        at_ms: i64,
        /// When the last call was made, if it may have had an effect: to be looked up first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        look_since_ms: Option<i64>,
    },
    /// The outcome is being looked for since `since_ms`; the lane waits for it for ten minutes and
    /// goes on then, but a match that turns up later still settles it.
    Unknown {
        /// Milliseconds since 1970, of the call.
        since_ms: i64,
        /// When it was last looked for, milliseconds since 1970.
        looked_ms: i64,
        /// When to look again, milliseconds since 1970.
        at_ms: i64,
        /// Given up looking: a person decides.
        to_person: bool,
    },
    /// Refused or given up; a person can see why.
    Dead,
}

impl PartState {
    /// Whether the lane goes past it.
    pub fn is_settled(&self) -> bool {
        matches!(
            self,
            PartState::Done
                | PartState::Dead
                | PartState::Unknown {
                    to_person: true,
                    ..
                }
        )
    }
}

impl Delivery {
    /// One call, still to be made.
    pub fn single() -> Self {
        Delivery {
            parts: vec![Part::default()],
        }
    }

    /// The calls that it takes to send `content` to WhatsApp: one for each file, else one.
    pub fn to_whatsapp(content: &Content) -> Self {
        let n_parts = match content {
            Content::Files { files, .. } => files.len().max(1),
            _ => 1,
        };
        Delivery {
            parts: vec![Part::default(); n_parts],
        }
    }

    /// The files of a message with `n_files` that go with a part.
    pub fn files_of(&self, part: usize, n_files: usize) -> Vec<usize> {
        match self.parts.get(part).map(|part| &part.files) {
            Some(Some(files)) => files.clone(),
            Some(None) => (0..n_files).collect(),
            None => Vec::new(),
        }
    }

    /// Whether a call that is still to be made will show how `file` stands then.
    pub fn will_show(&self, file: usize) -> bool {
        self.parts.iter().any(|part| {
            let is_open = matches!(
                part.state,
                PartState::Pending
                    | PartState::Retry {
                        look_since_ms: None,
                        ..
                    }
            );
            is_open
                && part
                    .files
                    .as_ref()
                    .is_none_or(|files| files.contains(&file))
        })
    }

    /// Whether nothing is left to be done by the lane.
    pub fn is_settled(&self) -> bool {
        self.parts.iter().all(|part| part.state.is_settled())
    }

    /// How far the whole has come: as far as its slowest part; one failed part fails it, and one
    /// of unknown outcome leaves it unknown.
    pub fn status(&self) -> Status {
        let parts = || {
            self.parts
                .iter()
                .map(|part| part.status.unwrap_or(Status::Queued))
        };
        if parts().any(|status| status == Status::Failed) {
            return Status::Failed;
        }
        if parts().any(|status| status == Status::Unknown) {
            return Status::Unknown;
        }
        parts()
            .min_by_key(|status| status.rank())
            .unwrap_or(Status::Queued)
    }
}
