//! `POST /api/session/ghl`, `GET /api/session`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::session::{self, Authenticated, SESSION_S, SessionError};
use greenhub::http::Problem;
use greenhub::store::db::Db;
use greenhub::store::directory::InstallState;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::{Api, tables};

/// What GoHighLevel's page hands over.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    /// The payload of `REQUEST_USER_DATA_RESPONSE`; good for one session.
    encrypted_data: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// For `Authorization: Bearer`.
    token: String,
    /// Seconds.
    expires_in: u32,
    /// The tenant.
    workspace: String,
    /// The sub-account that the page was opened in.
    location_id: String,
    /// May change things, not only look at them.
    is_admin: bool,
    /// GoHighLevel takes our tokens; if not, somebody has to install the app again.
    connected: bool,
    /// Where the installation stands.
    installation: Installation,
}

/// Who is signed in, and where the installation stands now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    /// The tenant.
    workspace: String,
    /// The sub-account that the page was opened in.
    location_id: String,
    /// May change things, not only look at them.
    is_admin: bool,
    /// GoHighLevel takes our tokens; if not, somebody has to install the app again.
    connected: bool,
    /// Where the installation stands.
    installation: Installation,
}

/// Where the installation of the app in the sub-account stands. What waits for the CRM is kept in
/// all of these.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Installation {
    /// It works.
    Active,
    /// The sub-account is paused in GoHighLevel; nothing has to be done but to resume it.
    Suspended,
    /// GoHighLevel refuses our tokens: somebody has to install the app again.
    NeedsReauthorization,
}

impl From<InstallState> for Installation {
    fn from(state: InstallState) -> Self {
        match state {
            InstallState::Active => Installation::Active,
            InstallState::Suspended => Installation::Suspended,
            // Nobody has a session where the app was removed.
            InstallState::NeedsReauthorization | InstallState::Uninstalled => {
                Installation::NeedsReauthorization
            }
        }
    }
}

/// Exchanges a user context of GoHighLevel's page for a session.
#[utoipa::path(
    post, path = "/api/session/ghl", tag = "session", security(()),
    request_body = Context,
    responses(
        (status = 200, body = Session),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_body`, `bad_context`, `sub_account_needed`, `not_installed`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`context_used`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn create<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Body(context): Body<Context>,
) -> Result<Json<Session>, Problem> {
    let keys = api.keys().await?;
    let new = session::exchange(
        &api.numbers.db,
        &api.numbers.clock,
        &keys.ghl_shared_secret,
        &context.encrypted_data,
    )
    .await
    .map_err(refused)?;
    Ok(Json(Session {
        token: new.token.expose_secret().to_owned(),
        expires_in: SESSION_S,
        workspace: new.caller.workspace.to_string(),
        location_id: new.caller.location.to_string(),
        is_admin: new.caller.is_admin,
        connected: new.caller.install != InstallState::NeedsReauthorization,
        installation: new.caller.install.into(),
    }))
}

/// Who is signed in. The installation is as it stands now, not as it was at the exchange.
#[utoipa::path(
    get, path = "/api/session", tag = "session", security(("bearer" = [])),
    responses(
        (status = 200, body = SessionView),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn show<D: Db>(
    _api: State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
) -> Json<SessionView> {
    Json(SessionView {
        workspace: caller.workspace.to_string(),
        location_id: caller.location.to_string(),
        is_admin: caller.is_admin,
        connected: caller.install != InstallState::NeedsReauthorization,
        installation: caller.install.into(),
    })
}

fn refused(error: SessionError) -> Problem {
    let bad = |code, title| Problem::new(StatusCode::BAD_REQUEST, code, title);
    match error {
        SessionError::BadContext => bad("bad_context", "This is not a user context of this app"),
        SessionError::NoLocation => bad("sub_account_needed", "A sub-account is needed")
            .with_detail("Switch to a sub-account in GoHighLevel and open the page there."),
        SessionError::NotInstalled => bad(
            "not_installed",
            "The app is not installed in this sub-account",
        )
        .with_detail("Install and authorise the app in this sub-account first."),
        SessionError::Used => Problem::new(
            StatusCode::UNAUTHORIZED,
            "context_used",
            "This user context was used before",
        )
        .with_detail("Ask GoHighLevel's page for a new one."),
        SessionError::Db(error) => tables(&error),
    }
}
