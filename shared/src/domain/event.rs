//! What a WhatsApp gateway's notification says, in our words.

use super::chat_id::Alias;
use super::content::{CallEvent, Content, Quoted};
use super::ids::PersonId;
use super::message::{Direction, Origin};
use super::status::{InstanceState, Receipt};

/// One notification, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something that belongs into a conversation.
    Message(Box<NewMessage>),
    /// What became of a message that was sent.
    Receipt(Receipt),
    /// The number's connection changed.
    State {
        /// The new state.
        state: InstanceState,
        /// The account's own chat id, when it is known.
        wid: Option<String>,
    },
    /// Understood, and deliberately not shown to anybody; the reason is listed in
    /// `docs/not-shown.md`.
    NotShown(NotShown),
}

/// Why a notification is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotShown {
    /// Data about the phone itself (`deviceInfo`, avatars).
    Device,
    /// The phone's deprecated online signal.
    OnlineSignal,
    /// The plan's quota is used up: shown on the number, not in a chat.
    Quota,
    /// The person blocked or unblocked the number.
    Block,
    /// A type of notification that is newer than this program.
    UnknownType,
    /// An authenticated body without the fields that its type needs.
    Incomplete,
}

/// What shares a remote id without being the same thing.
///
/// GREEN-API reuses ids: everything that happens to a call has one id (GREEN-API contract,
/// notification types). Where each event is shown each has a kind of its own, so that the same event
/// told twice is known and the next one is not taken for it; where a call is shown once they share
/// [`IdKind::Call`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// An ordinary message, edits and deletions included: they have an id of their own.
    Message,
    /// The first ring of a call.
    CallOffer,
    /// A call was taken.
    CallPickUp,
    /// A call was ended by the business.
    CallHangUp,
    /// The caller gave up.
    CallMissed,
    /// Nobody took a call.
    CallDeclined,
    /// What happened to a call, in a word that this program does not know.
    CallOther,
    /// A call as a whole ([`CallMode::OutcomeOnly`]).
    Call,
}

impl IdKind {
    /// The part of the id row's key.
    pub fn as_str(self) -> &'static str {
        match self {
            IdKind::Message => "message",
            IdKind::CallOffer => "call-offer",
            IdKind::CallPickUp => "call-pick-up",
            IdKind::CallHangUp => "call-hang-up",
            IdKind::CallMissed => "call-missed",
            IdKind::CallDeclined => "call-declined",
            IdKind::CallOther => "call-other",
            IdKind::Call => "call",
        }
    }

    /// The kind of an event of a call, where each of them is shown.
    pub fn of_call(event: &CallEvent) -> Self {
        match event {
            CallEvent::Offer => IdKind::CallOffer,
            CallEvent::PickUp => IdKind::CallPickUp,
            CallEvent::HangUp => IdKind::CallHangUp,
            CallEvent::Missed => IdKind::CallMissed,
            CallEvent::Declined => IdKind::CallDeclined,
            CallEvent::Other(_) => IdKind::CallOther,
        }
    }
}

/// What is shown of a call; can be set for each number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CallMode {
    /// Each event: that it rings, that it was taken, how it ended.
    #[default]
    EachEvent,
    /// One message for a call: the first outcome that is told, or that it rang if none ever is.
    OutcomeOnly,
}

/// A message as a provider reports it, before it has a chat and a place in it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NewMessage {
    /// What the id stands for.
    pub kind: IdKind,
    /// The provider's id of the message; opaque text.
    pub remote_id: String,
    /// Which way it went.
    pub direction: Direction,
    /// Who made it. An API echo comes as [`Origin::Whatsapp`] with [`Direction::Out`] and is told
    /// apart by `api_echo`.
    pub origin: Origin,
    /// Sent through the gateway's API: by us, or by another program on the same number.
    pub api_echo: bool,
    /// The conversation, as WhatsApp writes it.
    pub chat: Alias,
    /// The group's title or the person's name as the account's address book has it.
    pub chat_name: Option<String>,
    /// The person's phone, E.164 with `+`, when the notification tells it beside an id without one.
    pub phone: Option<String>,
    /// Who wrote it; in groups not the chat itself.
    pub author: Author,
    /// When, in seconds since 1970 as the provider says; `None` when it does not.
    pub at_s: Option<i64>,
    /// What it says.
    pub content: Content,
    /// What it answers.
    pub quoted: Option<Quoted>,
}

impl NewMessage {
    /// The same as a number shows it whose calls are shown in this mode.
    #[must_use]
    pub fn shown(mut self, calls: CallMode) -> Self {
        if let (Content::Call { .. }, CallMode::OutcomeOnly) = (&self.content, calls) {
            self.kind = IdKind::Call;
        }
        self
    }

    /// It only says that a call rings, and the call is shown once: its outcome is waited for.
    pub fn waits_for_outcome(&self) -> bool {
        let rings = matches!(
            self.content,
            Content::Call {
                event: CallEvent::Offer,
                ..
            }
        );
        self.kind == IdKind::Call && rings
    }
}

/// Who wrote a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Author {
    /// WhatsApp's id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Alias>,
    /// The name to show: what the person calls themselves, else what the address book says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who of the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}
