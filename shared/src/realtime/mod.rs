//! From a row that has changed to the browsers that may know of it.
//!
//! **Nothing is missing.** The streams of the tables have every change, whoever made it. A run that
//! fails is repeated by the stream. A socket is in its workspace's list before its browser reads
//! anything over HTTP, and the list is read after a row was written: a change is in what the browser
//! reads, or it is told, or both. A socket that a frame could not be handed to is closed, and its
//! browser begins anew.
//!
//! **Nothing is told twice for long.** Every event has the revision of its row; what is not newer
//! than the revision that a browser has is thrown away there.
//!
//! **Nobody is told what they may not see.** Rights are read when something is told, not when the
//! socket was opened, and are believed for two seconds at most. Ending a session or changing rights
//! writes the person's row, whose stream closes or narrows their sockets.

pub mod browser;
pub mod connections;
pub mod event;
pub mod fanout;
pub mod gateway;
pub mod map;
pub mod presence;
pub mod socket;
pub mod standing;

#[cfg(any(test, feature = "testing"))]
pub mod memory;
