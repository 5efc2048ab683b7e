//! A backlog of messages to many people at the pace at which GREEN-API sends on, through the real
//! lanes: rows, leases, claims, wake-ups and receipts included.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use greenhub::clock::{Clock, Millis};
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::Lane;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ContactId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::domain::sms::Shape;
use greenhub::pipeline::accept::{self, CrmSend, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::twins::Delivered;
use greenhub::pipeline::{Hub, Settings, lane};
use greenhub::queue::WakeUp;
use greenhub::queue::memory::MemoryQueue;
use rand::seq::SliceRandom;

use super::N_WORKERS;
use super::gateway::{Gateway, Whatsapp};
use super::remote::{Dice, Remote};

/// A worker's time: the function's, less what it keeps for writing down what it did.
const WORKER_MS: Millis = 117_000;

/// A queue hands a wake-up to a waiting worker within this time.
const POLL_MS: u64 = 20;

/// A run in which nothing moves for so long has come to its end, whatever is missing.
const STUCK: Duration = Duration::from_secs(900);

/// Tables and queues of a run.
pub(super) type SimHub = Hub<Remote, MemoryQueue>;

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// Where latencies and orders come from.
    pub(crate) seed: u64,
    /// How many messages wait.
    pub(crate) n_messages: usize,
    /// For how many people.
    pub(crate) n_chats: usize,
    /// GREEN-API's `delaySendMessagesMilliseconds`.
    pub(crate) delay_ms: u32,
    /// The spread of the one-way latency to GREEN-API, seconds.
    pub(crate) j_s: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Drained {
    /// Messages that came to the phones.
    #[cfg(test)]
    pub(crate) n_on_phones: usize,
    /// Of these per second.
    pub(crate) rps: f64,
    /// What GREEN-API sends on at most.
    pub(crate) allowed_rps: f64,
    /// Answers 429.
    pub(crate) n_refused: usize,
    /// The most messages of ours that GREEN-API held at any time.
    pub(crate) deepest: usize,
    /// Whether every person got every message, once, in the order of the chat.
    pub(crate) in_order: bool,
    /// Reads and writes of rows for each message.
    pub(crate) db_calls_each: f64,
    /// Wake-ups for each message.
    pub(crate) wake_ups_each: f64,
}

impl Drained {
    /// The rate reached as a part of the rate allowed.
    #[cfg(test)]
    pub(crate) fn share(&self) -> f64 {
        self.rps / self.allowed_rps
    }
}

/// Everything of a run that its tasks share.
pub(super) struct World {
    pub(super) backlog: Backlog,
    pub(super) hub: SimHub,
    pub(super) dice: Dice,
    pub(super) gateway: Mutex<Gateway>,
    taken: Mutex<VecDeque<WakeUp>>,
}

impl World {
    pub(super) fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn home() -> Home {
        Home {
            workspace: WorkspaceId::new("ws"),
            number: NumberId::new("n1"),
            location: Some(location()),
            auto_reply: None,
            telegram: None,
        }
    }

    /// What a queue gives out next; statuses to the CRM are another function's.
    fn next_wake_up(&self) -> Option<WakeUp> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend(self.dice.with(|rng| self.hub.queue.take_visible(rng)));
        taken.retain(|wake_up| wake_up.lane() == Lane::Whatsapp);
        taken.pop_front()
    }

    async fn worker(self: Arc<Self>) {
        let whatsapp = Whatsapp {
            world: Arc::clone(&self),
        };
        loop {
            let Some(WakeUp::LaneV1 { chat, .. }) = self.next_wake_up() else {
                self.hub.clock.sleep(Duration::from_millis(POLL_MS)).await;
                continue;
            };
            let deadline_ms = self.hub.clock.now_ms() + WORKER_MS;
            // A run holds every call within itself: too much for the stack.
            let run = Box::pin(lane::work_off(&self.hub, &whatsapp, &chat, deadline_ms));
            // An error leaves the lane due, and the message goes back to the queue.
            if run.await.is_err() {
                let number = World::home().number;
                self.hub
                    .wake(&number, &chat, Lane::Whatsapp, Duration::from_secs(1))
                    .await;
            }
        }
    }
}

impl Backlog {
    /// Accepts everything and waits until it is on the phones.
    pub(crate) async fn run(self) -> Drained {
        let clock = Clock::paused(1_700_000_000_000);
        let dice = Dice::new(self.seed);
        let world = Arc::new(World {
            backlog: self,
            hub: Hub {
                db: Remote::new(clock.clone(), dice.clone()),
                queue: MemoryQueue::new(clock.clone()),
                clock: clock.clone(),
                ids: IdSource::counted(),
                settings: Settings::default(),
            },
            dice,
            gateway: Mutex::new(Gateway::new(self.delay_ms)),
            taken: Mutex::default(),
        });
        let mut tasks = vec![
            tokio::spawn(super::gateway::drain(Arc::clone(&world))),
            tokio::spawn(super::gateway::notify(Arc::clone(&world))),
        ];
        tasks.extend((0..N_WORKERS).map(|_| tokio::spawn(Arc::clone(&world).worker())));
        self.accept_all(&world).await;
        self.wait(&world).await;
        for task in tasks {
            task.abort();
        }
        self.drained(&world)
    }

    /// Agents write to one person now and to another then, each text after the one before.
    async fn accept_all(self, world: &World) {
        let mut people: Vec<usize> = (0..self.n_messages).map(|n| n % self.n_chats).collect();
        world.dice.with(|rng| people.shuffle(rng));
        let mut written = vec![0_usize; self.n_chats];
        for (n, person) in people.into_iter().enumerate() {
            let send = CrmSend {
                message_id: format!("A{n}"),
                contact: ContactId::new(format!("contact{person}")),
                message: text(person, &written[person].to_string()),
                delivered: Delivered {
                    shape: Shape::ExtraChannel,
                    written_ms: None,
                    content_sha256: format!("A{n}"),
                },
                refused: None,
            };
            written[person] += 1;
            let taken = accept::crm_message(&world.hub, &World::home(), &location(), send).await;
            #[expect(clippy::expect_used, reason = "these tables never refuse")]
            taken.expect("a message that is taken");
        }
    }

    async fn wait(self, world: &World) {
        let clock = &world.hub.clock;
        let started_ms = clock.now_ms();
        loop {
            let gateway_ms = world.gateway().on_phones.last().map(|on| on.at_ms);
            let moved_ms = gateway_ms.unwrap_or(started_ms);
            let is_stuck = clock.now_ms() - moved_ms > STUCK.as_millis() as Millis;
            if world.gateway().on_phones.len() >= self.n_messages || is_stuck {
                return;
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
    }

    fn drained(self, world: &World) -> Drained {
        let gateway = world.gateway();
        let mut got: Vec<Vec<String>> = vec![Vec::new(); self.n_chats];
        for on_phone in &gateway.on_phones {
            if let Some(person) = person_of(&on_phone.chat) {
                got[person].push(on_phone.text.clone());
            }
        }
        let wanted = |person: usize| {
            let n = (self.n_messages + self.n_chats - 1 - person) / self.n_chats;
            (0..n).map(|n| n.to_string()).collect::<Vec<_>>()
        };
        let ends = gateway.on_phones.first().zip(gateway.on_phones.last());
        let took_s = ends.map_or(0.0, |(first, last)| {
            (last.at_ms - first.at_ms) as f64 / 1000.0
        });
        let n_on_phones = gateway.on_phones.len();
        let each = |n: u64| n as f64 / self.n_messages as f64;
        Drained {
            #[cfg(test)]
            n_on_phones,
            rps: n_on_phones.saturating_sub(1) as f64 / took_s,
            allowed_rps: 1000.0 / f64::from(self.delay_ms),
            n_refused: gateway.window.n_refused,
            deepest: gateway.deepest,
            in_order: (0..self.n_chats).all(|person| got[person] == wanted(person)),
            db_calls_each: each(world.hub.db.n_calls()),
            wake_ups_each: each(world.hub.queue.n_sent()),
        }
    }
}

fn location() -> LocationId {
    LocationId::new("loc")
}

fn alias(person: usize) -> Alias {
    Alias::from_phone_digits(&format!("7900{person:07}"))
}

fn person_of(chat: &Alias) -> Option<usize> {
    chat.digits().strip_prefix("7900")?.parse().ok()
}

fn text(person: usize, text: &str) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: String::new(),
        direction: Direction::Out,
        origin: Origin::Ghl,
        api_echo: false,
        chat: alias(person),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text { text: text.into() },
        quoted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoothing::simulate;

    // AC 145
    #[test]
    fn a_backlog_leaves_at_the_providers_pace_and_in_order() {
        let check = |seed: u64, n_messages: usize, n_chats: usize| {
            let backlog = Backlog {
                seed,
                n_messages,
                n_chats,
                delay_ms: 500,
                j_s: 0.1,
            };
            let drained = simulate(backlog.run());
            let case = format!("{n_messages} to {n_chats} people: {drained:?}");
            assert_eq!(drained.n_on_phones, n_messages, "{case}");
            assert!(drained.in_order, "{case}");
            assert_eq!(drained.n_refused, 0, "{case}");
            assert!(drained.deepest <= 3, "{case}");
            assert!((0.95..1.01).contains(&drained.share()), "{case}");
            // However many wait: they are called and do not ask again and again.
            assert!(drained.db_calls_each < 90.0, "{case}");
            assert!(drained.wake_ups_each < 8.0, "{case}");
        };
        check(1, 120, 40);
        check(2, 120, 8);
        check(3, 60, 1);
    }
}
