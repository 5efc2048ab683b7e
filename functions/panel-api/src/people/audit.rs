//! `GET /api/audit`: who did what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use greenhub::account::audit::{self, Action, AuditRow, PAGE};
use greenhub::account::auth::Manager;
use greenhub::clock::rfc3339;
use greenhub::http::Problem;
use greenhub::http::problems::{bad, tables};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Api;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// What the page before told as `next`.
    cursor: Option<String>,
    /// At most so many: 1 to 100, 50 unless told.
    limit: Option<usize>,
}

/// Entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entries {
    /// Newest first.
    entries: Vec<Entry>,
    /// Leads to older ones; none at the end.
    next: Option<String>,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// When, RFC 3339.
    at: String,
    /// What: `signed_in`, `person_changed`, `number_added` …
    #[schema(value_type = String)]
    action: Action,
    /// Our id of who did it; nobody, if it was a command or GoHighLevel.
    actor: Option<String>,
    /// What they were called then.
    actor_name: String,
    /// Our id of the person whom it was done to.
    person: Option<String>,
    /// Our id of the number that it was done to.
    instance: Option<String>,
    /// What that was called then.
    name: Option<String>,
    /// What changed: of each field what it was and what it is.
    changes: BTreeMap<String, Change>,
}

/// What a field was and is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Change {
    /// Before.
    was: String,
    /// Now.
    is: String,
}

impl From<AuditRow> for Entry {
    fn from(row: AuditRow) -> Self {
        let changes = row.about.changes.into_iter();
        Entry {
            at: rfc3339(row.at_ms),
            action: row.action,
            actor: row.actor.person.map(|person| person.to_string()),
            actor_name: row.actor.name,
            person: row.about.person.map(|person| person.to_string()),
            instance: row.about.number.map(|number| number.to_string()),
            name: row.about.name,
            changes: changes
                .map(|(field, (was, is))| (field, Change { was, is }))
                .collect(),
        }
    }
}

/// Who did what to people, rights, numbers and settings, and who signed in; for 400 days.
#[utoipa::path(
    get, path = "/api/audit", tag = "people", security(("bearer" = ["manager"]), ("cookie" = ["manager"])),
    params(Which),
    responses(
        (status = 200, body = Entries),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_cursor`"),
    )
)]
pub(crate) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Manager(caller): Manager,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Entries>, Problem> {
    let Ok(Query(which)) = which else {
        return Err(bad_cursor());
    };
    let before = which.cursor.as_deref().map(read).transpose()?;
    let limit = which.limit.unwrap_or(50).clamp(1, PAGE);
    let rows = audit::page(&api.hub.db, &caller.workspace, before, limit).await;
    let rows = rows.map_err(|error| tables(&error))?;
    let next = rows.last().filter(|_| rows.len() == limit);
    let next = next.map(|row| format!("{}.{}", row.at_ms, row.id));
    let entries = rows.into_iter().map(Entry::from).collect();
    Ok(Json(Entries { entries, next }))
}

/// The place that a cursor names. It holds nothing that the workspace is not checked for anyway.
fn read(cursor: &str) -> Result<(i64, &str), Problem> {
    let place = cursor.split_once('.').and_then(|(at_ms, id)| {
        let is_id = id.len() <= 32
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        Some((at_ms.parse().ok().filter(|at_ms| *at_ms >= 0)?, id)).filter(|_| is_id)
    });
    place.ok_or_else(bad_cursor)
}

fn bad_cursor() -> Problem {
    bad("bad_cursor", "This is not a place in the list")
}
