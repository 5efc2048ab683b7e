//! Tickets for sockets, and who is in a chat, by whoever asks.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use greenhub::account::browser::{self, Browser};
use greenhub::account::keyring::Keyring;
use greenhub::clock::Clock;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::domain::rights::Rights;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::realtime::browser::Sockets;
use greenhub::realtime::memory::MemoryConnections;
use greenhub::secrets::Secrets;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Db as _;
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use panel_api::{Api, router};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const OWN: &str = "5f0c0e1d2b3a49586776859403a2b1c0";
const UNSEEN: &str = "5f0c0e1d2b3a49586776859403a2b1c1";
const ELSEWHERE: &str = "5f0c0e1d2b3a49586776859403a2b1c2";

struct World {
    db: MemoryDb,
    clock: Clock,
    routes: Router,
}

/// A browser's cookie and its token against cross-site requests.
#[derive(Clone, Default)]
struct Shown {
    cookie: Option<String>,
    csrf: Option<String>,
}

async fn world() -> World {
    let (db, clock) = (MemoryDb::new(), Clock::system());
    let aws = greenhub::config::aws_at("http://127.0.0.1:1").unwrap();
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let api = Api {
        hub: Hub {
            db: db.clone(),
            queue: MemoryQueue::new(clock.clone()),
            clock: clock.clone(),
            ids: IdSource::counted(),
            settings: Settings::default(),
        },
        green: GreenApi::new(greenhub::http::client(Duration::from_secs(2)).unwrap()),
        files: Arc::new(MemoryStore::default()),
        keyring: Keyring::fetched(Secrets::new(secrets, "app", clock.clone())),
        addresses: Addresses::new(None),
        public_base_url: "https://hub.example".parse().unwrap(),
        install_url: "https://market.example".parse().unwrap(),
        telegram: Default::default(),
        codes: None,
    };
    let world = World {
        db,
        clock,
        routes: router(api),
    };
    for (workspace, number, chat) in [
        ("w", "n1", OWN),
        ("w", "n2", UNSEEN),
        ("elsewhere", "n1x", ELSEWHERE),
    ] {
        let mut row = ChatRow::new(
            WorkspaceId::new(workspace),
            NumberId::new(number),
            ChatId::new(chat),
            Alias::from_phone_digits("15550100001"),
        );
        let write = row::save(keys::chat(&row.chat), &mut row).unwrap();
        world.db.write(vec![write]).await.unwrap();
    }
    world
}

impl World {
    async fn signs_in(&self, only_enrols: bool) -> Shown {
        let rights = Rights {
            numbers: [NumberId::new("n1")].into(),
            ..Rights::default()
        };
        let mut person: PersonRow = serde_json::from_value(json!({
            "rev": 0, "workspace": "w", "person": "vera", "kind": {"is": "local", "login": "vera"},
            "name": "Vera", "rights": rights, "is_active": true, "created_ms": 0,
        }))
        .unwrap();
        let key = keys::person(&person.workspace, &person.person);
        let mut writes = vec![row::save(key, &mut person).unwrap()];
        let now_ms = self.clock.now_ms();
        let begun = browser::begin(now_ms, &person, &Browser::default(), only_enrols);
        let (cookie, session) = begun.unwrap();
        writes.extend(session);
        self.db.write(writes).await.unwrap();
        Shown {
            csrf: Some(browser::csrf_token(&cookie)),
            cookie: Some(cookie.expose_secret().to_owned()),
        }
    }

    async fn ask(&self, method: &str, path: &str, shown: &Shown) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = &shown.cookie {
            request = request.header("cookie", format!("{}={cookie}", browser::COOKIE));
        }
        if let Some(csrf) = &shown.csrf {
            request = request.header(browser::CSRF_HEADER, csrf);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[tokio::test]
async fn a_ticket_is_for_whoever_has_a_session() {
    // AC 104, AC 152
    let world = world().await;
    let check = async |shown: &Shown, status: u16, code: &str| {
        let (got, body) = world.ask("POST", "/api/socket-tickets", shown).await;
        assert_eq!((got.as_u16(), body["code"].as_str()), (status, Some(code)));
    };
    check(&Shown::default(), 401, "sign_in_needed").await;
    let nobody = Shown {
        cookie: Some("nobody's".into()),
        csrf: Some("none".into()),
    };
    check(&nobody, 401, "sign_in_needed").await;
    let vera = world.signs_in(false).await;
    let across_sites = Shown {
        csrf: None,
        ..vera.clone()
    };
    check(&across_sites, 403, "csrf_token_needed").await;

    let (status, told) = world.ask("POST", "/api/socket-tickets", &vera).await;
    assert_eq!(status, StatusCode::CREATED);
    let url = told["url"].as_str().unwrap();
    let ticket = url.strip_prefix("wss://hub.example/ws?ticket=").unwrap();
    assert!(ticket.len() >= 43, "{ticket}");
    assert_eq!(told["pingEveryS"], 300);
    assert_eq!(told["renewAfterS"], 6600);
    let sockets = Sockets {
        db: world.db.clone(),
        clock: world.clock.clone(),
        connections: MemoryConnections::new(),
        origin: "https://hub.example".into(),
    };
    let origin = Some("https://hub.example");
    sockets.open("k1", origin, Some(ticket)).await.unwrap();
    assert!(sockets.open("k2", origin, Some(ticket)).await.is_err());

    let enrolling = self::world().await;
    let shown = enrolling.signs_in(true).await;
    let (status, body) = enrolling.ask("POST", "/api/socket-tickets", &shown).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(body["code"], "second_step_needed");
}

#[tokio::test]
async fn who_is_in_a_chat_is_for_whoever_sees_it() {
    // AC 152
    let world = world().await;
    let vera = world.signs_in(false).await;
    let check = async |shown: &Shown, chat: &str, status: u16| {
        let path = format!("/api/chats/{chat}/presence");
        let (got, body) = world.ask("GET", &path, shown).await;
        assert_eq!(got.as_u16(), status, "{chat}: {body}");
        body
    };
    let nobody = Shown::default();
    check(&nobody, OWN, 401).await;
    check(&vera, UNSEEN, 404).await;
    check(&vera, ELSEWHERE, 404).await;
    check(&vera, "00000000000000000000000000000000", 404).await;
    check(&vera, "79001234567", 400).await;
    assert_eq!(check(&vera, OWN, 200).await, json!([]));

    let (_, told) = world.ask("POST", "/api/socket-tickets", &vera).await;
    let ticket = told["url"].as_str().unwrap().split('=').nth(1).unwrap();
    let connections = MemoryConnections::new();
    let sockets = Sockets {
        db: world.db.clone(),
        clock: world.clock.clone(),
        connections: connections.clone(),
        origin: String::new(),
    };
    sockets.open("k1", None, Some(ticket)).await.unwrap();
    let typing = json!({ "action": "typing", "chat": OWN }).to_string();
    sockets.take("k1", &typing).await.unwrap();
    let present = check(&vera, OWN, 200).await;
    assert_eq!(present[0]["person"], "vera");
    assert_eq!(present[0]["doing"], "typing");
}
