use proptest::prelude::*;
use serde_json::{Value, json};

use super::update::{Body, ChatKind, Kind, Told, update};

fn told(body: Value) -> Told {
    let mut json = body;
    json["update_id"] = 7.into();
    update(&json).unwrap().told
}

fn post(more: Value) -> Value {
    let mut message = json!({
        "message_id": 42, "date": 1_700_000_000,
        "chat": { "id": -1001, "type": "channel", "title": "Sales" },
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    json!({ "channel_post": message })
}

#[test]
fn a_post_is_understood_by_what_it_holds() {
    let check = |more: Value, expect: Body| match told(post(more.clone())) {
        Told::Post(post) => assert_eq!(post.body, expect, "{more}"),
        other => panic!("{more}: {other:?}"),
    };
    let file = |kind, file: &str, name: &str, mime: &str, caption: &str| Body::File {
        kind,
        file: file.into(),
        name: name.into(),
        mime: mime.into(),
        n_bytes: None,
        caption: caption.into(),
    };
    check(json!({ "text": " hi " }), Body::Text("hi".into()));
    check(
        json!({ "photo": [{ "file_id": "s", "width": 90 }, { "file_id": "l", "width": 900 }],
                "caption": "c" }),
        file(Kind::Photo, "l", "photo.jpg", "image/jpeg", "c"),
    );
    check(
        json!({ "voice": { "file_id": "v", "mime_type": "audio/ogg" } }),
        file(Kind::Audio, "v", "voice.ogg", "audio/ogg", ""),
    );
    check(
        json!({ "document": { "file_id": "d", "file_name": "a.pdf", "mime_type": "application/pdf" } }),
        file(Kind::Document, "d", "a.pdf", "application/pdf", ""),
    );
    check(
        json!({ "sticker": { "file_id": "st", "is_animated": false, "is_video": false } }),
        file(Kind::Sticker, "st", "sticker.webp", "image/webp", ""),
    );
    check(
        json!({ "sticker": { "file_id": "st", "is_animated": true } }),
        Body::MovingSticker,
    );
    check(
        json!({ "sticker": { "file_id": "st", "is_video": true } }),
        Body::MovingSticker,
    );
    // Not what an id of Telegram's looks like.
    check(json!({ "document": { "file_id": "../../x" } }), Body::Other);
    check(json!({ "poll": {} }), Body::Other);
}

#[test]
fn writing_in_a_topic_is_no_answer_to_the_topics_first_message() {
    let check = |more: Value, thread: Option<i64>, reply_to: Option<i64>| {
        let mut body = post(more.clone())["channel_post"].take();
        body["chat"] = json!({ "id": -1002, "type": "supergroup", "is_forum": true });
        match told(json!({ "message": body })) {
            Told::Post(post) => {
                assert_eq!(post.chat.kind, ChatKind::Forum);
                assert_eq!((post.thread, post.reply_to), (thread, reply_to), "{more}");
            }
            other => panic!("{other:?}"),
        }
    };
    let topic = |reply_to: i64| {
        json!({ "message_thread_id": 5, "is_topic_message": true,
                "reply_to_message": { "message_id": reply_to } })
    };
    check(topic(5), Some(5), None);
    check(topic(9), Some(5), Some(9));
    check(
        json!({ "message_thread_id": 5, "reply_to_message": { "message_id": 5 } }),
        None,
        Some(5),
    );
}

// AC 138
#[test]
fn the_bots_place_is_read_with_its_rights() {
    let check = |kind: &str, new: Value, expect: (bool, bool)| {
        let change = json!({ "my_chat_member": {
            "chat": { "id": -1, "type": kind, "title": "T" },
            "from": { "id": 9, "first_name": "Ann" }, "date": 5,
            "old_chat_member": { "status": "left" }, "new_chat_member": new,
        }});
        match told(change) {
            Told::Membership(told) => {
                assert_eq!((told.is_member, told.may_post), expect, "{new}");
                assert!(!told.was_member);
            }
            other => panic!("{other:?}"),
        }
    };
    check(
        "channel",
        json!({ "status": "administrator", "can_post_messages": true }),
        (true, true),
    );
    check(
        "channel",
        json!({ "status": "administrator", "can_post_messages": false }),
        (true, false),
    );
    check("channel", json!({ "status": "member" }), (true, false));
    check("channel", json!({ "status": "kicked" }), (false, false));
    check("supergroup", json!({ "status": "member" }), (true, true));
    check(
        "supergroup",
        json!({ "status": "restricted", "is_member": true, "can_send_messages": false }),
        (true, false),
    );
    check("group", json!({ "status": "left" }), (false, false));
}

#[test]
fn a_private_message_is_the_persons_own() {
    let private = |chat: i64, is_bot: bool| {
        told(json!({ "message": {
            "message_id": 1, "chat": { "id": chat, "type": "private" },
            "from": { "id": 9, "first_name": "Ann", "is_bot": is_bot }, "text": "/start abc",
        }}))
    };
    assert!(
        matches!(private(9, false), Told::Private { user, text, .. } if user.id == 9 && text == "/start abc")
    );
    assert_eq!(private(10, false), Told::Other);
    assert_eq!(private(9, true), Told::Other);
}

/// JSON as somebody may send it, with Telegram's words in it.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "update_id",
        "message",
        "channel_post",
        "my_chat_member",
        "edited_message",
        "chat",
        "id",
        "type",
        "from",
        "text",
        "photo",
        "sticker",
        "file_id",
        "width",
        "date",
        "message_id",
        "reply_to_message",
        "new_chat_member",
        "status",
        "private",
        "channel",
        "supergroup",
        "migrate_to_chat_id",
        "new_chat_title",
        "document",
        "is_topic_message",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..8).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_update_fails(mut json in anything(), id in any::<i64>()) {
        if json.is_object() {
            json["update_id"] = id.into();
        }
        prop_assert_eq!(update(&json).map(|it| it.id), json.is_object().then_some(id));
    }
}
