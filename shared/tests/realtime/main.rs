//! Sockets over in-memory tables, whose stream is told to browsers as AWS would tell it: what each
//! of them learns, and what none of them does.

#![expect(clippy::unwrap_used, reason = "a test may break")]

mod fanout;
mod frames;
mod managers;
mod opening;
mod presence;
mod world;
