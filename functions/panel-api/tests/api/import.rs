//! Importing a number's old conversations, and what happened to numbers, as routes.

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use greenhub::account::browser::{self, Browser};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::ids::{ChatId, IdInstance, NumberId, PersonId, WorkspaceId};
use greenhub::domain::operation::{Alarm, StateChange};
use greenhub::domain::rights::Rights;
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::ImportWakeUp;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::{Db as _, Key};
use greenhub::store::directory::{NumberRow, WorkspaceRow};
use greenhub::store::history::{self, ChatPhase, ImportRow, ImportedChatRow, Phase};
use greenhub::store::memory::MemoryDb;
use greenhub::store::operation::{AlertRow, StateRow};
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::row::Row;
use greenhub::store::{keys, row};
use panel_api::{Api, router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const N1: &str = "0123456789abcdef0123456789abcdef";
const N2: &str = "fedcba9876543210fedcba9876543210";

struct World {
    db: MemoryDb,
    queue: MemoryQueue,
    clock: Clock,
    routes: axum::Router,
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("w1")
}

async fn put<T: Row>(db: &MemoryDb, key: Key, mut value: T) {
    let write = row::save(key, &mut value).unwrap();
    db.write(vec![write]).await.unwrap();
}

fn number(id: &str, state: InstanceState) -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: workspace(),
        number: NumberId::new(id),
        id_instance: IdInstance(1_101_000_001),
        name: "Sales".into(),
        created_ms: 0,
        location: None,
        state,
        state_since_ms: 0,
        wid: None,
        api_url: "http://127.0.0.1:9/".into(),
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

async fn world() -> World {
    let clock = Clock::system();
    let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
    let all = [("1".to_owned(), [7; 32])].into();
    let secrets = Keys {
        ghl_client_secret: "client".into(),
        ghl_shared_secret: "shared".into(),
        data_keys: DataKeys::new("1".to_owned(), &all).unwrap(),
        telegram_bot_token: None,
    };
    let url = "https://hub.example/".parse::<url::Url>().unwrap();
    let api = Api {
        hub: Hub {
            db: db.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        },
        green: GreenApi::new(greenhub::http::client(Duration::from_secs(1)).unwrap()),
        files: Arc::new(MemoryStore::default()),
        keyring: Keyring::fixed(Arc::new(secrets)),
        addresses: Addresses::new(None),
        public_base_url: url.clone(),
        install_url: url,
        telegram: Default::default(),
        codes: None,
    };
    let row = WorkspaceRow {
        rev: 0,
        workspace: workspace(),
        name: "Acme".into(),
        lang: Lang::En,
        country: Some("US".into()),
        location: None,
        routing: Default::default(),
        created_ms: 0,
    };
    put(&db, keys::workspace(&workspace()), row).await;
    for (id, state) in [
        (N1, InstanceState::Authorized),
        (N2, InstanceState::NotAuthorized),
    ] {
        let row = number(id, state);
        put(&db, keys::number(&workspace(), &row.number), row).await;
    }
    World {
        db,
        queue,
        clock,
        routes: router(api),
    }
}

impl World {
    /// A session's cookie of somebody with these rights.
    async fn person(&self, name: &str, rights: Rights) -> SecretString {
        let kind = PersonKind::Local { login: name.into() };
        let id = PersonId::new(name);
        let row = PersonRow::new(&workspace(), id, kind, name.into(), rights, 0);
        put(
            &self.db,
            keys::person(&workspace(), &row.person),
            row.clone(),
        )
        .await;
        let browser = Browser {
            address: String::new(),
            user_agent: String::new(),
        };
        let begun = browser::begin(self.clock.now_ms(), &row, &browser, false);
        let (cookie, writes) = begun.unwrap();
        self.db.write(writes).await.unwrap();
        cookie
    }

    async fn call(
        &self,
        cookie: &SecretString,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                header::COOKIE,
                format!("{}={}", browser::COOKIE, cookie.expose_secret()),
            )
            .header(browser::CSRF_HEADER, browser::csrf_token(cookie))
            .body(body.map_or(Body::empty(), |body| Body::from(body.to_string())))
            .unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("/api/instances/{id}/{rest}")
}

// AC 118: an import runs once at a time, and a number without a phone is refused.
#[tokio::test]
async fn an_import_is_begun_shown_stopped_and_reported() {
    let world = world().await;
    let owner = world.person("olga", Rights::of_owner()).await;
    let import = path(N1, "import");
    let call = async |method: Method, path: &str, body: Option<Value>| {
        world.call(&owner, method, path, body).await
    };
    assert_eq!(call(Method::GET, &import, None).await.0, 404);
    let asked = json!({ "lastDays": 30, "chats": ["(713) 514-6416", "120363000000000001@g.us"], "files": true });
    let (status, begun) = call(Method::POST, &import, Some(asked)).await;
    assert_eq!(
        (status.as_u16(), &begun["phase"]),
        (202, &json!("planning")),
        "{begun}"
    );
    let wake_up = ImportWakeUp::NumberV1 {
        workspace: workspace(),
        number: NumberId::new(N1),
    };
    let woken: Vec<_> = world
        .queue
        .take_imports()
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(woken, [wake_up]);
    let row = history::import(&world.db, &workspace(), &NumberId::new(N1)).await;
    let options = row.unwrap().unwrap().options;
    let chosen: Vec<_> = options
        .chats
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(chosen, ["120363000000000001@g.us", "17135146416@c.us"]);
    let days_ms = world.clock.now_ms() - options.since_ms.unwrap();
    assert_eq!(days_ms / (24 * 3_600_000), 30);
    assert!(options.files && !options.to_crm);

    let check = async |path: &str, body: Value, status: u16, code: &str| {
        let (got, answer) = call(Method::POST, path, Some(body.clone())).await;
        assert_eq!(
            (got.as_u16(), &answer["code"]),
            (status, &json!(code)),
            "{body}"
        );
    };
    check(&import, json!({}), 409, "import_in_progress").await;
    check(&path(N2, "import"), json!({}), 409, "not_authorized").await;
    check(&import, json!({ "chats": ["nobody"] }), 400, "bad_chat").await;
    check(&import, json!({ "lastDays": 0 }), 400, "bad_days").await;
    check(&import, json!({ "lastDays": -1 }), 400, "bad_body").await;
    check(&import, json!({ "everything": true }), 400, "bad_body").await;
    let many: Vec<String> = (0..1_001).map(|n| format!("1713514{n:04}")).collect();
    check(&import, json!({ "chats": many }), 400, "too_many_chats").await;

    let action = async |action: &str| {
        let (status, answer) =
            call(Method::PATCH, &import, Some(json!({ "action": action }))).await;
        (status.as_u16(), answer["phase"].clone())
    };
    assert_eq!(action("pause").await, (200, json!("paused")));
    assert_eq!(action("pause").await, (409, json!("paused")));
    assert_eq!(action("resume").await, (200, json!("planning")));
    assert_eq!(action("cancel").await, (200, json!("cancelled")));
    assert_eq!(action("fly").await.0, 400);
    let (_, shown) = call(Method::GET, &import, None).await;
    assert_eq!(
        (&shown["phase"], &shown["secondsLeft"]),
        (&json!("cancelled"), &Value::Null)
    );
    let waits = call(
        Method::POST,
        &path(N2, "import"),
        Some(json!({ "wait": true })),
    )
    .await;
    assert_eq!(
        (waits.0.as_u16(), &waits.1["phase"]),
        (202, &json!("waiting"))
    );
}

#[tokio::test]
async fn a_report_names_each_chat_and_has_pages() {
    let world = world().await;
    let owner = world.person("olga", Rights::of_owner()).await;
    for n in 0..101 {
        let alias = Alias::from_phone_digits(&format!("1713514{n:04}"));
        let row = ImportedChatRow {
            rev: 0,
            alias: alias.clone(),
            name: Some(format!("Person {n}")),
            chat: (n > 0).then(|| ChatId::new("c1")),
            phase: match n {
                0 => ChatPhase::Failed {
                    why: "no such chat".into(),
                },
                _ => ChatPhase::Done,
            },
            attempts: 0,
            total: 3,
            saved: 2,
            skipped: 1,
            placeholders: 0,
            upto: None,
        };
        put(
            &world.db,
            keys::imported_chat(&NumberId::new(N1), &alias),
            row,
        )
        .await;
    }
    let report = path(N1, "import/chats");
    let (status, page) = world.call(&owner, Method::GET, &report, None).await;
    assert_eq!(
        (status.as_u16(), page["chats"].as_array().unwrap().len()),
        (200, 100)
    );
    let failed = &page["chats"][0];
    assert_eq!(
        (&failed["phase"], &failed["reason"]),
        (&json!("failed"), &json!("no such chat"))
    );
    assert_eq!(page["chats"][1]["link"], "/chats/c1");
    let next = format!("{report}?after={}", page["next"].as_str().unwrap());
    let (_, page) = world.call(&owner, Method::GET, &next, None).await;
    assert_eq!(
        (page["chats"].as_array().unwrap().len(), &page["next"]),
        (1, &Value::Null)
    );
    let (status, _) = world
        .call(&owner, Method::GET, &format!("{report}?after=%20"), None)
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn who_does_not_see_a_number_finds_nothing_of_it() {
    let world = world().await;
    let row = ImportRow {
        rev: 0,
        workspace: workspace(),
        number: NumberId::new(N1),
        options: Default::default(),
        phase: Phase::Running,
        counts: Default::default(),
        cursor: None,
        trouble: None,
        trouble_since_ms: None,
        started_ms: 0,
        measured: None,
        ended_ms: None,
        due_at: None,
        due_shard: None,
    };
    put(&world.db, keys::import(&workspace(), &row.number), row).await;
    let at_ms = world.clock.now_ms();
    for id in [N1, N2] {
        let change = StateChange {
            at_ms,
            from: InstanceState::Authorized,
            to: InstanceState::Other("somethingNew".into()),
        };
        let number = NumberId::new(id);
        let state = StateRow {
            rev: 0,
            change: change.clone(),
            is_flap: false,
            expires_at: 0,
        };
        put(&world.db, keys::state(&number, at_ms), state).await;
        let alert = AlertRow {
            rev: 0,
            workspace: workspace(),
            number: number.clone(),
            name: "Sales".into(),
            alarm: Alarm::Unknown,
            change: Some(change),
            at_ms,
            expires_at: 0,
        };
        put(
            &world.db,
            keys::alert(&workspace(), at_ms, &number, "unknown"),
            alert,
        )
        .await;
    }
    let sees = |ids: &[&str], manage_instances: bool| Rights {
        manage_instances,
        numbers: ids.iter().map(|id| NumberId::new(*id)).collect(),
        ..Rights::default()
    };
    let mine = world.person("anna", sees(&[N1], false)).await;
    let other = world.person("boris", sees(&[N2], true)).await;
    let check = async |who: &SecretString, method: Method, rest: &str, expect: u16| {
        let body = match (&method, rest) {
            (&Method::PATCH, _) => Some(json!({ "action": "pause" })),
            (&Method::POST, _) => Some(json!({})),
            _ => None,
        };
        let (status, _) = world.call(who, method.clone(), &path(N1, rest), body).await;
        assert_eq!(status.as_u16(), expect, "{method} {rest}");
    };
    for rest in ["import", "import/chats", "states"] {
        check(&mine, Method::GET, rest, 200).await;
        check(&other, Method::GET, rest, 404).await;
    }
    for method in [Method::POST, Method::PATCH] {
        check(&mine, method.clone(), "import", 403).await;
        check(&other, method, "import", 404).await;
    }
    let alerts = async |who: &SecretString| {
        let (_, answer) = world.call(who, Method::GET, "/api/alerts", None).await;
        answer["alerts"].clone()
    };
    let seen = alerts(&mine).await;
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(
        (&seen[0]["instance"], &seen[0]["to"]),
        (&json!(N1), &json!("somethingNew"))
    );
    assert_eq!(alerts(&other).await[0]["instance"], N2);
    let nobody = SecretString::from("nobody");
    check(&nobody, Method::GET, "import", 401).await;
}
