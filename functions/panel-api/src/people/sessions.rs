//! `/api/people/{id}/sessions…`: where somebody is signed in.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Json, RequestPartsExt as _};
use greenhub::account::audit::{self, About, Action, Actor};
use greenhub::account::auth::Authenticated;
use greenhub::account::browser;
use greenhub::domain::ids::PersonId;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::not_changed;
use super::session_of;
use super::view::Session;
use crate::Api;
use crate::path::InPath;

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// Newest first.
    sessions: Vec<Session>,
}

/// Where a person is signed in.
#[utoipa::path(
    get, path = "/api/people/{id}/sessions", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, body = Sessions),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
    )
)]
pub(crate) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
) -> Result<Json<Sessions>, Problem> {
    let person = api.team(&caller).in_charge_of(&PersonId::new(id)).await;
    let person = person.map_err(not_changed)?;
    let sessions = browser::sessions_of(&api.hub.db, &api.hub.clock, &person).await;
    let sessions = sessions.map_err(|error| tables(&error))?.into_iter();
    let view = |listed| Session::of(listed, session_of(&caller));
    Ok(Json(Sessions {
        sessions: sessions.map(view).collect(),
    }))
}

/// Ends all sessions of a person; of one's own all but the one that asks.
#[utoipa::path(
    delete, path = "/api/people/{id}/sessions", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
    )
)]
pub(crate) async fn end_all<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
) -> Result<StatusCode, Problem> {
    let ended = api.team(&caller).end_sessions(&PersonId::new(id)).await;
    ended.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of a person.
#[utoipa::path(
    delete, path = "/api/people/{id}/sessions/{session}", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
    )
)]
pub(crate) async fn end<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
    SessionInPath(session): SessionInPath,
) -> Result<StatusCode, Problem> {
    let person = api.team(&caller).in_charge_of(&PersonId::new(id)).await;
    let person = person.map_err(not_changed)?;
    let (db, workspace) = (&api.hub.db, &caller.workspace);
    let ended = browser::end(db, workspace, &person.person, &session).await;
    if !ended.map_err(|error| tables(&error))? {
        return Err(not_found());
    }
    let (now_ms, actor) = (api.hub.clock.now_ms(), Actor::caller(&caller));
    let (action, about) = (Action::SessionEnded, About::person(&person));
    audit::note(db, now_ms, workspace, &actor, action, about).await;
    Ok(StatusCode::NO_CONTENT)
}

/// A session, as the list names it.
pub(crate) struct SessionInPath(String);

#[derive(Deserialize)]
struct Named {
    session: String,
}

impl<S: Send + Sync> FromRequestParts<S> for SessionInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<Named>, _> = parts.extract().await;
        let id = named.map(|Path(named)| named.session).unwrap_or_default();
        let is_one = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        is_one.then_some(SessionInPath(id)).ok_or_else(not_found)
    }
}
