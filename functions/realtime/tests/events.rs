//! The gateway's events, as AWS and as the emulator write them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use greenhub::account::browser::{self, Browser};
use greenhub::clock::Clock;
use greenhub::crypto;
use greenhub::domain::rights::Rights;
use greenhub::realtime::browser::Sockets;
use greenhub::realtime::memory::MemoryConnections;
use greenhub::realtime::socket;
use greenhub::realtime::standing::SessionKey;
use greenhub::store::db::Db as _;
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use realtime::handle;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

const CONNECTION: &str = "Xk2vPfdBliACFpg=";

struct World {
    sockets: Sockets<MemoryDb, MemoryConnections>,
    ticket: String,
}

async fn world() -> World {
    let (db, clock) = (MemoryDb::new(), Clock::system());
    let mut person: PersonRow = serde_json::from_value(json!({
        "rev": 0, "workspace": "w", "person": "vera", "kind": {"is": "local", "login": "vera"},
        "name": "Vera", "rights": Rights::of_owner(), "is_active": true, "created_ms": 0,
    }))
    .unwrap();
    let key = keys::person(&person.workspace, &person.person);
    let mut writes = vec![row::save(key, &mut person).unwrap()];
    let begun = browser::begin(clock.now_ms(), &person, &Browser::default(), false);
    let (cookie, session) = begun.unwrap();
    writes.extend(session);
    db.write(writes).await.unwrap();
    let sha256 = crypto::sha256_hex(cookie.expose_secret());
    let key = SessionKey::Cookie { sha256 };
    let ticket = socket::ticket(&db, &clock, &person.workspace, &person.person, key).await;
    World {
        ticket: ticket.unwrap().expose_secret().to_owned(),
        sockets: Sockets {
            db,
            clock,
            connections: MemoryConnections::new(),
            origin: "https://hub.example".into(),
        },
    }
}

/// The described sample with another question and page.
fn connect(ticket: Option<&str>, origin: Option<&str>) -> Value {
    let sample = include_str!("../../../events/realtime.json");
    let mut event: Value = serde_json::from_str(sample).unwrap();
    let question = ticket.map(|ticket| json!({ "ticket": ticket }));
    let several = ticket.map(|ticket| json!({ "ticket": [ticket] }));
    event["queryStringParameters"] = json!(question);
    event["multiValueQueryStringParameters"] = json!(several);
    for headers in ["headers", "multiValueHeaders"] {
        let headers = event[headers].as_object_mut().unwrap();
        let _ = headers.remove("Origin");
    }
    if let Some(origin) = origin {
        event["headers"]["Origin"] = json!(origin);
        event["multiValueHeaders"]["Origin"] = json!([origin]);
    }
    event
}

/// What follows on the opening: only the gateway's own words and the body.
fn later(kind: &str, body: &str, is_base64: bool) -> Value {
    let mut event = connect(None, None);
    let about = event["requestContext"].as_object_mut().unwrap();
    let _ = about.insert("eventType".into(), json!(kind));
    json!({ "requestContext": about, "body": body, "isBase64Encoded": is_base64 })
}

async fn status(world: &World, event: Value) -> i64 {
    let event = serde_json::from_value(event).unwrap();
    handle(&world.sockets, event).await.status_code
}

#[tokio::test]
async fn a_socket_is_opened_for_a_ticket_from_our_page() {
    // AC 152
    async fn check(of: fn(&str) -> Value, expect: i64) {
        let world = world().await;
        let event = of(&world.ticket);
        let about = event.to_string();
        assert_eq!(status(&world, event).await, expect, "{about}");
    }
    check(|it| connect(Some(it), Some("https://hub.example")), 200).await;
    check(|it| connect(Some(it), None), 200).await;
    check(|it| connect(Some(it), Some("https://evil.example")), 403).await;
    check(|it| connect(Some(it), Some("null")), 403).await;
    check(|_| connect(None, Some("https://hub.example")), 401).await;
    check(|_| connect(Some(""), None), 401).await;
    check(|_| connect(Some("another"), None), 401).await;
    fn without_an_id(ticket: &str) -> Value {
        let mut event = connect(Some(ticket), None);
        event["requestContext"]["connectionId"] = Value::Null;
        event
    }
    check(without_an_id, 500).await;
}

#[tokio::test]
async fn frames_are_answered_and_the_end_is_noted() {
    let world = world().await;
    let connections = &world.sockets.connections;
    let opened = status(&world, connect(Some(&world.ticket), None)).await;
    assert_eq!(opened, 200);
    connections.connect(CONNECTION);
    let ping = later("MESSAGE", r#"{"action":"ping"}"#, false);
    assert_eq!(status(&world, ping.clone()).await, 200);
    assert_eq!(connections.take(CONNECTION), [json!({ "action": "pong" })]);
    // The gateway's own names are nobody's to say.
    let claimed = later("MESSAGE", r#"{"action":"$connect"}"#, false);
    assert_eq!(status(&world, claimed).await, 200);
    let refused = json!({ "action": "error", "code": "unknown_action" });
    assert_eq!(connections.take(CONNECTION), [refused]);

    assert_eq!(status(&world, later("DISCONNECT", "", false)).await, 200);
    let left = socket::of_connection(&world.sockets.db, CONNECTION).await;
    assert!(left.unwrap().is_none());
    assert_eq!(status(&world, ping).await, 200);
    assert!(!connections.is_open(CONNECTION));
}

#[tokio::test]
async fn what_is_no_text_is_cut_off() {
    let world = world().await;
    let opened = status(&world, connect(Some(&world.ticket), None)).await;
    assert_eq!(opened, 200);
    world.sockets.connections.connect(CONNECTION);
    let binary = later("MESSAGE", "eyJhY3Rpb24iOiJwaW5nIn0=", true);
    assert_eq!(status(&world, binary).await, 200);
    assert!(!world.sockets.connections.is_open(CONNECTION));
}
