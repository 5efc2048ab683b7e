//! `/api/chats/{id}`: a conversation, and what is decided about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::auth::Authenticated;
use greenhub::account::session::Caller;
use greenhub::domain::ids::PersonId;
use greenhub::http::problems::{bad, not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::change::{self, Change};
use greenhub::inbox::{Sight, list, send};
use greenhub::queue::Queue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Db;
use greenhub::store::team::InboxRow;
use greenhub::store::{keys, row};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::problems::not_changed;
use super::view::{ChatDetails, ChatView};
use super::{ChatInPath, chat, chat_id, sight};
use crate::Api;

/// What is to be different; what is not told stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatChange {
    /// Our id of who answers; `null` for nobody in particular.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    /// Nothing is to be done.
    closed: Option<bool>,
    /// Out of sight.
    archived: Option<bool>,
    /// On top.
    pinned: Option<bool>,
    /// Ids of all its labels.
    labels: Option<BTreeSet<String>>,
    /// `incoming` of the conversation as it was shown: so many messages have been looked at.
    read: Option<u64>,
    /// Somebody has to look at the latest one again.
    #[serde(default)]
    unread: bool,
    /// The person does not want to be written to, or does again.
    opted_out: Option<bool>,
}

/// Apart from what is not told, `null` is a value.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A conversation, what was decided about it, and those with the same phone on other numbers.
#[utoipa::path(
    get, path = "/api/chats/{id}", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = ChatDetails))
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
) -> Result<Json<ChatDetails>, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    details(&api, &sight, chat).await
}

async fn details<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    sight: &Sight,
    chat: ChatRow,
) -> Result<Json<ChatDetails>, Problem> {
    let last = list::last(&api.hub.db, &chat.chat).await;
    let last = last.map_err(|error| tables(&error))?;
    let sisters = send::sisters(&api.hub, sight, &chat).await;
    let sisters = sisters.map_err(|error| tables(&error))?;
    Ok(Json(ChatDetails::of(chat, last.map(Into::into), sisters)))
}

/// Assigns, closes, reopens, labels, pins, archives, reads.
#[utoipa::path(
    patch, path = "/api/chats/{id}", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    request_body = ChatChange,
    responses(
        (status = 200, body = ChatView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_assignee`, `bad_label`, `too_many_labels`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_pinned`"),
    )
)]
pub(super) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(asked): Body<ChatChange>,
) -> Result<Json<ChatView>, Problem> {
    let sight = sight(&api, &caller).await?;
    let assignee = match asked.assignee {
        Some(Some(person)) => Some(Some(somebody(&api, &caller, &person).await?)),
        Some(None) => Some(None),
        None => None,
    };
    if let Some(labels) = &asked.labels {
        check_labels(&api, &caller, labels).await?;
    }
    let change = Change {
        assignee,
        closed: asked.closed,
        archived: asked.archived,
        pinned: asked.pinned,
        labels: asked.labels,
        read: asked.read,
        unread: asked.unread,
        opted_out: asked.opted_out,
    };
    let changed = change::change(&api.hub, &sight, &id, caller.person(), &change).await;
    let changed = changed.map_err(not_changed)?;
    let last = list::last(&api.hub.db, &changed.chat).await;
    let last = last.map_err(|error| tables(&error))?;
    Ok(Json(ChatView::of(changed, last.map(Into::into))))
}

/// Somebody of the workspace.
async fn somebody<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    caller: &Caller,
    person: &str,
) -> Result<PersonId, Problem> {
    let nobody = || bad("bad_assignee", "There is nobody like that in the workspace");
    let person = chat_id(person).ok_or_else(nobody)?;
    let person = PersonId::new(person.as_str());
    let key = keys::person(&caller.workspace, &person);
    let found = api.row::<greenhub::store::people::PersonRow>(&key).await?;
    found.map(|_| person).ok_or_else(nobody)
}

async fn check_labels<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    caller: &Caller,
    labels: &BTreeSet<String>,
) -> Result<(), Problem> {
    let inbox: InboxRow = api
        .row(&keys::inbox(&caller.workspace))
        .await?
        .unwrap_or_default();
    let is_one = |id: &String| inbox.labels.iter().any(|label| label.id == *id);
    if labels.iter().all(is_one) {
        return Ok(());
    }
    Err(bad("bad_label", "There is no such label in the workspace"))
}

/// Another conversation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Other {
    /// Our id of it.
    chat: String,
}

/// Makes another conversation of the same number a part of this one: both are one person's.
#[utoipa::path(
    post, path = "/api/chats/{id}/merge", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    request_body = Other,
    responses(
        (status = 200, body = ChatDetails),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`cannot_merge`"),
    )
)]
pub(super) async fn merge<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(other): Body<Other>,
) -> Result<Json<ChatDetails>, Problem> {
    let sight = sight(&api, &caller).await?;
    let other = chat_id(&other.chat).ok_or_else(not_found)?;
    let joined = change::join(&api.hub, &sight, &id, &other, caller.person()).await;
    details(&api, &sight, joined.map_err(not_changed)?).await
}

/// Takes apart what was made one: the other conversation lives again, with what it had then.
#[utoipa::path(
    post, path = "/api/chats/{id}/split", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    request_body = Other,
    responses(
        (status = 200, body = ChatDetails),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_merged`"),
    )
)]
pub(super) async fn split<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(other): Body<Other>,
) -> Result<Json<ChatDetails>, Problem> {
    let sight = sight(&api, &caller).await?;
    let other = chat_id(&other.chat).ok_or_else(not_found)?;
    let apart = change::split(&api.hub, &sight, &id, &other, caller.person()).await;
    let (chat, _) = apart.map_err(not_changed)?;
    details(&api, &sight, chat).await
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// A row, if there is one.
    pub(crate) async fn row<T: row::Row>(
        &self,
        key: &greenhub::store::db::Key,
    ) -> Result<Option<T>, Problem> {
        let found = row::load(&self.hub.db, key).await;
        found.map_err(|error| tables(&error))
    }
}
