//! Tests about the repository itself: what documents, samples and settings say is true, and the
//! sources keep to the house's form. Nothing here is part of the product.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod acceptance;
mod cases;
mod events;
mod faults;
mod files;
mod form;
mod settings;
mod template;
