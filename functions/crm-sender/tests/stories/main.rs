//! The way of a message from end to end, told as stories.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod breaks;
mod disorder;
mod faults;
mod inbound;
mod killed;
mod outbound;
mod tokens;
mod world;
