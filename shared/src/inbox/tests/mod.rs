//! Lists, messages and decisions over tables in memory.

mod cursors;
mod lists;
mod messages;
mod stuck;
mod team;

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::chat_id::Alias;
use crate::domain::content::Content;
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::{ChatId, IdInstance, NumberId, PersonId, WorkspaceId};
use crate::domain::message::{Direction, Message, Origin};
use crate::domain::status::InstanceState;
use crate::inbox::Sight;
use crate::inbox::send::{self, Draft, Writer};
use crate::pipeline::accept::{self, Accepted, Home};
use crate::pipeline::ids::IdSource;
use crate::pipeline::{Hub, Settings};
use crate::queue::memory::MemoryQueue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, Table};
use crate::store::directory::NumberRow;
use crate::store::memory::MemoryDb;
use crate::store::{keys, row};

pub(super) type TestHub = Hub<MemoryDb, MemoryQueue>;

/// 2026-11-20 in milliseconds.
const BASE_MS: i64 = 1_795_132_800_000;

pub(super) fn hub() -> TestHub {
    let clock = Clock::paused(BASE_MS);
    Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings::default(),
    }
}

pub(super) fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws")
}

pub(super) fn number(n: usize) -> NumberId {
    NumberId::new(format!("n{n}"))
}

pub(super) fn person(name: &str) -> PersonId {
    PersonId::new(name)
}

/// Somebody who sees the first so many numbers.
pub(super) fn sight(n_numbers: usize) -> Sight {
    Sight {
        workspace: workspace(),
        numbers: (1..=n_numbers).map(number).collect(),
    }
}

fn home(n: usize) -> Home {
    Home {
        workspace: workspace(),
        number: number(n),
        location: None,
        auto_reply: None,
        telegram: None,
    }
}

/// A number that can send.
pub(super) async fn linked(hub: &TestHub, n: usize) {
    let mut row = NumberRow {
        rev: 0,
        workspace: workspace(),
        number: number(n),
        id_instance: IdInstance(1_101_000_000 + n as u64),
        name: format!("Number {n}"),
        created_ms: 0,
        location: None,
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: String::new(),
        media_url: None,
        token_sealed: String::new(),
        hook_key_sealed: String::new(),
        hook_token_sha256: String::new(),
        hook_token_sealed: String::new(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        configured: true,
        delay_ms: 500,
        prefs: Default::default(),
        pause: None,
        checked_ms: 0,
        changes: Vec::new(),
        alarmed: false,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    };
    let key = keys::number(&workspace(), &number(n));
    hub.db
        .write(vec![row::save(key, &mut row).unwrap()])
        .await
        .unwrap();
}

pub(super) fn text(from: &str, text: &str) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: format!("{from}.{text}"),
        direction: Direction::In,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: Alias::from_phone_digits(from),
        chat_name: None,
        phone: None,
        author: Author {
            name: Some(format!("Person {from}")),
            ..Author::default()
        },
        at_s: None,
        content: Content::Text {
            text: text.to_owned(),
        },
        quoted: None,
    }
}

/// A customer writes on the `n`-th number; a millisecond passes.
pub(super) async fn write(hub: &TestHub, n: usize, new: NewMessage) -> ChatId {
    tokio::time::advance(Duration::from_millis(1)).await;
    match accept::whatsapp_message(hub, &home(n), new).await.unwrap() {
        Accepted::New(claim) => claim.chat,
        other => unreachable!("{other:?}"),
    }
}

pub(super) async fn chat(hub: &TestHub, id: &ChatId) -> ChatRow {
    row::load(&hub.db, &keys::chat(id)).await.unwrap().unwrap()
}

pub(super) async fn message(hub: &TestHub, id: &ChatId, seq: u64) -> Message {
    let key = keys::message(id, seq);
    row::load(&hub.db, &key).await.unwrap().unwrap()
}

pub(super) async fn answer(hub: &TestHub, id: &ChatId, request: &str) -> Message {
    let writer = Writer {
        person: person("ann"),
        name: "Ann".to_owned(),
    };
    let draft = Draft {
        request: request.to_owned(),
        content: Content::Text {
            text: request.to_owned(),
        },
        quotes: None,
    };
    send::send(hub, &sight(1), id, &writer, draft)
        .await
        .unwrap()
}

/// How many reads of the tables with conversations `what` takes.
pub(super) async fn reads<T>(hub: &TestHub, what: impl Future<Output = T>) -> (u64, T) {
    let count = || {
        hub.db
            .counts()
            .reads
            .get(&Table::Chats)
            .copied()
            .unwrap_or(0)
    };
    let before = count();
    let done = what.await;
    (count() - before, done)
}
