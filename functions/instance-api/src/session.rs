//! `/api/session…`: who looks at the page.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use greenhub::account::auth::{self, Counted, FromCrm};
use greenhub::account::session::{self, Caller, SessionError};
use greenhub::clock::rfc3339;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;
use crate::problems::{bad, not_found, tables};
use crate::workspace::Language;

/// What GoHighLevel's page hands over.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    /// The payload of `REQUEST_USER_DATA_RESPONSE`; good for one session.
    encrypted_data: String,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSession {
    /// For `Authorization: Bearer`.
    token: String,
    /// Whose it is.
    #[serde(flatten)]
    session: Session,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// Seconds.
    expires_in: i64,
    /// The tenant.
    workspace: String,
    /// What people call it.
    workspace_name: String,
    /// The sub-account that the page was opened in.
    location_id: String,
    /// As GoHighLevel has it; may be empty.
    user_name: String,
    /// What they may do.
    role: Role,
    /// May change things, not only look at them.
    is_admin: bool,
    /// The workspace's language: a hint, the browser may know better.
    lang: Language,
    /// GoHighLevel takes our tokens; if not, somebody has to install the app again.
    connected: bool,
    /// Where the installation stands.
    install: Install,
}

/// What somebody may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Looks and changes.
    Admin,
    /// Looks.
    User,
}

/// Where an installation stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Install {
    /// `active`, `needs_reauthorization`, `suspended`
    #[schema(value_type = String)]
    state: InstallState,
    /// The last thing that went wrong with its tokens, for people.
    problem: Option<String>,
    /// When the tokens were last replaced, RFC 3339.
    refreshed_at: String,
}

/// Exchanges a user context of GoHighLevel's page for a session. A context is good for one
/// presentation, whatever comes of it.
#[utoipa::path(
    post, path = "/api/session/ghl", tag = "session", security(()),
    request_body = Context,
    responses(
        (status = 200, body = NewSession),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_context`, `sub_account_needed`, `not_installed`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`context_used`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`shut_out`"),
    )
)]
pub(crate) async fn create<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    Body(context): Body<Context>,
) -> Result<Json<NewSession>, Problem> {
    let keys = api.keys().await?;
    let new = session::exchange(
        &api.numbers.db,
        &api.numbers.clock,
        &keys.ghl_shared_secret,
        &context.encrypted_data,
    )
    .await
    .map_err(refused)?;
    Ok(Json(NewSession {
        token: new.token.expose_secret().to_owned(),
        session: api.session(&new.caller).await?,
    }))
}

/// The caller's session.
#[utoipa::path(
    get, path = "/api/session", tag = "session", security(("bearer" = [])),
    responses((status = 200, body = Session))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    FromCrm(caller): FromCrm,
) -> Result<Json<Session>, Problem> {
    Ok(Json(api.session(&caller).await?))
}

/// Ends the caller's session.
#[utoipa::path(
    delete, path = "/api/session", tag = "session", security(("bearer" = [])),
    responses((status = 204))
)]
pub(crate) async fn end<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: FromCrm,
    parts: Parts,
) -> Result<StatusCode, Problem> {
    if let Some(token) = auth::bearer(&parts) {
        let ended = session::end(&api.numbers.db, token).await;
        ended.map_err(|error| tables(&error))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl<D: Db, Q: Queue> Api<D, Q> {
    async fn session(&self, caller: &Caller) -> Result<Session, Problem> {
        let workspace = self.workspace(&caller.workspace).await?;
        let location = caller.location().ok_or_else(not_found)?;
        let key = keys::install(location);
        let install = row::load::<InstallRow>(&self.numbers.db, &key).await;
        let install = install.map_err(|error| tables(&error))?;
        let install = install.ok_or_else(not_found)?;
        let left_ms = caller.until_ms - self.numbers.clock.now_ms();
        Ok(Session {
            // Rounded up: a new session has all of its seconds.
            expires_in: (left_ms + 999) / 1000,
            workspace: workspace.workspace.to_string(),
            workspace_name: workspace.name,
            location_id: location.to_string(),
            user_name: caller.name.clone(),
            role: match caller.rights.may_manage_instances() {
                true => Role::Admin,
                false => Role::User,
            },
            is_admin: caller.rights.may_manage_instances(),
            lang: workspace.lang.into(),
            connected: install.state != InstallState::NeedsReauthorization,
            install: Install {
                state: install.state,
                problem: install.problem,
                refreshed_at: rfc3339(install.refreshed_ms),
            },
        })
    }
}

fn refused(error: SessionError) -> Problem {
    match error {
        SessionError::BadContext => bad("bad_context", "This is not a user context of this app"),
        SessionError::NoLocation => bad("sub_account_needed", "A sub-account is needed")
            .with_detail("Switch to a sub-account in GoHighLevel and open the page there."),
        SessionError::NotInstalled => bad(
            "not_installed",
            "The app is not installed in this sub-account",
        )
        .with_detail("Install and authorise the app in this sub-account first."),
        SessionError::ShutOut => Problem::new(
            StatusCode::FORBIDDEN,
            "shut_out",
            "Somebody of the workspace has shut you out",
        ),
        SessionError::Used => Problem::new(
            StatusCode::UNAUTHORIZED,
            "context_used",
            "This user context was used before",
        )
        .with_detail("Ask GoHighLevel's page for a new one."),
        SessionError::Db(error) => tables(&error),
    }
}
