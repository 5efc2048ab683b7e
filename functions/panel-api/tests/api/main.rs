//! The panel's API in-process, over tables in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod codes;
mod document;
mod import;
mod people;
mod realtime;
mod routes;
mod sessions;
mod setup;
mod sign_in;
mod support;
mod telegram;
