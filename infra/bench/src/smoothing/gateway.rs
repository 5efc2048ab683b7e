//! GREEN-API as the lanes meet it: it takes messages into a queue of its own, sends on one each
//! `delaySendMessagesMilliseconds`, and reports one notification after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use greenhub::clock::Millis;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::Destination;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::status::{Receipt, Status};
use greenhub::limiter::policy::DrainPace;
use greenhub::pipeline::line::{self, Place};
use greenhub::pipeline::provider::{Looked, Prepared, Provider, Sent};
use greenhub::pipeline::settle::slot_id;
use greenhub::pipeline::{accept, echo, receipt};
use greenhub::store::chats::ChatRow;
use greenhub::store::db::DbError;

use super::GREEN_API_PER_S;
use super::backlog::World;
use super::window::Window;

/// What a phone shows.
#[derive(Clone, Debug)]
pub(super) struct OnPhone {
    pub(super) chat: Alias,
    pub(super) text: String,
    pub(super) at_ms: Millis,
}

#[derive(Clone, Debug)]
struct Queued {
    id: String,
    chat: Alias,
    text: String,
}

enum Note {
    Echo(Box<NewMessage>),
    Receipt(Receipt),
}

/// One instance.
pub(super) struct Gateway {
    delay_ms: u32,
    pub(super) window: Window,
    queue: VecDeque<Queued>,
    notes: VecDeque<Note>,
    n_taken: u64,
    pub(super) on_phones: Vec<OnPhone>,
    /// The most messages that the queue ever held.
    pub(super) deepest: usize,
}

impl Gateway {
    pub(super) fn new(delay_ms: u32) -> Self {
        Gateway {
            delay_ms,
            window: Window::new(GREEN_API_PER_S),
            queue: VecDeque::new(),
            notes: VecDeque::new(),
            n_taken: 0,
            on_phones: Vec::new(),
            deepest: 0,
        }
    }

    /// Takes a message into the queue; `None` is a 429.
    fn take(&mut self, chat: &Alias, text: String, now_ms: Millis) -> Option<String> {
        if !self.window.takes(now_ms) {
            return None;
        }
        self.n_taken += 1;
        let id = format!("W{}", self.n_taken);
        self.queue.push_back(Queued {
            id: id.clone(),
            chat: chat.clone(),
            text: text.clone(),
        });
        self.deepest = self.deepest.max(self.queue.len());
        self.notes.push_back(Note::Echo(Box::new(NewMessage {
            kind: IdKind::Message,
            remote_id: id.clone(),
            direction: Direction::Out,
            origin: Origin::Whatsapp,
            api_echo: true,
            chat: chat.clone(),
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: Some(now_ms / 1000),
            content: Content::Text { text },
            quoted: None,
        })));
        Some(id)
    }

    /// Sends on the first of the queue.
    fn send_on(&mut self, now_ms: Millis) -> bool {
        let Some(first) = self.queue.pop_front() else {
            return false;
        };
        for status in [Status::Sent, Status::Delivered] {
            self.notes.push_back(Note::Receipt(Receipt {
                remote_id: first.id.clone(),
                chat: None,
                status,
                word: format!("{status:?}").to_lowercase(),
                description: None,
                at_s: now_ms / 1000,
            }));
        }
        self.on_phones.push(OnPhone {
            chat: first.chat,
            text: first.text,
            at_ms: now_ms,
        });
        true
    }
}

/// Sends on what is in the queue, one each `delay_ms`.
pub(super) async fn drain(world: Arc<World>) {
    let clock = &world.hub.clock;
    let delay = Duration::from_millis(u64::from(world.gateway().delay_ms));
    loop {
        let sent_on = world.gateway().send_on(clock.now_ms());
        clock
            .sleep(if sent_on {
                delay
            } else {
                Duration::from_millis(1)
            })
            .await;
    }
}

/// Delivers notifications to the product one at a time, each until it is taken.
pub(super) async fn notify(world: Arc<World>) {
    let hub = &world.hub;
    let home = World::home();
    loop {
        let note = world.gateway().notes.pop_front();
        hub.clock.sleep(world.dice.wait(10, 20)).await;
        let Some(note) = note else {
            continue;
        };
        loop {
            let taken = match &note {
                Note::Echo(echo) => accept::whatsapp_message(hub, &home, (**echo).clone())
                    .await
                    .is_ok(),
                Note::Receipt(news) => receipt::accept(hub, &home.number, news.clone())
                    .await
                    .is_ok(),
            };
            if taken {
                break;
            }
            hub.clock.sleep(Duration::from_secs(60)).await;
        }
    }
}

/// GREEN-API as a destination, with the limiter used as the real one uses it.
pub(super) struct Whatsapp {
    pub(super) world: Arc<World>,
}

impl Provider for Whatsapp {
    type Ready = ();

    const DESTINATION: Destination = Destination::Whatsapp;
    const LONGEST_CALL_MS: Millis = greenhub::pipeline::whatsapp::CALL_MS;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = None;

    fn patience_ms(&self) -> Millis {
        self.world.hub.settings.hold_ms
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<()>, DbError> {
        let hub = &self.world.hub;
        let slot = slot_id(&message.chat, message.seq, part);
        let pace = DrainPace::new(self.world.backlog.delay_ms.into());
        Ok(match line::take(hub, chat, &slot, pace).await? {
            Place::At(at_ms) => Prepared::Ready { with: (), at_ms },
            Place::InLine {
                place,
                watch_ms,
                is_overdue,
            } => {
                if is_overdue && !echo::is_any_sending(&hub.db, &message.number).await? {
                    let asked_ms = hub.clock.now_ms();
                    let count = self.world.gateway().queue.len();
                    line::recount(hub, &message.number, count, asked_ms).await?;
                }
                Prepared::InLine { place, watch_ms }
            }
        })
    }

    async fn send(&self, (): (), chat: &ChatRow, message: &Message, part: usize) -> Sent {
        let (world, hub) = (&self.world, &self.world.hub);
        let Content::Text { text } = &message.content else {
            return Sent::Dead {
                reason: "not a text".into(),
            };
        };
        let spread_ms = (world.backlog.j_s * 1000.0) as u64;
        hub.clock.sleep(world.dice.wait(20, spread_ms)).await;
        let now_ms = hub.clock.now_ms();
        let taken = world.gateway().take(&chat.address, text.clone(), now_ms);
        hub.clock.sleep(world.dice.wait(30, 20)).await;
        match taken {
            Some(remote_id) => Sent::Done { remote_id },
            None => {
                let slot = slot_id(&message.chat, message.seq, part);
                // A place that is not freed here is freed by the queue's length, later.
                let _ = line::free(hub, &message.number, &slot).await;
                Sent::Again {
                    at_ms: None,
                    reason: "429".into(),
                }
            }
        }
    }

    async fn look(&self, _: &ChatRow, _: &Message, _: usize, _: Millis) -> Result<Looked, DbError> {
        Ok(Looked::NotNow)
    }
}
