//! Telegram from end to end, told as stories: customers write and managers answer, with the sandbox
//! as GREEN-API and as Telegram.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod answers;
mod channels;
mod hostile;
mod posts;
mod world;
