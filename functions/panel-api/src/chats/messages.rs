//! `/api/chats/{id}/messages…`, `/api/messages/{message}…`: what was said, and saying something.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use greenhub::account::auth::Authenticated;
use greenhub::clock::Millis;
use greenhub::domain::content::{ContactCard, Content};
use greenhub::domain::message::{Message, of_reference};
use greenhub::http::problems::{bad, not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::messages::{self, Between, MOST};
use greenhub::inbox::send::{self, Draft};
use greenhub::inbox::{cursor, stuck};
use greenhub::queue::Queue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Db;
use greenhub::store::keys;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::content::{MessageDetails, MessageView};
use super::problems::{bad_cursor, not_retried, not_sent, unfit};
use super::{ChatInPath, MessageInPath, chat, sight, writer};
use crate::Api;

/// How many messages a page has if nothing is said.
const USUAL: usize = 50;

/// The shortest and longest text to look for, in characters.
const QUERY_CHARS: std::ops::RangeInclusive<usize> = 2..=100;

/// The longest id of a request, in characters.
const REQUEST_CHARS: usize = 64;

/// Which messages.
#[derive(Deserialize, IntoParams)]
pub(super) struct Asked {
    /// Where they go on, as another page told; the latest ones if nothing is said.
    cursor: Option<String>,
    /// 1 to 100.
    limit: Option<usize>,
    /// Only those with this text, 2 to 100 characters; the latest first. A look goes through some
    /// hundred messages: it goes on at `back`.
    q: Option<String>,
}

/// Messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Messages {
    /// In the order in which they came; what was looked for comes the latest first.
    messages: Vec<MessageView>,
    /// Where earlier ones are, if there are any.
    back: Option<String>,
    /// Where those are that come after these; not where something was looked for.
    forth: Option<String>,
}

/// Messages of a conversation and of those that were merged into it.
#[utoipa::path(
    get, path = "/api/chats/{id}/messages", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses(
        (status = 200, body = Messages),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_cursor`, `bad_query`"),
    )
)]
pub(super) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Query(asked): Query<Asked>,
) -> Result<Json<Messages>, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let from: Option<Between> = match &asked.cursor {
        Some(text) => Some(cursor::place(text).map_err(bad_cursor)?),
        None => None,
    };
    if let Some(from) = &from {
        from.check(&chat).map_err(bad_cursor)?;
    }
    if let Some(text) = &asked.q {
        let text = text.trim();
        if !QUERY_CHARS.contains(&text.chars().count()) {
            return Err(bad("bad_query", "2 to 100 characters can be looked for"));
        }
        let found = messages::search(&api.hub.db, &chat, text, from.as_ref()).await;
        let (found, back) = found.map_err(|error| tables(&error))?;
        return Ok(Json(Messages {
            messages: found.into_iter().map(MessageView::from).collect(),
            back: back.as_ref().map(cursor::text),
            forth: None,
        }));
    }
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let page = messages::page(&api.hub.db, &chat, from.as_ref(), limit).await;
    let page = page.map_err(|error| tables(&error))?;
    Ok(Json(Messages {
        messages: page.messages.into_iter().map(MessageView::from).collect(),
        back: page.back.as_ref().map(cursor::text),
        forth: Some(cursor::text(&page.forth)),
    }))
}

/// Which messages, and since when.
#[derive(Deserialize, IntoParams)]
pub(super) struct Shown {
    /// `seq` of the first that is shown.
    from: u64,
    /// `seq` of the last one.
    to: u64,
    /// When they were last asked for, milliseconds since 1970; a few seconds earlier do no harm.
    since: Millis,
}

/// Messages that have changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    /// As they are now.
    messages: Vec<MessageView>,
    /// The `from` to go on with, if there may be more.
    next: Option<u64>,
}

/// What has changed of the messages that a browser shows. Those of a merged conversation are asked
/// for by its own id.
#[utoipa::path(
    get, path = "/api/chats/{id}/messages/changes", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    params(Shown),
    responses((status = 200, body = Changed))
)]
pub(super) async fn changes<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Query(asked): Query<Shown>,
) -> Result<Json<Changed>, Problem> {
    let sight = sight(&api, &caller).await?;
    let own: Option<ChatRow> = api.row(&keys::chat(&id)).await?;
    own.filter(|chat| sight.covers(chat))
        .ok_or_else(not_found)?;
    let range = (asked.from, asked.to.min(1 << 53));
    if range.0 > range.1 {
        return Ok(Json(Changed {
            messages: Vec::new(),
            next: None,
        }));
    }
    let found = messages::changed(&api.hub.db, &id, range, asked.since).await;
    let (found, next) = found.map_err(|error| tables(&error))?;
    Ok(Json(Changed {
        messages: found.into_iter().map(MessageView::from).collect(),
        next,
    }))
}

/// Something to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewText {
    /// Letters, digits and `-`, at most 64: the same request again is the same message.
    request_id: String,
    /// What.
    #[serde(flatten)]
    thing: Thing,
    /// The message that it answers.
    quotes: Option<String>,
}

/// What can be sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Thing {
    /// Words.
    Text {
        /// 1 to 20,000 characters.
        text: String,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// At most 200 characters.
        #[serde(default)]
        name: String,
        /// At most 200 characters.
        #[serde(default)]
        address: String,
    },
    /// A card of an address book.
    Contact {
        /// At most 200 characters.
        name: String,
        /// With its country's code.
        phone: String,
    },
    /// A poll.
    Poll {
        /// 1 to 255 characters.
        name: String,
        /// 2 to 12 different ones.
        options: Vec<String>,
        /// Several may be chosen.
        #[serde(default)]
        multiple: bool,
    },
}

impl From<Thing> for Content {
    fn from(thing: Thing) -> Self {
        match thing {
            Thing::Text { text } => Content::Text {
                text: text.trim().to_owned(),
            },
            Thing::Location {
                latitude,
                longitude,
                name,
                address,
            } => Content::Location {
                latitude,
                longitude,
                name,
                address,
            },
            Thing::Contact { name, phone } => Content::Contacts {
                cards: vec![ContactCard {
                    name,
                    phone: Some(phone),
                    more_phones: Vec::new(),
                }],
            },
            Thing::Poll {
                name,
                options,
                multiple,
            } => Content::Poll {
                name,
                options: options.iter().map(|it| it.trim().to_owned()).collect(),
                multiple,
            },
        }
    }
}

/// Sends something: it is in the conversation at once, and goes out in its turn.
#[utoipa::path(
    post, path = "/api/chats/{id}/messages", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    request_body = NewText,
    responses(
        (status = 202, body = MessageView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_request_id`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`opted_out`, `cannot_send`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`unfit`, `nothing_to_quote`"),
    )
)]
pub(super) async fn send<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(asked): Body<NewText>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let sight = sight(&api, &caller).await?;
    let request = request_id(asked.request_id)?;
    let quotes = match asked.quotes.as_deref() {
        Some(name) => Some(of_reference(name).ok_or_else(|| unfit("`quotes` is no message"))?),
        None => None,
    };
    let draft = Draft {
        request,
        content: asked.thing.into(),
        quotes,
    };
    let sent = send::send(&api.hub, &sight, &id, &writer(&caller), draft).await;
    let sent = sent.map_err(not_sent)?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

pub(super) fn request_id(id: String) -> Result<String, Problem> {
    let is_plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if (1..=REQUEST_CHARS).contains(&id.len()) && is_plain {
        return Ok(id);
    }
    let title = "The id of a request has 1 to 64 letters, digits and dashes";
    Err(bad("bad_request_id", title))
}

/// A message, and what became of it step by step.
#[utoipa::path(
    get, path = "/api/messages/{message}", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = MessageDetails))
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    MessageInPath((chat, seq)): MessageInPath,
) -> Result<Json<MessageDetails>, Problem> {
    let sight = sight(&api, &caller).await?;
    let message: Option<Message> = api.row(&keys::message(&chat, seq)).await?;
    let is_theirs = |message: &Message| {
        message.workspace == sight.workspace && sight.numbers.contains(&message.number)
    };
    let message = message.filter(is_theirs).ok_or_else(not_found)?;
    Ok(Json(message.into()))
}

/// How a message is sent once more.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Again {
    /// Even if nobody knows whether it arrived: it may be there twice then.
    #[serde(default)]
    even_if_twice: bool,
}

/// Sends a message once more, where it failed.
#[utoipa::path(
    post, path = "/api/messages/{message}/retry", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    request_body = Again,
    responses(
        (status = 202, body = MessageDetails),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_stuck`, `unclear`, `opted_out`"),
    )
)]
pub(super) async fn retry<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    MessageInPath((chat, seq)): MessageInPath,
    Body(asked): Body<Again>,
) -> Result<(StatusCode, Json<MessageDetails>), Problem> {
    let sight = sight(&api, &caller).await?;
    let retried = stuck::retry(&api.hub, &sight, (&chat, seq), asked.even_if_twice).await;
    retried.map_err(not_retried)?;
    let message: Option<Message> = api.row(&keys::message(&chat, seq)).await?;
    let message = message.ok_or_else(not_found)?;
    Ok((StatusCode::ACCEPTED, Json(message.into())))
}
