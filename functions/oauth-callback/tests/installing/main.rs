//! Installations against the sandbox's GoHighLevel.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod agency;
mod background;
mod location;
mod logs;
mod removal;
mod support;
