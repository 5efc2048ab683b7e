//! Batches of a stream, as AWS and as the emulator write them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use greenhub::account::browser::{self, Browser};
use greenhub::clock::Clock;
use greenhub::crypto;
use greenhub::domain::rights::Rights;
use greenhub::realtime::browser::Sockets;
use greenhub::realtime::fanout::Fanout;
use greenhub::realtime::memory::MemoryConnections;
use greenhub::realtime::socket;
use greenhub::realtime::standing::SessionKey;
use greenhub::store::db::Db as _;
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use stream_fanout::handle;

/// Of the sample.
const WORKSPACE: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// An owner of the sample's workspace with a socket `k1`.
async fn world() -> (Fanout<MemoryDb, MemoryConnections>, MemoryConnections) {
    let (db, clock) = (MemoryDb::new(), Clock::system());
    let connections = MemoryConnections::new();
    let mut person: PersonRow = serde_json::from_value(json!({
        "rev": 0, "workspace": WORKSPACE, "person": "vera",
        "kind": {"is": "local", "login": "vera"}, "name": "Vera",
        "rights": Rights::of_owner(), "is_active": true, "created_ms": 0,
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
    let sockets = Sockets {
        db: db.clone(),
        clock: clock.clone(),
        connections: connections.clone(),
        origin: String::new(),
    };
    let ticket = ticket.unwrap();
    let opened = sockets.open("k1", None, Some(ticket.expose_secret()));
    opened.await.unwrap();
    connections.connect("k1");
    (Fanout::new(db, clock, connections.clone()), connections)
}

fn sample() -> Value {
    serde_json::from_str(include_str!("../../../events/stream-fanout.json")).unwrap()
}

#[tokio::test]
async fn the_images_of_a_row_become_an_event() {
    // AC 154
    async fn check(alter: fn(&mut Value), expect: &[&str]) {
        let (fanout, connections) = world().await;
        let mut event = sample();
        alter(&mut event["Records"][0]["dynamodb"]);
        let batch = serde_json::from_value(event).unwrap();
        handle(&fanout, batch).await.unwrap();
        let told = connections.take("k1");
        let actions: Vec<_> = told
            .iter()
            .map(|event| event["action"].as_str().unwrap())
            .collect();
        assert_eq!(actions, expect);
        for event in told {
            assert_eq!(event["topic"], "chat");
            assert_eq!(event["id"], "5f0c0e1d2b3a49586776859403a2b1c0");
            assert_eq!(event["inst_id"], "a1b2c3d4e5f60718293a4b5c6d7e8f90");
        }
    }
    check(|_| {}, &["update"]).await;
    check(|it| it["OldImage"] = Value::Null, &["insert"]).await;
    check(|it| it["OldImage"] = json!({}), &["insert"]).await;
    check(|it| it["NewImage"] = Value::Null, &["delete"]).await;
    check(|it| it["NewImage"] = it["OldImage"].clone(), &[]).await;
    check(
        |it| it["NewImage"]["workspace"] = json!({"S": "another"}),
        &[],
    )
    .await;
    check(|it| it["NewImage"]["rev"] = json!({"S": "seven"}), &[]).await;
    check(|it| it["Keys"]["sk"] = json!({"S": "DRAFT"}), &[]).await;
}
