//! New ids.

#[cfg(any(test, feature = "testing"))]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::crypto;

/// Where new ids come from: random, or counted in tests, where a run must be repeatable.
#[derive(Clone, Debug)]
pub struct IdSource(Source);

#[derive(Clone, Debug)]
enum Source {
    Random,
    #[cfg(any(test, feature = "testing"))]
    Counted(Arc<AtomicU64>),
}

impl IdSource {
    /// Random ids of 128 bits.
    pub const fn random() -> Self {
        IdSource(Source::Random)
    }

    /// 1, 2, 3 …, shared by all clones.
    #[cfg(any(test, feature = "testing"))]
    pub fn counted() -> Self {
        IdSource(Source::Counted(Arc::new(AtomicU64::new(1))))
    }

    /// A new id.
    pub fn next(&self) -> String {
        match &self.0 {
            Source::Random => crypto::random_id(),
            #[cfg(any(test, feature = "testing"))]
            Source::Counted(next) => format!("id{:06}", next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}
