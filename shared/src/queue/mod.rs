//! Wake-ups: queues say *that* a lane has work, the tables say *which*.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::delivery::Lane;
use crate::domain::ids::{ChatId, NumberId, WorkspaceId};

pub mod batch;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod sqs;

/// What a queue's message says. It holds ids only, and old readers must go on reading what new
/// writers write: add variants, never change one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum WakeUp {
    /// A lane may have work.
    LaneV1 {
        /// The number, which shares a queue fairly with the other numbers.
        number: NumberId,
        /// The chat.
        chat: ChatId,
        /// Which of its lanes.
        lane: Lane,
    },
}

/// What a message of the queue of imports says. As with [`WakeUp`]: add variants, never change one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ImportWakeUp {
    /// A number's import may have something to do.
    NumberV1 {
        /// The tenant.
        workspace: WorkspaceId,
        /// The number.
        number: NumberId,
    },
}

impl ImportWakeUp {
    /// The message group: fair between numbers.
    pub fn group(&self) -> &str {
        match self {
            ImportWakeUp::NumberV1 { number, .. } => number.as_str(),
        }
    }
}

impl WakeUp {
    /// The message group: fair between numbers.
    pub fn group(&self) -> &str {
        match self {
            WakeUp::LaneV1 { number, .. } => number.as_str(),
        }
    }

    /// The lane that it wakes.
    pub fn lane(&self) -> Lane {
        match self {
            WakeUp::LaneV1 { lane, .. } => *lane,
        }
    }
}

/// The longest delay that a wake-up can have (SQS: 15 minutes).
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// The wake-up did not reach the queue. The sweeper will find the lane by its `due_at`.
#[derive(Debug, thiserror::Error)]
#[error("the {lane} queue did not take a wake-up: {why}")]
pub struct QueueError {
    /// The lane's name.
    pub lane: &'static str,
    /// The service's words.
    pub why: String,
}

/// The queues.
pub trait Queue: Send + Sync + 'static {
    /// Sends a wake-up that arrives after `delay` (cut at [`LONGEST_DELAY`]), once or more often
    /// or, rarely, never.
    fn wake(
        &self,
        wake_up: WakeUp,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// The same for who works imports off.
    fn wake_import(
        &self,
        wake_up: ImportWakeUp,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}
