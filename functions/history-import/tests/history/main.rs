//! Imports over in-memory tables, from the sandbox's phones, at the provider's real pace.

#![expect(clippy::unwrap_used, reason = "a test may break")]

mod jobs;
mod large;
mod messages;
mod world;
