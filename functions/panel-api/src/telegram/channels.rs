//! `/api/telegram/channels`: where the bot is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use greenhub::account::auth::Admin;
use greenhub::domain::ids::WorkspaceId;
use greenhub::http::Body;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::pipeline::telegram::channels;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::telegram::{self, ChannelRow};
use greenhub::telegram::update::ChatKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused;
use crate::Api;

/// A channel or group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Channel {
    /// Telegram's id of it, digits with a minus.
    id: String,
    /// `channel`, `group` or `forum`.
    kind: &'static str,
    /// What people call it.
    title: String,
    /// A link that leads into it.
    url: Option<String>,
    /// The bot is in it and may post.
    active: bool,
    /// Conversations can have topics in it.
    topics: bool,
    /// What Telegram said when posting did not work.
    problem: Option<String>,
    /// It is the workspace's; else it is offered, and becomes the workspace's when it is used.
    owned: bool,
    /// Our ids of the numbers that post in it.
    numbers: Vec<String>,
}

impl Channel {
    pub(super) fn new(row: ChannelRow, workspace: &WorkspaceId) -> Self {
        Channel {
            id: row.channel.to_string(),
            kind: match row.kind {
                ChatKind::Channel => "channel",
                ChatKind::Group => "group",
                ChatKind::Forum => "forum",
            },
            topics: row.kind == ChatKind::Forum && row.may_make_topics,
            title: row.title,
            url: row.url,
            active: row.active,
            problem: row.problem,
            owned: row.workspace.as_ref() == Some(workspace),
            numbers: row.numbers.iter().map(ToString::to_string).collect(),
        }
    }
}

/// All of them.
#[derive(Serialize, ToSchema)]
#[schema(as = TelegramChannels)]
pub(crate) struct Channels {
    channels: Vec<Channel>,
}

/// The workspace's channels, and those that are offered to it, by their titles.
#[utoipa::path(
    get, path = "/api/telegram/channels", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses((status = 200, body = Channels))
)]
pub(super) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
) -> Result<Json<Channels>, Problem> {
    let found = telegram::channels(&api.hub.db, &caller.workspace).await;
    let found = found.map_err(|error| tables(&error))?.into_iter();
    let channels = found.map(|row| Channel::new(row, &caller.workspace));
    Ok(Json(Channels {
        channels: channels.collect(),
    }))
}

/// What was posted in a channel.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChannelCode)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// As it was posted; blanks and small letters are all the same.
    code: String,
}

/// Makes the channel the workspace's in which the bot posted this code. A code is good once.
#[utoipa::path(
    post, path = "/api/telegram/channels/claim", tag = "telegram", request_body = Code,
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Channel),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_code`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`channel_taken`"),
    )
)]
pub(super) async fn claim<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Body(code): Body<Code>,
) -> Result<Json<Channel>, Problem> {
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let row = channels::claim_by_code(db, clock, &caller.workspace, &code.code).await;
    let row = row.map_err(refused)?;
    Ok(Json(Channel::new(row, &caller.workspace)))
}

/// Gives a channel up in which no number posts any more.
#[utoipa::path(
    delete, path = "/api/telegram/channels/{channel}", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("channel" = String, Path, description = "Telegram's id of it")),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`channel_taken`: a number posts in it"),
    )
)]
pub(super) async fn release<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(channel): Path<String>,
) -> Result<StatusCode, Problem> {
    let channel = channel.parse().map_err(|_| not_found())?;
    let released = channels::release(&api.hub.db, &caller.workspace, channel).await;
    released.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
