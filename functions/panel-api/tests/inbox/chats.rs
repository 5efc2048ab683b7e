//! What somebody does with conversations.

use axum::http::Method;
use serde_json::{Value, json};

use super::support::world;

#[tokio::test]
async fn a_new_chat_is_opened_by_phone_and_one_that_cannot_be_is_refused() {
    // AC 150
    let world = world().await;
    let ann = world.ann().await;
    let begin = async |phone: &str| {
        let body = json!({ "number": "n1", "phone": phone });
        world.post(&ann, "/api/chats", body).await
    };
    let begun = begin("+7 (900) 123-45-67").await;
    assert_eq!(begun.status, 201, "{}", begun.json);
    let id = begun.json["id"].as_str().unwrap();
    // It is in the list at once, though nothing has been said.
    let list = world.get(&ann, "/api/chats").await;
    assert_eq!(list.json["chats"][0]["id"], id);
    assert_eq!(list.json["chats"][0]["lastMessage"], Value::Null);
    // In another spelling it is the same.
    let again = begin("8 900 123-45-67").await;
    assert_eq!((again.status, &again.json["id"]), (200, &begun.json["id"]));
    // AC 157: of ten digits, and of thirteen.
    for phone in ["+3725123456", "+4915112345678", "+55 11 98765-4321"] {
        assert_eq!(begin(phone).await.status, 201, "{phone}");
    }
    assert_eq!(begin("letters").await.refusal(), (422, "unfit"));
    assert_eq!(begin("").await.refusal(), (422, "unfit"));
    let url = format!(
        "http://{}/_sandbox/green-api/1101000001/no-account",
        world.sandbox.addr
    );
    let nobody = json!(["79000000000@c.us"]);
    let told = greenhub::http::client(std::time::Duration::from_secs(5))
        .unwrap()
        .put(url)
        .json(&nobody)
        .send()
        .await
        .unwrap();
    assert!(told.status().is_success());
    assert_eq!(begin("+79000000000").await.refusal(), (422, "no_whatsapp"));
}

#[tokio::test]
async fn a_group_is_a_conversation_like_others() {
    // AC 151
    let world = world().await;
    let ann = world.ann().await;
    let group = world.write("n1", "120363043968066561@g.us", "hi all").await;
    let list = world.get(&ann, "/api/chats").await;
    assert_eq!(list.json["chats"][0]["id"], group.as_str());
    assert_eq!(list.json["chats"][0]["isGroup"], true);
    let messages = world
        .get(&ann, &format!("/api/chats/{group}/messages"))
        .await;
    assert_eq!(messages.json["messages"][0]["content"]["text"], "hi all");
}

#[tokio::test]
async fn a_text_is_taken_once_and_shown_at_once() {
    // AC 141
    let world = world().await;
    let ann = world.ann().await;
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let path = format!("/api/chats/{chat}/messages");
    let text = |text: &str| json!({ "requestId": "r-1", "kind": "text", "text": text });
    let sent = world.post(&ann, &path, text("hello")).await;
    assert_eq!(sent.status, 202, "{}", sent.json);
    assert_eq!(sent.json["status"], "queued");
    assert_eq!(sent.json["authorPerson"], "ann");
    let again = world.post(&ann, &path, text("hello")).await;
    assert_eq!(again.json, sent.json);
    let shown = world.get(&ann, &path).await;
    assert_eq!(shown.json["messages"].as_array().unwrap().len(), 2);
    assert_eq!(shown.json["messages"][1], sent.json);
    let message = sent.json["id"].as_str().unwrap();
    let details = world.get(&ann, &format!("/api/messages/{message}")).await;
    assert_eq!(details.json["timeline"][0]["status"], "queued");

    let empty = world.post(
        &ann,
        &path,
        json!({ "requestId": "r-2", "kind": "text", "text": " " }),
    );
    assert_eq!(empty.await.refusal(), (422, "unfit"));
    let bad = world.post(
        &ann,
        &path,
        json!({ "requestId": "r 2", "kind": "text", "text": "x" }),
    );
    assert_eq!(bad.await.refusal(), (400, "bad_request_id"));
    let quoting = json!({
        "requestId": "r-3", "kind": "location", "latitude": 1.5, "longitude": 2, "quotes": format!("{chat}-1"),
    });
    let quoting = world.post(&ann, &path, quoting).await;
    assert_eq!(quoting.status, 202, "{}", quoting.json);
    assert_eq!(quoting.json["quoted"]["text"], "hi");
}

#[tokio::test]
async fn a_conversation_is_assigned_labelled_closed_and_read() {
    // AC 149
    let world = world().await;
    let (ann, _) = (world.ann().await, world.bob().await);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    world.write("n1", "79001234567@c.us", "hello?").await;
    let path = format!("/api/chats/{chat}");
    let shown = world.get(&ann, &path).await;
    assert_eq!(shown.json["chat"]["unread"], 2);
    let incoming = &shown.json["chat"]["incoming"];
    let read = world.patch(&ann, &path, json!({ "read": incoming })).await;
    assert_eq!(read.json["unread"], 0);

    let unknown = world.patch(&ann, &path, json!({ "labels": ["vip"] })).await;
    assert_eq!(unknown.refusal(), (400, "bad_label"));
    let settings = world.get(&ann, "/api/inbox").await;
    let mut settings = settings.json;
    settings["labels"] = json!([{ "id": "vip", "name": "VIP", "colour": "#aa0000" }]);
    let put = async |body: &Value| {
        world
            .ask(Some(&ann), Method::PUT, "/api/inbox", body.clone())
            .await
    };
    assert_eq!(put(&settings).await.status, 200);
    // Whoever saw it before does not undo the change.
    assert_eq!(put(&settings).await.refusal(), (409, "changed_meanwhile"));
    settings["labels"][0]["colour"] = "red".into();
    assert_eq!(put(&settings).await.refusal(), (400, "bad_settings"));

    let nobody = world.patch(&ann, &path, json!({ "assignee": "zoe" })).await;
    assert_eq!(nobody.refusal(), (400, "bad_assignee"));
    let change = json!({ "labels": ["vip"], "assignee": "bob", "pinned": true });
    let changed = world.patch(&ann, &path, change).await;
    assert_eq!(changed.json["assignee"], "bob", "{}", changed.json);
    assert_eq!(changed.json["labels"], json!(["vip"]));
    let found = |filter: &str| format!("/api/chats?{filter}");
    for (filter, expect) in [
        ("label=vip", 1),
        ("filter=mine", 0),
        ("filter=unassigned", 0),
        ("filter=closed", 0),
        ("number=n2", 0),
        ("number=n1", 1),
    ] {
        let list = world.get(&ann, &found(filter)).await;
        let chats = list.json["chats"].as_array().unwrap();
        assert_eq!(chats.len(), expect, "{filter}");
    }
    let nobodys = world
        .patch(&ann, &path, json!({ "assignee": null, "closed": true }))
        .await;
    assert_eq!(nobodys.json["assignee"], Value::Null);
    let closed = world.get(&ann, &found("filter=closed")).await;
    assert_eq!(closed.json["chats"][0]["id"], chat.as_str());
    let none = world.get(&ann, &found("filter=else")).await;
    assert_eq!(none.refusal(), (400, "bad_filter"));
    let decided = world.get(&ann, &path).await.json["decisions"].clone();
    let decided: Vec<_> = decided
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["what"])
        .collect();
    assert_eq!(decided, ["assigned", "assigned", "closed"]);
}

#[tokio::test]
async fn notes_are_the_teams_and_a_draft_is_ones_own() {
    let world = world().await;
    let (ann, bob) = (world.ann().await, world.bob().await);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let notes = format!("/api/chats/{chat}/notes");
    let note = world.post(&ann, &notes, json!({ "text": " a VIP " })).await;
    assert_eq!((note.status, &note.json["text"]), (201, &json!("a VIP")));
    let one = format!("{notes}/{}", note.json["id"].as_str().unwrap());
    let theirs = world.patch(&bob, &one, json!({ "text": "no VIP" })).await;
    assert_eq!(theirs.refusal(), (403, "not_yours"));
    let changed = world.patch(&ann, &one, json!({ "text": "the VIP" })).await;
    assert_eq!(changed.json["text"], "the VIP");
    let list = world.get(&bob, &notes).await;
    assert_eq!(list.json["notes"][0]["text"], "the VIP");
    // It is no message.
    let messages = world
        .get(&ann, &format!("/api/chats/{chat}/messages"))
        .await;
    assert_eq!(messages.json["messages"].as_array().unwrap().len(), 1);
    let gone = world
        .ask(Some(&ann), Method::DELETE, &one, Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(world.get(&bob, &notes).await.json["notes"], json!([]));

    let draft = format!("/api/chats/{chat}/draft");
    let kept = world
        .ask(Some(&ann), Method::PUT, &draft, json!({ "text": "Dear" }))
        .await;
    assert_eq!(kept.status, 204);
    assert_eq!(world.get(&ann, &draft).await.json["text"], "Dear");
    assert_eq!(world.get(&bob, &draft).await.json["text"], "");
}

#[tokio::test]
async fn a_conversation_goes_on_from_another_number_with_the_reason() {
    let world = world().await;
    let ann = world.ann().await;
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let body = json!({ "number": "n2", "from": chat.as_str(), "reason": "n1 is restricted" });
    let begun = world.post(&ann, "/api/chats", body).await;
    assert_eq!(begun.status, 201, "{}", begun.json);
    let other = begun.json["id"].as_str().unwrap();
    let shown = world.get(&ann, &format!("/api/chats/{chat}")).await.json;
    assert_eq!(shown["sisters"][0]["id"], other);
    assert_eq!(shown["decisions"][0]["what"], "moved_on");
    assert_eq!(shown["decisions"][0]["reason"], "n1 is restricted");
    let shown = world.get(&ann, &format!("/api/chats/{other}")).await.json;
    assert_eq!(shown["decisions"][0]["what"], "came_from");
    // Somebody who does not see the other number learns nothing of it.
    let bob = world.bob().await;
    let shown = world.get(&bob, &format!("/api/chats/{chat}")).await.json;
    assert_eq!(shown["sisters"], json!([]));
}

#[tokio::test]
async fn two_conversations_of_one_person_become_one_and_two_again() {
    let world = world().await;
    let ann = world.ann().await;
    let one = world.write("n1", "79001234567@c.us", "hi").await;
    let other = world.write("n1", "120650379300963@lid", "me again").await;
    let path = format!("/api/chats/{one}");
    let (merge, split) = (format!("{path}/merge"), format!("{path}/split"));
    let merged = world.post(&ann, &merge, json!({ "chat": other.as_str() }));
    let merged = merged.await;
    assert_eq!(
        merged.json["mergedFrom"],
        json!([other.as_str()]),
        "{}",
        merged.json
    );
    let messages = world.get(&ann, &format!("{path}/messages")).await;
    assert_eq!(messages.json["messages"].as_array().unwrap().len(), 2);
    let list = world.get(&ann, "/api/chats").await;
    assert_eq!(list.json["chats"].as_array().unwrap().len(), 1);
    let apart = world.post(&ann, &split, json!({ "chat": other.as_str() }));
    assert_eq!(apart.await.json["mergedFrom"], json!([]));
    let list = world.get(&ann, "/api/chats").await;
    assert_eq!(list.json["chats"].as_array().unwrap().len(), 2);
    let elsewhere = world.write("n2", "79001234567@c.us", "hi").await;
    let refused = world.post(&ann, &merge, json!({ "chat": elsewhere.as_str() }));
    assert_eq!(refused.await.refusal(), (409, "cannot_merge"));
}
