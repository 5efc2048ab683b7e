//! The function in this process, against tables in memory and the sandbox's GREEN-API and
//! GoHighLevel.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod access;
mod hostile;
mod limits;
mod linking;
mod numbers;
mod removal;
mod rights;
mod routes;
mod sessions;
mod settings;
mod support;
mod takeover;
mod test_message;
mod workflow_secrets;
mod workspace;
