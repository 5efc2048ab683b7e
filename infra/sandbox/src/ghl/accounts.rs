//! Locations and users, read only (GHL contract, locations, users, workflows).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::App,
    ghl::{Answer, Refused, Who, model::User, ok},
};

pub(crate) async fn location(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer {
    who.in_location("locations.readonly", &id)?;
    let state = app.lock();
    let ghl = &state.kept.ghl;
    let location = ghl.locations.get(&id).ok_or_else(Refused::other_tenant)?;
    ok(json!({
        "location": {
            "id": location.id,
            "companyId": ghl.company.id,
            "name": location.name,
            "phone": location.phone,
            "country": location.country,
            "timezone": location.timezone,
            "business": { "name": location.name, "country": location.country, "timezone": location.timezone },
        }
    }))
}

fn json(user: &User) -> Value {
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    json!({
        "id": user.id,
        "name": user.name,
        "firstName": first,
        "lastName": last,
        "email": user.email,
        "roles": {
            "type": if user.location.is_some() { "account" } else { "agency" },
            "role": user.role,
            "locationIds": user.location.iter().collect::<Vec<_>>(),
        },
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct InLocation {
    #[serde(rename = "locationId")]
    location: Option<String>,
}

/// The people of the caller's location.
pub(crate) async fn users(
    State(app): State<Arc<App>>,
    who: Who,
    Query(query): Query<InLocation>,
) -> Answer {
    let own = who.location("users.readonly")?;
    let asked = query.location.as_deref().unwrap_or(own);
    who.in_location("users.readonly", asked)?;
    let state = app.lock();
    let users: Vec<Value> = state
        .kept
        .ghl
        .users
        .values()
        .filter(|u| u.location.as_deref() == Some(asked))
        .map(json)
        .collect();
    ok(json!({ "users": users, "count": users.len() }))
}

/// One person: of the location, or of the agency above it.
pub(crate) async fn user(State(app): State<Arc<App>>, who: Who, Path(id): Path<String>) -> Answer {
    let own = who.location("users.readonly")?;
    let state = app.lock();
    let user = state
        .kept
        .ghl
        .users
        .get(&id)
        .filter(|u| u.location.as_deref().is_none_or(|l| l == own))
        .ok_or_else(|| Refused::bad("The user was not found"))?;
    ok(json(user))
}
