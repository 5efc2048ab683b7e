//! GREEN-API, the gateway to WhatsApp: its JSON ([`wire`]), what that means ([`map`]), the calls
//! ([`client`]) and the settings of a number ([`settings`]).

pub mod client;
pub mod error;
pub mod lenient;
pub mod map;
pub mod settings;
pub mod vcard;
pub mod wire;
