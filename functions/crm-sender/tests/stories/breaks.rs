//! Queues that refuse, workers that are killed, and the minutes that pass until that is noticed.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenhub::clock::Millis;
use greenhub::domain::delivery::{Destination, PartState};
use greenhub::domain::message::Message;
use greenhub::ghl::client::Ghl;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::sweep;
use greenhub::store::db::{Op, Write};
use greenhub::store::memory::{Call, Fate, Hook};
use greenhub::store::row;
use tokio::sync::Notify;

use crate::world::World;

/// What is to go wrong, once each.
#[derive(Default)]
pub(crate) struct Breaks {
    state: Mutex<State>,
    killed: Notify,
}

#[derive(Default)]
struct State {
    refuses: u32,
    kill: Option<Kill>,
}

/// The steps from a claim to its settlement are counted: each call to tables and queues is one
/// before and one after it has had its effect.
struct Kill {
    claim_of: Destination,
    is_claimed: bool,
    steps_left: u32,
}

impl Breaks {
    /// The queues refuse the next `n` wake-ups.
    pub(crate) fn refuse_wake_ups(&self, n: u32) {
        self.state.lock().unwrap().refuses = n;
    }

    /// How many refusals are still to come.
    pub(crate) fn refusals_left(&self) -> u32 {
        self.state.lock().unwrap().refuses
    }

    /// The process ends so many steps after it has claimed a part of a message to `destination`.
    pub(crate) fn kill_after_claim(&self, destination: Destination, steps: u32) {
        self.state.lock().unwrap().kill = Some(Kill {
            claim_of: destination,
            is_claimed: false,
            steps_left: steps,
        });
    }

    /// Returns when the process has come to its end. Whoever works has to be dropped then.
    pub(crate) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// Forgets a kill that never came.
    pub(crate) fn spare(&self) {
        self.state.lock().unwrap().kill = None;
    }

    /// Counts a step; `wrote` is what has been written in it.
    fn step(&self, wrote: &[Write]) -> Fate {
        let mut state = self.state.lock().unwrap();
        let Some(kill) = &mut state.kill else {
            return Fate::Go;
        };
        let is_sending: Vec<bool> = wrote
            .iter()
            .filter_map(|write| is_sending(write, kill.claim_of))
            .collect();
        kill.is_claimed |= is_sending.contains(&true);
        if !kill.is_claimed {
            return Fate::Go;
        }
        if kill.steps_left == 0 {
            state.kill = None;
            self.killed.notify_one();
            return Fate::Crash;
        }
        kill.steps_left -= 1;
        if is_sending.contains(&false) {
            state.kill = None;
        }
        Fate::Go
    }
}

impl Hook for Breaks {
    fn before(&self, call: &Call) -> Fate {
        if let Call::Wake { .. } = call {
            let mut state = self.state.lock().unwrap();
            if state.refuses > 0 {
                state.refuses -= 1;
                return Fate::Fail;
            }
        }
        self.step(&[])
    }

    fn after(&self, call: &Call) -> Fate {
        match call {
            Call::Write(wrote) => self.step(wrote),
            _ => self.step(&[]),
        }
    }
}

/// Whether a message that is written is just being sent; `None` for what is no message to there.
fn is_sending(write: &Write, destination: Destination) -> Option<bool> {
    let Op::Put(item) = &write.op else {
        return None;
    };
    if !write.key.sk.starts_with("M#L#") {
        return None;
    }
    let message: Message = row::read(item.clone()).unwrap();
    let parts = &message.deliveries.get(&destination)?.parts;
    let mut states = parts.iter().map(|part| &part.state);
    Some(states.any(|state| matches!(state, PartState::Sending { .. })))
}

impl World {
    /// Calls to the providers end after this time.
    pub(crate) fn give_up_after(&mut self, time: Duration) {
        let client = greenhub::http::client(time).unwrap();
        self.green = GreenApi::new(client.clone());
        self.ghl = Ghl::new(client, self.url().parse().unwrap());
    }

    pub(crate) fn later(&self, how_long: Duration) {
        let ms = how_long.as_millis() as Millis;
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Minutes pass, and in each of them the sweeper wakes what is due, until something shows.
    pub(crate) async fn swept_until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..20 {
            self.later(Duration::from_secs(60));
            sweep::wake_due_lanes(&self.hub).await.unwrap();
            self.settle().await;
            if let Some(found) = look().await {
                return found;
            }
        }
        panic!("{what} never showed");
    }
}
