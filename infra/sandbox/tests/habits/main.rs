//! One test per habit of the providers that the sandbox plays.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod control;
mod corpus;
mod faults;
mod ghl_contacts;
mod ghl_messages;
mod ghl_oauth;
mod ghl_providers;
mod ghl_workflows;
mod green_history;
mod green_linking;
mod green_notify;
mod green_send;
mod persistence;
mod support;
mod telegram;
