//! GHL's side: what agents do and see.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Shared, bad, unknown};
use crate::{
    app::{App, News},
    clock,
    ghl::{
        model::Location,
        schema, sso,
        webhooks::{self, Reply, Unknown},
        workflows::{self, Run},
    },
    ids,
};

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reply", post(reply))
        .route("/event", post(event))
        .route("/workflow-action", post(workflow_action))
        .route("/schemas", get(async || Json(schema::all())))
        .route("/locations", post(create_location))
        .route("/{location}/contacts", get(contacts))
        .route("/{location}/conversations", get(conversations))
        .route("/{location}/sso", get(user_context))
        .route("/{location}/expire-tokens", post(expire_tokens))
        .route("/{location}/active", put(set_active))
        .route("/{location}/providers", put(set_providers))
}

/// An agent answers. The first attempt is over when this answers, so that two replies in a row
/// reach the app in their order.
async fn reply(State(app): Shared, Json(asked): Json<Reply>) -> Response {
    let sent = match webhooks::reply(&app, asked) {
        Ok(sent) => sent,
        Err(Unknown(what)) => return unknown(what),
    };
    // To both providers at once.
    let deliveries = sent.deliveries.into_iter();
    let answers = join_all(deliveries.map(|it| webhooks::deliver(&app, it))).await;
    let is_bad = |answer: &&Option<u16>| !answer.is_some_and(|status| status < 300);
    let status = answers.iter().find(is_bad).or(answers.first()).copied();
    Json(json!({
        "messageId": sent.messages.first(),
        "twinId": sent.messages.get(1),
        "conversationId": sent.conversation,
        "status": status.flatten(),
    }))
    .into_response()
}

/// An app webhook; `appId`, `timestamp` and `webhookId` are added if they are not there.
async fn event(State(app): Shared, Json(body): Json<Map<String, Value>>) -> Response {
    let Some(kind) = body.get("type").and_then(Value::as_str) else {
        return bad("type is needed");
    };
    let installed = match kind {
        "INSTALL" => Some(Some(clock::now_ms())),
        "UNINSTALL" => Some(None),
        _ => None,
    };
    if let Some(installed) = installed {
        let mut state = app.change(News::Ghl);
        let locations = &mut state.kept.ghl.locations;
        match body.get("locationId").and_then(Value::as_str) {
            Some(id) => locations
                .get_mut(id)
                .into_iter()
                .for_each(|l| l.installed_at = installed),
            None => locations
                .values_mut()
                .for_each(|l| l.installed_at = installed),
        }
    }
    let (id, status) = webhooks::event(&app, body).await;
    Json(json!({ "webhookId": id, "status": status })).into_response()
}

/// A workflow comes to an action of the app; gives what the app answered, which a workflow could
/// go on with.
async fn workflow_action(State(app): Shared, Json(asked): Json<Run>) -> Response {
    match workflows::run(&app, asked).await {
        Ok(ran) => Json(ran).into_response(),
        Err(Unknown(what)) => unknown(what),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewLocation {
    location_id: Option<String>,
    name: String,
    country: Option<String>,
    timezone: Option<String>,
    phone: Option<String>,
    /// The agency has the app for its future sub-accounts as well: there is no redirect, and the
    /// webhook lacks user and agency (GHL contract, which token comes back).
    #[serde(default)]
    installs: bool,
}

/// A further sub-account.
async fn create_location(State(app): Shared, Json(asked): Json<NewLocation>) -> Response {
    let location = Location {
        id: asked.location_id.unwrap_or_else(ids::ghl_id),
        name: asked.name,
        country: asked.country.unwrap_or_else(|| "US".into()),
        timezone: asked.timezone.unwrap_or_else(|| "America/New_York".into()),
        phone: asked.phone.unwrap_or_default(),
        active: true,
        installed_at: asked.installs.then(clock::now_ms),
        extra_channel: true,
        default_provider: false,
    };
    let out = json!({ "locationId": location.id, "name": location.name });
    let id = location.id.clone();
    {
        let mut state = app.change(News::Ghl);
        let locations = &mut state.kept.ghl.locations;
        if locations.contains_key(&id) {
            return bad("this location exists");
        }
        locations.insert(id.clone(), location);
    }
    if asked.installs {
        webhooks::installed_by_itself(&app, &id).await;
    }
    Json(out).into_response()
}

async fn contacts(State(app): Shared, Path(location): Path<String>) -> Response {
    let state = app.lock();
    let ghl = &state.kept.ghl;
    if !ghl.locations.contains_key(&location) {
        return unknown("location");
    }
    let mut all: Vec<_> = ghl
        .contacts
        .values()
        .filter(|c| c.location == location)
        .collect();
    all.sort_by_key(|c| c.added_ms);
    let all: Vec<Value> = all
        .into_iter()
        .map(|c| json!({ "contactId": c.id, "name": c.name(), "phone": c.phone, "tags": c.tags, "email": c.email }))
        .collect();
    Json(Value::from(all)).into_response()
}

async fn conversations(State(app): Shared, Path(location): Path<String>) -> Response {
    let state = app.lock();
    let ghl = &state.kept.ghl;
    if !ghl.locations.contains_key(&location) {
        return unknown("location");
    }
    let all: Vec<Value> = ghl
        .conversations
        .iter()
        .filter(|c| c.location == location)
        .map(|c| {
            let messages: Vec<Value> = ghl
                .messages_of(&c.id)
                .into_iter()
                .map(|m| {
                    json!({
                        "messageId": m.id,
                        "direction": if m.outbound { "outbound" } else { "inbound" },
                        "message": m.body,
                        "attachments": m.attachments,
                        "status": m.status,
                        "altId": m.alt_id,
                        "at_ms": m.at_ms,
                        "messageType": m.kind,
                        "error": m.error,
                    })
                })
                .collect();
            json!({ "conversationId": c.id, "contactId": c.contact, "unread": c.unread, "messages": messages })
        })
        .collect();
    Json(Value::from(all)).into_response()
}

#[derive(Debug, Deserialize)]
struct Context {
    user: Option<String>,
    role: Option<String>,
    /// `1`: an agency user outside of every sub-account.
    agency: Option<String>,
}

/// The blob that GHL's page posts to a custom page. An unknown user id makes up a person.
async fn user_context(
    State(app): Shared,
    Path(location): Path<String>,
    Query(asked): Query<Context>,
) -> Response {
    let context = {
        let state = app.lock();
        let ghl = &state.kept.ghl;
        if !ghl.locations.contains_key(&location) {
            return unknown("location");
        }
        let agency = asked
            .agency
            .as_deref()
            .is_some_and(|v| v == "1" || v == "true");
        let home = (!agency).then_some(location.as_str());
        let user = match &asked.user {
            Some(id) => ghl.users.get(id),
            None => ghl.users.values().find(|u| u.location.as_deref() == home),
        };
        let id = asked.user.clone().or_else(|| user.map(|u| u.id.clone()));
        let name = user.map_or("Someone Else", |u| u.name.as_str());
        let email = user.map_or("someone@example.com", |u| u.email.as_str());
        let role = asked
            .role
            .as_deref()
            .or(user.map(|u| u.role.as_str()))
            .unwrap_or("user");
        let of_agency = agency || user.is_some_and(|u| u.location.is_none());
        let mut context = json!({
            "userId": id.unwrap_or_else(ids::ghl_id),
            "companyId": ghl.company.id,
            "role": role,
            "type": if of_agency { "agency" } else { "location" },
            "userName": name,
            "email": email,
            "isAgencyOwner": false,
            "versionId": app.ghl.app_id,
            "appStatus": "live",
        });
        if !agency {
            context["activeLocation"] = location.into();
        }
        context
    };
    match sso::encrypt(context.to_string().as_bytes(), &app.ghl.shared_secret) {
        Ok(payload) => Json(json!({ "payload": payload })).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The access tokens of a location (or of the company, by its id) are refused from now on.
async fn expire_tokens(State(app): Shared, Path(id): Path<String>) -> Response {
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    if !ghl.locations.contains_key(&id) && ghl.company.id != id {
        return unknown("location");
    }
    let mut expired = 0;
    for grant in ghl.access.values_mut() {
        if grant.location.as_ref().unwrap_or(&grant.company) == &id {
            grant.expires_ms = 0;
            expired += 1;
        }
    }
    Json(json!({ "expired": expired })).into_response()
}

#[derive(Debug, Deserialize)]
struct Active {
    active: bool,
}

#[derive(Debug, Deserialize)]
struct Providers {
    extra: bool,
    default: bool,
}

/// In which shapes the app is a sub-account's SMS provider.
async fn set_providers(
    State(app): Shared,
    Path(id): Path<String>,
    Json(asked): Json<Providers>,
) -> Response {
    let mut state = app.change(News::Ghl);
    let Some(location) = state.kept.ghl.locations.get_mut(&id) else {
        return unknown("location");
    };
    location.extra_channel = asked.extra;
    location.default_provider = asked.default;
    Json(json!({ "extra": asked.extra, "default": asked.default })).into_response()
}

/// Suspends a sub-account, or lets it go on.
async fn set_active(
    State(app): Shared,
    Path(id): Path<String>,
    Json(asked): Json<Active>,
) -> Response {
    let mut state = app.change(News::Ghl);
    match state.kept.ghl.locations.get_mut(&id) {
        None => unknown("location"),
        Some(location) => {
            location.active = asked.active;
            Json(json!({ "active": location.active })).into_response()
        }
    }
}
