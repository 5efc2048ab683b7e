//! Rows about the whole stack.

use serde::{Deserialize, Serialize};

use super::row::row;
use crate::clock::Millis;

/// Whether anything is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendersRow {
    /// The revision.
    pub rev: u64,
    /// Nothing is.
    pub off: bool,
    /// Since when it is as it is, milliseconds since 1970.
    pub since_ms: Millis,
}

row!(SendersRow, "the senders' switch");
