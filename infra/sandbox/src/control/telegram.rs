//! What happens in Telegram: `/_sandbox/telegram/…`.

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, unknown};
use crate::{
    app::{App, News},
    telegram::{
        model::{Chat, Kind},
        people::{self, MANAGER, Written},
        updates,
    },
};

pub(super) fn routes() -> Router<std::sync::Arc<App>> {
    Router::new()
        .route("/update", post(update))
        .route("/chats", get(chats).post(add_chat))
        .route("/chats/{id}", get(chat).put(change_chat))
        .route("/chats/{id}/bot", put(place))
        .route("/chats/{id}/write", post(write))
        .route("/chats/{id}/topics/{thread}", delete(remove_topic))
        .route("/people/{id}/write", post(write_privately))
}

/// A raw update, delivered as Telegram would.
async fn update(State(app): Shared, Json(update): Json<Value>) -> Json<Value> {
    Json(json!({ "update_id": updates::add_raw(&app, update) }))
}

fn describe(chat: &Chat) -> Value {
    json!({
        "id": chat.id, "kind": chat.kind, "title": chat.title, "bot": chat.bot,
        "topics": chat.topics, "messages": chat.messages.len(),
    })
}

async fn chats(State(app): Shared) -> Json<Value> {
    let state = app.lock();
    Json(state.kept.telegram.chats.values().map(describe).collect())
}

/// The posts of a chat, with their buttons and reactions.
async fn chat(State(app): Shared, Path(id): Path<i64>) -> Response {
    let state = app.lock();
    let Some(chat) = state.kept.telegram.chats.get(&id) else {
        return unknown("chat");
    };
    let posts = chat.messages.iter().map(|message| {
        let buttons = message.markup["inline_keyboard"].as_array();
        let buttons: Vec<Value> = buttons
            .into_iter()
            .flatten()
            .flat_map(|row| row.as_array().cloned().unwrap_or_default())
            .collect();
        let file = message.file.as_ref().map(|file| {
            json!({ "kind": file.field, "name": file.name, "mime": file.mime,
                    "size": file.size, "url": file.link })
        });
        json!({
            "message_id": message.id, "thread": message.thread, "from_bot": message.from_bot,
            "author": message.user.as_ref().map(|(_, name)| name), "text": message.text,
            "entities": message.entities, "file": file, "buttons": buttons,
            "reply_to": message.reply_to, "reactions": message.reactions,
            "edited": message.edited, "protected": message.protected, "at_ms": message.at_ms,
        })
    });
    let mut all = describe(chat);
    all["messages"] = posts.collect();
    Json(all).into_response()
}

#[derive(Debug, Deserialize)]
struct NewChat {
    id: i64,
    kind: Kind,
    title: String,
}

async fn add_chat(State(app): Shared, Json(new): Json<NewChat>) -> Json<Value> {
    let chat = Chat::new(new.id, new.kind, &new.title);
    let described = describe(&chat);
    let mut state = app.change(News::Telegram);
    state.kept.telegram.chats.insert(new.id, chat);
    Json(described)
}

#[derive(Debug, Deserialize)]
struct ChangedChat {
    /// Somebody renames it.
    title: Option<String>,
    /// Which reactions it allows.
    reactions: Option<Vec<String>>,
    /// The next message's id.
    next_message: Option<i64>,
}

async fn change_chat(
    State(app): Shared,
    Path(id): Path<i64>,
    Json(change): Json<ChangedChat>,
) -> Response {
    {
        let mut state = app.change(News::Telegram);
        let Some(chat) = state.kept.telegram.chats.get_mut(&id) else {
            return unknown("chat");
        };
        if change.reactions.is_some() {
            chat.reactions = change.reactions;
        }
        chat.next_message = change.next_message.unwrap_or(chat.next_message);
    }
    if let Some(title) = change.title {
        people::rename(&app, id, &title);
    }
    Json(json!({ "id": id })).into_response()
}

#[derive(Debug, Deserialize)]
struct Placed {
    status: String,
    by: Option<i64>,
}

/// Somebody adds, promotes or removes the bot.
async fn place(State(app): Shared, Path(id): Path<i64>, Json(placed): Json<Placed>) -> Response {
    let by = (placed.by.unwrap_or(MANAGER.0), MANAGER.1);
    match people::place(&app, id, &placed.status, by) {
        true => Json(json!({ "id": id, "bot": placed.status })).into_response(),
        false => unknown("chat"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Writes {
    text: String,
    reply_to: Option<i64>,
    thread: Option<i64>,
    user: Option<i64>,
    name: Option<String>,
    file: Option<WritesFile>,
}

#[derive(Debug, Deserialize)]
struct WritesFile {
    /// `photo`, `video`, `audio`, `voice`, `document`, `sticker`.
    kind: String,
    name: String,
    #[serde(default)]
    mime: String,
    #[serde(default)]
    base64: String,
    #[serde(default)]
    animated: bool,
}

async fn write(State(app): Shared, Path(id): Path<i64>, Json(writes): Json<Writes>) -> Response {
    let file = writes.file.map(|file| {
        let bytes = STANDARD.decode(file.base64).unwrap_or_default();
        let uploaded = people::uploaded(&file.name, &file.mime, bytes);
        (file.kind, uploaded, file.animated)
    });
    let name = writes.name.unwrap_or_else(|| MANAGER.1.to_owned());
    let written = Written {
        text: writes.text,
        reply_to: writes.reply_to,
        thread: writes.thread,
        user: writes.user.map(|user| (user, name)),
        file,
    };
    match people::write(&app, id, written) {
        Some(message) => Json(json!({ "message_id": message })).into_response(),
        None => unknown("chat"),
    }
}

async fn remove_topic(State(app): Shared, Path((id, thread)): Path<(i64, i64)>) -> Response {
    let mut state = app.change(News::Telegram);
    let chat = state.kept.telegram.chats.get_mut(&id);
    match chat.and_then(|chat| chat.topics.remove(&thread)) {
        Some(name) => Json(json!({ "removed": name })).into_response(),
        None => unknown("topic"),
    }
}

async fn write_privately(
    State(app): Shared,
    Path(id): Path<i64>,
    Json(writes): Json<Writes>,
) -> Json<Value> {
    let name = writes.name.unwrap_or_else(|| MANAGER.1.to_owned());
    people::write_privately(&app, (id, &name), &writes.text);
    Json(json!({ "chat": id }))
}
