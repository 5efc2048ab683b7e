//! From accepting a message to its end: the one place where Greenhub's promises are argued.
//!
//! **Nothing that was answered 200 is lost.** [`accept`] writes the message, its place in the chat
//! and the chat's due time in one transaction before the answer. The wake-up that follows may be
//! lost: the due index has the chat, and the sweeper wakes it. A lane clears its due time only by
//! a write that names the chat's revision from before it read the messages, so a message that was
//! accepted in between keeps the lane due.
//!
//! **Order.** A message's place is the chat's next sequence, taken in that transaction. A lane is
//! worked by whoever has its lease, in the order of the sequence, and goes past a message only when
//! its delivery is settled. Queues carry no order at all.
//!
//! **Nothing is sent twice.** A part is claimed (`sending`, by this run) by a write that names the
//! message's revision, and only the run that wrote the claim calls. Whoever else finds a claim
//! knows that the call may have been made: the part becomes `unknown` and is settled by a match
//! alone ([`deliver`]). A lease that ends too early therefore costs order at worst a wait, never a
//! second send. Only a refusal, or a call that never left, makes a part free to be sent again.
//!
//! **Receipts only go forward**, and meet their message in the id row ([`settle`]): whichever of
//! receipt, echo and settlement comes first leaves what it knows there, and the later ones find it,
//! because each writes the row under the revision that it read.
//!
//! **Files** ([`files`]) are copied beside the lanes. A text goes on without its file after 15
//! seconds, and that is written down before it goes, so that the file follows as a further part of
//! the same message, which the lane goes back for.
//!
//! **Limits.** A slot is taken before the claim ([`crate::limiter`]), from a schedule that all
//! running workers share.

use std::time::Duration;

use crate::clock::{Clock, Millis};
use crate::domain::delivery::Lane;
use crate::domain::ids::{ChatId, NumberId};
use crate::queue::{Queue, WakeUp};
use crate::store::chats::ChatRow;
use crate::store::db::Db;

pub mod accept;
pub mod action;
mod auto_reply;
pub mod brake;
pub mod calls;
pub mod deliver;
pub mod echo;
pub mod files;
pub mod history;
mod home;
pub mod ids;
pub mod inbox;
pub mod lane;
pub mod line;
pub mod marks;
pub mod merge;
pub mod mirror;
pub mod operation;
pub mod opt_out;
mod pacing;
#[doc(inline)]
pub use self::pacing::MOST as MOST_NEW_CONTACTS;
pub mod provider;
pub mod receipt;
pub mod route;
pub mod settle;
pub mod sms;
pub mod sweep;
pub mod twins;
pub mod uploads;
pub mod watch;

pub mod crm;
pub mod crm_status;
pub mod reconcile;
pub mod telegram;
pub mod tokens;
pub mod whatsapp;

/// What every step needs.
#[derive(Debug)]
pub struct Hub<D, Q> {
    /// The tables.
    pub db: D,
    /// The queues.
    pub queue: Q,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: ids::IdSource,
    /// What can be set.
    pub settings: Settings,
}

/// What can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a message waits for a number that cannot send, milliseconds; 0 fails it at once.
    pub hold_ms: Millis,
    /// How long the outcome of a send is looked for before a person has to, milliseconds.
    pub unknown_after_ms: Millis,
    /// How long an echo waits for the send that it belongs to, milliseconds.
    pub echo_after_ms: Millis,
    /// How long the address of a file works, milliseconds.
    pub file_retention_ms: Millis,
    /// What this worker knows of the brake.
    pub brake: brake::Brake,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            hold_ms: 600_000,
            unknown_after_ms: 600_000,
            echo_after_ms: 60_000,
            file_retention_ms: 365 * 24 * 3_600_000,
            brake: brake::Brake::default(),
        }
    }
}

impl<D: Db, Q: Queue> Hub<D, Q> {
    /// Wakes a lane, now or later. A wake-up that does not reach the queue is no failure: the
    /// sweeper finds the lane by its due time.
    pub async fn wake(&self, number: &NumberId, chat: &ChatId, lane: Lane, delay: Duration) {
        let wake_up = WakeUp::LaneV1 {
            number: number.clone(),
            chat: chat.clone(),
            lane,
        };
        if let Err(error) = self.queue.wake(wake_up, delay).await {
            tracing::warn!(%chat, lane = lane.as_str(), %error, "wake-up left to the sweeper");
        }
    }

    /// Wakes every lane of a chat that has work now.
    pub async fn wake_due(&self, chat: &ChatRow) {
        let now = self.clock.now_ms();
        for lane in Lane::ALL {
            if chat.due(lane).is_some_and(|due| due <= now) {
                self.wake(&chat.number, &chat.chat, lane, Duration::ZERO)
                    .await;
            }
        }
    }
}
