//! GREEN-API's side: what happens on phones.

mod history;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, bad, unknown};
use crate::{
    app::{App, News},
    clock, files,
    green_api::{
        self, change, content, linking,
        model::{Auto, Content, FileRef, Instance, Message},
        status,
    },
    ids,
};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", post(create))
        .route("/{id}/notify", post(notify))
        .route("/{id}/incoming", post(incoming))
        .route("/{id}/history", post(history::seed))
        .route("/{id}/state", put(set_state))
        .route("/{id}/scan", post(scan))
        .route("/{id}/auto", put(auto))
        .route("/{id}/no-account", put(no_account))
        .route("/{id}/chats", get(chats))
        .route("/{id}/queue", get(queue))
        .route("/{id}/phone/{chat}", get(phone))
        .route("/{id}/phone/{chat}/read", post(read))
        .route("/{id}/messages/{message}/status", put(set_status))
}

pub(super) fn describe(i: &Instance) -> Value {
    json!({
        "idInstance": i.id,
        "apiTokenInstance": i.token,
        "name": i.name,
        "phone": i.phone,
        "wid": format!("{}@c.us", i.phone),
        "stateInstance": i.state,
        "webhookUrl": i.setting("webhookUrl"),
        "auto": i.auto,
        "noAccount": i.no_account,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    id_instance: Option<u64>,
    api_token_instance: Option<String>,
    phone: Option<String>,
    state_instance: Option<String>,
    name: Option<String>,
}

/// A further number.
async fn create(State(app): Shared, Json(asked): Json<Create>) -> Response {
    if let Some(state) = &asked.state_instance
        && !STATES.contains(&state.as_str())
    {
        return bad("no such state");
    }
    let id = {
        let mut state = app.change(News::Green);
        let all = &mut state.kept.instances;
        let next = || {
            all.last_key_value()
                .map_or(1_101_000_100, |(last, _)| (last + 1).max(1_101_000_100))
        };
        let id = asked.id_instance.unwrap_or_else(next);
        if all.contains_key(&id) {
            return bad("this instance exists");
        }
        let phone = asked
            .phone
            .unwrap_or_else(|| format!("7900{:07}", id % 10_000_000));
        let phone = phone.chars().filter(char::is_ascii_digit).collect();
        let token = asked.api_token_instance.unwrap_or_else(ids::api_token);
        let name = asked.name.unwrap_or_else(|| format!("Number {id}"));
        let mut instance = Instance::new(id, token, phone, name);
        if let Some(state) = asked.state_instance {
            instance.state = state;
        }
        all.insert(id, instance);
        id
    };
    green_api::start(&app, id);
    with(&app, id, |i| Json(describe(i)).into_response())
}

/// Changes an instance and answers; 404 if there is none.
fn with(app: &App, id: u64, f: impl FnOnce(&mut Instance) -> Response) -> Response {
    change(app, id, f).unwrap_or_else(|| unknown("idInstance"))
}

/// Queues a raw body.
async fn notify(State(app): Shared, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    with(&app, id, |i| {
        i.notify_raw(body);
        Json(json!({ "queued": i.notifications.len() })).into_response()
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    /// A phone in any writing, or a whole chat id.
    from: String,
    name: Option<String>,
    text: Option<String>,
    file: Option<Upload>,
    group: Option<Group>,
    /// `from` is a linked id: the chat is `…@lid`.
    #[serde(default)]
    lid: bool,
    /// An id of the caller's choice, e.g. to send one twice.
    #[serde(rename = "idMessage")]
    id_message: Option<String>,
    /// As `extendedTextMessage`, which is how some clients write plain text.
    #[serde(default)]
    extended: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    name: String,
    mime: Option<String>,
    base64: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    id: String,
    name: String,
}

fn person(from: &str, lid: bool) -> String {
    if from.contains('@') {
        return from.to_owned();
    }
    let digits: String = from.chars().filter(char::is_ascii_digit).collect();
    format!("{digits}@{}", if lid { "lid" } else { "c.us" })
}

/// A customer writes.
async fn incoming(
    State(app): Shared,
    Path(id): Path<u64>,
    Json(asked): Json<Incoming>,
) -> Response {
    if !app.lock().kept.instances.contains_key(&id) {
        return unknown("idInstance");
    }
    let text = asked.text.unwrap_or_default();
    let content: Content = match asked.file {
        None if text.is_empty() => return bad("text or file is needed"),
        None => content::text_content(&text, asked.extended),
        Some(upload) => {
            let Ok(bytes) = STANDARD.decode(&upload.base64) else {
                return bad("file.base64 is not base64");
            };
            let mime = upload
                .mime
                .unwrap_or_else(|| files::mime_of(&upload.name).into());
            let url = files::put(&app, &upload.name, &mime, bytes.into());
            content::file_content(
                FileRef {
                    url,
                    name: upload.name,
                    mime,
                },
                &text,
            )
        }
    };
    let sender_id = person(&asked.from, asked.lid);
    if sender_id.starts_with('@') {
        return bad("from is not a phone or a chat id");
    }
    with(&app, id, move |i| {
        let chat_id = match asked.group {
            Some(group) => {
                let chat = if group.id.contains('@') {
                    group.id
                } else {
                    format!("{}@g.us", group.id)
                };
                i.names.insert(chat.clone(), group.name);
                chat
            }
            None => sender_id.clone(),
        };
        if let Some(name) = &asked.name {
            i.names.insert(sender_id.clone(), name.clone());
        }
        let read =
            i.is_on("markIncomingMessagesReaded") && !i.is_on("markIncomingMessagesReadedOnReply");
        let message = Message {
            id: asked.id_message.unwrap_or_else(ids::message_id),
            outgoing: false,
            by_api: false,
            at_ms: clock::now_ms(),
            content,
            status: if read { "read" } else { "delivered" }.into(),
            sender_name: i.name_of(&sender_id),
            sender_id,
            chat_id,
        };
        let body = message.webhook(i);
        i.notify(Some("incomingWebhook"), body);
        let out = json!({ "idMessage": message.id, "chatId": message.chat_id });
        i.messages.push(message);
        Json(out).into_response()
    })
}

const STATES: [&str; 7] = [
    "authorized",
    "notAuthorized",
    "starting",
    "yellowCard",
    "suspended",
    "blocked",
    "sleepMode",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewState {
    state_instance: String,
}

async fn set_state(State(app): Shared, Path(id): Path<u64>, Json(new): Json<NewState>) -> Response {
    if !STATES.contains(&new.state_instance.as_str()) {
        return bad("no such state");
    }
    with(&app, id, |i| {
        i.set_state(&new.state_instance);
        Json(json!({ "stateInstance": i.state })).into_response()
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    /// Another phone than the number had before, in any writing.
    phone: Option<String>,
}

/// A person links a phone with the code that was asked for last.
async fn scan(State(app): Shared, Path(id): Path<u64>, asked: Option<Json<Scan>>) -> Response {
    let Json(Scan { phone }) = asked.unwrap_or_default();
    let phone = phone.map(|phone| {
        phone
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    });
    if phone.as_ref().is_some_and(String::is_empty) {
        return bad("phone has no digits");
    }
    match linking::scan(&app, id, phone) {
        None => unknown("idInstance"),
        Some(Ok(())) => Json(json!({ "stateInstance": "starting" })).into_response(),
        Some(Err(why)) => (StatusCode::CONFLICT, Json(json!({ "error": why }))).into_response(),
    }
}

async fn auto(State(app): Shared, Path(id): Path<u64>, Json(auto): Json<Auto>) -> Response {
    with(&app, id, |i| {
        i.auto = auto;
        Json(json!(i.auto)).into_response()
    })
}

/// Replaces the list of chats without WhatsApp.
async fn no_account(
    State(app): Shared,
    Path(id): Path<u64>,
    Json(chats): Json<Vec<String>>,
) -> Response {
    with(&app, id, |i| {
        i.no_account = chats.into_iter().collect();
        Json(json!(i.no_account)).into_response()
    })
}

/// Every chat of a number, the liveliest first.
async fn chats(State(app): Shared, Path(id): Path<u64>) -> Response {
    let state = app.lock();
    let Some(i) = state.kept.instances.get(&id) else {
        return unknown("idInstance");
    };
    let mut out: Vec<Value> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for message in i.messages.iter().rev() {
        if !seen.contains(&message.chat_id.as_str()) {
            seen.push(&message.chat_id);
            out.push(json!({
                "chatId": message.chat_id,
                "name": i.name_of(&message.chat_id),
                "text": message.content.text,
                "at_ms": message.at_ms,
            }));
        }
    }
    for (chat, name) in &i.names {
        if !seen.contains(&chat.as_str()) {
            out.push(json!({ "chatId": chat, "name": name, "text": "", "at_ms": 0 }));
        }
    }
    Json(Value::from(out)).into_response()
}

/// What was accepted and has not left yet.
async fn queue(State(app): Shared, Path(id): Path<u64>) -> Response {
    let state = app.lock();
    let Some(i) = state.kept.instances.get(&id) else {
        return unknown("idInstance");
    };
    let all: Vec<Value> = i
        .queue
        .iter()
        .map(|q| {
            let content = content::content(&q.method, &q.body);
            json!({
                "idMessage": q.id_message,
                "chatId": content::text_of(&q.body, "chatId"),
                "direction": "outgoing",
                "text": content.text,
                "file": content.file.map(|f| json!({ "name": f.name, "mime": f.mime, "url": f.url })),
                "at_ms": q.at_ms,
                "status": "queued",
            })
        })
        .collect();
    Json(Value::from(all)).into_response()
}

/// What the customer's phone shows. `direction` is as GREEN-API says it: `incoming` is what the
/// customer wrote.
async fn phone(State(app): Shared, Path((id, chat)): Path<(u64, String)>) -> Response {
    let state = app.lock();
    let Some(i) = state.kept.instances.get(&id) else {
        return unknown("idInstance");
    };
    let all: Vec<Value> = i
        .messages
        .iter()
        // What never arrived is not on the phone.
        .filter(|m| m.chat_id == chat && !matches!(m.status.as_str(), "noAccount" | "failed"))
        .map(|m| {
            let mut out = json!({
                "idMessage": m.id,
                "direction": if m.outgoing { "outgoing" } else { "incoming" },
                "text": m.content.text,
                "type": m.content.kind,
                "sender": m.sender_id,
                "senderName": m.sender_name,
                "at_ms": m.at_ms,
                "status": m.status,
            });
            if let Some(f) = &m.content.file {
                out["file"] = json!({ "name": f.name, "mime": f.mime, "url": f.url });
            }
            out
        })
        .collect();
    Json(Value::from(all)).into_response()
}

/// The customer opens the chat.
async fn read(State(app): Shared, Path((id, chat)): Path<(u64, String)>) -> Response {
    with(&app, id, |i| {
        Json(json!({ "read": status::read_outgoing(i, &chat) })).into_response()
    })
}

#[derive(Debug, Deserialize)]
struct NewStatus {
    status: String,
}

/// Gives one outgoing message a status by hand; it goes only forward.
async fn set_status(
    State(app): Shared,
    Path((id, message)): Path<(u64, String)>,
    Json(new): Json<NewStatus>,
) -> Response {
    const KNOWN: [&str; 7] = [
        "sent",
        "delivered",
        "read",
        "failed",
        "noAccount",
        "notInGroup",
        "yellowCard",
    ];
    if !KNOWN.contains(&new.status.as_str()) {
        return bad("no such status");
    }
    with(&app, id, |i| match i.message(&message).is_some() {
        false => unknown("message"),
        true => Json(json!({ "changed": status::set(i, &message, &new.status) })).into_response(),
    })
}
