//! How a frame reaches a browser: through whoever holds the connection.

use std::future::Future;

/// Why a frame did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Gone,
    /// The gateway does not take the frame, or cannot be reached; it was tried again.
    #[error("the gateway did not take the frame: {0}")]
    Refused(String),
}

/// Whoever holds the connections.
pub trait Connections: Send + Sync {
    /// Hands a frame over. Frames of one connection are sent one after the other, and arrive so.
    fn post(
        &self,
        connection: &str,
        frame: String,
    ) -> impl Future<Output = Result<(), PushError>> + Send;

    /// Closes a connection.
    fn close(&self, connection: &str) -> impl Future<Output = Result<(), PushError>> + Send;
}
