//! The whole system on one machine, for trying, developing and testing. It is not meant to carry a
//! business.
//!
//! [`Stack::start`] brings up, in this order, an emulated AWS with our own Lambda binaries deployed
//! from the repository's `template.yaml`, the [sandbox](greenhub_sandbox) that stands in for the
//! providers, and one origin in front of it all. `cargo run` does that at fixed addresses and keeps
//! its data in `.local/`; tests do it on free ports in a directory of their own:
//!
//! ```no_run
//! # async fn example() -> Result<(), greenhub_local::Error> {
//! use greenhub_local::{Options, Stack};
//!
//! let stack = Stack::start(Options::for_tests("target/story")).await?;
//! let swept = stack.invoke("Sweeper", &serde_json::json!({})).await?;
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

mod aws;
mod command;
mod demo;
mod deploy;
mod emulator;
mod error;
mod functions;
mod keys;
mod layout;
mod origin;
mod ports;
pub mod prerequisites;
mod progress;
mod python;
pub mod settings;
pub mod site;
mod stack;
mod wait;

pub use aws::{Aws, unless_missing};
pub use demo::{Admin, Credentials, Demo};
pub use deploy::Outputs;
pub use error::Error;
pub use ports::Ports;
pub use settings::{GhlApp, Options};
pub use stack::Stack;
