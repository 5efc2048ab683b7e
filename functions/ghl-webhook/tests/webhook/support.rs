//! Two locations, their numbers, and hands that post as GoHighLevel does.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use ghl_webhook::{Hook, router};
use greenhub::account::workflow_secret;
use greenhub::clock::Clock;
use greenhub::domain::ids::{IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::Message;
use greenhub::domain::sms::Providers;
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::signature::PublicKeys;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::secrets::{AppSecret, Secrets};
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Db as _, Table};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow, WorkspaceRow};
use greenhub::store::kept::Kept;
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const PROVIDER: &str = "prov1";
pub(crate) const DEFAULT: &str = "prov2";
pub(crate) const APP: &str = "app1";

pub(crate) struct World {
    pub(crate) db: MemoryDb,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: Clock,
    key: Ed25519KeyPair,
    router: Router,
}

impl World {
    /// Two locations that have the app, and these numbers: instance and the workspace's digit.
    pub(crate) async fn new(numbers: &[(u64, u64)]) -> Self {
        let db = MemoryDb::new();
        for n in [1, 2] {
            let (workspace, location) = ids(n);
            let mut row = WorkspaceRow {
                routing: Default::default(),
                rev: 0,
                workspace: workspace.clone(),
                name: "Shop".into(),
                lang: Lang::En,
                country: Some("US".into()),
                location: Some(location.clone()),
                created_ms: 1,
            };
            let mut install = install(&location, &workspace);
            db.write(vec![
                row::save(keys::workspace(&workspace), &mut row).unwrap(),
                row::save(keys::install(&location), &mut install).unwrap(),
            ])
            .await
            .unwrap();
        }
        for (instance, n) in numbers {
            let (workspace, location) = ids(*n);
            let mut row = number(*instance, &workspace, &location);
            let key = keys::number(&workspace, &row.number);
            db.write(vec![row::save(key, &mut row).unwrap()])
                .await
                .unwrap();
        }
        Self::over(db, Clock::system())
    }

    pub(crate) fn over(db: MemoryDb, clock: Clock) -> Self {
        let queue = MemoryQueue::new(clock.clone());
        let key = Ed25519KeyPair::generate().unwrap();
        let spki = BASE64.encode(key.public_key().as_der().unwrap().as_ref());
        let nowhere = "http://127.0.0.1:9".parse().unwrap();
        let hook = Hook {
            hub: hub(&db, &queue, &clock),
            secrets: Secrets::fixed(app_secret()),
            public_keys: PublicKeys::parse(&spki).unwrap(),
            app_id: APP.into(),
            providers: Providers {
                extra: PROVIDER.into(),
                default: Some(DEFAULT.into()),
            },
            ghl: Ghl::new(
                greenhub::http::client(Duration::from_secs(1)).unwrap(),
                nowhere,
            ),
            tenants: Kept::default(),
        };
        World {
            router: router(hook),
            db,
            queue,
            clock,
            key,
        }
    }

    pub(crate) fn sign(&self, body: &[u8]) -> String {
        BASE64.encode(self.key.sign(body))
    }

    pub(crate) async fn post(&self, signature: Option<&str>, body: &[u8]) -> StatusCode {
        self.post_to("/webhooks/ghl", signature, body).await
    }

    pub(crate) async fn post_to(
        &self,
        path: &str,
        signature: Option<&str>,
        body: &[u8],
    ) -> StatusCode {
        let mut request = Request::post(path);
        if let Some(signature) = signature {
            request = request.header("X-GHL-Signature", signature);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    pub(crate) async fn deliver(&self, body: &Value) -> StatusCode {
        let body = body.to_string().into_bytes();
        self.post(Some(&self.sign(&body)), &body).await
    }

    /// To the delivery URL of the default provider.
    pub(crate) async fn deliver_as_sms(&self, body: &Value) -> StatusCode {
        let body = body.to_string().into_bytes();
        let signature = self.sign(&body);
        self.post_to("/webhooks/ghl/sms", Some(&signature), &body)
            .await
    }

    /// The location's secret for workflow actions: a new one.
    pub(crate) async fn secret(&self, location: &str) -> String {
        let keys = app_secret().data_keys().unwrap();
        let location = LocationId::new(location);
        let made = workflow_secret::renew(&self.db, &self.clock, &keys, &location);
        made.await.unwrap().secret.expose_secret().to_owned()
    }

    /// Runs a workflow's action with these headers.
    pub(crate) async fn act(&self, headers: &[(&str, &str)], body: &[u8]) -> (StatusCode, Value) {
        let mut request = Request::post("/webhooks/workflow-action");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        (
            status,
            serde_json::from_slice(&body.unwrap()).unwrap_or_default(),
        )
    }

    /// Every message that was taken: its number, where it goes, and the message.
    pub(crate) async fn taken(&self) -> Vec<(String, String, Message)> {
        let mut taken = Vec::new();
        for (key, item) in self.db.rows(Table::Chats) {
            if !key.sk.starts_with("M#L#") {
                continue;
            }
            let message: Message = row::read(item).unwrap();
            let key = keys::chat(&message.chat);
            let chat: ChatRow = row::load(&self.db, &key).await.unwrap().unwrap();
            taken.push((
                message.number.to_string(),
                chat.address.to_string(),
                message,
            ));
        }
        taken
    }
}

fn app_secret() -> AppSecret {
    AppSecret {
        ghl_client_secret: "".into(),
        ghl_shared_secret: "".into(),
        telegram_bot_token: None,
        telegram_webhook_secret: None,
        data_key_texts: [(1, "0123456789abcdef0123456789abcdef".into())].into(),
    }
}

pub(crate) fn ids(n: u64) -> (WorkspaceId, LocationId) {
    (
        WorkspaceId::new(format!("w{n}")),
        LocationId::new(format!("L{n}")),
    )
}

pub(crate) fn hub(db: &MemoryDb, queue: &MemoryQueue, clock: &Clock) -> Hub<MemoryDb, MemoryQueue> {
    Hub {
        db: db.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        ids: IdSource::random(),
        settings: Settings::default(),
    }
}

pub(crate) fn install(location: &LocationId, workspace: &WorkspaceId) -> InstallRow {
    InstallRow {
        rev: 0,
        location: location.clone(),
        workspace: workspace.clone(),
        company: None,
        state: InstallState::Active,
        access_sealed: String::new(),
        refresh_sealed: String::new(),
        expires_ms: i64::MAX,
        refreshed_ms: 0,
        scope: String::new(),
        installed_ms: 1,
        problem: None,
        sms: None,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    }
}

pub(crate) fn number(instance: u64, workspace: &WorkspaceId, location: &LocationId) -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: NumberId::new(format!("n{instance}")),
        id_instance: IdInstance(instance),
        name: "Shop".into(),
        created_ms: instance as i64,
        location: Some(location.clone()),
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: "https://api.green-api.com".into(),
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
    }
}

/// A delivery as GoHighLevel documents it, with these fields instead.
pub(crate) fn delivery(id: &str, change: Value) -> Value {
    let mut body = json!({
        "contactId": "C1", "locationId": "L1", "messageId": id, "type": "SMS",
        "phone": "+79001234567", "message": "hi", "attachments": [], "userId": "U1",
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
