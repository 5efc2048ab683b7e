//! What a destination has to be able to do for its lanes.

use std::future::Future;

use crate::clock::Millis;
use crate::domain::delivery::Destination;
use crate::domain::message::Message;
use crate::domain::status::Status;
use crate::store::chats::ChatRow;
use crate::store::db::DbError;

/// Whether a part can be sent now.
#[derive(Debug)]
pub enum Prepared<T> {
    /// It can; the limiter's slot is taken and departs at `at_ms`.
    Ready {
        /// What the call needs.
        with: T,
        /// When the slot departs, milliseconds since 1970.
        at_ms: Millis,
    },
    /// Not before `until_ms`. The part stays as it is.
    Wait {
        /// Milliseconds since 1970.
        until_ms: Millis,
    },
    /// It stands in the line for the provider's queue ([`super::line`]), and is woken when it is its
    /// turn.
    InLine {
        /// Its place.
        place: String,
        /// When to look in any case, milliseconds since 1970.
        watch_ms: Millis,
    },
    /// The message had to be changed for it: look at it anew.
    Anew,
    /// It cannot, and waiting will not help.
    Dead {
        /// For people.
        reason: String,
    },
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The destination has it, under this id.
    Done {
        /// The destination's id.
        remote_id: String,
    },
    /// Refused for good.
    Dead {
        /// For people.
        reason: String,
    },
    /// It had no effect, and can be tried again.
    Again {
        /// Not before; milliseconds since 1970. `None`: by the ladder.
        at_ms: Option<Millis>,
        /// For people.
        reason: String,
    },
    /// Probably without effect; to be looked up before it is tried again.
    LookThenAgain {
        /// For people.
        reason: String,
    },
    /// Nobody can say whether it had an effect.
    Unknown {
        /// For people.
        reason: String,
    },
}

/// What was found when the outcome of a call was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It had an effect.
    Found {
        /// The destination's id.
        remote_id: String,
        /// How far it has come, where the journal tells.
        status: Option<Status>,
    },
    /// There is no trace of it.
    NotFound,
    /// It could not be looked for now.
    NotNow,
}

/// A destination.
pub trait Provider: Send + Sync {
    /// What a call needs besides the message.
    type Ready: Send;

    /// Which destination.
    const DESTINATION: Destination;

    /// The longest that [`Provider::send`] takes, milliseconds.
    const LONGEST_CALL_MS: Millis;

    /// If no trace of a call is found so long after it, it had no effect: the destination's journal
    /// is complete by then, milliseconds. `None`: a journal that can lag or lose entries proves
    /// nothing.
    const ABSENCE_PROVES_AFTER_MS: Option<Millis>;

    /// Whether there is anywhere to look for the outcome of a call that nobody knows. If not, it is a
    /// person's at once.
    const CAN_LOOK: bool = true;

    /// How long failed attempts are repeated before the part is given up, milliseconds.
    fn patience_ms(&self) -> Millis;

    /// Checks that the part can be sent, takes the limiter's slot, and does whatever can be
    /// repeated without harm.
    fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> impl Future<Output = Result<Prepared<Self::Ready>, DbError>> + Send;

    /// Later messages of the chat that go in the same call, in their order: none has more than the
    /// one part. Asked when the slot departs.
    fn along(
        &self,
        _ready: &mut Self::Ready,
        _message: &Message,
        _part: usize,
    ) -> impl Future<Output = Result<Vec<Message>, DbError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// The one call that must not be repeated.
    fn send(
        &self,
        ready: Self::Ready,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> impl Future<Output = Sent> + Send;

    /// Looks for traces of a call that was made at `since_ms`.
    fn look(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
        since_ms: Millis,
    ) -> impl Future<Output = Result<Looked, DbError>> + Send;
}
