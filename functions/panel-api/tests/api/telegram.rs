//! Telegram's channels as routes.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use greenhub::account::browser::{self, Browser};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::{IdInstance, NumberId, PersonId, WorkspaceId};
use greenhub::domain::rights::Rights;
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::telegram::channels;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::{Db as _, Key};
use greenhub::store::directory::{NumberRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::row::Row;
use greenhub::store::telegram::ChannelRow;
use greenhub::store::{keys, row};
use greenhub::telegram::update::ChatKind;
use panel_api::telegram::Bots;
use panel_api::{Api, router};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const CHANNEL: i64 = -1_001_000_000_001;

struct World {
    db: MemoryDb,
    clock: Clock,
    routes: axum::Router,
}

async fn put<T: Row>(db: &MemoryDb, key: Key, mut value: T) {
    let write = row::save(key, &mut value).unwrap();
    db.write(vec![write]).await.unwrap();
}

fn number(workspace: &WorkspaceId, id: &str) -> NumberRow {
    let row = json!({
        "rev": 0, "workspace": workspace, "number": id, "id_instance": IdInstance(1_101_000_001),
        "name": "Sales", "created_ms": 0, "state": InstanceState::Authorized,
        "api_url": "http://127.0.0.1:9/", "token_sealed": "", "hook_key_sealed": "",
        "hook_token_sha256": "", "hook_token_sealed": "", "delay_ms": 500,
    });
    serde_json::from_value(row).unwrap()
}

/// Two workspaces, `a` and `b`, with a number each, `na` and `nb`; a channel that is nobody's.
async fn world() -> World {
    let clock = Clock::system();
    let db = MemoryDb::new();
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
            queue: MemoryQueue::new(clock.clone()),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        },
        green: GreenApi::new(greenhub::http::client(Duration::from_secs(2)).unwrap()),
        files: Arc::new(MemoryStore::default()),
        keyring: Keyring::fixed(Arc::new(secrets)),
        addresses: Addresses::new(None),
        public_base_url: url.clone(),
        install_url: url,
        telegram: Bots::default(),
        codes: None,
    };
    for name in ["a", "b"] {
        let workspace = WorkspaceId::new(name);
        let row = WorkspaceRow {
            rev: 0,
            workspace: workspace.clone(),
            name: name.into(),
            lang: Lang::En,
            country: None,
            location: None,
            routing: Default::default(),
            created_ms: 0,
        };
        put(&db, keys::workspace(&workspace), row).await;
        let row = number(&workspace, &format!("n{name}"));
        put(&db, keys::number(&workspace, &row.number), row).await;
    }
    let row = ChannelRow {
        rev: 0,
        channel: CHANNEL,
        kind: ChatKind::Forum,
        title: "Acme".into(),
        url: None,
        active: true,
        may_make_topics: true,
        problem: None,
        changed_s: 0,
        workspace: None,
        offered_to: Default::default(),
        numbers: Default::default(),
    };
    put(&db, keys::channel(CHANNEL), row).await;
    World {
        db,
        clock,
        routes: router(api),
    }
}

impl World {
    /// A session of somebody with these rights.
    async fn person(&self, workspace: &str, name: &str, rights: Rights) -> SecretString {
        let row = PersonRow {
            rev: 0,
            workspace: WorkspaceId::new(workspace),
            person: PersonId::new(name),
            kind: PersonKind::Local { login: name.into() },
            name: name.into(),
            rights,
            is_active: true,
            epoch: 0,
            password: None,
            setup: None,
            totp: None,
            telegram: None,
            recovery: Default::default(),
            created_ms: 0,
            entered_ms: None,
        };
        let key = keys::person(&row.workspace, &row.person);
        put(&self.db, key, row.clone()).await;
        let browser = Browser {
            address: String::new(),
            user_agent: String::new(),
        };
        let (cookie, writes) = browser::begin(self.clock.now_ms(), &row, &browser, false).unwrap();
        self.db.write(writes).await.unwrap();
        cookie
    }

    async fn call(
        &self,
        cookie: Option<&SecretString>,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/telegram{path}"));
        if let Some(cookie) = cookie {
            let shown = format!("{}={}", browser::COOKIE, cookie.expose_secret());
            request = request.header(header::COOKIE, shown);
            request = request.header(browser::CSRF_HEADER, browser::csrf_token(cookie));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

// AC 138
#[tokio::test]
async fn a_channel_is_taken_used_and_given_up() {
    let world = world().await;
    let anna = world.person("a", "anna", Rights::of_owner()).await;
    let bert = world.person("b", "bert", Rights::of_owner()).await;
    let code = channels::new_code(&world.db, &world.clock, CHANNEL)
        .await
        .unwrap();
    let by = async |who: &SecretString, method: &str, path: &str, body: Value| {
        world.call(Some(who), method, path, body).await
    };
    assert_eq!(
        by(&anna, "GET", "/channels", Value::Null).await.1["channels"],
        json!([])
    );
    let link = json!({ "channel": CHANNEL.to_string(), "posts": { "outgoing": true } });
    assert_eq!(by(&anna, "PUT", "/numbers/na", link.clone()).await.0, 404);

    let (status, claimed) = by(&anna, "POST", "/channels/claim", json!({ "code": code })).await;
    assert_eq!(
        (status, &claimed["owned"], &claimed["topics"]),
        (200, &json!(true), &json!(true))
    );
    let again = by(&bert, "POST", "/channels/claim", json!({ "code": code })).await;
    assert_eq!((again.0, &again.1["code"]), (400, &json!("bad_code")));

    let (status, linked) = by(&anna, "PUT", "/numbers/na", link.clone()).await;
    assert_eq!(
        (status, &linked["channel"]["numbers"]),
        (200, &json!(["na"])),
        "{linked}"
    );
    let shown = by(&anna, "GET", "/numbers/na", Value::Null).await.1;
    let expect = json!({ "topics": true, "outgoing": true, "system": true });
    assert_eq!(shown["posts"], expect);
    assert_eq!(
        by(
            &anna,
            "DELETE",
            &format!("/channels/{CHANNEL}"),
            Value::Null
        )
        .await
        .0,
        409
    );
    // The bot is gone: the number's card can warn.
    channels::note_problem(&world.db, CHANNEL, "kicked", true)
        .await
        .unwrap();
    let shown = by(&anna, "GET", "/numbers/na", Value::Null).await.1;
    assert_eq!(
        (&shown["channel"]["active"], &shown["channel"]["problem"]),
        (&json!(false), &json!("kicked"))
    );
    let test = by(&anna, "POST", "/numbers/na/test", Value::Null).await;
    assert_eq!((test.0, &test.1["code"]), (409, &json!("no_bot")));

    assert_eq!(by(&anna, "DELETE", "/numbers/na", Value::Null).await.0, 204);
    assert_eq!(
        by(
            &anna,
            "DELETE",
            &format!("/channels/{CHANNEL}"),
            Value::Null
        )
        .await
        .0,
        204
    );
    assert_eq!(
        by(&anna, "GET", "/channels", Value::Null).await.1["channels"],
        json!([])
    );
}

#[tokio::test]
async fn nobody_sees_or_changes_what_is_not_theirs() {
    let world = world().await;
    let anna = world.person("a", "anna", Rights::of_owner()).await;
    let code = channels::new_code(&world.db, &world.clock, CHANNEL)
        .await
        .unwrap();
    let (db, clock, a) = (&world.db, &world.clock, WorkspaceId::new("a"));
    channels::claim_by_code(db, clock, &a, &code).await.unwrap();
    let posts = Default::default();
    channels::link(db, clock, &a, &NumberId::new("na"), CHANNEL, posts)
        .await
        .unwrap();
    let bert = world.person("b", "bert", Rights::of_owner()).await;
    let plain = Rights {
        full_access: true,
        ..Rights::default()
    };
    let carl = world.person("a", "carl", plain).await;
    let link = json!({ "channel": CHANNEL.to_string() });
    let routes = [
        ("GET", "", Value::Null),
        ("GET", "/channels", Value::Null),
        ("POST", "/channels/claim", json!({ "code": "x" })),
        ("DELETE", "/channels/-1001000000001", Value::Null),
        ("GET", "/numbers/na", Value::Null),
        ("PUT", "/numbers/na", link.clone()),
        ("DELETE", "/numbers/na", Value::Null),
        ("POST", "/numbers/na/test", Value::Null),
    ];
    for (method, path, body) in routes {
        let check = async |who: Option<&SecretString>, expect: u16| {
            let (status, answer) = world.call(who, method, path, body.clone()).await;
            assert_eq!(status, expect, "{method} {path}: {answer}");
        };
        check(None, 401).await;
        check(Some(&carl), 403).await;
        if path.contains("na") && path.contains("numbers") || path.contains("-1001") {
            check(Some(&bert), 404).await;
        }
    }
    // Its own number into another's channel.
    assert_eq!(
        world.call(Some(&bert), "PUT", "/numbers/nb", link).await.0,
        404
    );
    let seen = world
        .call(Some(&anna), "GET", "/channels", Value::Null)
        .await
        .1;
    assert_eq!(seen["channels"][0]["numbers"], json!(["na"]));
}
