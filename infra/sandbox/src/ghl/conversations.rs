//! Conversations: one per contact (GHL contract, inbound).

use std::{sync::Arc, time::Duration};

use axum::extract::{Path, Query, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{App, News},
    clock,
    ghl::{
        Answer, Refused, Who, body, created,
        model::{Conversation, Ghl},
        ok, schema, text,
    },
};

/// The search index is behind (GHL contract, inbound): seconds to a minute.
const SEARCH_LAG: Duration = Duration::from_secs(5);

/// `POST /conversations/`.
pub(crate) async fn create(State(app): State<Arc<App>>, who: Who, bytes: Bytes) -> Answer {
    let body = body(schema::CONVERSATION, &bytes)?;
    let (location, contact) = (text(&body, "locationId"), text(&body, "contactId"));
    let (location, contact) = (location.unwrap_or_default(), contact.unwrap_or_default());
    who.in_location("conversations.write", location)?;
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    if ghl.contact_in(location, contact).is_none() {
        return Err(Refused::bad("Contact not found"));
    }
    let id = ghl.conversation_of(location, contact);
    let conversation = ghl.conversations.iter().find(|c| c.id == id);
    created(json!({ "success": true, "conversation": conversation.map(|c| short(ghl, c)) }))
}

fn short(ghl: &Ghl, conversation: &Conversation) -> Value {
    let messages = ghl.messages_of(&conversation.id);
    let last = messages.last();
    let last_ms = last.map_or(conversation.added_ms, |m| m.at_ms);
    json!({
        "id": conversation.id,
        "dateAdded": clock::iso(conversation.added_ms),
        "dateUpdated": clock::iso(last_ms),
        "lastMessageDate": clock::iso(last_ms),
        "deleted": false,
        "contactId": conversation.contact,
        "locationId": conversation.location,
    })
}

fn full(ghl: &Ghl, conversation: &Conversation) -> Value {
    let mut out = short(ghl, conversation);
    let messages = ghl.messages_of(&conversation.id);
    let last = messages.last();
    out["lastMessageBody"] = last.map(|m| m.body.as_str()).unwrap_or_default().into();
    out["lastMessageType"] = last
        .map_or("TYPE_CUSTOM_PROVIDER_SMS", |m| m.kind.as_str())
        .into();
    out["type"] = "TYPE_PHONE".into();
    out["unreadCount"] = conversation.unread.into();
    if let Some(contact) = ghl.contacts.get(&conversation.contact) {
        out["fullName"] = contact.name().into();
        out["contactName"] = contact.name().into();
        out["email"] = contact.email.clone().into();
        out["phone"] = contact.phone.clone().into();
    }
    out
}

/// `GET /conversations/{id}`.
pub(crate) async fn read(State(app): State<Arc<App>>, who: Who, Path(id): Path<String>) -> Answer {
    let location = who.location("conversations.readonly")?;
    let state = app.lock();
    let ghl = &state.kept.ghl;
    let conversation = ghl
        .conversations
        .iter()
        .find(|c| c.id == id && c.location == location);
    let conversation = conversation
        .ok_or_else(|| Refused::bad(&format!("Conversation with id {id} not found")))?;
    ok(full(ghl, conversation))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Search {
    location_id: String,
    contact_id: Option<String>,
    id: Option<String>,
    limit: Option<usize>,
}

/// `GET /conversations/search`.
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    who: Who,
    Query(asked): Query<Search>,
) -> Answer {
    who.in_location("conversations.readonly", &asked.location_id)?;
    let indexed = clock::now_ms() - app.scale.ms(SEARCH_LAG);
    let state = app.lock();
    let ghl = &state.kept.ghl;
    let found: Vec<Value> = ghl
        .conversations
        .iter()
        .filter(|c| c.location == asked.location_id && c.added_ms <= indexed)
        .filter(|c| asked.contact_id.as_ref().is_none_or(|id| *id == c.contact))
        .filter(|c| asked.id.as_ref().is_none_or(|id| *id == c.id))
        .map(|c| full(ghl, c))
        .collect();
    let total = found.len();
    let page: Vec<Value> = found.into_iter().take(asked.limit.unwrap_or(20)).collect();
    ok(json!({ "conversations": page, "total": total }))
}
