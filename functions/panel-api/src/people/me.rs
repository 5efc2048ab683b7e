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
use greenhub::domain::rights::Rights;
use greenhub::http::Problem;
use greenhub::http::problems::tables;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::Serialize;
use utoipa::ToSchema;

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

/// What somebody may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Rights)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RightsView {
    /// Everything.
    owner: bool,
    /// Manages people.
    manage_users: bool,
    /// Manages numbers.
    manage_instances: bool,
    /// Sees all numbers.
    full_access: bool,
    /// The numbers that they see without that.
    numbers: Vec<String>,
}

impl From<&Rights> for RightsView {
    fn from(rights: &Rights) -> Self {
        RightsView {
            owner: rights.owner,
            manage_users: rights.manage_users,
            manage_instances: rights.manage_instances,
            full_access: rights.full_access,
            numbers: rights.numbers.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Who is here, and the session's token against cross-site requests.
#[utoipa::path(
    get, path = "/api/me", tag = "people", security(("bearer" = []), ("cookie" = [])),
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
    Ok(Json(Me {
        person: caller.person().to_string(),
        only_enrols: only_enrols(&caller),
        csrf_token: csrf_token.map(|cookie| browser::csrf_token(&cookie)),
        name: caller.name,
        workspace: caller.workspace.to_string(),
        workspace_name: workspace.name,
        rights: (&caller.rights).into(),
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
    delete, path = "/api/me/session", tag = "people", security(("cookie" = [])),
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
