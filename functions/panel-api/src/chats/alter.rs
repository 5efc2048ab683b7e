//! `/api/messages/{message}`: changing what was sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::auth::Authenticated;
use greenhub::account::session::Caller;
use greenhub::domain::ids::ChatId;
use greenhub::http::problems::{conflict, not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::alter::{self, AlterError, Alteration};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::Deserialize;
use utoipa::ToSchema;

use super::content::MessageView;
use super::problems::unfit;
use super::{MessageInPath, sight};
use crate::Api;

/// Another wording.
#[derive(Deserialize, ToSchema)]
pub(super) struct Wording {
    /// As long as a message, or a file's text, can be.
    text: String,
}

/// Gives a text, or a file's text, that was sent another wording, on the customer's phone as well.
#[utoipa::path(
    patch, path = "/api/messages/{message}", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    request_body = Wording,
    responses(
        (status = 200, body = MessageView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_this_one`, `too_late`, `refused_by_provider`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`unfit`"),
    )
)]
pub(super) async fn edit<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    MessageInPath(place): MessageInPath,
    Body(wording): Body<Wording>,
) -> Result<Json<MessageView>, Problem> {
    let text = wording.text.trim();
    Ok(Json(
        alter(&api, &caller, place, Alteration::Edit(text)).await?,
    ))
}

/// Deletes what was sent, for everybody.
#[utoipa::path(
    delete, path = "/api/messages/{message}", tag = "messages", security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, body = MessageView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_this_one`, `too_late`, `refused_by_provider`"),
    )
)]
pub(super) async fn delete<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    MessageInPath(place): MessageInPath,
) -> Result<Json<MessageView>, Problem> {
    Ok(Json(alter(&api, &caller, place, Alteration::Delete).await?))
}

async fn alter<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    caller: &Caller,
    (chat, seq): (ChatId, u64),
    what: Alteration<'_>,
) -> Result<MessageView, Problem> {
    let sight = sight(api, caller).await?;
    let keys = api.keys().await?;
    let altered = alter::alter(
        &api.hub,
        &api.green,
        &keys.data_keys,
        &sight,
        (&chat, seq),
        what,
    );
    altered.await.map(MessageView::from).map_err(not_altered)
}

fn not_altered(error: AlterError) -> Problem {
    match error {
        AlterError::NotFound => not_found(),
        AlterError::NotThis => conflict("not_this_one", "This message cannot be changed"),
        AlterError::TooLate => conflict("too_late", "WhatsApp does not take that any more"),
        AlterError::Unfit => unfit("the text is empty or too long"),
        AlterError::Refused(words) => Problem::new(
            StatusCode::CONFLICT,
            "refused_by_provider",
            "GREEN-API refuses",
        )
        .with_detail(words),
        AlterError::TryAgain(why) => {
            tracing::warn!(why, "a message was not changed");
            Problem::try_again().with_detail("GREEN-API does not answer now.")
        }
        AlterError::Db(error) => tables(&error),
    }
}
