//! From the customer's phone into the CRM.

use serde_json::{Value, json};

use crate::world::{I1, World, text, texts};

// AC 44
#[tokio::test]
async fn a_text_appears_in_the_crm_with_its_contact() {
    let world = World::new().await;
    world.customer("79001234567", " hi ").await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(texts(&messages), ["hi"]);
    assert_eq!(messages[0]["direction"], "inbound");
    assert_ne!(messages[0]["altId"], Value::Null);
    let contact = &world.contacts("+79001234567").await[0];
    assert_eq!(contact["name"], "Ann");
    assert_eq!(contact["tags"], json!([format!("whatsapp-instance-{I1}")]));

    let upserts = world.calls("/contacts/upsert").await;
    assert_eq!(upserts.len(), 1);
    assert_eq!(upserts[0]["body"]["source"], "GREEN-API");
    assert_eq!(upserts[0]["body"]["phone"], "+79001234567");
    let posts = world.calls("/messages/inbound").await;
    assert_eq!(posts[0]["body"]["direction"], "inbound");

    // A further message of a known chat is one call.
    let n_before = world.calls("").await.len();
    world.customer("79001234567", "there").await;
    world.shown("+79001234567", 2).await;
    world.settle().await;
    assert_eq!(world.calls("").await.len() - n_before, 1);
}

// AC 45
#[tokio::test]
async fn a_notification_delivered_twice_is_one_message() {
    let world = World::new().await;
    for _ in 0..3 {
        world
            .notify("incomingMessageReceived", message("M1", "only once"))
            .await;
    }
    world.shown("+79001234567", 1).await;
    world.settle().await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(texts(&messages), ["only once"]);
    assert_eq!(world.calls("/messages/inbound").await.len(), 1);
}

/// A text of a customer, as a notification has it.
fn message(id: &str, text: &str) -> Value {
    json!({
        "idMessage": id,
        "senderData": {
            "chatId": "79001234567@c.us", "sender": "79001234567@c.us", "senderName": "Ann",
        },
        "messageData": {
            "typeMessage": "textMessage", "textMessageData": { "textMessage": text },
        },
    })
}

// AC 47
#[tokio::test]
async fn a_contact_that_is_there_keeps_its_name_and_its_tags() {
    let world = World::new().await;
    let added = world
        .add_contact("+79001234567", "Anna (edited)", &["vip"])
        .await;
    world.customer("79001234567", "hi").await;
    let (contact, _) = world.shown("+79001234567", 1).await;
    assert_eq!(contact, added);
    let contacts = world.contacts("+79001234567").await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["name"], "Anna (edited)");
    let tags = contacts[0]["tags"].as_array().unwrap();
    assert!(tags.contains(&json!("vip")), "{tags:?}");
    assert!(
        tags.contains(&json!(format!("whatsapp-instance-{I1}"))),
        "{tags:?}"
    );
}

// AC 48
#[tokio::test]
async fn five_first_messages_at_once_make_one_conversation() {
    let world = World::new().await;
    for n in 1..=5 {
        world.customer("79001234567", &n.to_string()).await;
    }
    let (contact, messages) = world.shown("+79001234567", 5).await;
    assert_eq!(texts(&messages), ["1", "2", "3", "4", "5"]);
    assert_eq!(world.conversations(&contact).await.len(), 1);
    assert_eq!(world.contacts("+79001234567").await.len(), 1);
    world.customer("79001234567", "6").await;
    world.shown("+79001234567", 6).await;
    assert_eq!(world.conversations(&contact).await.len(), 1);
}

// AC 49, 74
#[tokio::test]
async fn a_group_is_a_contact_and_answers_go_to_the_group() {
    let world = World::new().await;
    let group = json!({ "id": "120363418570879210", "name": "Team" });
    let body = json!({ "from": "79001234567", "name": "Ann", "text": "hi", "group": group });
    world.incoming(body).await;
    let (contact, messages) = world.shown("+120363418570879210", 1).await;
    let shown = text(&messages[0], "message");
    assert!(shown.starts_with("Ann (+79001234567):"), "{shown}");
    assert!(shown.contains("hi"), "{shown}");
    let contacts = world.contacts("+120363418570879210").await;
    assert_eq!(contacts[0]["name"], "[Group] Team");
    let mut tags: Vec<_> = contacts[0]["tags"].as_array().unwrap().clone();
    tags.sort_by_key(Value::to_string);
    let own = format!("whatsapp-instance-{I1}");
    assert_eq!(tags, [json!("whatsapp-group"), json!(own)]);

    world.reply(&contact, "hello, team").await;
    assert_eq!(
        world.got("120363418570879210@g.us", 1).await,
        ["hello, team"]
    );
}

// AC 65
#[tokio::test]
async fn a_person_without_a_phone_is_one_contact_and_gets_the_answer() {
    let world = World::new().await;
    let write = |text: &str| json!({ "from": "123456789012345", "lid": true, "text": text });
    world.incoming(write("hi")).await;
    world.incoming(write("again")).await;
    let (contact, messages) = world.shown("+123456789012345", 2).await;
    assert_eq!(texts(&messages), ["hi", "again"]);
    let contacts = world.contacts("+123456789012345").await;
    assert_eq!(contacts.len(), 1);
    let tags = contacts[0]["tags"].as_array().unwrap();
    assert!(tags.contains(&json!("whatsapp-lid")), "{tags:?}");

    world.reply(&contact, "hello").await;
    assert_eq!(world.got("123456789012345@lid", 1).await, ["hello"]);
}

// AC 50
#[tokio::test]
async fn a_picture_comes_with_its_caption_or_with_words_of_ours() {
    let world = World::new().await;
    let picture = |text: &str| {
        let file = json!({ "name": "cat.png", "mime": "image/png", "base64": "iVBORw0KGgo=" });
        json!({ "from": "79001234567", "text": text, "file": file })
    };
    world.incoming(picture("c")).await;
    world.incoming(picture("")).await;
    let (_, messages) = world.shown("+79001234567", 2).await;
    assert_eq!(text(&messages[0], "message"), "c");
    assert!(
        text(&messages[1], "message").contains("image"),
        "{}",
        messages[1]
    );
    for message in &messages {
        let attachments = message["attachments"].as_array().unwrap();
        assert_eq!(attachments.len(), 1, "{message}");
        let link = attachments[0].as_str().unwrap();
        assert!(link.ends_with(".png"), "{link}");
    }
}

// AC 63
#[tokio::test]
async fn what_is_typed_on_the_phone_is_in_the_crm_once_and_goes_nowhere_else() {
    let world = World::new().await;
    for _ in 0..2 {
        world
            .notify("outgoingMessageReceived", message("P1", "from the phone"))
            .await;
    }
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(messages[0]["direction"], "outbound");
    world.settle().await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(texts(&messages), ["from the phone"]);
    assert_eq!(world.calls("/sendMessage/").await.len(), 0);
}

// Older than what is there already, and after it: shown all the same, in the order of arrival.
#[tokio::test]
async fn a_late_message_is_shown_with_its_own_time() {
    let world = World::new().await;
    world
        .notify("incomingMessageReceived", message("M2", "second"))
        .await;
    let mut late = message("M1", "first");
    late["timestamp"] = 1_763_000_000.into();
    world.notify("incomingMessageReceived", late).await;
    world.shown("+79001234567", 2).await;
    let posts = world.calls("/messages/inbound").await;
    let dates: Vec<_> = posts
        .iter()
        .map(|call| text(&call["body"], "date"))
        .collect();
    assert_eq!(dates.len(), 2);
    assert_eq!(dates[1], "2025-11-13T02:13:20.000Z");
}

#[tokio::test]
async fn a_rush_of_customers_is_smoothed_and_nobody_starves() {
    let world = World::new().await;
    for n in 0..80 {
        world.customer(&format!("790012345{n:02}"), "hi").await;
    }
    let posts = world
        .until("all of them", async || {
            let posts = world.calls("/messages/inbound").await;
            (posts.len() >= 80).then_some(posts)
        })
        .await;
    assert_eq!(posts.len(), 80);
}
