//! Sends at the ceiling: workers that share one schedule of a method, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use greenhub::clock::{Clock, Millis};
use greenhub::domain::ids::NumberId;
use greenhub::limiter::{lease, policy};
use greenhub::store::keys;

use super::remote::{Dice, Remote};
use super::window::Window;
use super::{GREEN_API_PER_S, N_WORKERS};

const METHOD: &str = "sendMessage";

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    /// Where the latencies come from.
    pub(crate) seed: u64,
    /// How many messages are sent.
    pub(crate) n_messages: usize,
    /// The spread of the one-way latency to the provider, seconds.
    pub(crate) j_s: f64,
    /// The spread that the limiter is told. Less than `j_s` is a wrong measurement.
    pub(crate) told_j_s: f64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// Messages that the provider took, per second.
    pub(crate) rps: f64,
    /// What the policy allows.
    pub(crate) allowed_rps: f64,
    /// Answers 429.
    pub(crate) n_refused: usize,
}

impl Sent {
    /// The rate reached as a part of the rate allowed.
    #[cfg(test)]
    pub(crate) fn share(&self) -> f64 {
        self.rps / self.allowed_rps
    }
}

struct Provider {
    window: Window,
    taken_ms: Vec<Millis>,
}

impl Burst {
    /// Sends everything.
    pub(crate) async fn run(self) -> Sent {
        let clock = Clock::paused(1_700_000_000_000);
        let dice = Dice::new(self.seed);
        let db = Remote::new(clock.clone(), dice.clone());
        let provider = Arc::new(Mutex::new(Provider {
            window: Window::new(GREEN_API_PER_S),
            taken_ms: Vec::new(),
        }));
        let n_left = Arc::new(AtomicUsize::new(self.n_messages));
        let workers = (0..N_WORKERS).map(|_| {
            let worker = self.worker(
                clock.clone(),
                dice.clone(),
                db.clone(),
                Arc::clone(&provider),
                Arc::clone(&n_left),
            );
            tokio::spawn(worker)
        });
        for worker in workers.collect::<Vec<_>>() {
            #[expect(
                clippy::expect_used,
                reason = "a worker that panics has measured nothing"
            )]
            worker.await.expect("a worker");
        }

        let provider = provider.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = &provider.taken_ms;
        let took_ms = taken.iter().max().zip(taken.iter().min());
        let took_s = took_ms.map_or(0.0, |(last, first)| (last - first) as f64 / 1000.0);
        Sent {
            rps: taken.len().saturating_sub(1) as f64 / took_s,
            allowed_rps: policy::effective_rps(policy::green_api_ceiling(METHOD), self.j_s),
            n_refused: provider.window.n_refused,
        }
    }

    async fn worker(
        self,
        clock: Clock,
        dice: Dice,
        db: Remote,
        provider: Arc<Mutex<Provider>>,
        n_left: Arc<AtomicUsize>,
    ) {
        let key = keys::green_limit(&NumberId::new("n1"), METHOD);
        let gcra = policy::green_api(METHOD, self.told_j_s);
        let spread_ms = (self.j_s * 1000.0) as u64;
        let take_one = |n: usize| n.checked_sub(1);
        while n_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
            .is_ok()
        {
            let slot = loop {
                // Sends wait while the schedule cannot be reached.
                if let Ok(slot) = lease::reserve(&db, &clock, &key, &gcra, 1).await {
                    break slot;
                }
            };
            clock.sleep_until(slot.departure_us(0) / 1000 + 1).await;
            clock.sleep(dice.wait(20, spread_ms)).await;
            {
                let now_ms = clock.now_ms();
                let mut provider = provider.lock().unwrap_or_else(PoisonError::into_inner);
                if provider.window.takes(now_ms) {
                    provider.taken_ms.push(now_ms);
                }
            }
            clock.sleep(dice.wait(30, 20)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoothing::simulate;

    fn run(seed: u64, j_s: f64, told_j_s: f64) -> Sent {
        let burst = Burst {
            seed,
            n_messages: 1_000,
            j_s,
            told_j_s,
        };
        simulate(burst.run())
    }

    #[test]
    fn workers_reach_the_ceiling_and_are_never_refused() {
        for (seed, j_s) in [(1, 0.02), (2, 0.1), (3, 0.25)] {
            let sent = run(seed, j_s, j_s);
            assert_eq!(sent.n_refused, 0, "J {j_s}: {sent:?}");
            assert!((0.95..1.01).contains(&sent.share()), "J {j_s}: {sent:?}");
        }
    }

    #[test]
    fn a_schedule_that_knows_nothing_of_latency_is_refused() {
        let sent = run(1, 0.25, 0.0);
        assert!(
            sent.n_refused > 10,
            "the provider must not be too kind: {sent:?}"
        );
    }
}
