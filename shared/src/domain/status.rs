//! What WhatsApp says about a message that was sent, and about the number that sent it.

use serde::{Deserialize, Serialize};

use super::chat_id::Alias;

/// How far a sent message has come. It only ever moves forward ([`Status::advance`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted by us, not yet taken by the gateway.
    Queued,
    /// The gateway has it in its own queue.
    Accepted,
    /// WhatsApp's servers have it.
    Sent,
    /// It is on the person's phone: WhatsApp said so.
    Delivered,
    /// The person opened it.
    Read,
    /// It did not go out; nothing will change that.
    Failed,
    /// Nobody can tell whether it went out; a person has to look.
    Unknown,
}

impl Status {
    pub(super) fn rank(self) -> u8 {
        match self {
            Status::Queued => 0,
            Status::Unknown => 1,
            Status::Accepted => 2,
            Status::Sent => 3,
            Status::Failed => 4,
            Status::Delivered => 5,
            Status::Read => 6,
        }
    }

    /// The status after `news` arrived: the further one of the two.
    ///
    /// A failure beats everything up to `Sent` and nothing after it: what was delivered cannot
    /// fail any more. Receipts that contradict an unknown outcome settle it.
    #[must_use]
    pub fn advance(self, news: Status) -> Status {
        if news.rank() > self.rank() {
            news
        } else {
            self
        }
    }

    /// Whether the gateway has handed it on (or given it up), so that it is in no queue any more.
    pub fn has_left_the_gateway(self) -> bool {
        matches!(
            self,
            Status::Sent | Status::Delivered | Status::Read | Status::Failed
        )
    }
}

/// A status event from WhatsApp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The gateway's id of the message.
    pub remote_id: String,
    /// The chat, when the notification tells it (bodies of 2022 do not).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Alias>,
    /// What happened.
    pub status: Status,
    /// The gateway's own word for it (`noAccount`, `yellowCard` …), kept for people.
    pub word: String,
    /// The reason, in the gateway's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When, in seconds since 1970; 0 when it was not told.
    pub at_s: i64,
}

/// The state of a number's connection, as GREEN-API names it; a state that we do not know is kept
/// and shown as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum InstanceState {
    /// Working.
    Authorized,
    /// No phone is linked.
    NotAuthorized,
    /// Rebooting, up to five minutes.
    Starting,
    /// Restricted by WhatsApp: sending stopped partly or fully.
    YellowCard,
    /// Restricted for a time.
    Suspended,
    /// Banned.
    Blocked,
    /// The phone is off (outdated).
    SleepMode,
    /// Anything else, verbatim.
    Other(String),
}

impl InstanceState {
    /// Whether messages can be sent now.
    pub fn can_send(&self) -> bool {
        matches!(self, InstanceState::Authorized)
    }

    /// GREEN-API's word.
    pub fn as_str(&self) -> &str {
        match self {
            InstanceState::Authorized => "authorized",
            InstanceState::NotAuthorized => "notAuthorized",
            InstanceState::Starting => "starting",
            InstanceState::YellowCard => "yellowCard",
            InstanceState::Suspended => "suspended",
            InstanceState::Blocked => "blocked",
            InstanceState::SleepMode => "sleepMode",
            InstanceState::Other(word) => word,
        }
    }
}

impl From<String> for InstanceState {
    fn from(word: String) -> Self {
        match word.as_str() {
            "authorized" => InstanceState::Authorized,
            "notAuthorized" => InstanceState::NotAuthorized,
            "starting" => InstanceState::Starting,
            "yellowCard" => InstanceState::YellowCard,
            "suspended" => InstanceState::Suspended,
            "blocked" => InstanceState::Blocked,
            "sleepMode" => InstanceState::SleepMode,
            _ => InstanceState::Other(word),
        }
    }
}

impl From<InstanceState> for String {
    fn from(state: InstanceState) -> String {
        state.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Status; 7] = [
        Status::Queued,
        Status::Accepted,
        Status::Sent,
        Status::Delivered,
        Status::Read,
        Status::Failed,
        Status::Unknown,
    ];

    proptest! {
        // AC 81: in whatever order receipts come, the end is the same and nothing goes back.
        #[test]
        fn receipts_commute_and_never_go_back(mut news in proptest::collection::vec(0..ALL.len(), 0..8)) {
            let fold = |order: &[usize]| order.iter().fold(Status::Queued, |now, &n| {
                let next = now.advance(ALL[n]);
                assert!(next.rank() >= now.rank());
                next
            });
            let forward = fold(&news);
            news.reverse();
            prop_assert_eq!(forward, fold(&news));
        }
    }

    #[test]
    fn a_late_delivered_does_not_undo_read() {
        // AC 81
        assert_eq!(Status::Read.advance(Status::Delivered), Status::Read);
        assert_eq!(Status::Delivered.advance(Status::Failed), Status::Delivered);
        assert_eq!(Status::Sent.advance(Status::Failed), Status::Failed);
        assert_eq!(Status::Unknown.advance(Status::Accepted), Status::Accepted);
    }
}
