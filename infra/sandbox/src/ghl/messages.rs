//! Reading messages, their statuses, and sending from the CRM's own side (GHL contract, status;
//! other message endpoints; media upload).

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Multipart, Path, Query, State},
    http::StatusCode,
    response::IntoResponse as _,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, News},
    clock, files,
    ghl::{
        Answer, Refused, Who, body, created,
        inbound::strings,
        model::{Ghl, Message},
        ok, schema, text,
        webhooks::{self, Reply},
    },
};

const READ: &str = "conversations/message.readonly";
const WRITE: &str = "conversations/message.write";

/// For so long a message that was just delivered does not know its provider.
const TOO_EARLY: Duration = Duration::from_secs(5);

/// The caller's message.
fn own<'a>(ghl: &'a mut Ghl, location: &str, id: &str) -> Result<&'a mut Message, Refused> {
    let message = ghl.message(id);
    let message =
        message.ok_or_else(|| Refused::bad(&format!("Message with id {id} not found")))?;
    if message.location == location {
        Ok(message)
    } else {
        Err(Refused::other_tenant())
    }
}

/// `PUT /conversations/messages/{id}/status`.
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let location = who.location(WRITE)?;
    let body = body(schema::STATUS, &bytes)?;
    let settled = clock::now_ms() - app.scale.ms(TOO_EARLY);
    let mut state = app.change(News::Ghl);
    let message = own(&mut state.kept.ghl, location, &id)?;
    let provider = message.provider.as_deref();
    let ours = message.outbound && provider.is_some_and(|id| app.ghl.shape(id).is_some());
    if !ours || message.delivered_ms.is_some_and(|at| at > settled) {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            json!({
                "statusCode": 403,
                "message": "No conversation provider found for this message",
                "error": "Forbidden",
            }),
        ));
    }
    message.status = text(&body, "status").unwrap_or_default().into();
    message.error = body.get("error").cloned();
    message.updated_ms = clock::now_ms();
    ok(json!({
        "conversationId": message.conversation,
        "messageId": message.id,
        "status": message.status,
        "msg": "Message status updated successfully.",
    }))
}

/// `GET /conversations/messages/{id}`.
pub(crate) async fn read(State(app): State<Arc<App>>, who: Who, Path(id): Path<String>) -> Answer {
    let location = who.location(READ)?;
    let mut state = app.lock();
    ok(own(&mut state.kept.ghl, location, &id)?.json())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    last_message_id: Option<String>,
    limit: Option<usize>,
}

/// `GET /conversations/{id}/messages`: the newest first, everything one level deeper than the
/// document says.
pub(crate) async fn of_conversation(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Answer {
    let location = who.location(READ)?;
    let state = app.lock();
    let ghl = &state.kept.ghl;
    if !ghl
        .conversations
        .iter()
        .any(|c| c.id == id && c.location == location)
    {
        return Err(Refused::bad(&format!(
            "Conversation with id {id} not found"
        )));
    }
    let mut all = ghl.messages_of(&id);
    all.reverse();
    let from = match &page.last_message_id {
        Some(last) => all
            .iter()
            .position(|m| m.id == *last)
            .map_or(all.len(), |at| at + 1),
        None => 0,
    };
    let rest = &all[from..];
    let shown = &rest[..rest.len().min(page.limit.unwrap_or(20))];
    ok(json!({
        "messages": {
            "lastMessageId": shown.last().map(|m| m.id.as_str()).unwrap_or_default(),
            "nextPage": shown.len() < rest.len(),
            "messages": shown.iter().map(|m| m.json()).collect::<Vec<_>>(),
        },
        "traceId": crate::ids::uuid(),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Export {
    location_id: String,
    contact_id: Option<String>,
    conversation_id: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    sort_order: Option<String>,
}

/// `GET /conversations/messages/export`: newest first unless asked otherwise, a page at a time.
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    who: Who,
    Query(asked): Query<Export>,
) -> Answer {
    who.in_location(READ, &asked.location_id)?;
    let date = |text: &Option<String>| match text {
        None => Ok(None),
        Some(t) => clock::parse(t)
            .map(Some)
            .ok_or_else(|| Refused::bad("Invalid date")),
    };
    let (from, to) = (date(&asked.start_date)?, date(&asked.end_date)?);
    let state = app.lock();
    let mut all: Vec<&Message> = state
        .kept
        .ghl
        .messages
        .iter()
        .filter(|m| m.location == asked.location_id)
        .filter(|m| asked.contact_id.as_ref().is_none_or(|id| *id == m.contact))
        .filter(|m| {
            asked
                .conversation_id
                .as_ref()
                .is_none_or(|id| *id == m.conversation)
        })
        .filter(|m| from.is_none_or(|from| m.added_ms >= from))
        .filter(|m| to.is_none_or(|to| m.added_ms <= to))
        .collect();
    if asked.sort_order.as_deref() != Some("asc") {
        all.reverse();
    }
    let start = match &asked.cursor {
        Some(cursor) => all
            .iter()
            .position(|m| m.id == *cursor)
            .map(|at| at + 1)
            .ok_or_else(|| Refused::bad("Invalid cursor"))?,
        None => 0,
    };
    let limit = asked.limit.unwrap_or(100).clamp(1, 500);
    let page: Vec<&&Message> = all[start..].iter().take(limit).collect();
    let more = start + page.len() < all.len();
    let cursor = page.last().filter(|_| more).map(|m| m.id.clone());
    ok(json!({
        "messages": page.iter().map(|m| m.json()).collect::<Vec<_>>(),
        "nextCursor": cursor,
        "total": all.len(),
    }))
}

/// `POST /conversations/messages`: as if an agent had typed it, so the app's delivery URL is
/// called.
pub(crate) async fn send(State(app): State<Arc<App>>, who: Who, bytes: Bytes) -> Answer {
    let location = who.location(WRITE)?.to_owned();
    let body = body(schema::SEND, &bytes)?;
    let reply = Reply {
        location_id: location,
        contact_id: text(&body, "contactId").unwrap_or_default().into(),
        message: text(&body, "message").unwrap_or_default().into(),
        attachments: strings(&body, "attachments"),
        user_id: text(&body, "userId").map(Into::into),
        kind: text(&body, "type").map(Into::into),
        conversation_provider_id: text(&body, "conversationProviderId").map(Into::into),
        reply_to: reply_to(&app, &body),
        ..Reply::default()
    };
    let sent = webhooks::reply(&app, reply).map_err(|_| Refused::bad("Contact not found"))?;
    let out = json!({
        "conversationId": sent.conversation,
        "messageId": sent.messages.first(),
        "msg": "Message queued successfully.",
    });
    for delivery in sent.deliveries {
        let task = app.clone();
        app.spawn(async move {
            webhooks::deliver(&task, delivery).await;
        });
    }
    created(out)
}

/// The foreign id of the message that is answered.
fn reply_to(app: &App, body: &Map<String, Value>) -> Option<String> {
    let id = text(body, "replyMessageId")?;
    app.lock().kept.ghl.message(id)?.alt_id.clone()
}

/// What each file may be, and how large (GHL contract, media upload).
const TYPES: [&str; 34] = [
    "jpg", "jpeg", "png", "gif", "svg", "heic", "ai", "mp4", "mpeg", "3gp", "mp3", "wav", "aiff",
    "gsm", "ulaw", "ogg", "aac", "m4a", "amr", "pdf", "doc", "docx", "txt", "csv", "xls", "xlsx",
    "ppt", "pptx", "odt", "zip", "rar", "vcf", "vcard", "ics",
];
const MAX_FILE: usize = 5 << 20;
const MAX_FILES: usize = 5;

/// `POST /conversations/messages/upload`.
pub(crate) async fn upload(State(app): State<Arc<App>>, who: Who, mut form: Multipart) -> Answer {
    let location = who.location(WRITE)?.to_owned();
    let refuse = |status: u16, message: &str| {
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Refused(code, json!({ "status": status, "message": message }))
    };
    let mut fields = Map::new();
    let mut uploads: Vec<(String, Bytes)> = Vec::new();
    while let Some(part) = form
        .next_field()
        .await
        .map_err(|e| Refused::bad(&e.to_string()))?
    {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "fileAttachment" {
            let value = part
                .text()
                .await
                .map_err(|e| Refused::bad(&e.to_string()))?;
            fields.insert(name, value.into());
            continue;
        }
        let file = part.file_name().unwrap_or("file").to_owned();
        let extension = file.rsplit_once('.').map_or("", |(_, e)| e).to_lowercase();
        if !TYPES.contains(&extension.as_str()) {
            return Err(refuse(415, "Unsupported file type"));
        }
        let bytes = part
            .bytes()
            .await
            .map_err(|e| Refused::bad(&e.to_string()))?;
        if bytes.len() > MAX_FILE {
            return Err(refuse(413, "Failed to upload the files"));
        }
        uploads.push((file, bytes));
    }
    if uploads.is_empty() || uploads.len() > MAX_FILES {
        return Err(refuse(400, "One to five files are needed"));
    }
    {
        let state = app.lock();
        let ghl = &state.kept.ghl;
        match (text(&fields, "conversationId"), text(&fields, "contactId")) {
            (Some(id), _) => {
                if !ghl
                    .conversations
                    .iter()
                    .any(|c| c.id == id && c.location == location)
                {
                    let message = format!("Conversation with id {id} not found");
                    return Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, &message));
                }
            }
            (None, Some(id)) if ghl.contact_in(&location, id).is_some() => {}
            _ => return Err(refuse(400, "conversationId or contactId is needed")),
        }
    }
    drop(app.change(News::Ghl));
    let uploaded: Map<String, Value> = uploads
        .into_iter()
        .map(|(name, bytes)| {
            let url = files::put(&app, &name, files::mime_of(&name), bytes);
            (name, url.into())
        })
        .collect();
    Ok(Json(json!({ "uploadedFiles": uploaded })).into_response())
}
