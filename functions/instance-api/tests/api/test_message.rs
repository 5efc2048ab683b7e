//! A text that shows whether a number works.

use std::sync::Arc;

use axum::http::Method;
use greenhub::domain::message::Message;
use greenhub::domain::status::{Receipt, Status};
use greenhub::pipeline::whatsapp::Whatsapp;
use greenhub::pipeline::{lane, receipt};
use greenhub::store::db::Table;
use greenhub::store::row;
use serde_json::{Value, json};

use super::support::{Answer, I1, I2, T1, T2, World, world};

const PHONE: &str = "79001234567";

async fn send(world: &World, session: &str, id: &str, body: Value) -> Answer {
    let path = format!("/api/instances/{id}/test-message");
    world.with(session, Method::POST, &path, body).await
}

async fn look(world: &World, session: &str, id: &str, message: &Value) -> Value {
    let message = message.as_str().unwrap();
    let path = format!("/api/instances/{id}/test-message/{message}");
    let answer = world.with(session, Method::GET, &path, Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn messages(world: &World) -> Vec<Message> {
    let rows = world.db.rows(Table::Chats).into_iter();
    rows.filter(|(key, _)| key.sk.starts_with("M#L#"))
        .map(|(_, item)| row::read(item).unwrap())
        .collect()
}

/// What outbound-sender does when the lane is woken.
async fn work_off(world: &World) -> Message {
    let message = messages(world).pop().unwrap();
    let keys =
        greenhub::crypto::DataKeys::new("k1".to_owned(), &[("k1".to_owned(), [7; 32])].into());
    let whatsapp = Whatsapp::new(&world.hub, &world.green, Arc::new(keys.unwrap()));
    let deadline_ms = world.clock.now_ms() + 120_000;
    lane::work_off(&world.hub, &whatsapp, &message.chat, deadline_ms)
        .await
        .unwrap();
    messages(world).pop().unwrap()
}

async fn told(world: &World, message: &Message, status: Status) {
    let receipt = Receipt {
        remote_id: message.whatsapp_id.clone().unwrap(),
        chat: None,
        status,
        word: String::new(),
        description: None,
        at_s: 0,
    };
    receipt::accept(&world.hub, &message.number, receipt)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_text_goes_the_way_of_every_message_and_its_status_can_be_read() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let body = json!({ "phone": "+7 900 123-45-67", "text": " hi there ", "requestId": "r-1" });
    let sent = send(&world, &alice, &id, body.clone()).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    assert_eq!(sent.json["status"], "queued");
    assert_eq!(sent.json["reason"], Value::Null);
    assert_eq!(sent.json["crm"], "waiting");
    let message = sent.json["id"].clone();
    // Nobody has called yet: the lane is woken.
    assert_eq!(world.calls("sendMessage").await.len(), 0);
    assert!(world.hub.queue.next_visible_ms().is_some());
    world.restarted().await;

    // The same request again is the same message.
    let again = send(&world, &alice, &id, body).await;
    assert_eq!((again.status, &again.json["id"]), (202, &message));
    assert_eq!(messages(&world).len(), 1);

    let row = work_off(&world).await;
    assert_eq!(
        look(&world, &alice, &id, &message).await["status"],
        "accepted"
    );
    let calls = world.calls("sendMessage").await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["body"]["chatId"], format!("{PHONE}@c.us"));
    assert_eq!(calls[0]["body"]["message"], "hi there");
    for (status, expect) in [
        (Status::Sent, "sent"),
        (Status::Delivered, "delivered"),
        (Status::Read, "read"),
    ] {
        told(&world, &row, status).await;
        assert_eq!(look(&world, &alice, &id, &message).await["status"], expect);
    }

    // Without an id each request is a message of its own.
    let body = json!({ "phone": PHONE, "text": "hi there" });
    for _ in 0..2 {
        assert_eq!(send(&world, &alice, &id, body.clone()).await.status, 202);
    }
    assert_eq!(messages(&world).len(), 3);
}

#[tokio::test]
async fn a_text_that_fails_says_why() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let body = json!({ "phone": PHONE, "text": "hi" });
    let sent = send(&world, &alice, &id, body).await;
    world.restarted().await;
    let row = work_off(&world).await;
    let receipt = Receipt {
        remote_id: row.whatsapp_id.clone().unwrap(),
        chat: None,
        status: Status::Failed,
        word: "noAccount".to_owned(),
        description: None,
        at_s: 0,
    };
    receipt::accept(&world.hub, &row.number, receipt)
        .await
        .unwrap();
    let shown = look(&world, &alice, &id, &sent.json["id"]).await;
    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["reason"], "the person has no WhatsApp account");
}

#[tokio::test]
async fn a_text_that_cannot_be_sent_is_refused_at_once() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let check = async |body: Value, expect: u16, code: &str| {
        let answer = send(&world, &alice, &id, body.clone()).await;
        assert_eq!(answer.status, expect, "{body}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{body}");
    };
    check(json!({ "phone": PHONE, "text": " " }), 400, "bad_text").await;
    let long = "я".repeat(1001);
    check(json!({ "phone": PHONE, "text": long }), 400, "bad_text").await;
    check(json!({ "phone": "x", "text": "hi" }), 400, "bad_phone").await;
    check(json!({ "phone": PHONE }), 400, "bad_body").await;
    for request in ["", "a b", "../x", &*"r".repeat(65)] {
        let body = json!({ "phone": PHONE, "text": "hi", "requestId": request });
        check(body, 400, "bad_request_id").await;
    }
    world.unlink(I1).await;
    world.later(3_000);
    world.second().await;
    let path = format!("/api/instances/{id}/check");
    let checked = world.with(&alice, Method::POST, &path, Value::Null).await;
    assert_eq!(checked.json["state"], "notAuthorized", "{}", checked.text);
    check(json!({ "phone": PHONE, "text": "hi" }), 409, "not_now").await;
    assert!(messages(&world).is_empty());
}

#[tokio::test]
async fn nothing_else_can_be_read_as_a_test_message() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let other = world.add(&alice, I2, T2).await;
    let other = other.json["id"].as_str().unwrap();
    let body = json!({ "phone": PHONE, "text": "hi" });
    let sent = send(&world, &alice, &id, body).await;
    let message = sent.json["id"].as_str().unwrap();
    let (chat, _) = message.rsplit_once('-').unwrap();
    let check = async |number: &str, message: &str| {
        let path = format!("/api/instances/{number}/test-message/{message}");
        let answer = world.with(&alice, Method::GET, &path, Value::Null).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    };
    check(other, message).await;
    for wrong in [
        "x",
        "-1",
        &format!("{chat}-2"),
        &format!("{chat}-x"),
        "a%2f1-1",
    ] {
        check(&id, wrong).await;
    }
    // A customer's message in the same conversation is not shown here.
    let row = world.row("w1", &id).await.unwrap();
    let new = greenhub::domain::event::NewMessage {
        kind: greenhub::domain::event::IdKind::Message,
        remote_id: "M1".to_owned(),
        direction: greenhub::domain::message::Direction::In,
        origin: greenhub::domain::message::Origin::Whatsapp,
        api_echo: false,
        chat: greenhub::domain::chat_id::Alias::from_phone_digits(PHONE),
        chat_name: None,
        phone: None,
        author: greenhub::domain::event::Author::default(),
        at_s: None,
        content: greenhub::domain::content::Content::Text {
            text: "secret".to_owned(),
        },
        quoted: None,
    };
    let home = greenhub::pipeline::accept::Home::from(&row);
    greenhub::pipeline::accept::whatsapp_message(&world.hub, &home, new)
        .await
        .unwrap();
    check(&id, &format!("{chat}-2")).await;
}
