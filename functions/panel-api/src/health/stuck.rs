//! `/api/health/stuck…`: the messages that nobody can do without a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use greenhub::account::auth::Authenticated;
use greenhub::clock::rfc3339;
use greenhub::domain::delivery::Destination;
use greenhub::domain::ids::{ChatId, NumberId};
use greenhub::domain::message::{Direction, of_reference, reference};
use greenhub::http::problems::{bad, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::stuck::{self, At, Filter, MOST, RetryError};
use greenhub::inbox::{Sight, cursor};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::team::StuckRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::chats::{DestinationView, bad_cursor, chat_id, not_retried, sight};

/// The longest reason, in characters.
const REASON_CHARS: usize = 300;

/// How many pages one call looks through for what a filter wants.
const PAGES: usize = 10;

/// Which messages.
#[derive(Deserialize, IntoParams)]
pub(super) struct Asked {
    /// Of this number alone.
    number: Option<String>,
    /// Of this conversation alone.
    chat: Option<String>,
    /// Those that did not reach `whatsapp` or `crm`.
    to: Option<String>,
    /// Where the list goes on.
    cursor: Option<String>,
    /// 1 to 100.
    limit: Option<usize>,
}

/// Messages that wait for a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stuck {
    /// The latest first.
    messages: Vec<StuckMessage>,
    /// Where the list goes on. A page may be shorter than asked for all the same.
    next: Option<String>,
}

/// A message that waits for a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StuckMessage {
    /// For asking about it, and for sending it once more.
    message: String,
    /// Our id of its conversation.
    chat: String,
    /// Our id of its number.
    number: String,
    /// It is the customer's.
    is_incoming: bool,
    /// The destinations that do not have it.
    to: Vec<DestinationView>,
    /// Nobody knows whether it arrived.
    is_unclear: bool,
    /// What is wrong.
    error: Option<String>,
    /// When the row ends, RFC 3339.
    kept_until: String,
}

impl From<StuckRow> for StuckMessage {
    fn from(row: StuckRow) -> Self {
        StuckMessage {
            message: reference(&row.chat, row.seq),
            chat: row.chat.to_string(),
            number: row.number.to_string(),
            is_incoming: row.direction == Direction::In,
            to: row.at.into_iter().map(DestinationView::from).collect(),
            is_unclear: row.is_unclear,
            error: row.error,
            kept_until: rfc3339(row.expires_at * 1000),
        }
    }
}

/// The messages that wait for a person.
#[utoipa::path(
    get, path = "/api/health/stuck", tag = "health", security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses(
        (status = 200, body = Stuck),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_filter`, `bad_cursor`"),
    )
)]
pub(super) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Query(asked): Query<Asked>,
) -> Result<Json<Stuck>, Problem> {
    let sight = sight(&api, &caller).await?;
    let filter = filter(asked.number, asked.chat, asked.to.as_deref())?;
    let after: Option<At> = match &asked.cursor {
        Some(text) => Some(cursor::place(text).map_err(bad_cursor)?),
        None => None,
    };
    let limit = asked.limit.unwrap_or(50).clamp(1, MOST);
    let page = stuck::page(&api.hub.db, &sight, &filter, after.as_ref(), limit).await;
    let page = page.map_err(|error| tables(&error))?;
    Ok(Json(Stuck {
        messages: page.rows.into_iter().map(StuckMessage::from).collect(),
        next: page.next.as_ref().map(cursor::text),
    }))
}

fn filter(
    number: Option<String>,
    chat: Option<String>,
    to: Option<&str>,
) -> Result<Filter, Problem> {
    let none = || bad("bad_filter", "There is no such list");
    let at = match to {
        None => None,
        Some("whatsapp") => Some(Destination::Whatsapp),
        Some("crm") => Some(Destination::Crm),
        Some(_) => return Err(none()),
    };
    let chat: Option<ChatId> = match chat {
        Some(id) => Some(chat_id(&id).ok_or_else(none)?),
        None => None,
    };
    Ok(Filter {
        number: number.map(NumberId::new),
        at,
        chat,
    })
}

/// Which messages are meant: those that are named, or those that a filter finds.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Meant {
    /// At most 100, by their ids.
    #[serde(default)]
    messages: Vec<String>,
    /// All of this number.
    number: Option<String>,
    /// All of this conversation.
    chat: Option<String>,
    /// All that did not reach `whatsapp` or `crm`.
    to: Option<String>,
    /// With each of the named ones all later ones of its conversation, so that they keep their order.
    #[serde(default)]
    with_later: bool,
}

/// What is to be sent once more.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Again {
    /// Which.
    #[serde(flatten)]
    meant: Meant,
    /// Even those of which nobody knows whether they arrived: they may be there twice then.
    #[serde(default)]
    even_if_twice: bool,
    /// Only say how many it would be.
    #[serde(default)]
    only_count: bool,
}

/// What is to be let be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LetBe {
    /// Which.
    #[serde(flatten)]
    meant: Meant,
    /// Why, 1 to 300 characters.
    reason: String,
    /// Only say how many it would be.
    #[serde(default)]
    only_count: bool,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    /// How many were meant.
    found: usize,
    /// How many it was done with.
    done: usize,
    /// How many were left because nobody knows whether they arrived.
    unclear: usize,
    /// How many were left because their people asked not to be written to.
    opted_out: usize,
    /// There are more than one call does: call again.
    more: bool,
}

/// Sends messages once more, in their order, at most 100 at once.
#[utoipa::path(
    post, path = "/api/health/stuck/retry", tag = "health", security(("bearer" = []), ("cookie" = [])),
    request_body = Again,
    responses(
        (status = 200, body = Done),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_filter`"),
    )
)]
pub(super) async fn retry<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Body(asked): Body<Again>,
) -> Result<Json<Done>, Problem> {
    let sight = sight(&api, &caller).await?;
    let (found, more) = found(&api, &sight, asked.meant).await?;
    let mut done = Done {
        found: found.len(),
        done: 0,
        unclear: 0,
        opted_out: 0,
        more,
    };
    if asked.only_count {
        return Ok(Json(done));
    }
    for (chat, seq) in &found {
        match stuck::retry(&api.hub, &sight, (chat, *seq), asked.even_if_twice).await {
            Ok(_) => done.done += 1,
            Err(RetryError::Unclear) => done.unclear += 1,
            Err(RetryError::OptedOut) => done.opted_out += 1,
            // Gone, or done by somebody else meanwhile.
            Err(RetryError::NotFound | RetryError::NotStuck) => {}
            Err(error) => return Err(not_retried(error)),
        }
    }
    Ok(Json(done))
}

/// Notes that nothing is to be done about messages, at most 100 at once.
#[utoipa::path(
    post, path = "/api/health/stuck/discard", tag = "health", security(("bearer" = []), ("cookie" = [])),
    request_body = LetBe,
    responses(
        (status = 200, body = Done),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_filter`, `bad_reason`"),
    )
)]
pub(super) async fn discard<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Body(asked): Body<LetBe>,
) -> Result<Json<Done>, Problem> {
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().nth(REASON_CHARS).is_some() {
        return Err(bad("bad_reason", "A reason has 1 to 300 characters"));
    }
    let sight = sight(&api, &caller).await?;
    let (found, more) = found(&api, &sight, asked.meant).await?;
    let mut done = Done {
        found: found.len(),
        done: 0,
        unclear: 0,
        opted_out: 0,
        more,
    };
    if asked.only_count {
        return Ok(Json(done));
    }
    for (chat, seq) in &found {
        let by = caller.person();
        match stuck::discard(&api.hub, &sight, (chat, *seq), by, reason).await {
            Ok(_) => done.done += 1,
            Err(RetryError::NotFound | RetryError::NotStuck) => {}
            Err(error) => return Err(not_retried(error)),
        }
    }
    Ok(Json(done))
}

/// The messages that are meant, each conversation's in their order, and whether there are more.
async fn found<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    sight: &Sight,
    meant: Meant,
) -> Result<(Vec<(ChatId, u64)>, bool), Problem> {
    let no_message = || bad("bad_filter", "One of these is no message");
    if meant.messages.len() > MOST {
        return Err(bad("bad_filter", "At most 100 messages can be named"));
    }
    if meant.messages.is_empty() {
        if meant.number.is_none() && meant.chat.is_none() && meant.to.is_none() {
            return Err(bad("bad_filter", "Say which messages are meant"));
        }
        let filter = filter(meant.number, meant.chat, meant.to.as_deref())?;
        return matching(api, sight, &filter, |_| true).await;
    }
    let mut named = Vec::new();
    for name in &meant.messages {
        named.push(of_reference(name).ok_or_else(no_message)?);
    }
    let mut more = false;
    if meant.with_later {
        for (chat, seq) in named.clone() {
            let filter = Filter {
                chat: Some(chat),
                ..Filter::default()
            };
            let (later, is_cut) = matching(api, sight, &filter, |row| row.seq > seq).await?;
            named.extend(later);
            more |= is_cut;
        }
    }
    named.sort_unstable();
    named.dedup();
    more |= named.len() > MOST;
    named.truncate(MOST);
    Ok((named, more))
}

async fn matching<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    sight: &Sight,
    filter: &Filter,
    takes: impl Fn(&StuckRow) -> bool,
) -> Result<(Vec<(ChatId, u64)>, bool), Problem> {
    let mut found = Vec::new();
    let mut after: Option<At> = None;
    for _ in 0..PAGES {
        let page = stuck::page(&api.hub.db, sight, filter, after.as_ref(), MOST).await;
        let page = page.map_err(|error| tables(&error))?;
        let rows = page.rows.into_iter().filter(|row| takes(row));
        found.extend(rows.map(|row| (row.chat, row.seq)));
        after = page.next;
        if after.is_none() || found.len() > MOST {
            break;
        }
    }
    found.sort_unstable();
    let more = after.is_some() || found.len() > MOST;
    found.truncate(MOST);
    Ok((found, more))
}
