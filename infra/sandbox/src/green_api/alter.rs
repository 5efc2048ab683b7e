//! Changing what was sent (GREEN-API contract, service). The customer's phone shows what is left.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::green_api::content::text_of;
use crate::green_api::model::{Message, Object};
use crate::green_api::{Answer, Call, Refused, ok};

/// What a deleted message shows.
const DELETED: &str = "(deleted)";

/// `editMessage`.
pub(crate) fn edit(call: &Call) -> Answer {
    let body = call.json()?;
    let text = required(&body, "message")?.to_owned();
    let id = alter(call, &body, |message| {
        message.content.text.clone_from(&text);
    })?;
    ok(json!({ "idMessage": id }))
}

/// `deleteMessage`: an answer with nothing in it.
pub(crate) fn delete(call: &Call) -> Answer {
    let body = call.json()?;
    alter(call, &body, |message| message.content.text = DELETED.into())?;
    Ok(StatusCode::OK.into_response())
}

/// Only what the number sent itself can be changed.
fn alter(call: &Call, body: &Object, change: impl FnOnce(&mut Message)) -> Result<String, Refused> {
    let (chat, id) = (required(body, "chatId")?, required(body, "idMessage")?);
    let found = call.change(|instance| {
        let mut messages = instance.messages.iter_mut();
        let message = messages.find(|it| it.outgoing && it.chat_id == chat && it.id == id);
        message.map(change).is_some()
    })?;
    if found {
        return Ok(id.to_owned());
    }
    Err(Refused::bad("message not found"))
}

fn required<'a>(body: &'a Object, name: &str) -> Result<&'a str, Refused> {
    match text_of(body, name) {
        "" => Err(Refused::bad(format!(
            "Validation failed. Details: '{name}' is required"
        ))),
        text => Ok(text),
    }
}
