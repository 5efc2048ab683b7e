//! What a number's phone has said and heard before the gateway was linked to it: it is in the journals
//! and in the chats' histories, and no notification has ever told it.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{Shared, with};
use crate::{
    clock,
    green_api::{
        content,
        model::{Content, Instance, Message, Object},
    },
    ids,
};

/// The chats of a history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    chats: Vec<Chat>,
}

/// One chat, its messages in any order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Chat {
    chat_id: String,
    name: Option<String>,
    messages: Vec<Entry>,
}

/// A message as a journal writes it: what is missing is made up, and whatever else there is comes out
/// as it went in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type")]
    direction: Option<String>,
    id_message: Option<String>,
    /// Seconds since 1970.
    timestamp: Option<i64>,
    type_message: Option<String>,
    sender_id: Option<String>,
    sender_name: Option<String>,
    status_message: Option<String>,
    #[serde(default)]
    send_by_api: bool,
    #[serde(flatten)]
    rest: Object,
}

/// Adds to what a number has said. Its messages stay in the order of their times.
pub(super) async fn seed(
    State(app): Shared,
    Path(id): Path<u64>,
    Json(asked): Json<History>,
) -> Response {
    with(&app, id, |i| {
        let mut n_messages = 0_usize;
        for chat in asked.chats {
            if let Some(name) = chat.name {
                i.names.insert(chat.chat_id.clone(), name);
            }
            for entry in chat.messages {
                n_messages += 1;
                let message = message(i, &chat.chat_id, entry);
                i.messages.push(message);
            }
        }
        i.messages.sort_by_key(|message| message.at_ms);
        Json(json!({ "messages": n_messages })).into_response()
    })
}

fn message(i: &Instance, chat_id: &str, entry: Entry) -> Message {
    let outgoing = entry.direction.as_deref() == Some("outgoing");
    let kind = entry.type_message.unwrap_or_else(|| "textMessage".into());
    let sender_id = entry.sender_id.unwrap_or_else(|| {
        if outgoing {
            i.wid()
        } else {
            chat_id.to_owned()
        }
    });
    let text = content::text_of(&entry.rest, "textMessage").to_owned();
    let status = entry.status_message.unwrap_or_else(|| "read".into());
    Message {
        id: entry.id_message.unwrap_or_else(ids::message_id),
        outgoing,
        by_api: entry.send_by_api,
        at_ms: entry
            .timestamp
            .map_or_else(clock::now_ms, |at_s| at_s * 1000),
        chat_id: chat_id.to_owned(),
        sender_name: entry.sender_name.unwrap_or_else(|| i.name_of(&sender_id)),
        sender_id,
        status,
        content: Content {
            kind: kind.clone(),
            data: Object::new(),
            flat: entry.rest,
            flat_kind: kind,
            text,
            file: None,
        },
    }
}
