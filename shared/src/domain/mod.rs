//! The product's own words: no I/O, no clock, no provider's types.
//!
//! Providers' JSON is mapped into these types and out of them again; everything between speaks
//! only of what is defined here.

pub mod auto_reply;
pub mod chat_id;
pub mod content;
pub mod copy;
pub mod delivery;
pub mod event;
pub mod ids;
pub mod message;
pub mod operation;
pub mod phone;
pub mod place;
pub mod retry;
pub mod rights;
pub mod routing;
pub mod sms;
pub mod status;
pub mod telegram;
pub mod text;
