//! `POST /api/install-link`: how an owner links a location of GoHighLevel to their workspace.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::auth::Authenticated;
use greenhub::account::install_state;
use greenhub::clock::rfc3339;
use greenhub::http::Problem;
use greenhub::http::problems::{conflict, forbidden, tables};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;

/// Where to install the app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstallLink {
    /// Leads to GoHighLevel. The location that is chosen there is linked to the workspace.
    #[schema(format = Password)]
    url: String,
    /// It works until then, RFC 3339.
    expires_at: String,
}

/// Makes a link that installs the app for the caller's workspace, once.
#[utoipa::path(
    post, path = "/api/install-link", tag = "workspace", security(("cookie" = ["owner"])),
    responses(
        (status = 201, body = InstallLink),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`, `second_step_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`has_location`"),
    )
)]
pub(crate) async fn offer<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<(StatusCode, Json<InstallLink>), Problem> {
    if !caller.rights.owner {
        let title = "Only an owner links the workspace to GoHighLevel";
        return Err(forbidden("owner_needed", title));
    }
    let workspace = api.workspace(&caller.workspace).await?;
    if workspace.location.is_some() {
        let title = "The workspace is linked to a location of GoHighLevel already";
        return Err(conflict("has_location", title));
    }
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let made = install_state::offer(db, clock, &caller, &api.install_url).await;
    let (url, until_ms) = made.map_err(|error| tables(&error))?;
    let link = InstallLink {
        url: url.expose_secret().to_owned(),
        expires_at: rfc3339(until_ms),
    };
    Ok((StatusCode::CREATED, Json(link)))
}
