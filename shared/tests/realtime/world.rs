//! A workspace with people, numbers and browsers.

use std::cell::Cell;

use greenhub::account::browser::{self, Browser};
use greenhub::clock::Clock;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::domain::rights::Rights;
use greenhub::pipeline::accept::{self, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::realtime::browser::Sockets;
use greenhub::realtime::fanout::{Fanout, Tally};
use greenhub::realtime::memory::MemoryConnections;
use greenhub::realtime::socket;
use greenhub::realtime::standing::SessionKey;
use greenhub::store::chats;
use greenhub::store::db::Db as _;
use greenhub::store::directory::InstallRow;
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::runtime::SessionRow;
use greenhub::store::{keys, row};
use secrecy::ExposeSecret as _;
use serde_json::Value;

pub(crate) const ORIGIN: &str = "https://hub.example";
pub(crate) const NOW_MS: i64 = 1_795_737_600_000;

/// Everything, and how far the stream has been told.
pub(crate) struct World {
    pub(crate) hub: Hub<MemoryDb, MemoryQueue>,
    pub(crate) connections: MemoryConnections,
    pub(crate) fanout: Fanout<MemoryDb, MemoryConnections>,
    pub(crate) sockets: Sockets<MemoryDb, MemoryConnections>,
    n_told: Cell<usize>,
}

pub(crate) fn workspace() -> WorkspaceId {
    WorkspaceId::new("w")
}

pub(crate) fn number(id: &str) -> NumberId {
    NumberId::new(id)
}

/// `f`ull access, manages `u`sers, or numbers by their ids.
pub(crate) fn rights(words: &[&str]) -> Rights {
    Rights {
        full_access: words.contains(&"f"),
        manage_users: words.contains(&"u"),
        numbers: words.iter().map(|id| number(id)).collect(),
        ..Rights::default()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Clock::paused(NOW_MS);
        let db = MemoryDb::streamed();
        let connections = MemoryConnections::new();
        World {
            fanout: Fanout::new(db.clone(), clock.clone(), connections.clone()),
            sockets: Sockets {
                db: db.clone(),
                clock: clock.clone(),
                connections: connections.clone(),
                origin: ORIGIN.to_owned(),
            },
            connections,
            hub: Hub {
                db,
                queue: MemoryQueue::new(clock.clone()),
                clock,
                ids: IdSource::counted(),
                settings: Settings::default(),
            },
            n_told: Cell::new(0),
        }
    }

    /// Somebody of the workspace.
    pub(crate) async fn person(&self, id: &str, rights: Rights) -> PersonRow {
        self.person_of(&workspace(), id, rights).await
    }

    pub(crate) async fn person_of(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        rights: Rights,
    ) -> PersonRow {
        let mut row = PersonRow {
            rev: 0,
            workspace: workspace.clone(),
            person: PersonId::new(id),
            kind: PersonKind::Local { login: id.into() },
            name: id.into(),
            rights,
            is_active: true,
            epoch: 1,
            password: None,
            setup: None,
            totp: None,
            telegram: None,
            recovery: Default::default(),
            created_ms: NOW_MS,
            entered_ms: None,
        };
        let key = keys::person(workspace, &row.person);
        let write = row::save(key, &mut row).unwrap();
        self.hub.db.write(vec![write]).await.unwrap();
        row
    }

    /// Changes somebody.
    pub(crate) async fn change(&self, id: &str, mut alter: impl FnMut(&mut PersonRow) + Send) {
        let key = keys::person(&workspace(), &PersonId::new(id));
        let changed = row::change::<PersonRow>(&self.hub.db, &key, |row| {
            alter(row);
            true
        });
        changed.await.unwrap().unwrap();
    }

    /// A new session of a person.
    pub(crate) async fn sign_in(&self, person: &PersonRow) -> String {
        let begun = browser::begin(NOW_MS, person, &Browser::default(), false);
        let (cookie, writes) = begun.unwrap();
        self.hub.db.write(writes).await.unwrap();
        greenhub::crypto::sha256_hex(cookie.expose_secret())
    }

    /// A user of GoHighLevel has opened our page in the location `L`; the session's token is `token`.
    pub(crate) async fn crm_session(&self, token: &str) {
        let mut id = greenhub::crypto::sha256_hex(format!("ghl|{}|u", workspace()));
        id.truncate(32);
        let _ = self.person(&id, rights(&["f"])).await;
        let mut install: InstallRow = serde_json::from_value(serde_json::json!({
            "rev": 0, "location": "L", "workspace": workspace(), "state": "active",
            "access_sealed": "", "refresh_sealed": "", "expires_ms": 0, "refreshed_ms": 0,
            "scope": "", "installed_ms": 0,
        }))
        .unwrap();
        let mut session = SessionRow {
            rev: 0,
            workspace: workspace(),
            location: install.location.clone(),
            user: "u".into(),
            user_name: "User".into(),
            is_admin: false,
            until_ms: NOW_MS + 900_000,
            expires_at: 0,
        };
        let key = keys::session(&greenhub::crypto::sha256_hex(token));
        let install_key = keys::install(&install.location);
        let writes = vec![
            row::save(install_key, &mut install).unwrap(),
            row::save(key, &mut session).unwrap(),
        ];
        self.hub.db.write(writes).await.unwrap();
    }

    /// A ticket of somebody's session.
    pub(crate) async fn ticket(&self, person: &PersonRow, session: &str) -> String {
        let session = SessionKey::Cookie {
            sha256: session.to_owned(),
        };
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        let made = socket::ticket(db, clock, &person.workspace, &person.person, session).await;
        made.unwrap().expose_secret().to_owned()
    }

    /// Somebody signs in and opens a socket; gives the session.
    pub(crate) async fn browser(&self, person: &PersonRow, connection: &str) -> String {
        let session = self.sign_in(person).await;
        self.open(person, &session, connection).await;
        session
    }

    /// A further socket of a session.
    pub(crate) async fn open(&self, person: &PersonRow, session: &str, connection: &str) {
        let ticket = self.ticket(person, session).await;
        let opened = self.sockets.open(connection, Some(ORIGIN), Some(&ticket));
        opened.await.unwrap();
        self.connections.connect(connection);
    }

    /// Tells the stream on, in batches of at most `n` records.
    pub(crate) async fn stream_by(&self, n: usize) -> Tally {
        let changes = self.hub.db.stream(self.n_told.get());
        let mut tally = Tally::default();
        for batch in changes.chunks(n) {
            tally += self.fanout.tell(batch).await.unwrap();
            self.n_told.set(self.n_told.get() + batch.len());
        }
        tally
    }

    /// Tells the stream on.
    pub(crate) async fn stream(&self) -> Tally {
        self.stream_by(100).await
    }

    /// What was written since the stream was last told on.
    pub(crate) fn untold(&self) -> Vec<greenhub::realtime::map::Change> {
        self.hub.db.stream(self.n_told.get())
    }

    pub(crate) fn skip_stream(&self) {
        let n_new = self.untold().len();
        self.n_told.set(self.n_told.get() + n_new);
    }

    /// A customer writes to a number.
    pub(crate) async fn incoming(&self, to: &str, from: &str, id: &str) -> ChatId {
        self.incoming_at(&workspace(), to, from, id).await
    }

    pub(crate) async fn incoming_at(
        &self,
        workspace: &WorkspaceId,
        to: &str,
        from: &str,
        id: &str,
    ) -> ChatId {
        let home = Home {
            workspace: workspace.clone(),
            number: number(to),
            location: None,
            auto_reply: None,
            telegram: None,
        };
        let new = text(from, id, Direction::In, Origin::Whatsapp);
        accept::whatsapp_message(&self.hub, &home, new)
            .await
            .unwrap();
        let alias = Alias::from_phone_digits(from);
        let found = chats::chat_of_alias(&self.hub.db, &home.number, &alias).await;
        found.unwrap().unwrap().chat
    }

    /// Somebody of the team writes to a customer.
    pub(crate) async fn outgoing(&self, through: &str, to: &str, id: &str) {
        let home = Home {
            workspace: workspace(),
            number: number(through),
            location: None,
            auto_reply: None,
            telegram: None,
        };
        let new = text(to, id, Direction::Out, Origin::Panel);
        accept::own_message(&self.hub, &home, new).await.unwrap();
    }

    /// What has arrived at a connection, in short: `insert message c-7`, or the code of an error.
    pub(crate) fn learned(&self, connection: &str) -> Vec<String> {
        let told = self.connections.take(connection);
        told.iter().map(in_short).collect()
    }
}

pub(crate) fn in_short(told: &Value) -> String {
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    match told["action"].as_str().unwrap() {
        "error" => text("code"),
        "presence" => format!("{} {} {}", text("person"), text("doing"), text("chat_id")),
        word @ ("pong" | "hello") => word.to_owned(),
        action => format!("{action} {} {}", text("topic"), text("id")),
    }
}

fn text(customer: &str, id: &str, direction: Direction, origin: Origin) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction,
        origin,
        api_echo: false,
        chat: Alias::from_phone_digits(customer),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: Some(NOW_MS / 1000),
        content: Content::Text {
            text: format!("text {id}"),
        },
        quoted: None,
    }
}
