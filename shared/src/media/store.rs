//! Where files are kept, as little of S3 as the product needs. The real one ([`super::s3`]) and the
//! tests' ([`super::memory`]) are held to one suite of tests.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::fetch::FetchError;

/// Bytes that come one piece after the other.
pub trait Source: Send {
    /// The next piece; `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, FetchError>> + Send;
}

/// What is told of a file to whoever gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `Content-Type`.
    pub mime: String,
    /// `Content-Disposition`.
    pub disposition: String,
}

/// The store refuses or cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file store did not {what}: {why}")]
pub struct StoreError {
    /// What it was asked for.
    pub what: &'static str,
    /// The service's words.
    pub why: String,
}

/// Why a file was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// It did not come whole.
    #[error(transparent)]
    Source(#[from] FetchError),
    /// It was not taken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store of files.
pub trait FileStore: Send + Sync + 'static {
    /// Keeps a file under `object`, in place of one that may be there, and says how large it is.
    /// Half a file is never there.
    fn put(
        &self,
        object: &str,
        about: &About,
        source: impl Source,
    ) -> impl Future<Output = Result<u64, PutError>> + Send;

    /// An address that gives the file to whoever has it, for so long.
    fn address(
        &self,
        object: &str,
        life: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// An address that takes a file of exactly this type and length by one `PUT`, for so long.
    fn upload_address(
        &self,
        object: &str,
        mime: &str,
        n_bytes: u64,
        life: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// The same as [`FileStore::address`], with another `Content-Disposition` than the file's own.
    fn download_address(
        &self,
        object: &str,
        disposition: &str,
        life: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// A file as a whole.
    fn read(&self, object: &str) -> impl Future<Output = Result<Bytes, StoreError>> + Send;

    /// Removes every file whose key begins so, and says how many there were.
    fn remove_all(&self, prefix: &str) -> impl Future<Output = Result<usize, StoreError>> + Send;
}
