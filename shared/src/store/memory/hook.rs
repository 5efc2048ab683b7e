//! Where the simulation reaches into the in-memory tables and queues.

use std::time::Duration;

use crate::queue::WakeUp;
use crate::store::db::{Key, Query, Write};

/// A call to the tables or to the queues.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// One row is read.
    Get(Key),
    /// Rows are read.
    Query(Query),
    /// Rows are written.
    Write(Vec<Write>),
    /// A wake-up is sent.
    Wake {
        /// What it says.
        wake_up: WakeUp,
        /// When it is to arrive, from now.
        delay: Duration,
    },
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Go,
    /// Its caller gets an error: before the call, nothing was applied; after it, everything was and
    /// only the answer is lost.
    Fail,
    /// Its caller ends here: the call never returns.
    Crash,
}

/// Decides about every call.
pub trait Hook: Send + Sync {
    /// Asked before the call has any effect.
    fn before(&self, call: &Call) -> Fate;

    /// Asked once the call has had its effect, before its caller learns of that.
    fn after(&self, call: &Call) -> Fate;
}

/// The caller is to get an error.
#[derive(Debug)]
pub(crate) struct Refused;

/// Lets a call pass, or never returns.
pub(crate) async fn meet(fate: Fate) -> Result<(), Refused> {
    match fate {
        Fate::Go => Ok(()),
        Fate::Fail => Err(Refused),
        Fate::Crash => std::future::pending().await,
    }
}
