//! What every Greenhub function shares.
//!
//! Data flows one way: a provider's JSON (`wire`) is mapped (`map`) to the [`domain`], the
//! [`pipeline`] decides what happens to it, and the [`store`] and the [`queue`] keep it. The
//! promises that Greenhub makes about delivery are argued in [`pipeline`] and nowhere else.

pub mod account;
pub mod backup;
pub mod domain;
pub mod ghl;
pub mod green_api;
pub mod history;
pub mod inbox;
pub mod telegram;

pub mod limiter;
pub mod media;
pub mod pipeline;
pub mod queue;
pub mod realtime;
pub mod store;

pub mod clock;
pub mod config;
pub mod crypto;
pub mod error;
pub mod http;
pub mod json;
pub mod secrets;
pub mod telemetry;
pub mod wiring;
