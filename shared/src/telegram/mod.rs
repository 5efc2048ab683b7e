//! Telegram: its bot API, as little of it as the product needs.
//!
//! A bot has one token, which is part of every address, so no address gets into an error. What it
//! hears comes as updates ([`update`]), which are read with patience: everything in them is
//! somebody else's.

pub mod client;
pub mod codes;
pub mod error;
mod multipart;
pub mod update;
pub mod wire;

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod update_tests;
