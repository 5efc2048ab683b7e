//! Conversations and health through the routes, over tables in memory and the sandbox's GREEN-API.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod alter;
mod chats;
mod files;
mod health;
mod rights;
mod support;
