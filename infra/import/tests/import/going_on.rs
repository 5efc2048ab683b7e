//! What works afterwards: the older addresses with their tokens, the tokens of GoHighLevel, and the
//! settings at GREEN-API.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Form, State};
use axum::http::{Request, StatusCode, Uri, header};
use axum::{Json, Router};
use greenhub::account::numbers::{Settled, Settler};
use greenhub::clock::Clock;
use greenhub::config::Green;
use greenhub::domain::content::Content;
use greenhub::domain::ids::LocationId;
use greenhub::domain::message::Message;
use greenhub::ghl::oauth::OAuth;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::tokens::Tokens;
use greenhub::store::db::Table;
use greenhub::store::memory::MemoryDb;
use greenhub::store::row;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;

use crate::mariadb::MariaDb;
use crate::schema_and_rows;
use crate::world::{bring, data_keys, hub, importer, install, number, planned, planned_at, tokens};

fn client() -> reqwest::Client {
    greenhub::http::client(Duration::from_secs(5)).unwrap()
}

/// A provider on a port of its own, and what it was asked: the path, and a body.
async fn provider(router: Router<Asked>) -> (Url, Asked) {
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router.with_state(asked.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base.parse().unwrap(), asked)
}

#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, Value)>>>);

impl Asked {
    fn note(&self, path: &str, body: Value) {
        self.0.lock().unwrap().push((path.to_owned(), body));
    }

    fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn brought_over(name: &str, sql: &str) -> MemoryDb {
    let server = MariaDb::start().await;
    let plan = planned(&server.filled(name, sql).await).await;
    let db = MemoryDb::new();
    bring(&importer(&db), &plan).await;
    db
}

async fn notify(router: &Router, instance: u64, token: &str, id: &str) -> StatusCode {
    let body = json!({
        "typeWebhook": "incomingMessageReceived",
        "instanceData": { "idInstance": instance, "wid": "79001110001@c.us" },
        "timestamp": 1_763_800_000,
        "idMessage": id,
        "senderData": {
            "chatId": "79005556677@c.us", "sender": "79005556677@c.us", "senderName": "Ann",
        },
        "messageData": {
            "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" },
        },
    });
    let request = Request::post("/webhooks/green-api")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    router.clone().oneshot(request).await.unwrap().status()
}

// AC 42, 43, 45
#[tokio::test]
async fn a_number_is_heard_at_the_older_address_with_its_older_token() {
    let db = brought_over("heard", &schema_and_rows()).await;
    let router = green_api_webhook::router(hub(&db));
    let (one, two) = ("1".repeat(32), "2".repeat(32));
    let check = async |instance: u64, token: &str, id: &str, expect: StatusCode| {
        let status = notify(&router, instance, token, id).await;
        assert_eq!(status, expect, "{instance} {id}");
    };
    check(1_101_000_001, &one, "M1", StatusCode::OK).await;
    check(1_101_000_001, &one, "M1", StatusCode::OK).await;
    check(1_101_000_002, &two, "M2", StatusCode::OK).await;
    let denied = StatusCode::UNAUTHORIZED;
    check(1_101_000_001, &two, "M3", denied).await;
    check(1_101_000_001, "", "M4", denied).await;
    // It had no token: the address is closed until it has one.
    check(1_101_000_009, "undefined", "M5", denied).await;
    // It did not come over.
    check(1_101_000_012, &one, "M6", denied).await;

    let rows = db.rows(Table::Chats).into_iter();
    let messages = rows.filter(|(key, _)| key.sk.starts_with("M#L#"));
    let messages: Vec<Message> = messages.map(|(_, item)| row::read(item).unwrap()).collect();
    let home = number(&db, 1_101_000_001).await;
    let text = Content::Text { text: "hi".into() };
    assert!(messages.iter().all(|message| message.content == text));
    let of_one = messages.iter().filter(|it| it.number == home.number);
    assert_eq!((messages.len(), of_one.count()), (2, 1));
}

async fn token_endpoint(
    State(asked): State<Asked>,
    uri: Uri,
    Form(form): Form<Vec<(String, String)>>,
) -> Json<Value> {
    let form = form.into_iter().map(|(name, value)| (name, value.into()));
    let form = Value::Object(form.collect());
    asked.note(uri.path(), form);
    Json(json!({
        "access_token": "access-new", "refresh_token": "refresh-new", "expires_in": 86399,
        "scope": "", "userType": "Location", "locationId": "L2",
    }))
}

// AC 14
#[tokio::test]
async fn the_tokens_work_as_long_as_they_do_and_then_make_the_next_pair() {
    let lasting = "UPDATE `User` SET tokenExpiresAt = UTC_TIMESTAMP(3) + INTERVAL 9 HOUR \
                   WHERE id = 'L1'";
    let db = brought_over("tokens", &format!("{}{lasting}", schema_and_rows())).await;
    let (base, asked) = provider(Router::new().fallback(token_endpoint)).await;
    let oauth = OAuth::new(client(), base, "c-1".into(), "secret".into(), "x".into());
    let hub = hub(&db);
    let product = Tokens::new(&hub, &oauth, Arc::new(data_keys()));
    let access = async |location: &str| product.access(&LocationId::new(location)).await;

    let first = access("L1").await.unwrap();
    assert_eq!(first.expose_secret(), "access-1");
    assert!(asked.take().is_empty());

    let second = access("L2").await.unwrap();
    assert_eq!(second.expose_secret(), "access-new");
    let calls = asked.take();
    assert_eq!(calls.len(), 1);
    let (path, form) = &calls[0];
    assert_eq!(path, "/oauth/token");
    assert_eq!(
        (&form["grant_type"], &form["refresh_token"]),
        (&json!("refresh_token"), &json!("refresh-2"))
    );
    assert_eq!(tokens(&install(&db, "L2").await).1, "refresh-new");
    access("L2").await.unwrap();
    assert!(asked.take().is_empty());
    // Without tokens nobody is asked: a person has to install the app again.
    assert!(access("noTokens").await.is_err());
    assert!(asked.take().is_empty());
}

async fn gateway(State(asked): State<Asked>, uri: Uri, body: String) -> Json<Value> {
    let method = uri.path().split('/').nth(2).unwrap_or_default().to_owned();
    let body = serde_json::from_str(&body).unwrap_or_default();
    asked.note(&method, body);
    Json(match method.as_str() {
        "setSettings" => json!({ "saveSettings": true }),
        _ => json!({
            "webhookUrl": "https://old.test/webhooks/green-api",
            "webhookUrlToken": "11111111111111111111111111111111",
            "incomingWebhook": "yes", "delaySendMessagesMilliseconds": 1000,
        }),
    })
}

// AC 33, 34
#[tokio::test]
async fn its_settings_are_written_as_those_of_a_new_number_and_what_was_there_is_kept() {
    let (base, asked) = provider(Router::new().fallback(gateway)).await;
    let server = MariaDb::start().await;
    let address = server.filled("settings", &schema_and_rows()).await;
    let green = Green {
        default_base: Some(base),
        allowed_local_hosts: Vec::new(),
    };
    let plan = planned_at(&address, &green).await;
    let db = MemoryDb::new();
    bring(&importer(&db), &plan).await;

    let one = number(&db, 1_101_000_001).await;
    let settler = Settler {
        db: &db,
        clock: &Clock::system(),
        green: &GreenApi::new(client()),
        data_keys: &data_keys(),
        public_base_url: &"https://new.test".parse().unwrap(),
    };
    let settle = async || {
        let settled = settler.settle_settings(&one.workspace, &one.number).await;
        assert_eq!(settled.unwrap(), Settled::Done);
        number(&db, 1_101_000_001).await
    };
    let after = settle().await;
    assert!(after.configured);
    let before = after.webhook_before.as_deref();
    assert_eq!(before, Some("https://old.test/webhooks/green-api"));
    let calls = asked.take();
    let methods: Vec<_> = calls.iter().map(|(method, _)| method.as_str()).collect();
    assert_eq!(methods, ["getSettings", "setSettings"]);
    let written = &calls[1].1;
    let url = written["webhookUrl"].as_str().unwrap();
    let key = url.strip_prefix("https://new.test/webhooks/green-api/");
    let key = key.unwrap();
    assert_eq!(written["outgoingWebhook"], "yes");
    // The token stays, so what still comes to the older address is heard.
    assert_eq!(written.get("webhookUrlToken"), None);
    let router = green_api_webhook::router(hub(&db));
    let token = "1".repeat(32);
    let old = notify(&router, 1_101_000_001, &token, "M1").await;
    assert_eq!(old, StatusCode::OK);
    let request = Request::post(format!("/webhooks/green-api/{key}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from("{}"))
        .unwrap();
    let new = router.oneshot(request).await.unwrap().status();
    assert_eq!(new, StatusCode::OK);
}
