//! Tables that are somewhere else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use greenhub::clock::Clock;
use greenhub::store::db::{Db, DbError, Item, Key, Query, Write};
use greenhub::store::memory::MemoryDb;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The random numbers of one run, from its seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A duration from `least_ms` on, spread evenly over `spread_ms`.
    pub(super) fn wait(&self, least_ms: u64, spread_ms: u64) -> Duration {
        let us = self.with(|rng| rng.random_range(0..=spread_ms * 1000));
        Duration::from_micros(least_ms * 1000 + us)
    }

    pub(super) fn with<T>(&self, roll: impl FnOnce(&mut StdRng) -> T) -> T {
        roll(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The tables in memory, 2 to 8 ms away, as DynamoDB is from a function in its region.
#[derive(Clone)]
pub(super) struct Remote {
    tables: MemoryDb,
    clock: Clock,
    dice: Dice,
}

impl Remote {
    pub(super) fn new(clock: Clock, dice: Dice) -> Self {
        Remote {
            tables: MemoryDb::new(),
            clock,
            dice,
        }
    }

    /// Reads and writes so far.
    pub(super) fn n_calls(&self) -> u64 {
        let counts = self.tables.counts();
        counts.reads.values().sum::<u64>() + counts.writes.values().sum::<u64>()
    }

    async fn travel(&self) {
        self.clock.sleep(self.dice.wait(1, 3)).await;
    }
}

impl Db for Remote {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        self.travel().await;
        let got = self.tables.get(key).await;
        self.travel().await;
        got
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        self.travel().await;
        let found = self.tables.query(query).await;
        self.travel().await;
        found
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        self.travel().await;
        let written = self.tables.write(writes).await;
        self.travel().await;
        written
    }
}
