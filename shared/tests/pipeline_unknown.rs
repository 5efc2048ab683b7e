//! Sends of unknown outcome, step by step: whatever happens in which order, what we sent ourselves
//! is not shown as another program's message, and is not sent again (promise 3).

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenhub::clock::{Clock, Millis};
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Destination, PartState};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, ContactId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::sms::Shape;
use greenhub::limiter::policy::DrainPace;
use greenhub::pipeline::accept::{self, Accepted, CrmSend, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::line::{self, Place};
use greenhub::pipeline::provider::{Looked, Prepared, Provider, Sent};
use greenhub::pipeline::settle::slot_id;
use greenhub::pipeline::twins::Delivered;
use greenhub::pipeline::{Hub, Settings, lane};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{ChatRow, chat_of_alias, messages_from};
use greenhub::store::db::{Db, DbError, Item, Key, Query, Write};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};

type TestHub = Hub<MemoryDb, MemoryQueue>;

/// GREEN-API, which takes a message and whose answer nobody gets.
struct Gateway {
    hub: TestHub,
}

impl Provider for Gateway {
    type Ready = ();

    const DESTINATION: Destination = Destination::Whatsapp;
    const LONGEST_CALL_MS: Millis = 30_000;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = None;

    fn patience_ms(&self) -> Millis {
        3_600_000
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<()>, DbError> {
        let slot = slot_id(&message.chat, message.seq, part);
        let place = line::take(&self.hub, chat, &slot, DrainPace::new(500)).await?;
        let Place::At(at_ms) = place else {
            unreachable!("the line is empty");
        };
        Ok(Prepared::Ready { with: (), at_ms })
    }

    async fn send(&self, (): (), _: &ChatRow, _: &Message, _: usize) -> Sent {
        std::future::pending().await
    }

    /// Its journal is late.
    async fn look(&self, _: &ChatRow, _: &Message, _: usize, _: Millis) -> Result<Looked, DbError> {
        Ok(Looked::NotNow)
    }
}

/// The tables of a run in whose midst, after so many of its calls, the lane of another chat goes on.
struct Between {
    db: MemoryDb,
    other: TestHub,
    chat: ChatId,
    calls_left: AtomicUsize,
}

impl Between {
    async fn after_a_call(&self) {
        // Below zero it wraps around, and is never one again.
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            work_off(&self.other, &self.other, &self.chat).await;
        }
    }
}

impl Db for Between {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        let got = self.db.get(key).await;
        self.after_a_call().await;
        got
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        let found = self.db.query(query).await;
        self.after_a_call().await;
        found
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        let written = self.db.write(writes).await;
        self.after_a_call().await;
        written
    }
}

async fn work_off<D: Db>(hub: &Hub<D, MemoryQueue>, memory: &TestHub, chat: &ChatId) {
    let deadline = hub.clock.now_ms() + 120_000;
    let gateway = Gateway {
        hub: with(memory, memory.db.clone()),
    };
    Box::pin(lane::work_off(hub, &gateway, chat, deadline))
        .await
        .unwrap();
}

// AC 143
#[tokio::test(start_paused = true)]
async fn an_echo_is_ours_whenever_the_send_becomes_one_of_unknown_outcome() {
    // Soon, and when it is time to give up.
    for wait in [61, 700] {
        let mut n_calls = 1;
        while came_between(wait, n_calls).await {
            n_calls += 1;
        }
        assert!(n_calls > 5, "the run made {n_calls} calls in all");
    }
}

/// A run that is looking whose an echo is, while after its `n_calls`-th call the sender's lane finds
/// that a send was interrupted. `false` if it made fewer calls.
async fn came_between(wait_s: u64, n_calls: usize) -> bool {
    let hub = hub();
    let ours = agent_writes(&hub).await;
    // The run dies while the provider has it.
    let dies = tokio::time::timeout(Duration::from_secs(1), work_off(&hub, &hub, &ours));
    dies.await.unwrap_err();
    // WhatsApp writes the person otherwise in the echo.
    let lid = Alias::parse("120650379300967@lid").unwrap();
    let theirs = echo_comes(&hub, &lid).await;

    hub.clock.sleep(Duration::from_secs(wait_s)).await;
    let between = Between {
        db: hub.db.clone(),
        other: with(&hub, hub.db.clone()),
        chat: ours.clone(),
        calls_left: AtomicUsize::new(n_calls),
    };
    let between = with(&hub, between);
    work_off(&between, &hub, &theirs).await;
    // Whatever the run left undone.
    for _ in 0..3 {
        hub.clock.sleep(Duration::from_secs(40)).await;
        work_off(&hub, &hub, &ours).await;
        work_off(&hub, &hub, &theirs).await;
    }

    let shown = messages_from(&hub.db, &theirs, 1, 10).await.unwrap();
    assert_eq!(shown, [], "after {wait_s} s, {n_calls} calls");
    let sent = messages_from(&hub.db, &ours, 1, 10).await.unwrap();
    let part = &sent[0].deliveries[&Destination::Whatsapp].parts[0];
    let outcome = (&part.state, part.remote_id.as_deref(), part.attempts);
    let expect = (&PartState::Done, Some("W1"), 1);
    assert_eq!(outcome, expect, "after {wait_s} s, {n_calls} calls");
    let key = keys::chat(&theirs);
    let chat: ChatRow = row::load(&hub.db, &key).await.unwrap().unwrap();
    assert_eq!(chat.merged_into, Some(ours), "they are one person's");
    let calls_left = between.db.calls_left.load(Ordering::SeqCst);
    !(1..=n_calls).contains(&calls_left)
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_was_told_is_no_trace_of_a_send() {
    let hub = hub();
    let ours = agent_writes(&hub).await;
    let dies = tokio::time::timeout(Duration::from_secs(1), work_off(&hub, &hub, &ours));
    dies.await.unwrap_err();
    // Another program says the same to another person.
    let other = Alias::from_phone_digits("79007654321");
    let theirs = echo_comes(&hub, &other).await;

    for _ in 0..20 {
        hub.clock.sleep(Duration::from_secs(60)).await;
        work_off(&hub, &hub, &theirs).await;
        work_off(&hub, &hub, &ours).await;
    }

    let sent = messages_from(&hub.db, &ours, 1, 10).await.unwrap();
    let part = &sent[0].deliveries[&Destination::Whatsapp].parts[0];
    let is_told = matches!(
        part.state,
        PartState::Unknown {
            to_person: true,
            ..
        }
    );
    assert!(is_told && part.remote_id.is_none(), "{part:?}");
    let shown = messages_from(&hub.db, &theirs, 1, 10).await.unwrap();
    let ids: Vec<_> = shown.iter().map(|it| it.whatsapp_id.as_deref()).collect();
    assert_eq!(ids, [Some("W1")], "it is the other program's");
    for chat in [&ours, &theirs] {
        let row = row::load::<ChatRow>(&hub.db, &keys::chat(chat)).await;
        assert_eq!(row.unwrap().unwrap().merged_into, None, "they are two");
    }
}

/// The echo of "hello", which went through the API to `to` just now; the chat that it waits in.
async fn echo_comes(hub: &TestHub, to: &Alias) -> ChatId {
    let echo = NewMessage {
        origin: Origin::Whatsapp,
        api_echo: true,
        at_s: Some(hub.clock.now_ms() / 1000),
        ..message("W1", to)
    };
    accept::whatsapp_message(hub, &home(), echo).await.unwrap();
    let known = chat_of_alias(&hub.db, &home().number, to).await.unwrap();
    known.unwrap().chat
}

/// An agent's message, as far as its acceptance.
async fn agent_writes(hub: &TestHub) -> ChatId {
    let send = CrmSend {
        message_id: "A1".to_owned(),
        contact: ContactId::new("c1"),
        message: NewMessage {
            origin: Origin::Ghl,
            ..message("A1", &Alias::from_phone_digits("79001234567"))
        },
        delivered: Delivered {
            shape: Shape::ExtraChannel,
            written_ms: None,
            content_sha256: "text".to_owned(),
        },
        refused: None,
    };
    let taken = accept::crm_message(hub, &home(), &LocationId::new("loc"), send).await;
    match taken {
        Ok(Accepted::New(claim)) => claim.chat,
        other => unreachable!("{other:?}"),
    }
}

fn message(id: &str, chat: &Alias) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction: Direction::Out,
        origin: Origin::Ghl,
        api_echo: false,
        chat: chat.clone(),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text {
            text: "hello".to_owned(),
        },
        quoted: None,
    }
}

fn home() -> Home {
    Home {
        workspace: WorkspaceId::new("ws"),
        number: NumberId::new("n1"),
        location: None,
        auto_reply: None,
        telegram: None,
    }
}

fn hub() -> TestHub {
    let clock = Clock::paused(1_700_000_000_000);
    Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings::default(),
    }
}

/// The same with other tables.
fn with<D>(hub: &TestHub, db: D) -> Hub<D, MemoryQueue> {
    Hub {
        db,
        queue: hub.queue.clone(),
        clock: hub.clock.clone(),
        ids: hub.ids.clone(),
        settings: hub.settings.clone(),
    }
}
