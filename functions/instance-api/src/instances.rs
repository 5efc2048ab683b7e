//! `/api/instances…`

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use greenhub::account::numbers::{AddError, BadInput, NewNumber, NumberChange, RemoveError, name};
use greenhub::account::session::{Authenticated, Caller};
use greenhub::domain::ids::{IdInstance, NumberId};
use greenhub::http::Problem;
use greenhub::store::db::Db;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::view::{Calls, Instance, Instances};
use crate::{Api, not_found, tables, try_again};

/// An id in an address.
type Id = Result<Path<String>, PathRejection>;

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

/// What is to be different about a number; what is left out stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Change {
    /// 1 to 100 characters.
    name: Option<String>,
    settings: Option<Settings>,
}

/// What is to be set; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewSettings)]
pub(crate) struct Settings {
    calls: Option<Calls>,
}

/// The workspace's numbers.
#[utoipa::path(
    get, path = "/api/instances", tag = "instances", security(("bearer" = [])),
    responses(
        (status = 200, body = Instances),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn list<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Instances>, Problem> {
    let numbers = api.numbers.list(&caller.workspace).await;
    let numbers = numbers.map_err(|error| tables(&error))?;
    let instances = numbers.into_iter().map(Instance::from).collect();
    Ok(Json(Instances { instances }))
}

/// Adds a number and points its notifications to us.
#[utoipa::path(
    post, path = "/api/instances", tag = "instances", security(("bearer" = [])),
    request_body = NewInstance,
    responses(
        (status = 201, body = Instance),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_body`, `bad_instance_id`, `bad_token`, `bad_name`, `bad_address`, `invalid_credentials`, `instance_expired`, `instance_deleted`, `refused_by_provider`, `authorization_needed`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`instance_taken`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn add<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
    Body(new): Body<NewInstance>,
) -> Result<(StatusCode, Json<Instance>), Problem> {
    admin(&caller)?;
    let new = NewNumber::read(
        &new.id_instance.to_string(),
        &new.api_token_instance,
        new.name.as_deref(),
        new.api_url.as_deref(),
        new.media_url.as_deref(),
        &api.numbers.hosts,
    )
    .map_err(bad_input)?;
    let keys = api.keys().await?;
    let added = api
        .numbers
        .add(&keys.data_keys, &caller.workspace, &caller.location, new)
        .await
        .map_err(not_added)?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Changes a number's name or what is set about it.
#[utoipa::path(
    patch, path = "/api/instances/{id}", tag = "instances", security(("bearer" = [])),
    params(("id" = String, Path, description = "Our id of the number")),
    request_body = Change,
    responses(
        (status = 200, body = Instance),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_body`, `bad_id`, `bad_name`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn change<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
    id: Id,
    Body(new): Body<Change>,
) -> Result<Json<Instance>, Problem> {
    admin(&caller)?;
    let number = number(id)?;
    let name = new.name.map(|new| name(&new)).transpose();
    let change = NumberChange {
        name: name.map_err(bad_input)?,
        calls: new
            .settings
            .and_then(|settings| settings.calls)
            .map(Into::into),
    };
    if change == NumberChange::default() {
        return Err(nothing_to_change());
    }
    let changed = api
        .numbers
        .change(&caller.workspace, &number, &change)
        .await;
    let changed = changed.map_err(|error| tables(&error))?;
    let changed = changed.ok_or_else(not_found)?;
    Ok(Json(changed.into()))
}

/// Removes a number; its notifications go where they went before it was added.
#[utoipa::path(
    delete, path = "/api/instances/{id}", tag = "instances", security(("bearer" = [])),
    params(("id" = String, Path, description = "Our id of the number")),
    responses(
        (status = 204),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_id`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn remove<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
    id: Id,
) -> Result<StatusCode, Problem> {
    admin(&caller)?;
    let number = number(id)?;
    let keys = api.keys().await?;
    let removed = api
        .numbers
        .remove(&keys.data_keys, &caller.workspace, &number);
    match removed.await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(RemoveError::NotFound) => Err(not_found()),
        Err(RemoveError::Db(error)) => Err(tables(&error)),
    }
}

fn nothing_to_change() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_body",
        "The body names nothing that can be changed: `name` or `settings.calls`",
    )
}

fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.is_admin {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "admin_needed",
        "Only an admin of the sub-account may change its numbers",
    ))
}

/// Our id of a number, from an address. GREEN-API's own ids are not found rather than wrong:
/// people take them for ours.
fn number(id: Id) -> Result<NumberId, Problem> {
    // Something that is not even text is no id either.
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let is_ours = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_ours {
        return Ok(NumberId::new(id));
    }
    if id.parse::<IdInstance>().is_ok() {
        return Err(not_found());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_id",
        "This is not the id of a number",
    ))
}

fn bad_input(error: BadInput) -> Problem {
    let code = match error {
        BadInput::IdInstance => "bad_instance_id",
        BadInput::Token => "bad_token",
        BadInput::Name => "bad_name",
        BadInput::Address => "bad_address",
    };
    let title = "Something of what was typed cannot be right";
    Problem::new(StatusCode::BAD_REQUEST, code, title).with_detail(error.to_string())
}

fn not_added(error: AddError) -> Problem {
    let bad = |code, title| Problem::new(StatusCode::BAD_REQUEST, code, title);
    match error {
        AddError::NotAuthorised => bad(
            "authorization_needed",
            "The app has to be authorised in this sub-account first",
        )
        .with_detail("Install the app again in GoHighLevel, then add the number."),
        AddError::Taken => Problem::new(
            StatusCode::CONFLICT,
            "instance_taken",
            "This instance was added before",
        )
        .with_detail("An instance can be in one workspace only. Remove it there first."),
        AddError::Credentials => bad(
            "invalid_credentials",
            "GREEN-API does not accept the id with this token",
        ),
        AddError::Expired => bad("instance_expired", "The instance is not paid for"),
        AddError::Deleted => bad("instance_deleted", "The instance was deleted at GREEN-API"),
        AddError::Refused(words) => {
            bad("refused_by_provider", "GREEN-API refuses the instance").with_detail(words)
        }
        AddError::TryAgain(error) => {
            tracing::warn!(%error, "a number was not added");
            try_again().with_detail("GREEN-API does not answer now; what was typed may be right.")
        }
        AddError::Db(error) => tables(&error),
        AddError::Unusable(error) => {
            tracing::error!(%error, "a number was added that cannot be used");
            try_again()
        }
    }
}
