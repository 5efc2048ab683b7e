//! What customers write is posted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use greenhub::domain::telegram::Posts;
use serde_json::{Value, json};

use crate::world::{CHANNEL, FORUM, HUB, I1, OTHER, World, text, texts};

const PHONE: &str = "79001234567";

fn post(name: &str, phone: &str, text: &str) -> String {
    format!("От: {name}\nНомер: {phone}\nСообщение: {text}")
}

fn file(name: &str, mime: &str, bytes: &[u8]) -> Value {
    json!({ "name": name, "mime": mime, "base64": STANDARD.encode(bytes) })
}

// AC 122, 126
#[tokio::test]
async fn a_text_is_posted_once_with_a_button_to_its_chat() {
    let world = World::linked().await;
    let body = json!({
        "senderData": { "chatId": format!("{PHONE}@c.us"), "sender": format!("{PHONE}@c.us"), "senderName": "Ann" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" } },
        "idMessage": "ONCE",
    });
    world.notify("incomingMessageReceived", body.clone()).await;
    world.notify("incomingMessageReceived", body).await;
    let posts = world.posted(CHANNEL, 1).await;
    assert_eq!(text(&posts[0], "text"), post("Ann", PHONE, "hi"));
    let button = &posts[0]["buttons"][0];
    assert_eq!(button["text"], PHONE);
    let url = text(button, "url");
    let chat = url.strip_prefix(&format!("{HUB}/chats/")).unwrap();
    assert!(chat.len() > 20, "{chat}");
    world.settle().await;
    assert_eq!(world.posted(CHANNEL, 1).await.len(), 1);
    assert_eq!(world.posts(OTHER).await.len(), 1, "the greeting alone");
}

// AC 124
#[tokio::test]
async fn exactly_these_signs_are_posted() {
    let world = World::linked().await;
    let body = json!({ "from": PHONE, "name": "a_b*[c", "text": "<b>&" });
    world.incoming(I1, body).await;
    let posts = world.posted(CHANNEL, 1).await;
    assert_eq!(text(&posts[0], "text"), post("a_b*[c", PHONE, "<b>&"));
}

// AC 123
#[tokio::test]
async fn groups_are_marked_and_files_are_shown_as_what_they_are() {
    let world = World::linked().await;
    let from = "120363043968066561@g.us";
    let group = json!({
        "senderData": { "chatId": from, "sender": format!("{PHONE}@c.us"), "senderName": "Ann", "chatName": "Team" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" } },
        "idMessage": "G1",
    });
    world.notify("incomingMessageReceived", group).await;
    let posts = world.posted(CHANNEL, 1).await;
    assert_eq!(posts[0]["buttons"][0]["text"], "120363043968066561-g");
    assert!(text(&posts[0], "text").contains("От: Team"), "{}", posts[0]);

    let files = [
        (
            "a.jpg",
            "image/jpeg",
            &b"\xff\xd8\xff\xe0 picture"[..],
            "photo",
        ),
        (
            "a.mp4",
            "video/mp4",
            b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
            "video",
        ),
        (
            "a.mp3",
            "audio/mpeg",
            b"ID3\x03\x00\x00\x00\x00\x00\x00 sound",
            "audio",
        ),
        (
            "a.ogg",
            "audio/ogg",
            b"OggS\x00\x02\x00\x00 OpusHead speech",
            "voice",
        ),
        ("a.pdf", "application/pdf", b"%PDF-1.4 text", "document"),
    ];
    for (n, (name, mime, bytes, kind)) in files.into_iter().enumerate() {
        let body = json!({ "from": PHONE, "name": "Ann", "text": "look", "file": file(name, mime, bytes) });
        world.incoming(I1, body).await;
        let posts = world.posted(CHANNEL, n + 2).await;
        let posted = posts.last().unwrap();
        assert_eq!(posted["file"]["kind"], kind, "{name}: {posted}");
        assert_eq!(text(posted, "text"), post("Ann", PHONE, "look"), "{name}");
    }
}

// AC 125
#[tokio::test]
async fn what_is_too_long_comes_in_parts() {
    let world = World::linked().await;
    let words = |n: usize| (0..n).map(|n| format!("w{n:03} ")).collect::<String>();
    let long = words(1000);
    world.customer(PHONE, &long).await;
    let posts = texts(&world.posted(CHANNEL, 2).await);
    let all = posts.join(" ");
    assert_eq!(all, post("Ann", PHONE, long.trim()));

    let caption = words(300);
    let picture = file("a.jpg", "image/jpeg", b"\xff\xd8\xff\xe0 picture");
    let body = json!({ "from": PHONE, "name": "Ann", "text": caption, "file": picture });
    world.incoming(I1, body).await;
    let posts = world.posted(CHANNEL, 4).await;
    assert_eq!(posts[2]["file"]["kind"], "photo");
    let all = texts(&posts[2..]).join(" ");
    assert_eq!(all, post("Ann", PHONE, caption.trim()));
}

// AC 127
#[tokio::test]
async fn kinds_that_say_little_have_sensible_words() {
    let world = World::linked().await;
    let kinds = [
        json!({ "typeMessage": "pollUpdateMessage", "pollMessageData": { "name": "Lunch?", "votes": [] } }),
        json!({ "typeMessage": "interactiveButtonsReply", "interactiveButtonsReply": { "titleText": "Yes" } }),
        json!({ "typeMessage": "templateButtonsReplyMessage",
                "templateButtonReplyMessage": { "selectedDisplayText": "No" } }),
    ];
    for (n, data) in kinds.into_iter().enumerate() {
        let body = json!({
            "senderData": { "chatId": format!("{PHONE}@c.us"), "sender": format!("{PHONE}@c.us"), "senderName": "Ann" },
            "messageData": data, "idMessage": format!("K{n}"),
        });
        world.notify("incomingMessageReceived", body).await;
        let posts = world.posted(CHANNEL, n + 1).await;
        let said = text(&posts[n], "text");
        let said = said.split("Сообщение: ").nth(1).unwrap();
        assert!(!said.trim().is_empty() && said != "—", "{n}: {said}");
    }
}

// AC 140
#[tokio::test]
async fn a_call_is_one_post_that_ends_as_what_became_of_it() {
    let world = World::linked().await;
    for status in ["offer", "missed"] {
        let call =
            json!({ "from": format!("{PHONE}@c.us"), "idMessage": "CALL", "status": status });
        world.notify("incomingCall", call).await;
        world.posted(CHANNEL, 1).await;
        world.settle().await;
    }
    world
        .until("the outcome", async || {
            let posts = world.posted(CHANNEL, 1).await;
            assert_eq!(posts.len(), 1, "{posts:?}");
            let text = text(&posts[0], "text");
            assert!(text.starts_with("📞 Входящий звонок\n"), "{text}");
            (posts[0]["edited"] == true && text.contains("пропущен")).then_some(())
        })
        .await;
}

// AC 128
#[tokio::test]
async fn three_files_of_one_name_are_three_files() {
    let world = World::linked().await;
    let names = ["doc.pdf", "doc.pdf", "../../etc/x"];
    for (n, name) in names.into_iter().enumerate() {
        let from = format!("7900123456{n}");
        let pdf = format!("%PDF-1.4 of {n}");
        let body = json!({ "from": from, "name": "Ann", "text": "", "file": file(name, "application/pdf", pdf.as_bytes()) });
        world.incoming(I1, body).await;
    }
    let posts = world.posted(CHANNEL, 3).await;
    for (n, name) in names.into_iter().enumerate() {
        let phone = format!("7900123456{n}");
        let of = posts
            .iter()
            .find(|post| text(post, "text").contains(&phone));
        let file = &of.unwrap()["file"];
        let got = world.http.get(text(file, "url")).send().await.unwrap();
        assert_eq!(
            got.text().await.unwrap(),
            format!("%PDF-1.4 of {n}"),
            "{name}"
        );
        assert!(!text(file, "name").contains('/'), "{file}");
    }
    let kept = world.store.all();
    assert_eq!(kept.len(), 3);
    assert!(
        kept.keys()
            .all(|key| key.starts_with("files/") && !key.contains("..")),
        "{kept:?}"
    );
}

// AC 135
#[tokio::test]
async fn a_burst_with_a_429_in_its_middle_arrives_whole_and_in_order() {
    let world = World::linked().await;
    for n in 0..50 {
        world.customer(PHONE, &format!("message {n:02}.")).await;
        if n == 20 {
            world.settle().await;
            let too_many = json!({
                "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 30",
                "parameters": { "retry_after": 30 },
            });
            world
                .faults(
                    json!([{ "provider": "telegram", "path_contains": "sendMessage",
                                 "times": 1, "status": 429, "body": too_many }]),
                )
                .await;
        }
    }
    let all = world
        .until("all of them", async || {
            let all = texts(&world.posted(CHANNEL, 1).await).join("\n");
            all.contains("message 49.").then_some(all)
        })
        .await;
    let found: Vec<&str> = all
        .split("message ")
        .skip(1)
        .map(|rest| &rest[..2])
        .collect();
    let expect: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    assert_eq!(found, expect);
    world.settle().await;
    let n_posts = world.posted(CHANNEL, 1).await.len();
    assert!(n_posts < 50, "what had to wait went together");
    let refused = world
        .control(reqwest::Method::GET, "stats", Value::Null)
        .await;
    assert_eq!(refused["telegram"], json!({}), "no 429 because of us");
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_not_made_twice_and_holds_nothing_up() {
    let world = World::linked().await;
    world
        .faults(
            json!([{ "provider": "telegram", "path_contains": "sendMessage", "times": 1,
                         "apply_then_drop": true }]),
        )
        .await;
    world.customer(PHONE, "first").await;
    world.posted(CHANNEL, 1).await;
    world.customer(PHONE, "second").await;
    world.posted(CHANNEL, 2).await;
    world.settle().await;
    world.pass(std::time::Duration::from_secs(3600));
    world.settle().await;
    let posts = texts(&world.posted(CHANNEL, 2).await);
    assert_eq!(
        posts,
        [post("Ann", PHONE, "first"), post("Ann", PHONE, "second")]
    );
}

#[tokio::test]
async fn what_telegram_could_not_do_is_done_later() {
    let world = World::linked().await;
    let failed = json!({ "ok": false, "error_code": 500, "description": "Internal Server Error" });
    world
        .faults(
            json!([{ "provider": "telegram", "path_contains": "sendMessage", "times": 2,
                         "status": 500, "body": failed }]),
        )
        .await;
    world.customer(PHONE, "patience").await;
    let posts = texts(&world.posted(CHANNEL, 1).await);
    assert_eq!(posts, [post("Ann", PHONE, "patience")]);
}

#[tokio::test]
async fn each_conversation_has_a_topic_and_a_new_one_when_that_is_gone() {
    let world = World::new().await;
    world.link(I1, FORUM, Posts::default()).await;
    world.customer(PHONE, "one").await;
    world.posted(FORUM, 1).await;
    world.customer("79007654321", "other").await;
    world.posted(FORUM, 2).await;
    world.customer(PHONE, "two").await;
    let posts = world.posted(FORUM, 3).await;
    let threads: Vec<i64> = posts
        .iter()
        .map(|p| p["thread"].as_i64().unwrap())
        .collect();
    assert_eq!(threads[0], threads[2]);
    assert_ne!(threads[0], threads[1]);
    let path = format!("telegram/chats/{FORUM}/topics/{}", threads[0]);
    world
        .control(reqwest::Method::DELETE, &path, Value::Null)
        .await;
    world.customer(PHONE, "three").await;
    let posts = world.posted(FORUM, 4).await;
    assert!(text(&posts[3], "text").contains("three"));
    let thread = posts[3]["thread"].as_i64().unwrap();
    assert!(!threads.contains(&thread), "{thread} of {threads:?}");
}
