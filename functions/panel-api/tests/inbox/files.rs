//! Files: announced, put into the bucket, sent, and got again.

use axum::http::Method;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::ChatId;
use greenhub::domain::message::{Message, of_reference};
use greenhub::domain::rights::Rights;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Table;
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{Session, World, world};

async fn announced(world: &World, session: &Session, chat: &ChatId, n_bytes: u64) -> Value {
    let body = json!({ "name": "a b.png", "mime": "image/png", "nBytes": n_bytes });
    let path = format!("/api/chats/{chat}/uploads");
    world.post(session, &path, body).await.json
}

async fn kept(world: &World, id: &Value) -> Message {
    let (chat, seq) = of_reference(id.as_str().unwrap()).unwrap();
    let key = keys::message(&chat, seq);
    row::load(&world.hub.db, &key).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_text_with_two_files_is_two_messages_with_the_text_on_the_first() {
    // AC 142
    let world = world().await;
    let ann = world.ann().await;
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let mut uploads = Vec::new();
    for _ in 0..2 {
        let told = announced(&world, &ann, &chat, 100 << 20).await;
        // The address takes just this file.
        let url = told["url"].as_str().unwrap();
        assert!(url.starts_with("memory:files/n1/"), "{url}");
        assert!(url.ends_with("?put=image/png&bytes=104857600"), "{url}");
        uploads.push(told["upload"].clone());
    }
    let path = format!("/api/chats/{chat}/files");
    let body = json!({ "requestId": "r", "uploads": uploads, "text": "look" });
    let sent = world.post(&ann, &path, body.clone()).await;
    assert_eq!(sent.status, 202, "{}", sent.json);
    let messages = sent.json["messages"].as_array().unwrap().clone();
    let captions: Vec<_> = messages
        .iter()
        .map(|it| &it["content"]["caption"])
        .collect();
    assert_eq!(captions, ["look", ""]);
    assert_eq!(world.post(&ann, &path, body).await.json, sent.json);
    // Whoever hands files to the gateway has been told, and the CRM's address leads to the file.
    let row: ChatRow = row::load(&world.hub.db, &keys::chat(&chat))
        .await
        .unwrap()
        .unwrap();
    assert!(row.due(Lane::Media).is_some());
    let message = kept(&world, &messages[0]["id"]).await;
    let Content::Files { files, .. } = &message.content else {
        panic!("{message:?}");
    };
    let link = files[0].upload_link().unwrap();
    let now = world.hub.clock.now_ms();
    let linked = greenhub::pipeline::files::linked(&world.hub.db, &message.number, link, now).await;
    assert_eq!(linked.unwrap().unwrap().file.object(), files[0].object());
    // The gateway is never told where it is with us.
    assert_eq!(files[0].send_url(), None);
}

#[tokio::test]
async fn too_much_and_nothing_are_refused() {
    // AC 142
    let world = world().await;
    let (ann, bob) = (world.ann().await, world.bob().await);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let too_large = announced(&world, &ann, &chat, (100 << 20) + 1).await;
    assert_eq!(
        (&too_large["status"], &too_large["code"]),
        (&json!(413), &json!("file_too_large"))
    );
    let empty = announced(&world, &ann, &chat, 0).await;
    assert_eq!(empty["code"], "unfit");
    let send = async |session: &Session, chat: &ChatId, uploads: Value| {
        let body = json!({ "requestId": "r", "uploads": uploads });
        world
            .post(session, &format!("/api/chats/{chat}/files"), body)
            .await
    };
    assert_eq!(send(&ann, &chat, json!([])).await.refusal(), (422, "unfit"));
    assert_eq!(
        send(&ann, &chat, json!(["a#b"])).await.refusal(),
        (422, "unfit")
    );
    // What somebody else announced, or for another number, is nobody's to send.
    let upload = announced(&world, &ann, &chat, 1).await["upload"].clone();
    assert_eq!(
        send(&bob, &chat, json!([upload])).await.refusal(),
        (422, "unfit")
    );
    let other = world.write("n2", "79001234567@c.us", "hi").await;
    assert_eq!(
        send(&ann, &other, json!([upload])).await.refusal(),
        (422, "unfit")
    );
    world.advance(25 * 3600 * 1000);
    assert_eq!(
        send(&ann, &chat, json!([upload])).await.refusal(),
        (422, "unfit")
    );
}

#[tokio::test]
async fn a_file_is_saved_unless_it_is_to_be_shown() {
    // AC 129
    let world = world().await;
    let ann = world.ann().await;
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    let upload = announced(&world, &ann, &chat, 5).await["upload"].clone();
    let body = json!({ "requestId": "r", "uploads": [upload] });
    let sent = world
        .post(&ann, &format!("/api/chats/{chat}/files"), body)
        .await;
    let id = sent.json["messages"][0]["id"].as_str().unwrap();
    let file = |rest: &str| format!("/api/messages/{id}/files/{rest}");
    let saved = world.get(&ann, &file("0")).await;
    assert_eq!(saved.status, 302);
    let to = saved.location.unwrap();
    assert!(to.contains("as=attachment; filename=\"a b.png\""), "{to}");
    let shown = world
        .get(&ann, &file("0?show=true"))
        .await
        .location
        .unwrap();
    assert!(shown.contains("as=inline; "), "{shown}");
    assert_eq!(
        world.get(&ann, &file("1")).await.refusal(),
        (404, "not_found")
    );
    assert_eq!(
        world.get(&ann, &file("x")).await.refusal(),
        (404, "not_found")
    );
    let text = world
        .get(&ann, &format!("/api/messages/{chat}-1/files/0"))
        .await;
    assert_eq!(text.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn nothing_is_left_of_a_person_who_is_erased() {
    let world = world().await;
    let (ann, bob) = (world.ann().await, world.bob().await);
    let stranger = world.write("n1", "79007654321@c.us", "hi").await;
    let before = world.hub.db.rows(Table::Chats);
    let chat = world.write("n1", "79001234567@c.us", "hi").await;
    world.write("n2", "79001234567@c.us", "hi").await;
    let other = world.write("n1", "120650379300963@lid", "hi").await;
    let merge = format!("/api/chats/{chat}/merge");
    world
        .post(&ann, &merge, json!({ "chat": other.as_str() }))
        .await;
    let note = json!({ "text": "a VIP" });
    world
        .post(&ann, &format!("/api/chats/{chat}/notes"), note)
        .await;
    let upload = announced(&world, &ann, &chat, 5).await["upload"].clone();
    let body = json!({ "requestId": "r", "uploads": [upload] });
    world
        .post(&ann, &format!("/api/chats/{chat}/files"), body)
        .await;
    let path = format!("/api/chats/{chat}");
    let erase = async |session: &Session| {
        world
            .ask(Some(session), Method::DELETE, &path, Value::Null)
            .await
    };
    assert_eq!(erase(&bob).await.refusal(), (403, "admin_needed"));
    let eve = world.person("w2", "eve", Rights::of_owner()).await;
    assert_eq!(erase(&eve).await.refusal(), (404, "not_found"));
    let erased = erase(&ann).await;
    assert_eq!(erased.json, json!({ "chats": 3, "isDone": true }));
    // Requests are remembered for two days, without anything that was said.
    let is_request = |pk: &str| pk.contains("#REQUEST#");
    let after = world.hub.db.rows(Table::Chats).into_iter();
    let after: Vec<_> = after.filter(|(key, _)| !is_request(&key.pk)).collect();
    assert_eq!(after, before);
    assert_eq!(erase(&ann).await.refusal(), (404, "not_found"));
    let left = world.get(&ann, "/api/chats").await.json;
    assert_eq!(left["chats"][0]["id"], stranger.as_str());
}
