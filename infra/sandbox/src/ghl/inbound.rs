//! `POST /conversations/messages/inbound` (GHL contract, inbound): what a provider brings in, and
//! what it logs that was sent elsewhere.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse as _};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, News},
    clock,
    ghl::{
        Answer, Refused, Who, body, created,
        model::{Ghl, Message},
        providers::Shape,
        schema, text,
    },
    ids,
};

pub(crate) async fn inbound(State(app): State<Arc<App>>, who: Who, bytes: Bytes) -> Answer {
    let location = who.location("conversations/message.write")?;
    let body = body(schema::INBOUND, &bytes)?;
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let (contact, conversation) = addressee(ghl, location, &body)?;
    let has = |shape: &Shape| ghl.locations.get(location).is_some_and(|it| it.has(*shape));
    let shape = match text(&body, "conversationProviderId") {
        Some(id) => app.ghl.shape(id).filter(has).ok_or_else(|| {
            Refused::new(
                StatusCode::BAD_REQUEST,
                &format!("You don't have access to the conversationProvider with id: {id}"),
            )
        })?,
        // The default provider need not be named.
        None if has(&Shape::Default) => Shape::Default,
        // A success that is none: the message is not there.
        None => return Ok(StatusCode::CREATED.into_response()),
    };
    let attachments = strings(&body, "attachments");
    if text(&body, "message").is_none() && attachments.is_empty() && body.get("call").is_none() {
        return Err(Refused::bad("A message needs a text or attachments"));
    }
    let now = clock::now_ms();
    let at_ms = match text(&body, "date") {
        None => now,
        Some(date) => clock::parse(date).ok_or_else(|| {
            Refused::unprocessable(vec!["date must be a valid ISO 8601 date string".into()])
        })?,
    };
    let outbound = text(&body, "direction") == Some("outbound");
    let message = Message {
        id: ids::ghl_id(),
        conversation: conversation.clone(),
        contact: contact.clone(),
        location: location.into(),
        outbound,
        body: text(&body, "message").unwrap_or_default().into(),
        attachments,
        status: if outbound { "sent" } else { "delivered" }.into(),
        // Nothing recognises a second post with the same id.
        alt_id: text(&body, "altId").map(Into::into),
        at_ms,
        added_ms: now,
        updated_ms: now,
        kind: shape.message_type().into(),
        provider: Some(app.ghl.provider_id(shape).into()),
        user: None,
        delivered_ms: None,
        error: None,
        source: "app".into(),
    };
    let id = message.id.clone();
    ghl.messages.push(message);
    if let Some(c) = ghl
        .conversations
        .iter_mut()
        .find(|c| c.id == conversation && !outbound)
    {
        c.unread += 1;
    }
    created(json!({
        "success": true,
        "conversationId": conversation,
        "messageId": id,
        "contactId": contact,
        "message": "Successfully added message",
        "dateAdded": clock::iso(at_ms),
    }))
}

/// The contact and its conversation, from either id.
fn addressee(
    ghl: &mut Ghl,
    location: &str,
    body: &Map<String, Value>,
) -> Result<(String, String), Refused> {
    if let Some(id) = text(body, "contactId") {
        let Some(contact) = ghl.contacts.get(id) else {
            return Err(Refused::bad(&format!("Contact with id {id} not found")));
        };
        if contact.location != location {
            return Err(Refused::other_tenant());
        }
        return Ok((id.into(), ghl.conversation_of(location, id)));
    }
    let Some(id) = text(body, "conversationId") else {
        return Err(Refused::unprocessable(vec![
            "contactId should not be empty".into(),
            "conversationId should not be empty".into(),
        ]));
    };
    match ghl.conversations.iter().find(|c| c.id == id) {
        Some(c) if c.location == location => Ok((c.contact.clone(), id.into())),
        Some(_) => Err(Refused::other_tenant()),
        None => Err(Refused::bad(&format!(
            "Conversation with id {id} not found"
        ))),
    }
}

pub(crate) fn strings(body: &Map<String, Value>, name: &str) -> Vec<String> {
    let items = body
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(|v| v.as_str().map(Into::into)).collect()
}
