//! The way of a message from end to end, told as stories.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod actions;
mod attachments;
mod breaks;
mod calls;
mod disorder;
mod faults;
mod files;
mod inbound;
mod killed;
mod outbound;
mod panel;
mod queues;
mod tokens;
mod twins;
mod world;
