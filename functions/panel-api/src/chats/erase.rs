//! `DELETE /api/chats/{id}`: erasing a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::auth::Admin;
use greenhub::clock::Millis;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::inbox::erase::{self, EraseError};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::Serialize;
use utoipa::ToSchema;

use super::files::no_bucket;
use super::{ChatInPath, sight};
use crate::Api;

/// How long one call works: the gateway waits for half a minute.
const WORKS_MS: Millis = 20_000;

/// How far it has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Erased {
    /// How many conversations with the person this call went through.
    chats: usize,
    /// Nothing is left. Otherwise call again: it goes on.
    is_done: bool,
}

/// Erases every conversation with the person of this one, on all numbers that the caller sees, with
/// files and notes. What GoHighLevel and Telegram show stays there.
#[utoipa::path(
    delete, path = "/api/chats/{id}", tag = "chats", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses((status = 200, body = Erased))
)]
pub(super) async fn erase<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    ChatInPath(id): ChatInPath,
) -> Result<Json<Erased>, Problem> {
    let sight = sight(&api, &caller).await?;
    let until_ms = api.hub.clock.now_ms() + WORKS_MS;
    let erased = erase::person(&api.hub, &*api.files, &sight, &id, until_ms).await;
    let erased = erased.map_err(|error| match error {
        EraseError::NotFound => not_found(),
        EraseError::Store(error) => no_bucket(&error),
        EraseError::Db(error) => tables(&error),
    })?;
    tracing::info!(person = %caller.person(), chat = %id, is_done = erased.is_done, "a person is erased");
    Ok(Json(Erased {
        chats: erased.n_chats,
        is_done: erased.is_done,
    }))
}
