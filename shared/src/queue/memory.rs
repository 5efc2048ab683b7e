//! The queues in memory, for the simulation and for tests.
//!
//! They keep what was sent until somebody takes it. What else a queue does (giving a message
//! twice, late, or never) is done to it from outside, so that a seed decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng;
use rand::seq::SliceRandom;

use super::{ImportWakeUp, Queue, QueueError, WakeUp, sqs};
use crate::clock::{Clock, Millis};
use crate::store::memory::{Call, Hook, meet};

/// A wake-up on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the order of sending, from 0; a copy has a place of its own.
    pub id: u64,
    /// What it says.
    pub wake_up: WakeUp,
    /// When it can be taken, milliseconds since 1970.
    pub visible_at_ms: Millis,
}

/// All queues in one, in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryQueue {
    clock: Clock,
    state: Arc<Mutex<State>>,
    hook: Option<Arc<dyn Hook>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    imports: Vec<(ImportWakeUp, Millis)>,
    n_sent: u64,
}

impl MemoryQueue {
    /// Empty queues.
    pub fn new(clock: Clock) -> Self {
        MemoryQueue {
            clock,
            state: Arc::default(),
            hook: None,
        }
    }

    /// The same queues as somebody else sees them, whose calls `hook` decides about.
    pub fn hooked(&self, hook: Arc<dyn Hook>) -> Self {
        MemoryQueue {
            hook: Some(hook),
            ..self.clone()
        }
    }

    /// What is on its way, in the order of sending.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.lock().waiting.clone()
    }

    /// How many were sent since the start, copies counted.
    pub fn n_sent(&self) -> u64 {
        self.lock().n_sent
    }

    /// When the next one can be taken; in the past if one can be now.
    pub fn next_visible_ms(&self) -> Option<Millis> {
        self.lock()
            .waiting
            .iter()
            .map(|waiting| waiting.visible_at_ms)
            .min()
    }

    /// Takes what is visible now, in an order that `rng` makes. It is gone then: who wants to fail
    /// at one sends it again.
    pub fn take_visible(&self, rng: &mut impl Rng) -> Vec<WakeUp> {
        let now_ms = self.clock.now_ms();
        let mut state = self.lock();
        let (mut visible, later): (Vec<_>, Vec<_>) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|waiting| waiting.visible_at_ms <= now_ms);
        state.waiting = later;
        visible.shuffle(rng);
        visible.into_iter().map(|waiting| waiting.wake_up).collect()
    }

    /// The wake-ups of imports that are on their way, and when each can be taken, milliseconds since
    /// 1970. They are gone then.
    pub fn take_imports(&self) -> Vec<(ImportWakeUp, Millis)> {
        std::mem::take(&mut self.lock().imports)
    }

    /// Adds a copy that is visible at the same time.
    pub fn duplicate(&self, id: u64) {
        let mut state = self.lock();
        let copy = state
            .waiting
            .iter()
            .find(|waiting| waiting.id == id)
            .cloned();
        if let Some(copy) = copy {
            state.push(copy.wake_up, copy.visible_at_ms);
        }
    }

    /// Loses it.
    pub fn lose(&self, id: u64) {
        self.lock().waiting.retain(|waiting| waiting.id != id);
    }

    /// Makes it later by `by_ms`.
    pub fn delay(&self, id: u64, by_ms: Millis) {
        let mut state = self.lock();
        if let Some(waiting) = state.waiting.iter_mut().find(|waiting| waiting.id == id) {
            waiting.visible_at_ms += by_ms;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, wake_up: WakeUp, visible_at_ms: Millis) {
        self.waiting.push(Waiting {
            id: self.n_sent,
            wake_up,
            visible_at_ms,
        });
        self.n_sent += 1;
    }
}

impl Queue for MemoryQueue {
    async fn wake(&self, wake_up: WakeUp, delay: Duration) -> Result<(), QueueError> {
        let lane = wake_up.lane().as_str();
        let refused = |_| QueueError {
            lane,
            why: "the test says so".to_owned(),
        };
        let call = Call::Wake {
            wake_up: wake_up.clone(),
            delay,
        };
        tokio::task::yield_now().await;
        if let Some(hook) = &self.hook {
            meet(hook.before(&call)).await.map_err(refused)?;
        }
        let delay_ms = Millis::from(sqs::delay_seconds(delay)) * 1000;
        self.lock().push(wake_up, self.clock.now_ms() + delay_ms);
        if let Some(hook) = &self.hook {
            meet(hook.after(&call)).await.map_err(refused)?;
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn wake_import(&self, wake_up: ImportWakeUp, delay: Duration) -> Result<(), QueueError> {
        let delay_ms = Millis::from(sqs::delay_seconds(delay)) * 1000;
        let at_ms = self.clock.now_ms() + delay_ms;
        self.lock().imports.push((wake_up, at_ms));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::domain::delivery::Lane;
    use crate::domain::ids::{ChatId, NumberId};
    use crate::store::memory::Fate;

    fn wake_up(chat: &str) -> WakeUp {
        WakeUp::LaneV1 {
            number: NumberId::new("n"),
            chat: ChatId::new(chat),
            lane: Lane::Whatsapp,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_up_arrives_once_and_not_before_its_time() {
        let clock = Clock::paused(1_000_000);
        let queue = MemoryQueue::new(clock.clone());
        queue.wake(wake_up("a"), Duration::ZERO).await.unwrap();
        queue
            .wake(wake_up("b"), Duration::from_millis(1500))
            .await
            .unwrap();
        queue
            .wake(wake_up("c"), Duration::from_secs(5000))
            .await
            .unwrap();
        let rng = &mut StdRng::seed_from_u64(1);

        assert_eq!(queue.take_visible(rng), [wake_up("a")]);
        assert_eq!(queue.take_visible(rng), []);
        assert_eq!(queue.next_visible_ms(), Some(1_002_000));
        clock.sleep(Duration::from_secs(2)).await;
        assert_eq!(queue.take_visible(rng), [wake_up("b")]);
        assert_eq!(
            queue.next_visible_ms(),
            Some(1_900_000),
            "cut at fifteen minutes"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_outside_can_copy_lose_and_delay() {
        let queue = MemoryQueue::new(Clock::paused(0));
        for chat in ["a", "b", "c"] {
            queue.wake(wake_up(chat), Duration::ZERO).await.unwrap();
        }
        queue.duplicate(0);
        queue.lose(1);
        queue.delay(2, 10);
        assert_eq!(
            queue.take_visible(&mut StdRng::seed_from_u64(1)),
            [wake_up("a"), wake_up("a")]
        );
        assert_eq!(
            queue.waiting(),
            [Waiting {
                id: 2,
                wake_up: wake_up("c"),
                visible_at_ms: 10
            }]
        );
        assert_eq!(queue.n_sent(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_seed_gives_an_order_and_another_seed_another() {
        let order = |seed: u64| async move {
            let queue = MemoryQueue::new(Clock::paused(0));
            for chat in ["a", "b", "c", "d", "e", "f"] {
                queue.wake(wake_up(chat), Duration::ZERO).await.unwrap();
            }
            queue.take_visible(&mut StdRng::seed_from_u64(seed))
        };
        assert_eq!(order(1).await, order(1).await);
        assert_ne!(order(1).await, order(2).await);
    }

    struct Always {
        before: Fate,
        after: Fate,
    }

    impl Hook for Always {
        fn before(&self, _: &Call) -> Fate {
            self.before
        }

        fn after(&self, _: &Call) -> Fate {
            self.after
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_decides_what_was_applied_and_what_is_told() {
        let check = async |before, after, expect_told: &str, expect_waiting: usize| {
            let queue = MemoryQueue::new(Clock::paused(0));
            let hooked = queue.hooked(Arc::new(Always { before, after }));
            let sent = hooked.wake(wake_up("a"), Duration::ZERO);
            let told = match tokio::time::timeout(Duration::from_secs(1), sent).await {
                Ok(Ok(())) => "ok",
                Ok(Err(_)) => "error",
                Err(_) => "nothing",
            };
            assert_eq!((told, queue.waiting().len()), (expect_told, expect_waiting));
        };
        check(Fate::Go, Fate::Go, "ok", 1).await;
        check(Fate::Fail, Fate::Go, "error", 0).await;
        check(Fate::Go, Fate::Fail, "error", 1).await;
        check(Fate::Crash, Fate::Go, "nothing", 0).await;
        check(Fate::Go, Fate::Crash, "nothing", 1).await;
    }
}
