//! What goes wrong, decided by the seed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use greenhub::store::memory::{Call, Fate, Hook};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

/// The seed's dice, shared by all that is rolled in one run.
#[derive(Debug)]
pub struct Dice {
    rng: Mutex<StdRng>,
    /// Once everything has happened the world calms down, so that it can come to its end.
    pub calm: AtomicBool,
    pub crashes: AtomicU64,
}

impl Dice {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Dice {
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            calm: AtomicBool::new(false),
            crashes: AtomicU64::new(0),
        })
    }

    /// True `permille` times in a thousand, never in calm times.
    pub fn mishap(&self, permille: u32) -> bool {
        !self.calm.load(Ordering::Relaxed) && self.chance(permille)
    }

    /// True `permille` times in a thousand.
    pub fn chance(&self, permille: u32) -> bool {
        self.below(1000) < u64::from(permille)
    }

    pub fn below(&self, n: u64) -> u64 {
        self.rng.lock().unwrap().random_range(0..n.max(1))
    }

    pub fn with<T>(&self, f: impl FnOnce(&mut StdRng) -> T) -> T {
        f(&mut self.rng.lock().unwrap())
    }
}

/// One process: a function's invocation. It can die at every one of its calls.
#[derive(Debug)]
pub struct Process {
    dice: Arc<Dice>,
    died: Notify,
}

impl Process {
    pub fn new(dice: &Arc<Dice>) -> Arc<Self> {
        Arc::new(Process {
            dice: dice.clone(),
            died: Notify::new(),
        })
    }

    /// Runs until it is done, or until the process dies: then everything it was about is dropped.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        // Work holds every call within itself: too much for a stack.
        let work = Box::pin(work);
        async move {
            tokio::select! {
                biased;
                done = work => Some(done),
                () = self.died.notified() => None,
            }
        }
    }

    /// Dies here, perhaps.
    pub async fn maybe_die(&self, permille: u32) {
        if self.dice.mishap(permille) {
            self.die();
            std::future::pending::<()>().await;
        }
    }

    fn die(&self) {
        self.dice.crashes.fetch_add(1, Ordering::Relaxed);
        self.died.notify_one();
    }

    fn fate(&self) -> Fate {
        if self.dice.mishap(6) {
            self.die();
            Fate::Crash
        } else if self.dice.mishap(8) {
            Fate::Fail
        } else {
            Fate::Go
        }
    }
}

impl Hook for Process {
    fn before(&self, _: &Call) -> Fate {
        self.fate()
    }

    fn after(&self, _: &Call) -> Fate {
        self.fate()
    }
}
