//! Whoever is not Telegram, and whatever Telegram's updates may hold.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{CHANNEL, I1, SECRET, World};

async fn post(world: &World, secret: Option<&str>, body: Vec<u8>) -> StatusCode {
    let url = format!("{}/webhooks/telegram", world.app_url);
    let mut request = world.http.post(url).body(body);
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    request.send().await.unwrap().status()
}

// AC 134
#[tokio::test]
async fn a_forged_update_is_refused_and_nothing_comes_of_it() {
    let world = World::linked().await;
    world.customer("79001234567", "hello?").await;
    let post_id = world.posted(CHANNEL, 1).await[0]["message_id"].clone();
    let update = json!({ "update_id": 5, "channel_post": {
        "message_id": 900, "date": 1_700_000_000, "text": "forged",
        "chat": { "id": CHANNEL, "type": "channel", "title": "T" },
        "reply_to_message": { "message_id": post_id },
    }});
    let body = update.to_string().into_bytes();
    let wrong = [
        None,
        Some(""),
        Some("x"),
        Some(&SECRET[1..]),
        Some("what_only_Telegram-knowS"),
    ];
    for secret in wrong {
        assert_eq!(post(&world, secret, body.clone()).await, 401, "{secret:?}");
    }
    world.settle().await;
    assert!(world.phone(I1, "79001234567@c.us").await.is_empty());
    // The same with the secret is an answer, and only once.
    for _ in 0..3 {
        assert_eq!(post(&world, Some(SECRET), body.clone()).await, 200);
    }
    assert_eq!(world.got(I1, "79001234567@c.us", 1).await, ["forged"]);
    world.settle().await;
    assert_eq!(world.phone(I1, "79001234567@c.us").await.len(), 1);
}

#[tokio::test]
async fn no_body_fails_and_none_is_larger_than_it_may_be() {
    let world = World::new().await;
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(post(&world, Some(SECRET), large).await, 413);
    let bodies: [&[u8]; 6] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        br#"{"update_id":"x"}"#,
    ];
    for body in bodies {
        assert_eq!(
            post(&world, Some(SECRET), body.to_vec()).await,
            200,
            "{body:?}"
        );
    }
    let chat = json!({ "id": CHANNEL, "type": "channel", "title": "T" });
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        Just(json!({ "id": i64::MIN, "type": "supergroup" })),
        Just(json!({ "message_id": i64::MAX })),
        Just(json!({ "status": "administrator" })),
        Just(json!([{ "file_id": "x", "width": -1 }])),
    ];
    let fields = prop::sample::select(vec![
        "text",
        "caption",
        "date",
        "photo",
        "document",
        "sticker",
        "voice",
        "reply_to_message",
        "from",
        "message_thread_id",
        "migrate_to_chat_id",
        "new_chat_title",
        "new_chat_member",
    ]);
    let kinds = prop::sample::select(vec![
        "message",
        "channel_post",
        "edited_channel_post",
        "my_chat_member",
        "callback_query",
    ]);
    let updates = (
        kinds,
        prop::collection::vec((fields, value), 0..5),
        any::<i64>(),
    );
    let mut runner = TestRunner::deterministic();
    for n in 0..300 {
        let (kind, more, message) = updates.new_tree(&mut runner).unwrap().current();
        let mut body = json!({ "message_id": message, "chat": chat });
        for (name, value) in more {
            body[name] = value;
        }
        let update = json!({ "update_id": n, kind: body });
        let status = post(&world, Some(SECRET), update.to_string().into_bytes()).await;
        assert_eq!(status, 200, "{update}");
    }
}
