//! Changing what was sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::ChatId;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::lane;
use greenhub::pipeline::whatsapp::Whatsapp;
use serde_json::{Value, json};

use super::support::{World, world};

/// Works off what waits for WhatsApp in a conversation.
async fn sent(world: &World, chat: &ChatId) {
    let keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let keys = Arc::new(DataKeys::new("k1".to_owned(), &keys).unwrap());
    let green = GreenApi::new(greenhub::http::client(Duration::from_secs(5)).unwrap());
    let provider = Whatsapp::new(&world.hub, &green, keys);
    let until_ms = world.hub.clock.now_ms() + 120_000;
    let run = Box::pin(lane::work_off(&world.hub, &provider, chat, until_ms));
    run.await.unwrap();
}

/// What the customer's phone shows, once it shows `n` messages.
async fn phone(world: &World, n: usize) -> Vec<String> {
    let base = format!(
        "http://{}/_sandbox/green-api/1101000001",
        world.sandbox.addr
    );
    let url = format!("{base}/phone/79001234567@c.us");
    let http = greenhub::http::client(Duration::from_secs(5)).unwrap();
    for _ in 0..200 {
        let shown: Value = http.get(&url).send().await.unwrap().json().await.unwrap();
        let shown = shown.as_array().unwrap();
        if shown.len() >= n {
            let texts = shown
                .iter()
                .map(|it| it["text"].as_str().unwrap().to_owned());
            return texts.collect();
        }
        world.hub.clock.sleep(Duration::from_millis(50)).await;
    }
    panic!("the phone does not show {n} messages");
}

#[tokio::test]
async fn what_was_sent_is_changed_on_the_phone_as_long_as_whatsapp_takes_it() {
    let world = world().await;
    let (ann, bob) = (world.ann().await, world.bob().await);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let body = json!({ "requestId": "r", "kind": "text", "text": "helo" });
    let asked = world
        .post(&ann, &format!("/api/chats/{chat}/messages"), body)
        .await;
    let path = format!("/api/messages/{}", asked.json["id"].as_str().unwrap());
    let edit =
        async |path: &str, text: &str| world.patch(&ann, path, json!({ "text": text })).await;
    // It has not gone out yet, and the customer's own message is theirs.
    assert_eq!(edit(&path, "hello").await.refusal(), (409, "not_this_one"));
    let theirs = format!("/api/messages/{chat}-1");
    assert_eq!(
        edit(&theirs, "hello").await.refusal(),
        (409, "not_this_one")
    );
    sent(&world, &chat).await;
    assert_eq!(phone(&world, 1).await, ["helo"]);

    assert_eq!(edit(&path, " ").await.refusal(), (422, "unfit"));
    let edited = edit(&path, "hello").await;
    assert_eq!(
        (edited.status, &edited.json["editedText"]),
        (200, &json!("hello"))
    );
    assert_eq!(phone(&world, 1).await, ["hello"]);
    world.advance(16 * 60 * 1000);
    assert_eq!(edit(&path, "hello you").await.refusal(), (409, "too_late"));
    let gone = world
        .ask(Some(&bob), Method::DELETE, &path, Value::Null)
        .await;
    assert!(gone.json["deletedAt"].is_string(), "{}", gone.json);
    assert_eq!(phone(&world, 1).await, ["(deleted)"]);
    let again = world
        .ask(Some(&bob), Method::DELETE, &path, Value::Null)
        .await;
    assert_eq!(again.refusal(), (409, "not_this_one"));
}
