//! What happened to numbers: alerts, and the changes of their state.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use greenhub::account::auth::Authenticated;
use greenhub::clock::rfc3339;
use greenhub::http::Problem;
use greenhub::http::problems::tables;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::operation::{self, AlertRow, StateRow};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Api, seen};

/// How many of each are shown, the latest.
const SHOWN: usize = 200;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(alerts))
        .routes(routes!(states))
}

/// What people have to know about their numbers.
#[derive(Serialize, ToSchema)]
struct Alerts {
    /// The latest first, of the last 30 days.
    alerts: Vec<Alert>,
}

/// Something that people have to know about a number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Alert {
    /// The number.
    instance: String,
    /// What people called it then.
    name: String,
    /// `disconnected`, `stuck`, `restricted`, `blocked`, `unknown`, `restored`, `webhook_silent`
    alarm: &'static str,
    /// The state before, where one changed.
    from: Option<String>,
    /// The state since, where one changed.
    to: Option<String>,
    /// RFC 3339.
    at: String,
}

/// The alerts of the numbers that the caller sees.
#[utoipa::path(
    get, path = "/api/alerts", tag = "operation", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Alerts))
)]
async fn alerts<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Alerts>, Problem> {
    let found = operation::alerts(&api.hub.db, &caller.workspace, SHOWN).await;
    let found = found.map_err(|error| tables(&error))?.into_iter();
    let seen = found.filter(|alert| caller.rights.may_see(&alert.number));
    Ok(Json(Alerts {
        alerts: seen.map(Alert::from).collect(),
    }))
}

impl From<AlertRow> for Alert {
    fn from(row: AlertRow) -> Self {
        let states = row.change.map(|change| (change.from, change.to));
        let (from, to) = states.unzip();
        Alert {
            instance: row.number.to_string(),
            name: row.name,
            alarm: row.alarm.as_str(),
            from: from.map(String::from),
            to: to.map(String::from),
            at: rfc3339(row.at_ms),
        }
    }
}

/// How a number's state changed.
#[derive(Serialize, ToSchema)]
struct States {
    /// The latest first, of the last 30 days.
    states: Vec<Change>,
}

/// A change of a number's state.
#[derive(Serialize, ToSchema)]
#[schema(as = StateChange)]
#[serde(rename_all = "camelCase")]
struct Change {
    /// GREEN-API's word for the state before.
    from: String,
    /// GREEN-API's word for the state since.
    to: String,
    /// RFC 3339.
    at: String,
    /// It was over before it counted.
    is_flap: bool,
}

/// The changes of a number's state.
#[utoipa::path(
    get, path = "/api/instances/{id}/states", tag = "operation",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "The number")),
    responses((status = 200, body = States))
)]
async fn states<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<States>, Problem> {
    let number = seen::number(&api.hub.db, &caller, &id).await?.number;
    let found = operation::states(&api.hub.db, &number, SHOWN).await;
    let found = found.map_err(|error| tables(&error))?;
    Ok(Json(States {
        states: found.into_iter().map(Change::from).collect(),
    }))
}

impl From<StateRow> for Change {
    fn from(row: StateRow) -> Self {
        Change {
            from: row.change.from.into(),
            to: row.change.to.into(),
            at: rfc3339(row.change.at_ms),
            is_flap: row.is_flap,
        }
    }
}
