//! What managers answer goes to customers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use greenhub::domain::telegram::Posts;
use serde_json::{Value, json};

use crate::world::{CHANNEL, FORUM, I1, I2, OTHER, World, text};

const ANN: &str = "79001234567";
const CHAT: &str = "79001234567@c.us";

/// A customer of the first number has written, and this is the post.
async fn asked(world: &World) -> i64 {
    world.customer(ANN, "hello?").await;
    let posts = world.posted(CHANNEL, 1).await;
    posts.last().unwrap()["message_id"].as_i64().unwrap()
}

// AC 131
#[tokio::test]
async fn an_answer_reaches_the_customer_and_the_manager_sees_that() {
    let world = World::linked().await;
    let post = asked(&world).await;
    let kinds = [
        (
            "photo",
            "p.jpg",
            "image/jpeg",
            &b"\xff\xd8\xff\xe0 picture"[..],
        ),
        (
            "video",
            "v.mp4",
            "video/mp4",
            b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
        ),
        (
            "voice",
            "v.ogg",
            "audio/ogg",
            b"OggS\x00\x02\x00\x00 OpusHead speech",
        ),
        ("document", "d.pdf", "application/pdf", b"%PDF-1.4 text"),
        (
            "sticker",
            "s.webp",
            "image/webp",
            b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        ),
    ];
    let body = json!({ "text": "yes?", "reply_to": post });
    let answer = world.writes(CHANNEL, body).await;
    assert_eq!(world.got(I1, CHAT, 1).await, ["yes?"]);
    assert_eq!(world.reaction(CHANNEL, answer).await, "👍");
    for (n, (kind, name, mime, bytes)) in kinds.into_iter().enumerate() {
        let file =
            json!({ "kind": kind, "name": name, "mime": mime, "base64": STANDARD.encode(bytes) });
        let body = json!({ "reply_to": post, "text": if kind == "photo" { "look" } else { "" }, "file": file });
        let answer = world.writes(CHANNEL, body).await;
        world.got(I1, CHAT, n + 2).await;
        assert_eq!(world.reaction(CHANNEL, answer).await, "👍", "{kind}");
        let sent = world.phone(I1, CHAT).await.pop().unwrap();
        let got = world
            .http
            .get(text(&sent["file"], "url"))
            .send()
            .await
            .unwrap();
        assert_eq!(got.bytes().await.unwrap(), bytes, "{kind}: {sent}");
        if kind == "photo" {
            assert_eq!(text(&sent, "text"), "look");
        }
    }
}

// AC 131
#[tokio::test]
async fn a_refusal_is_told_under_the_answer_and_in_a_line_with_the_reason() {
    let world = World::linked().await;
    let post = asked(&world).await;
    world
        .faults(
            json!([{ "provider": "green-api", "path_contains": "sendMessage", "times": 1,
                         "status": 400, "body": { "message": "the number is mad & <bad>" } }]),
        )
        .await;
    let answer = world
        .writes(CHANNEL, json!({ "text": "yes?", "reply_to": post }))
        .await;
    assert_eq!(world.reaction(CHANNEL, answer).await, "😡");
    let posts = world.posted(CHANNEL, 2).await;
    let line = text(&posts[1], "text");
    assert!(line.starts_with("⚠️ Сообщение не отправлено"), "{line}");
    assert!(line.contains("the number is mad & <bad>"), "{line}");
    assert!(world.phone(I1, CHAT).await.is_empty());
}

// AC 132
#[tokio::test]
async fn what_cannot_be_sent_or_is_no_answer_is_not_sent() {
    let world = World::linked().await;
    let post = asked(&world).await;
    let moving = json!({ "kind": "sticker", "name": "s.tgs", "animated": true, "base64": "AAAA" });
    let sticker = world
        .writes(CHANNEL, json!({ "reply_to": post, "file": moving }))
        .await;
    assert_eq!(world.reaction(CHANNEL, sticker).await, "😡");
    let greeting = world.posts(CHANNEL).await[0]["message_id"]
        .as_i64()
        .unwrap();
    let mut others = vec![
        world.writes(CHANNEL, json!({ "text": "to nobody" })).await,
        world
            .writes(
                CHANNEL,
                json!({ "text": "to the greeting", "reply_to": greeting }),
            )
            .await,
    ];
    let last = *others.last().unwrap();
    others.push(
        world
            .writes(
                CHANNEL,
                json!({ "text": "to a colleague", "reply_to": last }),
            )
            .await,
    );
    world.settle().await;
    assert!(world.phone(I1, CHAT).await.is_empty());
    for message in world.all(CHANNEL).await {
        if others.contains(&message["message_id"].as_i64().unwrap()) {
            assert_eq!(message["reactions"], json!([]), "{message}");
        }
    }
}

// AC 133
#[tokio::test]
async fn an_answer_goes_where_its_channel_says_and_not_where_its_number_says() {
    let world = World::linked().await;
    for channel in [CHANNEL, OTHER] {
        let path = format!("telegram/chats/{channel}");
        world
            .control(reqwest::Method::PUT, &path, json!({ "next_message": 42 }))
            .await;
    }
    world.customer(ANN, "to A").await;
    let body = json!({ "from": "79007654321", "name": "Bob", "text": "to B" });
    world.incoming(I2, body).await;
    for channel in [CHANNEL, OTHER] {
        assert_eq!(world.posted(channel, 1).await[0]["message_id"], 42);
    }
    world
        .writes(OTHER, json!({ "text": "for Bob", "reply_to": 42 }))
        .await;
    assert_eq!(world.got(I2, "79007654321@c.us", 1).await, ["for Bob"]);
    assert!(world.phone(I1, CHAT).await.is_empty());
}

// AC 136
#[tokio::test]
async fn what_was_answered_while_nothing_ran_is_sent_once_later() {
    let world = World::linked().await;
    let post = asked(&world).await;
    // Nobody takes what Telegram tells, for a while.
    let url = format!(
        "{}/bot{}/setWebhook",
        world.url(),
        world_token(&world).await
    );
    let hook = |to: &str| json!({ "url": to, "secret_token": crate::world::SECRET });
    let away = hook("http://127.0.0.1:9/webhooks/telegram");
    world.http.post(&url).json(&away).send().await.unwrap();
    world
        .writes(
            CHANNEL,
            json!({ "text": "from the dark", "reply_to": post }),
        )
        .await;
    world.pass(Duration::from_secs(300));
    let back = hook(&format!("{}/webhooks/telegram", world.app_url));
    world.http.post(&url).json(&back).send().await.unwrap();
    assert_eq!(world.got(I1, CHAT, 1).await, ["from the dark"]);
    world.settle().await;
    assert_eq!(world.got(I1, CHAT, 1).await, ["from the dark"]);
}

async fn world_token(world: &World) -> String {
    let accounts = world
        .control(reqwest::Method::GET, "accounts", Value::Null)
        .await;
    text(&accounts["telegram"], "botToken")
}

#[tokio::test]
async fn everything_in_a_topic_is_for_its_customer() {
    let world = World::new().await;
    world.link(I1, FORUM, Posts::default()).await;
    world.customer(ANN, "hello?").await;
    let posts = world.posted(FORUM, 1).await;
    let thread = posts[0]["thread"].as_i64().unwrap();
    world
        .writes(
            FORUM,
            json!({ "text": "no reply, but in the topic", "thread": thread }),
        )
        .await;
    world
        .writes(FORUM, json!({ "text": "somewhere else" }))
        .await;
    assert_eq!(world.got(I1, CHAT, 1).await, ["no reply, but in the topic"]);
    world.settle().await;
    assert_eq!(world.phone(I1, CHAT).await.len(), 1);
}

#[tokio::test]
async fn a_chat_that_allows_no_reaction_gets_a_reply() {
    let world = World::linked().await;
    let path = format!("telegram/chats/{CHANNEL}");
    world
        .control(reqwest::Method::PUT, &path, json!({ "reactions": [] }))
        .await;
    let post = asked(&world).await;
    let answer = world
        .writes(CHANNEL, json!({ "text": "yes?", "reply_to": post }))
        .await;
    world.got(I1, CHAT, 1).await;
    let posts = world.posted(CHANNEL, 2).await;
    assert_eq!(
        (text(&posts[1], "text"), &posts[1]["reply_to"]),
        ("👍".to_owned(), &json!(answer))
    );
}
