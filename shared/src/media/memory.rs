//! Files in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::store::{About, FileStore, PutError, Source, StoreError};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What is told of it.
    pub about: About,
    /// Its content.
    pub bytes: Bytes,
}

/// A store in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    files: Arc<Mutex<BTreeMap<String, Stored>>>,
}

impl MemoryStore {
    /// All files by their keys.
    pub fn all(&self) -> BTreeMap<String, Stored> {
        self.lock().clone()
    }

    /// What an address of [`FileStore::address`] gives.
    pub fn at(&self, address: &str) -> Option<Stored> {
        let object = address.strip_prefix("memory:")?;
        self.lock().get(object).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileStore for MemoryStore {
    async fn put(
        &self,
        object: &str,
        about: &About,
        mut source: impl Source,
    ) -> Result<u64, PutError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = source.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        let n_bytes = bytes.len() as u64;
        let stored = Stored {
            about: about.clone(),
            bytes: bytes.freeze(),
        };
        self.lock().insert(object.to_owned(), stored);
        Ok(n_bytes)
    }

    async fn address(&self, object: &str, _: Duration) -> Result<String, StoreError> {
        Ok(format!("memory:{object}"))
    }

    async fn upload_address(
        &self,
        object: &str,
        mime: &str,
        n_bytes: u64,
        _: Duration,
    ) -> Result<String, StoreError> {
        Ok(format!("memory:{object}?put={mime}&bytes={n_bytes}"))
    }

    async fn download_address(
        &self,
        object: &str,
        disposition: &str,
        _: Duration,
    ) -> Result<String, StoreError> {
        Ok(format!("memory:{object}?as={disposition}"))
    }

    async fn read(&self, object: &str) -> Result<Bytes, StoreError> {
        let found = self.lock().get(object).map(|stored| stored.bytes.clone());
        found.ok_or_else(|| StoreError {
            what: "give a file",
            why: "there is none".to_owned(),
        })
    }

    async fn remove_all(&self, prefix: &str) -> Result<usize, StoreError> {
        let mut files = self.lock();
        let before = files.len();
        files.retain(|object, _| !object.starts_with(prefix));
        Ok(before - files.len())
    }
}
