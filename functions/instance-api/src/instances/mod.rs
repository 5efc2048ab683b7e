//! `/api/instances…`: the numbers of a workspace.

pub(crate) mod change;
pub(crate) mod link;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use greenhub::account::audit::{About, Action};
use greenhub::account::auth::{Admin, Authenticated};
use greenhub::account::numbers::{Agreed, NewNumber};
use greenhub::domain::ids::{NumberId, WorkspaceId};
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::NumberRow;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::path::InPath;
use crate::problems::{not_added, not_found, tables, typed};
use crate::view::{Activity, Instance, Instances, View};
use crate::{Api, activity, seen};

/// A number to be added.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewInstance {
    /// GREEN-API's id of it: digits.
    id_instance: Digits,
    /// GREEN-API's token of it.
    #[schema(value_type = String, format = Password)]
    api_token_instance: SecretString,
    /// At most 100 characters; "WhatsApp" and the id if there is none.
    name: Option<String>,
    /// Its `apiUrl`, if GREEN-API's console shows one.
    api_url: Option<String>,
    /// Its `mediaUrl`, if GREEN-API's console shows one.
    media_url: Option<String>,
    /// Agreed to: another system gets its notifications no more (`webhook_elsewhere`).
    #[serde(default)]
    take_over: bool,
    /// Agreed to: it leaves the workspace that has it (`instance_elsewhere`).
    #[serde(default)]
    transfer: bool,
}

/// Digits, as a number or as text.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Digits {
    Number(u64),
    Text(String),
}

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Digits::Number(number) => number.fmt(f),
            Digits::Text(text) => text.fmt(f),
        }
    }
}

/// How much is told of each number.
#[derive(Deserialize, IntoParams)]
pub(crate) struct Asked {
    /// With `activity` of each number, which costs a look at its latest conversations.
    #[serde(default)]
    activity: bool,
}

/// The workspace's numbers.
#[utoipa::path(
    get, path = "/api/instances", tag = "instances", security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses((status = 200, body = Instances))
)]
pub(crate) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Query(asked): Query<Asked>,
) -> Result<Json<Instances>, Problem> {
    let numbers = api.numbers.list(&caller.workspace).await;
    let numbers = numbers.map_err(|error| tables(&error))?;
    let view = view(&api, &caller.workspace, &numbers).await?;
    let mut numbers = numbers;
    numbers.retain(|number| caller.rights.may_see(&number.number));
    let mut activities = Vec::new();
    if asked.activity {
        let looks = numbers.iter().map(|number| api.activity(&number.number));
        activities = futures::future::try_join_all(looks).await?;
    }
    let mut activities = activities.into_iter();
    let instances = numbers
        .into_iter()
        .map(|number| view.of(number, activities.next()))
        .collect();
    Ok(Json(Instances { instances }))
}

/// A number.
#[utoipa::path(
    get, path = "/api/instances/{id}", tag = "instances", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Instance))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let number = api.numbers.get(&caller.workspace, &id).await;
    let number = number.map_err(|error| tables(&error))?;
    let number = number.ok_or_else(not_found)?;
    let activity = api.activity(&id).await?;
    let shown = api.shown(number).await?;
    Ok(Json(shown.with(activity)))
}

/// Adds a number and points its notifications to us.
#[utoipa::path(
    post, path = "/api/instances", tag = "instances", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = NewInstance,
    responses(
        (status = 201, body = Instance),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_instance_id`, `bad_token`, `bad_name`, `bad_address`, `invalid_credentials`, `instance_expired`, `instance_deleted`, `refused_by_provider`, `authorization_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`instance_taken` (member `id`), `instance_elsewhere` (confirm with `transfer`), `webhook_elsewhere` (member `host`; confirm with `takeOver`)"),
    )
)]
pub(crate) async fn add<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Body(new): Body<NewInstance>,
) -> Result<(StatusCode, Json<Instance>), Problem> {
    let agreed = Agreed {
        take_over: new.take_over,
        transfer: new.transfer,
    };
    let new = NewNumber::read(
        &new.id_instance.to_string(),
        &new.api_token_instance,
        new.name.as_deref(),
        new.api_url.as_deref(),
        new.media_url.as_deref(),
        &api.numbers.hosts,
    )
    .map_err(typed)?;
    let keys = api.keys().await?;
    let location = api.location(&caller).await?;
    let (workspace, location) = (&caller.workspace, location.as_ref());
    let added = api
        .numbers
        .add(&keys.data_keys, workspace, location, new, agreed)
        .await
        .map_err(not_added)?;
    // Whoever adds a number sees it.
    if !caller.rights.may_see(&added.number) {
        let key = keys::person(&caller.workspace, caller.person());
        let given = row::change::<PersonRow>(&api.numbers.db, &key, |person| {
            person.rights.numbers.insert(added.number.clone())
        });
        given.await.map_err(|error| tables(&error))?;
    }
    let about = About::number(&added.number, &added.name);
    api.note(&caller, Action::NumberAdded, about).await;
    Ok((StatusCode::CREATED, Json(api.shown(added).await?)))
}

/// What is known of a workspace as a whole where its numbers are shown. `newest_first` are all of
/// them.
async fn view<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    workspace: &WorkspaceId,
    newest_first: &[NumberRow],
) -> Result<View, Problem> {
    let routing = api.workspace(workspace).await?.routing;
    let chosen = routing.default.filter(|chosen| {
        let mut numbers = newest_first.iter();
        numbers.any(|number| number.number == *chosen)
    });
    let oldest = || newest_first.last().map(|number| number.number.clone());
    Ok(View {
        default: chosen.or_else(oldest),
    })
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// One number as others see it.
    pub(crate) async fn shown(&self, number: NumberRow) -> Result<Instance, Problem> {
        let numbers = self.numbers.list(&number.workspace).await;
        let numbers = numbers.map_err(|error| tables(&error))?;
        let view = view(self, &number.workspace, &numbers).await?;
        Ok(view.of(number, None))
    }

    async fn activity(&self, number: &NumberId) -> Result<Activity, Problem> {
        let activity = activity::of(&self.numbers.db, number).await;
        activity.map_err(|error| tables(&error))
    }
}
