//! A workspace with two numbers, and people who see one, both, or another workspace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use greenhub::account::browser::{self, Browser};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, IdInstance, NumberId, PersonId, WorkspaceId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::domain::rights::Rights;
use greenhub::domain::routing::Routing;
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::accept::{self, Accepted, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::{Db, Key};
use greenhub::store::directory::{NumberRow, WorkspaceRow};
use greenhub::store::keys;
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::row::{self, Row};
use greenhub_sandbox::{Sandbox, SandboxConfig};
use panel_api::{Api, router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::ServiceExt;

/// The first instance of the sandbox, and its token.
const INSTANCE: u64 = 1_101_000_001;
const TOKEN: &str = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";

pub(crate) type TestHub = Hub<MemoryDb, MemoryQueue>;

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) hub: TestHub,
    keys: Arc<Keys>,
    ahead_ms: Arc<AtomicI64>,
    routes: Router,
    n_written: AtomicUsize,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it leads.
    pub(crate) location: Option<String>,
    pub(crate) json: Value,
}

impl Answer {
    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }
}

/// Somebody's cookie.
#[derive(Clone)]
pub(crate) struct Session(SecretString);

pub(crate) async fn world() -> World {
    let sandbox = greenhub_sandbox::start(SandboxConfig::default())
        .await
        .unwrap();
    let data_keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let keys = Arc::new(Keys {
        ghl_client_secret: "client".into(),
        ghl_shared_secret: "shared".into(),
        data_keys: DataKeys::new("k1".to_owned(), &data_keys).unwrap(),
        telegram_bot_token: None,
    });
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(Arc::clone(&ahead_ms));
    let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
    let hub = || Hub {
        db: db.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        ids: IdSource::random(),
        settings: Settings::default(),
    };
    let api = Api {
        hub: hub(),
        green: GreenApi::new(greenhub::http::client(Duration::from_secs(2)).unwrap()),
        files: Arc::new(MemoryStore::default()),
        keyring: Keyring::fixed(Arc::clone(&keys)),
        addresses: Addresses::new(None),
        public_base_url: "https://hub.example".parse().unwrap(),
        install_url: "https://market.example/install".parse().unwrap(),
        telegram: Default::default(),
        codes: None,
    };
    let world = World {
        sandbox,
        hub: hub(),
        keys,
        ahead_ms,
        routes: router(api),
        n_written: AtomicUsize::new(0),
    };
    for workspace in ["w1", "w2"] {
        let mut row = WorkspaceRow {
            rev: 0,
            workspace: WorkspaceId::new(workspace),
            name: workspace.to_owned(),
            lang: Lang::En,
            country: Some("RU".to_owned()),
            location: None,
            routing: Routing::default(),
            created_ms: 1,
        };
        let key = keys::workspace(&row.workspace);
        world.save(key, &mut row).await;
    }
    world.number("w1", "n1").await;
    world.number("w1", "n2").await;
    world.number("w2", "n3").await;
    world
}

impl World {
    pub(crate) async fn save<T: Row>(&self, key: Key, row: &mut T) {
        let write = row::save(key, row).unwrap();
        self.hub.db.write(vec![write]).await.unwrap();
    }

    /// All of them are the sandbox's first instance.
    async fn number(&self, workspace: &str, id: &str) {
        let (workspace, number) = (WorkspaceId::new(workspace), NumberId::new(id));
        let context = NumberRow::seal_context(&workspace, &number, NumberRow::TOKEN);
        let mut row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: IdInstance(INSTANCE),
            name: id.to_owned(),
            created_ms: 1,
            location: None,
            state: InstanceState::Authorized,
            state_since_ms: 0,
            wid: None,
            api_url: format!("http://{}", self.sandbox.addr),
            media_url: None,
            token_sealed: self.keys.data_keys.seal(TOKEN, &context),
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
        self.save(keys::number(&workspace, &number), &mut row).await;
    }

    /// Somebody who has signed in.
    pub(crate) async fn person(&self, workspace: &str, name: &str, rights: Rights) -> Session {
        let (workspace, id) = (WorkspaceId::new(workspace), PersonId::new(name));
        let kind = PersonKind::Local {
            login: name.to_owned(),
        };
        let mut row = PersonRow::new(&workspace, id, kind, name.to_owned(), rights, 1);
        let key = keys::person(&row.workspace, &row.person);
        self.save(key, &mut row).await;
        let now_ms = self.hub.clock.now_ms();
        let (cookie, writes) = browser::begin(now_ms, &row, &Browser::default(), false).unwrap();
        self.hub.db.write(writes).await.unwrap();
        Session(cookie)
    }

    /// An owner of the first workspace.
    pub(crate) async fn ann(&self) -> Session {
        self.person("w1", "ann", Rights::of_owner()).await
    }

    /// Somebody who sees the number `n1` alone.
    pub(crate) async fn bob(&self) -> Session {
        let rights = Rights {
            numbers: [NumberId::new("n1")].into(),
            ..Rights::default()
        };
        self.person("w1", "bob", rights).await
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// A customer writes.
    pub(crate) async fn write(&self, number: &str, from: &str, text: &str) -> ChatId {
        let n_written = self.n_written.fetch_add(1, Ordering::SeqCst);
        self.advance(1);
        let workspace = if number == "n3" { "w2" } else { "w1" };
        let home = Home {
            workspace: WorkspaceId::new(workspace),
            number: NumberId::new(number),
            location: None,
            auto_reply: None,
            telegram: None,
        };
        let new = NewMessage {
            kind: IdKind::Message,
            remote_id: format!("W{n_written}"),
            direction: Direction::In,
            origin: Origin::Whatsapp,
            api_echo: false,
            chat: Alias::parse(from).unwrap(),
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: None,
            content: Content::Text {
                text: text.to_owned(),
            },
            quoted: None,
        };
        match accept::whatsapp_message(&self.hub, &home, new)
            .await
            .unwrap()
        {
            Accepted::New(claim) => claim.chat,
            other => panic!("{other:?}"),
        }
    }

    /// A request; with the session's token where something changes.
    pub(crate) async fn ask(
        &self,
        session: Option<&Session>,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let csrf = session.map(|session| browser::csrf_token(&session.0));
        self.ask_as(session, csrf, method, path, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        session: Option<&Session>,
        csrf: Option<String>,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(Session(cookie)) = session {
            let cookie = format!("{}={}", browser::COOKIE, cookie.expose_secret());
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = csrf {
            request = request.header(browser::CSRF_HEADER, csrf);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let request = request.body(body).unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|to| to.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(response.into_body(), 1 << 24)
            .await
            .unwrap();
        Answer {
            status,
            location,
            json: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    pub(crate) async fn get(&self, session: &Session, path: &str) -> Answer {
        self.ask(Some(session), Method::GET, path, Value::Null)
            .await
    }

    pub(crate) async fn post(&self, session: &Session, path: &str, body: Value) -> Answer {
        self.ask(Some(session), Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, session: &Session, path: &str, body: Value) -> Answer {
        self.ask(Some(session), Method::PATCH, path, body).await
    }
}
