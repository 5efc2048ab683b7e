//! Journals (GREEN-API contract, journals): the same messages as in the webhooks, written flat.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    clock, files,
    green_api::{
        Answer, Call, Refused, content,
        model::{Message, Object},
        ok, status,
    },
};

/// One message as a journal writes it.
fn entry(message: &Message) -> Value {
    // A row for a number without WhatsApp says almost nothing.
    if message.status == "noAccount" {
        return json!({ "type": "outgoing", "typeMessage": "" });
    }
    let content = &message.content;
    let mut row = content.flat.clone();
    let mut put = |key: &str, value: Value| row.insert(key.into(), value);
    put(
        "type",
        if message.outgoing {
            "outgoing"
        } else {
            "incoming"
        }
        .into(),
    );
    put("idMessage", message.id.clone().into());
    put("timestamp", (message.at_ms / 1000).into());
    put("typeMessage", content.flat_kind.clone().into());
    put("chatId", message.chat_id.clone().into());
    if message.outgoing {
        put("statusMessage", message.status.clone().into());
        put("sendByApi", message.by_api.into());
    } else {
        put("senderId", message.sender_id.clone().into());
        put("senderName", message.sender_name.clone().into());
        put("senderContactName", "".into());
    }
    // What an edit or a deletion is about is told; of others the fields are empty.
    for unused in ["deletedMessageId", "editedMessageId"] {
        row.entry(unused).or_insert_with(|| "".into());
    }
    for unused in ["isEdited", "isDeleted"] {
        row.entry(unused).or_insert_with(|| false.into());
    }
    row.into()
}

/// All chats, the newest first, of the last so many minutes.
pub(crate) fn last(call: &Call, outgoing: bool) -> Answer {
    let minutes = call.query("minutes").unwrap_or(1440);
    let since = clock::now_ms() - minutes.saturating_mul(60_000);
    call.read(|i| {
        let rows: Vec<Value> = i
            .messages
            .iter()
            .rev()
            .filter(|m| m.outgoing == outgoing && m.at_ms >= since)
            .map(entry)
            .collect();
        ok(rows.into())
    })?
}

fn required<'a>(body: &'a Object, name: &str) -> Result<&'a str, Refused> {
    match content::text_of(body, name) {
        "" => Err(Refused::bad(format!(
            "Validation failed. Details: '{name}' is required"
        ))),
        text => Ok(text),
    }
}

pub(crate) fn history(call: &Call) -> Answer {
    let body = call.json()?;
    let chat = required(&body, "chatId")?;
    let count = body.get("count").and_then(Value::as_u64).unwrap_or(100);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    call.read(|i| {
        let of_chat = i.messages.iter().rev().filter(|m| m.chat_id == chat);
        ok(of_chat.take(count).map(entry).collect::<Vec<_>>().into())
    })?
}

fn find(call: &Call) -> Result<Message, Refused> {
    let body = call.json()?;
    let (chat, id) = (required(&body, "chatId")?, required(&body, "idMessage")?);
    call.read(|i| {
        i.messages
            .iter()
            .find(|m| m.id == id && m.chat_id == chat)
            .cloned()
    })?
    .ok_or_else(|| Refused::bad("Message not found by id and chat id"))
}

pub(crate) fn message(call: &Call) -> Answer {
    ok(entry(&find(call)?))
}

/// A new link to the same file; 500 when WhatsApp no longer has it.
pub(crate) fn download(call: &Call) -> Answer {
    let file = find(call)?.content.file;
    let link = file.and_then(|file| files::renew(&call.app, &file.url));
    let link =
        link.ok_or_else(|| Refused(StatusCode::INTERNAL_SERVER_ERROR, "file not found".into()))?;
    ok(json!({ "downloadUrl": link }))
}

/// Blue ticks for the customer.
pub(crate) fn read_chat(call: &Call) -> Answer {
    let body = call.json()?;
    let chat = required(&body, "chatId")?;
    call.change(|i| status::read_incoming(i, chat))?;
    ok(json!({ "setRead": true }))
}
