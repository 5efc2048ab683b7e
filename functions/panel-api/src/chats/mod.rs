//! `/api/chats…`: conversations, their messages, and what the team does with them.
//!
//! Whoever calls sees the conversations of the numbers that they may see at this moment, and nothing
//! tells them of others: those are not found.

mod act;
mod alter;
mod begin;
mod content;
mod erase;
mod files;
mod list;
mod messages;
mod notes;
mod problems;
mod settings;
mod thing;
mod view;

use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use greenhub::account::session::Caller;
use greenhub::domain::ids::ChatId;
use greenhub::domain::message;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::inbox::Sight;
use greenhub::inbox::send::Writer;
use greenhub::queue::Queue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Db;
use greenhub::store::directory;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

pub(crate) use content::DestinationView;
pub(crate) use problems::{bad_cursor, not_retried};

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, begin::begin))
        .routes(routes!(list::changes))
        .routes(routes!(act::show, act::change, erase::erase))
        .routes(routes!(act::merge))
        .routes(routes!(act::split))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(messages::changes))
        .routes(routes!(messages::show, alter::edit, alter::delete))
        .routes(routes!(messages::retry))
        .routes(routes!(files::announce))
        .routes(routes!(files::send))
        .routes(routes!(files::show))
        .routes(routes!(notes::list, notes::add))
        .routes(routes!(notes::change, notes::remove))
        .routes(routes!(notes::draft, notes::keep_draft))
        .routes(routes!(settings::show, settings::change))
}

/// What a caller may see now.
pub(crate) async fn sight<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    caller: &Caller,
) -> Result<Sight, Problem> {
    let numbers = directory::numbers(&api.hub.db, &caller.workspace).await;
    let numbers = numbers.map_err(|error| tables(&error))?.into_iter();
    let numbers = numbers.map(|number| number.number);
    Ok(Sight {
        workspace: caller.workspace.clone(),
        numbers: numbers
            .filter(|number| caller.rights.may_see(number))
            .collect(),
    })
}

/// Who writes, as the team knows them.
pub(crate) fn writer(caller: &Caller) -> Writer {
    Writer {
        person: caller.person().clone(),
        name: caller.name.clone(),
    }
}

/// A conversation of theirs.
async fn chat<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    sight: &Sight,
    id: &ChatId,
) -> Result<ChatRow, Problem> {
    let chat = sight.chat(&api.hub.db, id).await;
    chat.map_err(|error| tables(&error))?.ok_or_else(not_found)
}

/// The conversation that an address names. What cannot be an id of ours is not found.
pub(crate) struct ChatInPath(pub(crate) ChatId);

/// The message that an address names, as its view does: its conversation and its place there.
pub(crate) struct MessageInPath(pub(crate) (ChatId, u64));

/// There may be more in the address.
#[derive(Deserialize)]
struct NamedChat {
    id: String,
}

#[derive(Deserialize)]
struct NamedMessage {
    message: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ChatInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<NamedChat>, _> = parts.extract().await;
        let id = named.map(|Path(named)| named.id).unwrap_or_default();
        chat_id(&id).map(ChatInPath).ok_or_else(not_found)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MessageInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<NamedMessage>, _> = parts.extract().await;
        let name = named.map(|Path(named)| named.message).unwrap_or_default();
        let place = message::of_reference(&name);
        place.map(MessageInPath).ok_or_else(not_found)
    }
}

/// An id of ours, if the text can be one.
pub(crate) fn chat_id(id: &str) -> Option<ChatId> {
    let is_one = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    is_one.then(|| ChatId::new(id))
}
