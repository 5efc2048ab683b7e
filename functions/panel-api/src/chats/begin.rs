//! `POST /api/chats`: a conversation with a phone.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::auth::Authenticated;
use greenhub::domain::ids::NumberId;
use greenhub::domain::phone;
use greenhub::http::problems::{not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::send;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problems::{not_sent, unfit};
use super::view::ChatView;
use super::{chat, chat_id, sight};
use crate::Api;

/// The longest reason, in characters.
const REASON_CHARS: usize = 300;

/// A conversation that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewChat {
    /// Our id of the number to write from.
    number: String,
    /// As people write it; without a country's code it is of the workspace's country. Not needed
    /// where another conversation is gone on with.
    phone: Option<String>,
    /// The conversation on another number that goes on in this one.
    #[serde(rename = "from")]
    before: Option<String>,
    /// Why; kept in both conversations. At most 300 characters.
    reason: Option<String>,
}

/// A conversation with a phone: the one that is there, or a new one, if the phone has WhatsApp.
#[utoipa::path(
    post, path = "/api/chats", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    request_body = NewChat,
    responses(
        (status = 200, body = ChatView, description = "It was there"),
        (status = 201, body = ChatView, description = "It was begun"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`: the number, or the conversation that goes on"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`cannot_send`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`unfit`: not a phone; `no_whatsapp`"),
    )
)]
pub(super) async fn begin<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Body(asked): Body<NewChat>,
) -> Result<(StatusCode, Json<ChatView>), Problem> {
    let sight = sight(&api, &caller).await?;
    let before = match asked.before.as_deref() {
        Some(id) => {
            let id = chat_id(id).ok_or_else(not_found)?;
            Some(chat(&api, &sight, &id).await?)
        }
        None => None,
    };
    let reason = asked.reason.unwrap_or_default();
    if reason.chars().nth(REASON_CHARS).is_some() {
        return Err(unfit("a reason has at most 300 characters"));
    }
    let known = before.as_ref().and_then(|chat| chat.phone.as_deref());
    let country = api.workspace(&caller.workspace).await?.country;
    let typed = asked.phone.as_deref().or(known).unwrap_or_default();
    let phone = phone::parse(typed, country.as_deref());
    let phone = phone.ok_or_else(|| unfit("that is not a phone with its country's code"))?;
    let number = NumberId::new(asked.number);
    let data_keys = api.keys().await?;
    let opened = send::open(
        &api.hub,
        &api.green,
        &data_keys.data_keys,
        &sight,
        &number,
        &phone,
    )
    .await;
    let (opened, is_new) = opened.map_err(not_sent)?;
    let id = opened.chat.clone();
    let mut shown = opened;
    if let Some(before) = before.filter(|before| before.chat != id) {
        let person = caller.person();
        let noted = send::note_move(&api.hub, &before.chat, &id, person, &reason).await;
        noted.map_err(|error| tables(&error))?;
        shown = chat(&api, &sight, &id).await?;
    }
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(ChatView::of(shown, None))))
}
