//! The way of a message from end to end, told as stories.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod calls;
mod faults;
mod inbound;
mod outbound;
mod tokens;
mod world;
