//! Files: fetching them from addresses that strangers chose, telling what they are, keeping them,
//! and the addresses under which others get them from us.

pub mod disposition;
pub mod erase;
pub mod fetch;
pub mod keep;
pub mod link;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod public;
pub mod s3;
pub mod sniff;
pub mod store;
pub mod upload;
