//! The control interface of tests and of the page: `/_sandbox/…`.
//!
//! | call | does |
//! |---|---|
//! | `POST /reset` | forgets calls, faults and messages, keeps accounts and contacts |
//! | `GET /calls?provider&after`, `GET /deliveries?provider&after` | what was received, what was sent |
//! | `PUT /faults` | a list of faults, which replaces the one before |
//! | `GET /stats`, `GET /accounts`, `GET /events` | 429s and queues, ids and tokens, news for the page |
//! | `POST /green-api` | a further number |
//! | `POST /green-api/{id}/notify`, `…/incoming`; `PUT …/state`, `…/auto`, `…/no-account` | what happens to a number |
//! | `POST /green-api/{id}/history` | what was said before anybody listened: no notification tells it |
//! | `POST /green-api/{id}/scan` | a phone is linked with the code that was asked for last |
//! | `GET /green-api/{id}/chats`, `…/queue`, `…/phone/{chat}`; `POST …/phone/{chat}/read` | a customer's phone |
//! | `PUT /green-api/{id}/messages/{message}/status` | a receipt by hand |
//! | `POST /ghl/reply`, `/ghl/event`, `/ghl/locations`; `GET /ghl/schemas` | agents, app webhooks, sub-accounts |
//! | `POST /ghl/workflow-action` | a workflow comes to an action of the app |
//! | `GET /ghl/{location}/contacts`, `…/conversations`, `…/sso?user&role&agency` | what GHL shows |
//! | `POST /ghl/{location}/expire-tokens`, `PUT …/active` | a location's tokens and suspension |
//! | `POST /telegram/update` | a raw update, delivered with the secret header |
//! | `GET /telegram/chats`, `…/{id}`; `POST /telegram/chats` | what is in channels and groups; a further one |
//! | `PUT /telegram/chats/{id}`, `…/bot`; `DELETE …/topics/{thread}` | its name and reactions, the bot's place, a topic |
//! | `POST /telegram/chats/{id}/write`, `/telegram/people/{id}/write` | somebody writes there, or to the bot alone |
//! | `PUT /ghl/{location}/providers` | whether the app is its extra channel, its default SMS provider, or both |

mod ghl;
mod green;
mod telegram;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    app::{App, News},
    faults::Fault,
    green_api::limits,
    record::Provider,
    telegram::BOT_TOKEN,
};

type Shared = State<Arc<App>>;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset", post(reset))
        .route("/calls", get(calls))
        .route("/deliveries", get(deliveries))
        .route("/faults", put(set_faults).get(faults))
        .route("/stats", get(stats))
        .route("/accounts", get(accounts))
        .route("/events", get(events))
        .nest("/green-api", green::routes())
        .nest("/ghl", ghl::routes())
        .nest("/telegram", telegram::routes())
        .fallback(async || unknown("path"))
}

/// 404 in JSON.
fn unknown(what: &str) -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "error": format!("unknown {what}") })),
    )
        .into_response()
}

/// 400 in JSON.
fn bad(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response()
}

async fn reset(State(app): Shared) -> Json<Value> {
    app.change(News::Green).reset();
    app.was_reset.notify_waiters();
    Json(json!({ "reset": true }))
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
    provider: Option<Provider>,
}

async fn calls(State(app): Shared, Query(asked): Query<After>) -> Json<Value> {
    let state = app.lock();
    let fits = |provider| asked.provider.is_none_or(|p| p == provider);
    let found = state
        .log
        .calls
        .iter()
        .filter(|c| c.seq > asked.after && fits(c.provider));
    Json(json!(found.collect::<Vec<_>>()))
}

async fn deliveries(State(app): Shared, Query(asked): Query<After>) -> Json<Value> {
    let state = app.lock();
    let fits = |provider| asked.provider.is_none_or(|p| p == provider);
    let found = state
        .log
        .deliveries
        .iter()
        .filter(|d| d.seq > asked.after && fits(d.provider));
    Json(json!(found.collect::<Vec<_>>()))
}

/// Replaces all faults.
async fn set_faults(State(app): Shared, Json(faults): Json<Vec<Fault>>) -> Json<Value> {
    let count = faults.len();
    app.lock().faults = faults;
    Json(json!({ "faults": count }))
}

/// The faults that are left.
async fn faults(State(app): Shared) -> Json<Value> {
    Json(json!(app.lock().faults))
}

/// How often a rate was exceeded, and how much waits.
async fn stats(State(app): Shared) -> Json<Value> {
    let state = app.lock();
    let green: Vec<Value> = state
        .green_refused
        .iter()
        .map(|((id, method), n)| json!({ "idInstance": id, "method": method, "refused429": n }))
        .collect();
    let queues: Vec<Value> = state
        .kept
        .instances
        .values()
        .map(|i| {
            json!({
                "idInstance": i.id,
                "queued": i.queue.len(),
                "notifications": i.notifications.len(),
            })
        })
        .collect();
    let total: u64 = state.green_refused.values().sum::<u64>()
        + state.ghl_refused.values().sum::<u64>()
        + state.telegram_usage.refused.values().sum::<u64>();
    Json(json!({
        "refused429": total,
        "greenApi": green,
        "ghl": state.ghl_refused,
        "telegram": state.telegram_usage.refused,
        "updates": state.kept.telegram.webhook.pending.len(),
        "queues": queues,
        "limits": limits::all().map(|(name, rps)| (name.to_owned(), json!(rps))).collect::<serde_json::Map<_, _>>(),
        "calls": state.log.calls.len(),
        "deliveries": state.log.deliveries.len(),
    }))
}

/// Every account with its ids and tokens.
async fn accounts(State(app): Shared) -> Json<Value> {
    let state = app.lock();
    let instances: Vec<Value> = state.kept.instances.values().map(green::describe).collect();
    let ghl = &state.kept.ghl;
    Json(json!({
        "greenApi": {
            "apiUrl": app.public_url,
            "mediaUrl": app.public_url,
            "instances": instances,
        },
        "ghl": {
            "apiUrl": app.public_url,
            "marketplaceUrl": app.public_url,
            "clientId": app.ghl.client_id,
            "clientSecret": app.ghl.client_secret,
            "sharedSecret": app.ghl.shared_secret,
            "appId": app.ghl.app_id,
            "conversationProviderId": app.ghl.conversation_provider_id,
            "defaultProviderId": app.ghl.default_provider_id,
            "publicKeyPem": app.signer.public_key_pem(),
            "signingKeyPkcs8": STANDARD.encode(app.signer.pkcs8()),
            "company": ghl.company,
            "locations": ghl.locations.values().map(|l| json!({
                "locationId": l.id, "name": l.name, "country": l.country, "timezone": l.timezone,
                "phone": l.phone, "active": l.active, "installed": l.installed_at.is_some(),
                "providers": { "extra": l.extra_channel, "default": l.default_provider },
            })).collect::<Vec<_>>(),
            "users": ghl.users.values().map(|u| json!({
                "userId": u.id, "name": u.name, "email": u.email, "role": u.role,
                "locationId": u.location,
            })).collect::<Vec<_>>(),
        },
        "telegram": { "apiUrl": app.public_url, "botToken": BOT_TOKEN },
        "appUrl": app.app_url(),
        "timeScale": app.scale.0,
    }))
}

/// Server-sent events: which side changed. The page asks for the rest itself.
async fn events(State(app): Shared) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = app.news.subscribe();
    let stream = stream::unfold(news, |mut news| async {
        let name = match news.recv().await {
            Ok(News::Green) => "green",
            Ok(News::Ghl) => "ghl",
            Ok(News::Telegram) => "telegram",
            // Too slow: everything may have changed.
            Err(RecvError::Lagged(_)) => "all",
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(Event::default().event("changed").data(name)), news))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
