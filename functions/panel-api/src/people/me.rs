//! `/api/me`: who is here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use greenhub::account::auth::{self, SignedIn};
use greenhub::account::browser;
use greenhub::account::session::{Caller, Who};
use greenhub::clock::rfc3339;
use greenhub::http::problems::tables;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::not_changed;
use super::view::RightsView;
use crate::Api;

/// Who is here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    /// Our id of them.
    person: String,
    /// What others call them.
    name: String,
    /// The tenant.
    workspace: String,
    /// What people call it.
    workspace_name: String,
    /// What they may do.
    rights: RightsView,
    /// Nothing may be done but to set a second step up.
    only_enrols: bool,
    /// For the header `X-CSRF-Token` of everything that changes something; only with the cookie.
    csrf_token: Option<String>,
    /// When the session ends unless it is used, RFC 3339.
    session_ends_at: String,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordChange {
    /// The one that they have.
    #[schema(value_type = String, format = Password)]
    current: SecretString,
    /// The one that they want: at least ten characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Who is here, and the session's token against cross-site requests.
#[utoipa::path(
    get, path = "/api/me", tag = "me", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Me))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
    parts: Parts,
) -> Result<Json<Me>, Problem> {
    let workspace = api.workspace(&caller.workspace).await?;
    let csrf_token = match caller.who {
        Who::Person { .. } => auth::cookie(&parts, browser::COOKIE),
        Who::Ghl { .. } => None,
    };
    let (rights, _) = RightsView::of(&caller.rights, &caller.rights);
    Ok(Json(Me {
        person: caller.person().to_string(),
        only_enrols: only_enrols(&caller),
        csrf_token: csrf_token.map(|cookie| browser::csrf_token(&cookie)),
        name: caller.name,
        workspace: caller.workspace.to_string(),
        workspace_name: workspace.name,
        rights,
        session_ends_at: rfc3339(caller.until_ms),
    }))
}

fn only_enrols(caller: &Caller) -> bool {
    matches!(
        caller.who,
        Who::Person {
            only_enrols: true,
            ..
        }
    )
}

/// Ends the browser's session.
#[utoipa::path(
    delete, path = "/api/me/session", tag = "me", security(("cookie" = [])),
    responses((status = 204))
)]
pub(crate) async fn sign_out<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<impl IntoResponse, Problem> {
    if let Who::Person {
        person, session, ..
    } = &caller.who
    {
        let ended = browser::end(&api.hub.db, &caller.workspace, person, session).await;
        ended.map_err(|error| tables(&error))?;
    }
    let gone = [(header::SET_COOKIE, browser::drop_cookie())];
    Ok((StatusCode::NO_CONTENT, gone))
}

/// Gives oneself another password. All other sessions end.
#[utoipa::path(
    put, path = "/api/me/password", tag = "me", security(("cookie" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`bad_fields` (member `fields`)"),
    )
)]
pub(crate) async fn set_password<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
    Body(told): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let set = api
        .team(&caller)
        .set_password(&told.current, &told.password)
        .await;
    set.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}
