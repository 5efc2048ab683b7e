//! `/api/instances/{id}/import`: importing a number's old conversations.

mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use greenhub::account::auth::{Admin, Authenticated};
use greenhub::clock::Millis;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::phone;
use greenhub::history::{ImportError, Imports};
use greenhub::http::problems::{bad, bad_input, conflict, not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::history::{self, ImportOptions};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::view::{ImportReport, ImportView};
use crate::{Api, seen};

/// The most chats that can be chosen one by one.
const MOST_CHATS: usize = 1_000;

/// How many chats one page of a report has.
const PAGE: usize = 100;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(show, start, change))
        .routes(routes!(report))
}

/// What is to be imported; without anything, all messages of all chats, without their files.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewImport {
    /// Only messages of the last so many days.
    last_days: Option<u32>,
    /// Only these chats: phones as people write them, or ids of WhatsApp. At most 1,000.
    chats: Option<Vec<String>>,
    /// Their files are copied as well.
    #[serde(default)]
    files: bool,
    /// They are put into GoHighLevel as well, at a pace that leaves room for live messages.
    #[serde(default)]
    to_crm: bool,
    /// Only the chats that failed the last time, as they were asked for then.
    #[serde(default)]
    failed_only: bool,
    /// A number without a phone is waited for, for a minute, instead of being refused.
    #[serde(default)]
    wait: bool,
}

/// Begins an import.
#[utoipa::path(
    post, path = "/api/instances/{id}/import", tag = "import",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("id" = String, Path, description = "The number")),
    request_body = NewImport,
    responses(
        (status = 202, body = ImportView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_chat`, `bad_days`, `too_many_chats`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`import_in_progress`, `not_authorized`, `not_now`"),
    )
)]
async fn start<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(asked): Body<NewImport>,
) -> Result<(StatusCode, Json<ImportView>), Problem> {
    let number = seen::number(&api.hub.db, &caller, &id).await?;
    let country = api.workspace(&caller.workspace).await?.country;
    let options = options(&asked, country.as_deref(), api.hub.clock.now_ms())?;
    let started = imports(&api)
        .start(&caller.workspace, &number.number, options, asked.wait)
        .await
        .map_err(refused)?;
    let view = ImportView::of(started, api.hub.clock.now_ms());
    Ok((StatusCode::ACCEPTED, Json(view)))
}

fn imports<D: Db, Q: Queue>(api: &Api<D, Q>) -> Imports<'_, D, Q> {
    Imports {
        db: &api.hub.db,
        queue: &api.hub.queue,
        clock: &api.hub.clock,
    }
}

fn options(
    asked: &NewImport,
    country: Option<&str>,
    now_ms: Millis,
) -> Result<ImportOptions, Problem> {
    if asked.last_days == Some(0) {
        return Err(bad("bad_days", "At least one day is imported"));
    }
    let chosen = asked.chats.as_ref();
    if chosen.is_some_and(|chats| chats.len() > MOST_CHATS) {
        return Err(bad("too_many_chats", "At most 1,000 chats can be chosen"));
    }
    let read = |typed: &String| {
        let phone = || phone::parse(typed, country).map(|it| Alias::from_phone_digits(it.digits()));
        let alias = match typed.contains('@') {
            true => Alias::parse(typed),
            false => phone(),
        };
        alias.ok_or_else(|| bad_input("bad_chat", "This is neither a phone nor a chat's id"))
    };
    let chats = chosen.map(|chats| chats.iter().map(read).collect::<Result<BTreeSet<_>, _>>());
    let days_ms = |days: u32| Millis::from(days) * 24 * 3600 * 1000;
    Ok(ImportOptions {
        since_ms: asked.last_days.map(|days| (now_ms - days_ms(days)).max(0)),
        chats: chats.transpose()?,
        files: asked.files,
        to_crm: asked.to_crm,
        failed_only: asked.failed_only,
    })
}

/// How an import stands: the one that is under way, or the last one.
#[utoipa::path(
    get, path = "/api/instances/{id}/import", tag = "import",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The number")),
    responses((status = 200, body = ImportView))
)]
async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    let number = seen::number(&api.hub.db, &caller, &id).await?;
    let found = history::import(&api.hub.db, &caller.workspace, &number.number).await;
    let import = found.map_err(|error| tables(&error))?;
    let import = import.ok_or_else(not_found)?;
    Ok(Json(ImportView::of(import, api.hub.clock.now_ms())))
}

/// What is done with an import.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportChange {
    /// What is to be done.
    action: ImportAction,
}

/// What can be done with an import.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ImportAction {
    /// It stops until it is let go on.
    Pause,
    /// It goes on.
    Resume,
    /// It ends; what it has stored stays.
    Cancel,
}

/// Stops an import, lets it go on, or ends it.
#[utoipa::path(
    patch, path = "/api/instances/{id}/import", tag = "import",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(("id" = String, Path, description = "The number")),
    request_body = ImportChange,
    responses(
        (status = 200, body = ImportView),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`"),
    )
)]
async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(asked): Body<ImportChange>,
) -> Result<Json<ImportView>, Problem> {
    let number = seen::number(&api.hub.db, &caller, &id).await?.number;
    let (imports, workspace) = (imports(&api), &caller.workspace);
    let changed = match asked.action {
        ImportAction::Pause => imports.pause(workspace, &number).await,
        ImportAction::Resume => imports.resume(workspace, &number).await,
        ImportAction::Cancel => imports.cancel(workspace, &number).await,
    };
    let import = changed.map_err(refused)?;
    Ok(Json(ImportView::of(import, api.hub.clock.now_ms())))
}

/// Where a page of a report begins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// `next` of the page before.
    after: Option<String>,
}

/// What became of each chat, a hundred at a time.
#[utoipa::path(
    get, path = "/api/instances/{id}/import/chats", tag = "import",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The number"), Page),
    responses(
        (status = 200, body = ImportReport),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_page`"),
    )
)]
async fn report<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    asked: Result<Query<Page>, QueryRejection>,
) -> Result<Json<ImportReport>, Problem> {
    let bad_page = || bad("bad_page", "A page begins after the id of a chat");
    let Query(Page { after }) = asked.map_err(|_| bad_page())?;
    let after = match &after {
        Some(after) => Some(Alias::parse(after).ok_or_else(bad_page)?),
        None => None,
    };
    let number = seen::number(&api.hub.db, &caller, &id).await?.number;
    let found = history::chats(&api.hub.db, &number, after.as_ref(), PAGE).await;
    let chats = found.map_err(|error| tables(&error))?;
    Ok(Json(ImportReport::of(chats, PAGE)))
}

fn refused(error: ImportError) -> Problem {
    match error {
        ImportError::NotFound => not_found(),
        ImportError::InProgress => {
            conflict("import_in_progress", "The number's import is in progress")
        }
        ImportError::NotAuthorized(state) => {
            conflict("not_authorized", "No phone is linked to the number")
                .with_member("state", state)
        }
        ImportError::NotNow(phase) => conflict("not_now", "The import cannot do that now")
            .with_detail(format!("It is {phase}."))
            .with_member("phase", phase),
        ImportError::Db(error) => tables(&error),
    }
}
