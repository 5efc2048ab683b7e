//! Connections in memory, with the gateway's habits: for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::connections::{Connections, PushError};

/// Connections in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryConnections(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    open: BTreeMap<String, Vec<String>>,
    broken: BTreeSet<String>,
    n_posts: u64,
}

impl MemoryConnections {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// A browser is there.
    pub fn connect(&self, connection: &str) {
        let _ = self.lock().open.insert(connection.to_owned(), Vec::new());
    }

    /// A browser is gone, and nobody was told.
    pub fn vanish(&self, connection: &str) {
        let _ = self.lock().open.remove(connection);
    }

    /// From now on the gateway takes nothing for this connection, or takes it again.
    pub fn set_broken(&self, connection: &str, is_broken: bool) {
        let mut inner = self.lock();
        if is_broken {
            let _ = inner.broken.insert(connection.to_owned());
        } else {
            let _ = inner.broken.remove(connection);
        }
    }

    /// Whether a connection is open.
    pub fn is_open(&self, connection: &str) -> bool {
        self.lock().open.contains_key(connection)
    }

    /// How many frames the gateway was asked to take.
    pub fn n_posts(&self) -> u64 {
        self.lock().n_posts
    }

    /// Takes the frames that have arrived at a connection.
    pub fn take_frames(&self, connection: &str) -> Vec<String> {
        let mut inner = self.lock();
        let frames = inner.open.get_mut(connection);
        frames.map(std::mem::take).unwrap_or_default()
    }

    /// Takes what has arrived at a connection, frame after frame.
    pub fn take(&self, connection: &str) -> Vec<Value> {
        let frames = self.take_frames(connection);
        let told = frames.iter().map(|frame| serde_json::from_str(frame));
        told.flat_map(|told: Result<Vec<Value>, _>| told.unwrap_or_default())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections for MemoryConnections {
    async fn post(&self, connection: &str, frame: String) -> Result<(), PushError> {
        // As on the way to the gateway: others get their turn.
        tokio::task::yield_now().await;
        let mut inner = self.lock();
        inner.n_posts += 1;
        if inner.broken.contains(connection) {
            return Err(PushError::Refused("the test says so".to_owned()));
        }
        let frames = inner.open.get_mut(connection).ok_or(PushError::Gone)?;
        frames.push(frame);
        Ok(())
    }

    async fn close(&self, connection: &str) -> Result<(), PushError> {
        tokio::task::yield_now().await;
        let was_open = self.lock().open.remove(connection);
        was_open.map(drop).ok_or(PushError::Gone)
    }
}
