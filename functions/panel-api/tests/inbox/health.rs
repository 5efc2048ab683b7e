//! What waits for a person, and how the flows stand.

use greenhub::domain::delivery::{Destination, PartState};
use greenhub::domain::ids::{ChatId, NumberId};
use greenhub::domain::message::{Message, of_reference};
use greenhub::domain::status::Status;
use greenhub::pipeline::{settle, sweep};
use greenhub::store::chats::QuarantineRow;
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{Session, World, world};

/// An answer that failed, by its id.
async fn failed(
    world: &World,
    session: &Session,
    chat: &ChatId,
    request: &str,
    is_clear: bool,
) -> String {
    world.advance(1);
    let body = json!({ "requestId": request, "kind": "text", "text": request });
    let sent = world
        .post(session, &format!("/api/chats/{chat}/messages"), body)
        .await;
    let id = sent.json["id"].as_str().unwrap().to_owned();
    let (chat, seq) = of_reference(&id).unwrap();
    let key = keys::message(&chat, seq);
    let message: Message = row::load(&world.hub.db, &key).await.unwrap().unwrap();
    settle::change_part(&world.hub, &message, Destination::Whatsapp, 0, |part| {
        part.error = Some("the number is not connected".to_owned());
        (part.state, part.status) = if is_clear {
            (PartState::Dead, Some(Status::Failed))
        } else {
            let unknown = PartState::Unknown {
                since_ms: 0,
                looked_ms: 0,
                at_ms: 0,
                to_person: true,
            };
            (unknown, Some(Status::Unknown))
        };
    })
    .await
    .unwrap();
    id
}

async fn stuck(world: &World, session: &Session) -> Vec<String> {
    let list = world.get(session, "/api/health/stuck").await.json;
    let ids = list["messages"].as_array().unwrap().iter();
    ids.map(|it| it["message"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_failed_is_sent_once_more_in_order_or_let_be() {
    let world = world().await;
    let ann = world.ann().await;
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(failed(&world, &ann, &chat, &format!("r{n}"), n != 4).await);
    }
    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(stuck(&world, &ann).await, newest_first);
    let details = world
        .get(&ann, &format!("/api/messages/{}", ids[0]))
        .await
        .json;
    assert_eq!(details["message"]["status"], "failed");
    let timeline = details["timeline"].as_array().unwrap().iter();
    let timeline: Vec<_> = timeline
        .map(|it| (&it["what"], &it["status"], &it["error"]))
        .collect();
    let (status, error, none) = (json!("status"), json!("error"), Value::Null);
    let why = json!("the number is not connected");
    assert_eq!(
        timeline,
        [
            (&status, &json!("queued"), &none),
            (&status, &json!("failed"), &none),
            (&error, &none, &why),
        ]
    );

    let retry = |body: Value| world.post(&ann, "/api/health/stuck/retry", body);
    let count = retry(json!({ "to": "whatsapp", "onlyCount": true })).await;
    assert_eq!(
        (&count.json["found"], &count.json["done"]),
        (&json!(4), &json!(0))
    );
    let all = retry(json!({})).await;
    assert_eq!(all.refusal(), (400, "bad_filter"));
    let later = retry(json!({ "messages": [&ids[1]], "withLater": true })).await;
    let counts = ["found", "done", "unclear"].map(|name| later.json[name].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1]);
    assert_eq!(stuck(&world, &ann).await, [ids[3].as_str(), &ids[0]]);
    let refused = world
        .post(&ann, &format!("/api/messages/{}/retry", ids[3]), json!({}))
        .await;
    assert_eq!(refused.refusal(), (409, "unclear"));
    let path = format!("/api/messages/{}/retry", ids[3]);
    let sure = world
        .post(&ann, &path, json!({ "evenIfTwice": true }))
        .await;
    assert_eq!(
        (sure.status, &sure.json["message"]["status"]),
        (202, &json!("queued"))
    );

    let discard = |reason: &str| {
        let body = json!({ "messages": [&ids[0]], "reason": reason });
        world.post(&ann, "/api/health/stuck/discard", body)
    };
    assert_eq!(discard(" ").await.refusal(), (400, "bad_reason"));
    assert_eq!(discard("told by phone").await.json["done"], 1);
    assert_eq!(stuck(&world, &ann).await, [""; 0]);
    let details = world
        .get(&ann, &format!("/api/messages/{}", ids[0]))
        .await
        .json;
    assert_eq!(details["discarded"], "told by phone");
}

#[tokio::test]
async fn each_flow_says_what_waits_and_since_when() {
    let world = world().await;
    let (ann, bob) = (world.ann().await, world.bob().await);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let path = format!("/api/chats/{chat}/messages");
    let body = json!({ "requestId": "r", "kind": "text", "text": "hello" });
    world.post(&ann, &path, body).await;
    world.advance(60_000);
    // The sweeper counts what is overdue.
    assert_eq!(sweep::wake_due_lanes(&world.hub).await.unwrap(), 1);
    // What it counted is told though many others were active since.
    for n in 10..25 {
        world.write("n1", &format!("790012345{n}@c.us"), "hi").await;
    }
    let health = world.get(&ann, "/api/health").await.json;
    let numbers = health["numbers"].as_array().unwrap();
    assert_eq!(numbers.len(), 2);
    let n1 = numbers.iter().find(|it| it["number"] == "n1").unwrap();
    assert_eq!(n1["state"], "authorized");
    assert_eq!(n1["whatsappOut"]["waiting"], 1);
    assert!(n1["whatsappOut"]["oldestAt"].is_string());
    assert!(n1["whatsappIn"]["lastSuccessAt"].is_string());
    assert_eq!(n1["stuck"], 0);
    let theirs = world.get(&bob, "/api/health").await.json;
    assert_eq!(theirs["numbers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_not_understood_is_shown_without_secrets() {
    let world = world().await;
    let ann = world.ann().await;
    let number = NumberId::new("n1");
    for (at_ms, body) in [
        (1_000, r#"{"token":"s3cret","x":1}"#),
        (2_000, "garbage s3cret"),
    ] {
        let mut row = QuarantineRow {
            rev: 0,
            why: "no type".to_owned(),
            body: body.to_owned(),
            n_bytes: body.len(),
            expires_at: i64::MAX,
        };
        let key = keys::quarantine(&number, at_ms, "hash");
        world.save(key, &mut row).await;
    }
    let shown = world
        .get(&ann, "/api/health/quarantine?number=n1")
        .await
        .json;
    let bodies: Vec<_> = shown["bodies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["body"])
        .collect();
    assert_eq!(bodies, [&Value::Null, &json!(r#"{"token":"…","x":1}"#)]);
    assert_eq!(shown["bodies"][1]["at"], "1970-01-01T00:00:01.000Z");
}
