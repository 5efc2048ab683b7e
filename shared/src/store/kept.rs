//! What was read lately, for functions that would read it again with every request.
//!
//! Only for what may be half a minute old, and only for what was found: whoever is told that there
//! is nothing has to be told by the tables.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Millis;

/// How long something is used without being read again.
pub const KEEP_MS: Millis = 30_000;

/// How much is kept. Those who call a function call it many times in a row.
const MOST_KEPT: usize = 256;

/// Things by what they are found by.
#[derive(Debug)]
pub struct Kept<K, V>(Mutex<HashMap<K, (Arc<V>, Millis)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Kept(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// What was kept, while it counts.
    pub fn get(&self, key: &K, now_ms: Millis) -> Option<Arc<V>> {
        let kept = self.lock();
        let (value, until_ms) = kept.get(key)?;
        (now_ms < *until_ms).then(|| Arc::clone(value))
    }

    /// Keeps what has just been read.
    pub fn keep(&self, key: K, value: Arc<V>, now_ms: Millis) {
        let mut kept = self.lock();
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, (_, until_ms)| now_ms < *until_ms);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, (value, now_ms + KEEP_MS));
    }

    /// Has it read again.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Has everything read again.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Arc<V>, Millis)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_for_a_while_and_until_it_is_forgotten() {
        let kept = Kept::default();
        let check = |key: &str, at_ms: Millis, expect: Option<u8>| {
            assert_eq!(
                kept.get(&key.to_owned(), at_ms).as_deref().copied(),
                expect,
                "{key}"
            );
        };
        check("a", 0, None);
        kept.keep("a".to_owned(), Arc::new(1), 0);
        kept.keep("b".to_owned(), Arc::new(2), 10);
        check("a", KEEP_MS - 1, Some(1));
        check("a", KEEP_MS, None);
        check("b", KEEP_MS, Some(2));
        kept.forget(&"b".to_owned());
        check("b", 10, None);
        kept.keep("c".to_owned(), Arc::new(3), 10);
        check("c", 10, Some(3));
        kept.clear();
        check("c", 10, None);
    }

    #[test]
    fn it_stays_small() {
        let kept = Kept::default();
        for n in 0..10 * MOST_KEPT {
            kept.keep(n, Arc::new(()), n as Millis);
            assert!(kept.lock().len() <= MOST_KEPT);
            assert!(kept.get(&n, n as Millis).is_some());
        }
    }
}
