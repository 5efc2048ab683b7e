//! `GET /api/chats`, `GET /api/chats/changes`: the list, and what has changed in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use greenhub::account::auth::Authenticated;
use greenhub::clock::Millis;
use greenhub::domain::ids::NumberId;
use greenhub::http::Problem;
use greenhub::http::problems::{bad, tables};
use greenhub::inbox::cursor;
use greenhub::inbox::list::{self, At, Filter, MOST};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::bad_cursor;
use super::sight;
use super::view::ChatView;
use crate::Api;

/// How many conversations a page has if nothing is said.
const USUAL: usize = 30;

/// The longest words to look for, in characters.
const QUERY_CHARS: usize = 100;

/// Which conversations.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    /// `open` (if nothing is said), `mine`, `unassigned`, `closed`, `archived`.
    filter: Option<String>,
    /// With this label, in place of the filter.
    label: Option<String>,
    /// Of this number alone.
    number: Option<String>,
    /// Beginnings of words of the name, or digits of the phone, in place of the filter.
    q: Option<String>,
    /// Where the list goes on.
    cursor: Option<String>,
    /// 1 to 100.
    limit: Option<usize>,
}

/// Conversations.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chats {
    /// The latest first; on the first page the pinned ones before them.
    chats: Vec<ChatView>,
    /// Where the list goes on. A page may be shorter than asked for all the same.
    next: Option<String>,
    /// There may be more: look for more of the name. Only where something was looked for.
    more: bool,
}

/// The conversations, by activity.
#[utoipa::path(
    get, path = "/api/chats", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses(
        (status = 200, body = Chats),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_filter`, `bad_query`, `bad_cursor`"),
    )
)]
pub(super) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Query(asked): Query<Asked>,
) -> Result<Json<Chats>, Problem> {
    let mut sight = sight(&api, &caller).await?;
    if let Some(number) = asked.number.map(NumberId::new) {
        sight.numbers.retain(|it| *it == number);
    }
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    if let Some(query) = &asked.q {
        if query.chars().nth(QUERY_CHARS).is_some() {
            return Err(bad("bad_query", "At most 100 characters can be looked for"));
        }
        let found = list::search(&api.hub.db, &sight, query, limit).await;
        let (found, more) = found.map_err(|error| tables(&error))?;
        return Ok(Json(Chats {
            chats: found.into_iter().map(ChatView::from).collect(),
            next: None,
            more,
        }));
    }
    let filter = match (asked.label, asked.filter.as_deref()) {
        (Some(label), _) if cursor::is_id(&label) => Filter::Label(label),
        (None, None | Some("open")) => Filter::Open,
        (None, Some("mine")) => Filter::Of(caller.person().clone()),
        (None, Some("unassigned")) => Filter::Unassigned,
        (None, Some("closed")) => Filter::Closed,
        (None, Some("archived")) => Filter::Archived,
        _ => return Err(bad("bad_filter", "There is no such list")),
    };
    let after: Option<At> = match &asked.cursor {
        Some(text) => Some(cursor::place(text).map_err(bad_cursor)?),
        None => None,
    };
    let page = list::page(&api.hub.db, &sight, &filter, after.as_ref(), limit).await;
    let page = page.map_err(|error| tables(&error))?;
    Ok(Json(Chats {
        chats: page.entries.into_iter().map(ChatView::from).collect(),
        next: page.next.as_ref().map(cursor::text),
        more: false,
    }))
}

/// Since when.
#[derive(Deserialize, IntoParams)]
pub(super) struct Since {
    /// `until` of the answer before, or when the list was asked for; milliseconds since 1970.
    since: Millis,
}

/// What has changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changes {
    /// As they are now, whatever list they are in, those that live on in others too. One that was
    /// told before may be told again: its revision says so.
    chats: Vec<ChatView>,
    /// For asking next, milliseconds since 1970.
    until: Millis,
    /// There is more now.
    more: bool,
}

/// The conversations that have changed since then, whoever changed them.
#[utoipa::path(
    get, path = "/api/chats/changes", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    params(Since),
    responses((status = 200, body = Changes))
)]
pub(super) async fn changes<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Query(asked): Query<Since>,
) -> Result<Json<Changes>, Problem> {
    let sight = sight(&api, &caller).await?;
    let now = api.hub.clock.now_ms();
    let changes = list::changes(&api.hub.db, &sight, asked.since, MOST, now).await;
    let changes = changes.map_err(|error| tables(&error))?;
    Ok(Json(Changes {
        chats: changes.entries.into_iter().map(ChatView::from).collect(),
        until: changes.until_ms,
        more: changes.more,
    }))
}
