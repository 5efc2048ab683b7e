//! GREEN-API's notifications: who sends them, and that they are kept.
//!
//! GREEN-API delivers one notification of a number after another and repeats the one that was not
//! answered 200 for up to a day. So whatever an authenticated sender posts is answered 200 once it
//! is kept, and only a failure of ours is answered 500.

mod caller;
mod notification;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use greenhub::clock::Clock;
use greenhub::crypto::sha256_hex;
use greenhub::domain::ids::IdInstance;
use greenhub::green_api::wire::{self, Notification};
use greenhub::http;
use greenhub::json::NotJson;
use greenhub::pipeline::Hub;
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::NumberRow;

use caller::{Callers, Known};

/// The largest body that is taken: what Lambda itself hands over.
const MOST_BYTES: usize = 6 << 20;

/// The longest word of the sender that gets into a log.
const MOST_LOGGED: usize = 40;

struct Hook<D, Q> {
    hub: Hub<D, Q>,
    callers: Callers,
}

/// The routes. The one without a key is for numbers that were set up for the adapter before this
/// program.
pub fn router<D: Db, Q: Queue>(hub: Hub<D, Q>) -> Router {
    let hook = Arc::new(Hook {
        hub,
        callers: Callers::default(),
    });
    let routes = Router::new()
        .route("/webhooks/green-api/{key}", post(with_key::<D, Q>))
        .route("/webhooks/green-api", post(without_key::<D, Q>))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(hook);
    http::with_security_headers(routes)
}

/// Why a notification is not taken.
enum Refused {
    /// The sender is not who they say, or says nothing. The reason is for the log alone.
    Unauthorized(&'static str),
    /// The sender's number was removed lately. GREEN-API is told that all is well, so that it does
    /// not send the same for a day; nothing is done with it.
    Gone,
    /// The body could not be read: too large, or broken off.
    Body(BytesRejection),
    /// The tables do not answer; GREEN-API sends it again.
    Db(DbError),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Refused::Db(error)
    }
}

/// What is logged of a notification that was taken.
struct Taken {
    number: Arc<NumberRow>,
    type_webhook: String,
    outcome: &'static str,
}

async fn with_key<D: Db, Q: Queue>(
    State(hook): State<Arc<Hook<D, Q>>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let started_ms = hook.hub.clock.now_ms();
    let taken = async {
        let known = Known::Address(sha256_hex(&key));
        let number = authenticated(&hook, &known, &headers).await?;
        let body = body.map_err(Refused::Body)?;
        let parsed = wire::envelope(&body);
        let told = parsed.as_ref().ok().and_then(|n| n.id_instance);
        if told.is_some_and(|told| told != number.id_instance.0) {
            tracing::error!(number = %number.number, told, "a notification of another instance");
            return Err(Refused::Unauthorized("another instance's body"));
        }
        take(&hook, number, &body, parsed).await
    };
    answer(&hook.hub.clock, started_ms, taken.await)
}

async fn without_key<D: Db, Q: Queue>(
    State(hook): State<Arc<Hook<D, Q>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let started_ms = hook.hub.clock.now_ms();
    let taken = async {
        let body = body.map_err(Refused::Body)?;
        let parsed = wire::envelope(&body);
        let Some(told) = parsed.as_ref().ok().and_then(|n| n.id_instance) else {
            return Err(Refused::Unauthorized("no instance"));
        };
        let known = Known::Instance(IdInstance(told));
        let number = authenticated(&hook, &known, &headers).await?;
        take(&hook, number, &body, parsed).await
    };
    answer(&hook.hub.clock, started_ms, taken.await)
}

/// The number that the sender has proved to be.
async fn authenticated<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    known: &Known,
    headers: &HeaderMap,
) -> Result<Arc<NumberRow>, Refused> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty())
        .ok_or(Refused::Unauthorized("no bearer token"))?;
    let (db, clock) = (&hook.hub.db, &hook.hub.clock);
    match hook.callers.authenticate(db, clock, known, bearer).await? {
        Some(number) => Ok(number),
        None if known.is_gone(db, clock, bearer).await? => Err(Refused::Gone),
        None => Err(Refused::Unauthorized("unknown address or wrong token")),
    }
}

async fn take<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    number: Arc<NumberRow>,
    body: &[u8],
    parsed: Result<Notification, NotJson>,
) -> Result<Taken, Refused> {
    let type_webhook = parsed
        .as_ref()
        .map(|n| n.type_webhook.chars().take(MOST_LOGGED).collect())
        .unwrap_or_default();
    let outcome = notification::take(&hook.hub, &number, body, parsed.as_ref().ok()).await?;
    Ok(Taken {
        number,
        type_webhook,
        outcome: outcome.as_str(),
    })
}

/// One line for each notification, without anything of its content.
fn answer(clock: &Clock, started_ms: i64, taken: Result<Taken, Refused>) -> Response {
    let ms = clock.now_ms() - started_ms;
    match taken {
        Ok(taken) => {
            let (number, kind) = (&taken.number.number, taken.type_webhook);
            tracing::info!(%number, kind, outcome = taken.outcome, ms, "notification");
            StatusCode::OK.into_response()
        }
        Err(Refused::Unauthorized(why)) => {
            tracing::warn!(outcome = why, ms, "notification refused");
            StatusCode::UNAUTHORIZED.into_response()
        }
        Err(Refused::Gone) => {
            tracing::info!(outcome = "the number was removed", ms, "notification");
            StatusCode::OK.into_response()
        }
        Err(Refused::Body(rejection)) => {
            tracing::warn!(outcome = %rejection.body_text(), ms, "notification refused");
            rejection.status().into_response()
        }
        Err(Refused::Db(error)) => {
            tracing::error!(%error, ms, "notification not kept; it will be sent again");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
