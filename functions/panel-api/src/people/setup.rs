//! `/api/setup…`: links by which people set their passwords.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use greenhub::account::audit::Actor;
use greenhub::account::auth::{Counted, FromCrm};
use greenhub::account::browser;
use greenhub::account::setup::{self, Told};
use greenhub::clock::rfc3339;
use greenhub::http::problems::forbidden;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::not_set_up;
use super::sign_in::set_cookies;
use super::view::SetupLink;
use crate::Api;

/// A link.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Shown {
    /// What the link carries.
    #[schema(value_type = String, format = Password)]
    token: SecretString,
}

/// What a link is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetupView {
    /// What people call the workspace.
    workspace_name: String,
    /// It makes the first owner, who chooses a login and a name.
    is_first_owner: bool,
    /// Whom it is for.
    name: Option<String>,
    /// What they will sign in with.
    login: Option<String>,
    /// It works until then, RFC 3339.
    expires_at: String,
}

/// What somebody with a link tells.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    /// What the link carries.
    #[schema(value_type = String, format = Password)]
    token: SecretString,
    /// Of a first owner: what they want to sign in with.
    login: Option<String>,
    /// Of a first owner: what others are to call them.
    name: Option<String>,
    /// At least ten characters, not the login, and none of those that are tried first.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetUp {
    /// Our id of them.
    person: String,
    /// The tenant.
    workspace: String,
    /// The session's cookie is set; if not, they sign in, with their second step.
    signed_in: bool,
    /// For the header `X-CSRF-Token`.
    csrf_token: Option<String>,
    /// A second step has to be set up before anything else.
    only_enrols: bool,
}

/// What a link is for, without using it.
#[utoipa::path(
    post, path = "/api/setup/look", tag = "sign-in", security(()),
    request_body = Shown,
    responses(
        (status = 200, body = SetupView),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "`link_over`"),
    )
)]
pub(crate) async fn look<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    Body(shown): Body<Shown>,
) -> Result<Json<SetupView>, Problem> {
    let looked = setup::look(&api.hub.db, &api.hub.clock, &shown.token).await;
    let looked = looked.map_err(not_set_up)?;
    let (login, name) = looked.person.unzip();
    Ok(Json(SetupView {
        workspace_name: looked.workspace_name,
        is_first_owner: login.is_none(),
        name,
        login,
        expires_at: rfc3339(looked.until_ms),
    }))
}

/// Uses a link: sets the password, and lets its person in.
#[utoipa::path(
    post, path = "/api/setup", tag = "sign-in", security(()),
    request_body = NewPassword,
    responses(
        (status = 200, body = SetUp),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "`link_over`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`bad_fields` (member `fields`: of each its `field`, `code` and `text`)"),
    )
)]
pub(crate) async fn complete<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
    Body(told): Body<NewPassword>,
) -> Result<(HeaderMap, Json<SetUp>), Problem> {
    let browser = api.browser(&parts);
    let token = told.token;
    let told = Told {
        login: told.login,
        name: told.name,
        password: told.password,
    };
    let hub = &api.hub;
    let done = setup::complete(&hub.db, &hub.clock, &hub.ids, &token, &told, &browser).await;
    let done = done.map_err(not_set_up)?;
    let cookie = done.cookie.as_ref();
    Ok((
        set_cookies(cookie.map(browser::set_cookie)),
        Json(SetUp {
            person: done.person.person.to_string(),
            workspace: done.person.workspace.to_string(),
            signed_in: cookie.is_some(),
            csrf_token: cookie.map(browser::csrf_token),
            only_enrols: done.only_enrols,
        }),
    ))
}

/// Makes a link for the first owner of the workspace, if nobody owns it: for admins of the
/// sub-account that it is linked to.
#[utoipa::path(
    post, path = "/api/setup/owner-link", tag = "sign-in", security(("bearer" = ["manager"])),
    responses(
        (status = 201, body = SetupLink),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`has_owner`"),
    )
)]
pub(crate) async fn offer_owner<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    FromCrm(caller): FromCrm,
) -> Result<(StatusCode, Json<SetupLink>), Problem> {
    if !caller.rights.may_manage_users() {
        let title = "Only somebody who manages people may do this";
        return Err(forbidden("manager_needed", title));
    }
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let actor = Actor::caller(&caller);
    let offer = setup::offer_owner(db, clock, &actor, &caller.workspace).await;
    let offer = offer.map_err(not_set_up)?;
    let link = SetupLink::of(&offer, &api.public_base_url);
    Ok((StatusCode::CREATED, Json(link)))
}
