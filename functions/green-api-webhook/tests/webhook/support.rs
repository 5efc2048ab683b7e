//! Two numbers of two workspaces, and hands that post to their webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use greenhub::clock::Clock;
use greenhub::crypto::sha256_hex;
use greenhub::domain::ids::{IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::Message;
use greenhub::domain::status::InstanceState;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::QuarantineRow;
use greenhub::store::db::{Cond, Db, Op, Table, Write};
use greenhub::store::directory::{HookRow, NumberRow, OwnerRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::runtime::GoneHookRow;
use greenhub::store::{keys, row};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ONE: u64 = 1_101_000_001;
pub(crate) const TWO: u64 = 1_101_000_009;

pub(crate) struct World {
    pub(crate) db: MemoryDb,
    pub(crate) queue: MemoryQueue,
    ahead_ms: Arc<AtomicI64>,
    clock: Clock,
    router: Router,
}

/// The unguessable part of a number's address, and its token.
pub(crate) fn secrets_of(instance: u64) -> (String, String) {
    (format!("key-{instance}"), format!("token-{instance}"))
}

impl World {
    pub(crate) async fn new() -> Self {
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(Arc::clone(&ahead_ms));
        let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
        for (instance, workspace) in [(ONE, "w1"), (TWO, "w2")] {
            let writes = number(instance, workspace);
            db.write(writes).await.unwrap();
        }
        let router = router(&db, &queue, &clock);
        World {
            db,
            queue,
            ahead_ms,
            clock,
            router,
        }
    }

    /// The same tables behind a function that has just started, and through other eyes.
    pub(crate) fn restarted(&self, db: &MemoryDb, queue: &MemoryQueue) -> Router {
        router(db, queue, &self.clock)
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub(crate) fn later(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Posts as the first number does.
    pub(crate) async fn notify(&self, body: impl Into<Vec<u8>>) -> StatusCode {
        let (key, token) = secrets_of(ONE);
        self.post(&format!("/{key}"), Some(&format!("Bearer {token}")), body)
            .await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        authorization: Option<&str>,
        body: impl Into<Vec<u8>>,
    ) -> StatusCode {
        post(&self.router, path, authorization, body).await
    }

    pub(crate) async fn number(&self, instance: u64) -> NumberRow {
        let key = keys::instance_owner(IdInstance(instance));
        let owner: OwnerRow = row::load(&self.db, &key).await.unwrap().unwrap();
        let key = keys::number(&owner.workspace, &owner.number);
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn change_number(&self, change: impl Fn(&mut NumberRow) + Send + Sync) {
        let number = self.number(ONE).await;
        let key = keys::number(&number.workspace, &number.number);
        row::change::<NumberRow>(&self.db, &key, |number| {
            change(number);
            true
        })
        .await
        .unwrap();
    }

    /// What removing a number leaves of its webhook.
    pub(crate) async fn remove(&self, instance: u64) {
        let number = self.number(instance).await;
        let (key, token) = secrets_of(instance);
        let hash = sha256_hex(key);
        let gone = GoneHookRow {
            rev: 1,
            token_sha256: sha256_hex(token),
            expires_at: self.clock.now_ms() / 1000 + 2 * 24 * 3600,
        };
        let put = |key| Write {
            key,
            op: Op::Put(row::item(&gone).unwrap()),
            only_if: Cond::Always,
        };
        let delete = |key| Write {
            key,
            op: Op::Delete,
            only_if: Cond::Always,
        };
        let id = IdInstance(instance);
        let writes = vec![
            delete(keys::number(&number.workspace, &number.number)),
            delete(keys::hook(&hash)),
            delete(keys::instance_owner(id)),
            put(keys::gone_hook(&hash)),
            put(keys::gone_instance(id)),
        ];
        self.db.write(writes).await.unwrap();
    }

    /// Every message that was taken, in the order of the chats and of their places.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.read("M#L#")
    }

    pub(crate) fn quarantined(&self) -> Vec<QuarantineRow> {
        let rows = self.db.rows(Table::Chats).into_iter();
        rows.filter(|(key, _)| key.pk.ends_with("#QUARANTINE"))
            .map(|(_, item)| row::read(item).unwrap())
            .collect()
    }

    fn read<T: row::Row>(&self, sk: &str) -> Vec<T> {
        let rows = self.db.rows(Table::Chats).into_iter();
        rows.filter(|(key, _)| key.sk.starts_with(sk))
            .map(|(_, item)| row::read(item).unwrap())
            .collect()
    }
}

fn router(db: &MemoryDb, queue: &MemoryQueue, clock: &Clock) -> Router {
    green_api_webhook::router(Hub {
        db: db.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        ids: IdSource::random(),
        settings: Settings::default(),
    })
}

pub(crate) async fn post(
    router: &Router,
    path: &str,
    authorization: Option<&str>,
    body: impl Into<Vec<u8>>,
) -> StatusCode {
    let mut request = Request::post(format!("/webhooks/green-api{path}"));
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request.body(Body::from(body.into())).unwrap();
    router.clone().oneshot(request).await.unwrap().status()
}

fn number(instance: u64, workspace: &str) -> Vec<Write> {
    let (key, token) = secrets_of(instance);
    let workspace = WorkspaceId::new(workspace);
    let number = NumberId::new(format!("n{instance}"));
    let mut row = NumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
        id_instance: IdInstance(instance),
        name: "Shop".into(),
        created_ms: 1,
        location: Some(LocationId::new("L1")),
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: "https://api.green-api.com".into(),
        media_url: None,
        token_sealed: String::new(),
        hook_key_sealed: String::new(),
        hook_token_sha256: sha256_hex(token),
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
    let mut hook = HookRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
    };
    let mut owner = OwnerRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
    };
    vec![
        row::save(keys::number(&workspace, &number), &mut row).unwrap(),
        row::save(keys::hook(&sha256_hex(key)), &mut hook).unwrap(),
        row::save(keys::instance_owner(IdInstance(instance)), &mut owner).unwrap(),
    ]
}

/// A notification of the first number.
pub(crate) fn frame(kind: &str, more: Value) -> Value {
    let mut body = json!({
        "typeWebhook": kind,
        "instanceData": { "idInstance": ONE, "wid": "79001110001@c.us", "typeInstance": "whatsapp" },
        "timestamp": 1_763_800_000,
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A customer's message.
pub(crate) fn incoming(id: &str, data: Value) -> Value {
    let sender = json!({
        "chatId": "79001234567@c.us", "sender": "79001234567@c.us",
        "chatName": "Ann", "senderName": "Ann",
    });
    let more = json!({ "idMessage": id, "senderData": sender, "messageData": data });
    frame("incomingMessageReceived", more)
}

/// A customer's text.
pub(crate) fn text(id: &str, text: &str) -> Value {
    let data = json!({ "typeMessage": "textMessage", "textMessageData": { "textMessage": text } });
    incoming(id, data)
}
