//! `GET /api/health`, `GET /api/health/quarantine`: how each flow stands, and what was not understood.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use futures::future::try_join_all;
use greenhub::account::auth::Authenticated;
use greenhub::clock::rfc3339;
use greenhub::domain::delivery::{Destination, Lane};
use greenhub::domain::ids::NumberId;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::inbox::health::{self, Flows, STUCK_MOST};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::{self, NumberRow};
use greenhub::store::team::Backlog;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::chats::sight;

/// How many bodies are shown.
const BODIES: usize = 50;

/// How much of a body, in characters.
const BODY_CHARS: usize = 4_000;

/// How the flows of all numbers stand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// RFC 3339. What is overdue was counted up to four minutes before.
    at: String,
    /// Those that the caller sees.
    numbers: Vec<NumberHealth>,
}

/// How the flows of a number stand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NumberHealth {
    /// Our id of it.
    number: String,
    /// What people call it.
    name: String,
    /// GREEN-API's word for its connection.
    state: String,
    /// Since when, RFC 3339.
    state_since: Option<String>,
    /// Why nothing is sent, apart from the connection.
    paused: Option<&'static str>,
    /// Up to when what WhatsApp has was compared with what we have, RFC 3339.
    reconciled_at: Option<String>,
    /// From the customers.
    whatsapp_in: Flow,
    /// To the customers.
    whatsapp_out: Flow,
    /// From GoHighLevel.
    crm_in: Flow,
    /// To GoHighLevel: messages and their statuses.
    crm_out: Flow,
    /// Copies of files.
    files: Flow,
    /// How many messages wait for a person, up to a hundred.
    stuck: usize,
    /// There are more of them.
    stuck_more: bool,
}

/// How a flow stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flow {
    /// In how many conversations something waits; at least, where it is many.
    waiting: u64,
    /// Since when the longest, RFC 3339.
    oldest_at: Option<String>,
    /// When it last went well, as far as the latest messages tell, RFC 3339.
    last_success_at: Option<String>,
}

/// How each flow stands.
#[utoipa::path(
    get, path = "/api/health", tag = "health", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Health))
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Health>, Problem> {
    let numbers = directory::numbers(&api.hub.db, &caller.workspace).await;
    let numbers = numbers.map_err(|error| tables(&error))?.into_iter();
    let seen = numbers.filter(|number| caller.rights.may_see(&number.number));
    let now = api.hub.clock.now_ms();
    let looks = seen.map(async |number| {
        let flows = health::flows(&api.hub.db, &number.number, now).await?;
        Ok((number, flows))
    });
    let looked = try_join_all(looks).await.map_err(|error| tables(&error))?;
    Ok(Json(Health {
        at: rfc3339(now),
        numbers: looked
            .into_iter()
            .map(|(number, flows)| number_health(number, &flows))
            .collect(),
    }))
}

fn number_health(number: NumberRow, flows: &Flows) -> NumberHealth {
    let done = |destination| flows.done_ms.get(&destination).copied();
    let lanes = |lanes: &[Lane]| waiting(&flows.waiting, lanes);
    let flow = |backlog: Backlog, last: Option<i64>| Flow {
        waiting: backlog.n_chats,
        oldest_at: backlog.oldest_ms.map(rfc3339),
        last_success_at: last.map(rfc3339),
    };
    let known = |at_ms: i64| (at_ms > 0).then(|| rfc3339(at_ms));
    NumberHealth {
        number: number.number.to_string(),
        name: number.name,
        state: number.state.as_str().to_owned(),
        state_since: known(number.state_since_ms),
        paused: number.pause.map(|pause| pause.why.as_str()),
        reconciled_at: known(number.reconciled_ms),
        whatsapp_in: flow(Backlog::default(), flows.in_ms),
        whatsapp_out: flow(lanes(&[Lane::Whatsapp]), done(Destination::Whatsapp)),
        crm_in: flow(Backlog::default(), flows.from_crm_ms),
        crm_out: flow(lanes(&[Lane::Crm, Lane::CrmStatus]), done(Destination::Crm)),
        files: flow(lanes(&[Lane::Media]), None),
        stuck: flows.n_stuck,
        stuck_more: flows.n_stuck == STUCK_MOST,
    }
}

fn waiting(all: &BTreeMap<Lane, Backlog>, lanes: &[Lane]) -> Backlog {
    let mut sum = Backlog::default();
    for backlog in lanes.iter().filter_map(|lane| all.get(lane)) {
        sum.n_chats += backlog.n_chats;
        sum.oldest_ms = match (sum.oldest_ms, backlog.oldest_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    sum
}

/// Whose bodies.
#[derive(Deserialize, IntoParams)]
pub(super) struct Whose {
    /// Our id of the number.
    number: String,
}

/// Bodies that could not be understood.
#[derive(Serialize, ToSchema)]
pub(super) struct Quarantine {
    /// The latest fifty, the latest first.
    bodies: Vec<BodyView>,
}

/// A body that could not be understood.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantinedBody)]
#[serde(rename_all = "camelCase")]
struct BodyView {
    /// RFC 3339.
    at: String,
    /// What was wrong with it.
    why: String,
    /// How long it was.
    n_bytes: usize,
    /// Its beginning, without what is secret; nothing of what is no JSON.
    body: Option<String>,
}

/// What GREEN-API sent for a number and nobody could understand.
#[utoipa::path(
    get, path = "/api/health/quarantine", tag = "health", security(("bearer" = []), ("cookie" = [])),
    params(Whose),
    responses(
        (status = 200, body = Quarantine),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`"),
    )
)]
pub(super) async fn quarantine<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Query(asked): Query<Whose>,
) -> Result<Json<Quarantine>, Problem> {
    let sight = sight(&api, &caller).await?;
    let number = NumberId::new(asked.number);
    if !sight.numbers.contains(&number) {
        return Err(not_found());
    }
    let found = health::quarantined(&api.hub.db, &number, BODIES).await;
    let found = found.map_err(|error| tables(&error))?;
    let bodies = found.into_iter().map(|found| BodyView {
        at: rfc3339(found.at_ms),
        n_bytes: found.row.n_bytes,
        body: health::masked(&found.row.body).map(|body| body.chars().take(BODY_CHARS).collect()),
        why: found.row.why,
    });
    Ok(Json(Quarantine {
        bodies: bodies.collect(),
    }))
}
