//! `/api/people…`: the people of a workspace. Whoever manages nobody sees and changes only themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::auth::{Authenticated, Manager};
use greenhub::account::people::{NewPerson, PersonChange};
use greenhub::domain::ids::PersonId;
use greenhub::domain::rights::Rights;
use greenhub::http::problems::tables;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::people::TeamRow;
use greenhub::store::{keys, row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::not_changed;
use super::view::{Person, RightsView, SetupLink};
use crate::Api;
use crate::path::InPath;

/// The people of a workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct People {
    /// Oldest first.
    people: Vec<Person>,
}

/// Somebody to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonToAdd {
    /// What others call them: 1 to 100 characters.
    name: String,
    /// What they sign in with: 1 to 100 characters without blanks.
    login: String,
    /// What they may do.
    rights: RightsView,
}

/// Somebody who was added.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddedPerson {
    /// Who.
    person: Person,
    /// To be given to them.
    setup_link: SetupLink,
}

/// A change of a person; what is missing stays as it is, and `false` or an empty list is no missing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangeOfPerson {
    /// What others call them.
    name: Option<String>,
    /// What they sign in with; their other sessions end.
    login: Option<String>,
    /// What they may do, all of it. Numbers that the caller does not see stay as they are.
    rights: Option<RightsView>,
    /// May come in; if not, their sessions end.
    is_active: Option<bool>,
}

/// What holds for all who sign in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Policy {
    /// Everybody needs a second step. Whoever has none is signed out, and sets one up first.
    second_step_required: bool,
}

/// The people of the workspace, or oneself.
#[utoipa::path(
    get, path = "/api/people", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = People))
)]
pub(crate) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<People>, Problem> {
    let people = api.team(&caller).list().await;
    let people = people.map_err(|error| tables(&error))?;
    let view = |row| Person::of(row, &caller.rights);
    let people = people.iter().map(view).collect();
    Ok(Json(People { people }))
}

/// Adds a person. They set their password by a link, which works once within 72 hours.
#[utoipa::path(
    post, path = "/api/people", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    request_body = PersonToAdd,
    responses(
        (status = 201, body = AddedPerson),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`not_yours_to_grant` (member `right`)"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`bad_fields` (member `fields`)"),
    )
)]
pub(crate) async fn create<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    Body(told): Body<PersonToAdd>,
) -> Result<(StatusCode, Json<AddedPerson>), Problem> {
    let new = NewPerson {
        name: told.name,
        login: told.login,
        rights: told.rights.into(),
    };
    let (row, offer) = api.team(&caller).create(&new).await.map_err(not_changed)?;
    let added = AddedPerson {
        person: Person::of(&row, &caller.rights),
        setup_link: SetupLink::of(&offer, &api.public_base_url),
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// A person.
#[utoipa::path(
    get, path = "/api/people/{id}", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Person))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
) -> Result<Json<Person>, Problem> {
    let row = api.team(&caller).get(&PersonId::new(id)).await;
    let row = row.map_err(not_changed)?;
    Ok(Json(Person::of(&row, &caller.rights)))
}

/// Changes a person.
#[utoipa::path(
    patch, path = "/api/people/{id}", tag = "people", security(("bearer" = []), ("cookie" = [])),
    request_body = ChangeOfPerson,
    responses(
        (status = 200, body = Person),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`yourself`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`not_yours_to_grant` (member `right`), `owner_needed`, `manager_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`last_owner`, `from_crm`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`bad_fields` (member `fields`)"),
    )
)]
pub(crate) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
    Body(told): Body<ChangeOfPerson>,
) -> Result<Json<Person>, Problem> {
    let change = PersonChange {
        name: told.name,
        login: told.login,
        rights: told.rights.map(Rights::from),
        is_active: told.is_active,
    };
    let row = api.team(&caller).change(&PersonId::new(id), &change).await;
    let row = row.map_err(not_changed)?;
    Ok(Json(Person::of(&row, &caller.rights)))
}

/// Removes a person.
#[utoipa::path(
    delete, path = "/api/people/{id}", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    responses(
        (status = 204),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`yourself`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`last_owner`"),
    )
)]
pub(crate) async fn remove<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    InPath(id): InPath,
) -> Result<StatusCode, Problem> {
    let removed = api.team(&caller).remove(&PersonId::new(id)).await;
    removed.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes another link by which a person sets their password; the one before works no more.
#[utoipa::path(
    post, path = "/api/people/{id}/setup-link", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    responses(
        (status = 201, body = SetupLink),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`from_crm`"),
    )
)]
pub(crate) async fn renew_link<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    InPath(id): InPath,
) -> Result<(StatusCode, Json<SetupLink>), Problem> {
    let offer = api.team(&caller).renew_link(&PersonId::new(id)).await;
    let offer = offer.map_err(not_changed)?;
    let link = SetupLink::of(&offer, &api.public_base_url);
    Ok((StatusCode::CREATED, Json(link)))
}

/// Takes a person's second step away, so that they can set another one up. Their sessions end.
#[utoipa::path(
    delete, path = "/api/people/{id}/second-step", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    responses(
        (status = 204),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`owner_needed`"),
    )
)]
pub(crate) async fn reset_second_step<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    InPath(id): InPath,
) -> Result<StatusCode, Problem> {
    let reset = api
        .team(&caller)
        .reset_second_step(&PersonId::new(id))
        .await;
    reset.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What holds for all who sign in.
#[utoipa::path(
    get, path = "/api/policy", tag = "people", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Policy))
)]
pub(crate) async fn policy<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Policy>, Problem> {
    let team = row::load::<TeamRow>(&api.hub.db, &keys::team(&caller.workspace)).await;
    let team = team.map_err(|error| tables(&error))?;
    Ok(Json(Policy {
        second_step_required: team.is_some_and(|team| team.second_step_required),
    }))
}

/// Changes what holds for all who sign in.
#[utoipa::path(
    put, path = "/api/policy", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    request_body = Policy,
    responses(
        (status = 200, body = Policy),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`bad_fields`: the caller has no second step themselves"),
    )
)]
pub(crate) async fn change_policy<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    Body(policy): Body<Policy>,
) -> Result<Json<Policy>, Problem> {
    let is_required = policy.second_step_required;
    let changed = api.team(&caller).require_second_step(is_required).await;
    changed.map_err(not_changed)?;
    Ok(Json(policy))
}
