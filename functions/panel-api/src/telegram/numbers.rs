//! `/api/telegram/numbers/{instance}`: where a number's messages are posted.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use greenhub::account::auth::Admin;
use greenhub::account::session::Caller;
use greenhub::domain::ids::NumberId;
use greenhub::domain::telegram::{Link, Posts, words};
use greenhub::http::Body;
use greenhub::http::Problem;
use greenhub::http::problems::{bad_input, conflict, not_found, tables};
use greenhub::pipeline::telegram::{channels, pace};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::NumberRow;
use greenhub::store::{keys, row, telegram};
use greenhub::telegram::client::To;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channels::Channel;
use super::refused;
use crate::Api;

/// How long a test post waits for its turn.
const TEST_WITHIN: Duration = Duration::from_secs(5);

/// What of a number is posted.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TelegramPosts)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct What {
    /// Each conversation has a topic of its own, where the group has topics.
    topics: bool,
    /// What the business writes, too.
    outgoing: bool,
    /// Failed sends, and that the number is connected or not.
    system: bool,
}

impl Default for What {
    fn default() -> Self {
        Posts::default().into()
    }
}

impl From<Posts> for What {
    fn from(posts: Posts) -> Self {
        What {
            topics: posts.topics,
            outgoing: posts.outgoing,
            system: posts.system,
        }
    }
}

impl From<What> for Posts {
    fn from(what: What) -> Self {
        Posts {
            topics: what.topics,
            outgoing: what.outgoing,
            system: what.system,
        }
    }
}

/// Where a number's messages are posted.
#[derive(Serialize, ToSchema)]
#[schema(as = TelegramLink)]
pub(crate) struct Linked {
    /// The channel; none if they are posted nowhere.
    channel: Option<Channel>,
    /// What of them.
    posts: What,
}

/// Where they are to be posted.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewTelegramLink)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// Telegram's id of a channel of `GET /api/telegram/channels`.
    channel: String,
    /// What of them.
    #[serde(default)]
    posts: What,
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// A number that the caller may see; anything else is not found.
    async fn number_of(&self, caller: &Caller, number: &str) -> Result<NumberRow, Problem> {
        let number = NumberId::new(number);
        if !caller.rights.may_see(&number) {
            return Err(not_found());
        }
        let key = keys::number(&caller.workspace, &number);
        let row = row::load(&self.hub.db, &key).await;
        row.map_err(|error| tables(&error))?.ok_or_else(not_found)
    }

    async fn linked(&self, caller: &Caller, link: Option<Link>) -> Result<Linked, Problem> {
        let Some(link) = link else {
            return Ok(Linked {
                channel: None,
                posts: What::default(),
            });
        };
        let row = telegram::channel(&self.hub.db, link.channel).await;
        let row = row.map_err(|error| tables(&error))?;
        let row = row.filter(|row| row.may_be_seen_by(&caller.workspace));
        Ok(Linked {
            channel: row.map(|row| Channel::new(row, &caller.workspace)),
            posts: link.posts.into(),
        })
    }
}

/// Where a number's messages are posted.
#[utoipa::path(
    get, path = "/api/telegram/numbers/{instance}", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("instance" = String, Path, description = "Our id of the number")),
    responses(
        (status = 200, body = Linked),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
    )
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(instance): Path<String>,
) -> Result<Json<Linked>, Problem> {
    let number = api.number_of(&caller, &instance).await?;
    Ok(Json(api.linked(&caller, number.prefs.telegram).await?))
}

/// Has a number's messages posted in a channel; one that is offered becomes the workspace's. Messages
/// that came before are not posted, and those of the first half minute may not be.
#[utoipa::path(
    put, path = "/api/telegram/numbers/{instance}", tag = "telegram", request_body = NewLink,
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("instance" = String, Path, description = "Our id of the number")),
    responses(
        (status = 200, body = Linked),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`: no such number, or no such channel"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`channel_inactive`"),
    )
)]
pub(super) async fn link<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(instance): Path<String>,
    Body(new): Body<NewLink>,
) -> Result<Json<Linked>, Problem> {
    let number = api.number_of(&caller, &instance).await?;
    let Ok(channel) = new.channel.parse() else {
        return Err(bad_input("bad_channel", "a channel's id is a number"));
    };
    let posts: Posts = new.posts.into();
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let (workspace, number) = (&caller.workspace, &number.number);
    let linked = channels::link(db, clock, workspace, number, channel, posts.clone()).await;
    let row = linked.map_err(refused)?;
    Ok(Json(Linked {
        channel: Some(Channel::new(row, workspace)),
        posts: posts.into(),
    }))
}

/// Has a number's messages posted nowhere any more.
#[utoipa::path(
    delete, path = "/api/telegram/numbers/{instance}", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("instance" = String, Path, description = "Our id of the number")),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
    )
)]
pub(super) async fn unlink<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(instance): Path<String>,
) -> Result<StatusCode, Problem> {
    let number = api.number_of(&caller, &instance).await?;
    let unlinked = channels::unlink(&api.hub.db, &caller.workspace, &number.number).await;
    unlinked.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Posts a line in the number's channel, to see that it works.
#[utoipa::path(
    post, path = "/api/telegram/numbers/{instance}/test", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("instance" = String, Path, description = "Our id of the number")),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`no_bot`, `not_linked`, `channel_busy`, `refused_by_telegram` (the reason is in `detail`)"),
    )
)]
pub(super) async fn test<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(instance): Path<String>,
) -> Result<StatusCode, Problem> {
    let number = api.number_of(&caller, &instance).await?;
    let Some(link) = &number.prefs.telegram else {
        return Err(conflict("not_linked", "The number posts nowhere"));
    };
    let hub = &api.hub;
    let row = telegram::channel(&hub.db, link.channel).await;
    let row = row.map_err(|error| tables(&error))?;
    if !row.is_some_and(|row| row.takes_from(&caller.workspace, &number.number)) {
        return Err(conflict("not_linked", "The number posts nowhere"));
    }
    let bot = api.needed_bot().await?;
    let lang = api.workspace(&caller.workspace).await?.lang;
    let slot = pace::slot(&hub.db, &hub.clock, bot.bot(), link.channel, TEST_WITHIN).await;
    match slot.map_err(|error| tables(&error))? {
        Ok(at_ms) => hub.clock.sleep_until(at_ms).await,
        Err(_) => {
            return Err(conflict(
                "channel_busy",
                "The channel has no room for a post now",
            ));
        }
    }
    let html = words::test(&number.name, lang).html();
    match bot.send_text(To::chat(link.channel), &html, None).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(error) => {
            tracing::warn!(channel = link.channel, %error, "a test post was refused");
            let refused = conflict("refused_by_telegram", "Telegram did not take the post");
            Err(refused.with_detail(error.to_string()))
        }
    }
}
