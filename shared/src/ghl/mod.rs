//! GoHighLevel, the CRM: its webhooks, its page's user context, its API.
//!
//! [`signature`] proves that a webhook is GoHighLevel's, [`wire`] reads it, [`map`] puts it into
//! the domain's words and back, [`client`] and [`oauth`] call the API, and [`error`] tells callers
//! what to do when a call does not work. [`action`] reads what workflows ask for. [`sso`] tells who opened our page inside GoHighLevel.

pub mod action;
mod budget;
pub mod client;
pub mod contacts;
pub mod error;
mod id;
pub mod locations;
pub mod map;
pub mod messages;
pub mod oauth;
pub mod signature;
pub mod sso;
pub mod wire;

pub use budget::RateBudget;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod test_server;
