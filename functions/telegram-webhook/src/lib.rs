//! Telegram's updates: that they are Telegram's, and that what is in them is kept.
//!
//! Telegram repeats an update that was not answered 2xx for a day. So what was written down is answered
//! 200, whatever it is, and a failure of ours 500. An update that comes again is known by its number,
//! and whatever it holds is the same thing a second time.

mod told;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use greenhub::config::TelegramApi;
use greenhub::crypto::constant_time_eq;
use greenhub::pipeline::Hub;
use greenhub::queue::Queue;
use greenhub::secrets::Secrets;
use greenhub::store::db::{Db, DbError};
use greenhub::store::telegram::UpdateRow;
use greenhub::store::{keys, row};
use greenhub::telegram::update::update;
use greenhub::{http, json, wiring};
use secrecy::ExposeSecret as _;

use told::Bot;

/// The largest body that is taken; Telegram's are a tenth of it.
const MOST_BYTES: usize = 1 << 20;

/// How long an update is known again, seconds: Telegram repeats them for a day.
const KNOWN_S: i64 = 2 * 24 * 3600;

/// What proves that an update is Telegram's.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// What the webhook needs.
#[derive(Debug)]
pub struct Hook<D, Q> {
    /// Tables, queues, time.
    pub hub: Hub<D, Q>,
    /// The bot's token, and what proves that an update is Telegram's.
    pub secrets: Secrets,
    /// Where Telegram is.
    pub api: TelegramApi,
    /// For what the bot says at once.
    pub http: reqwest::Client,
}

/// The route.
pub fn router<D: Db, Q: Queue>(hook: Hook<D, Q>) -> Router {
    let routes = Router::new()
        .route("/webhooks/telegram", post(take::<D, Q>))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Arc::new(hook));
    http::with_security_headers(routes)
}

/// Why an update is not taken.
enum Refused {
    /// It is not Telegram's, or nobody told us how to know. The reason is for the log alone.
    Unauthorized(&'static str),
    /// The body could not be read: too large, or broken off.
    Body(BytesRejection),
    /// Telegram sends it again.
    Ours(String),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Refused::Ours(error.to_string())
    }
}

async fn take<D: Db, Q: Queue>(
    State(hook): State<Arc<Hook<D, Q>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let started_ms = hook.hub.clock.now_ms();
    let taken = taken(&hook, &headers, body).await;
    let ms = hook.hub.clock.now_ms() - started_ms;
    match taken {
        Ok(outcome) => {
            tracing::info!(outcome, ms, "update");
            StatusCode::OK.into_response()
        }
        Err(Refused::Unauthorized(why)) => {
            tracing::warn!(outcome = why, ms, "update refused");
            StatusCode::UNAUTHORIZED.into_response()
        }
        Err(Refused::Body(rejection)) => {
            tracing::warn!(outcome = %rejection.body_text(), ms, "update refused");
            rejection.status().into_response()
        }
        Err(Refused::Ours(error)) => {
            tracing::error!(error, ms, "update not kept; it will be sent again");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn taken<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<&'static str, Refused> {
    let secret = hook.secrets.get().await;
    let secret = secret.map_err(|error| Refused::Ours(error.to_string()))?;
    let Some(expected) = &secret.telegram_webhook_secret else {
        return Err(Refused::Unauthorized(
            "the app's secret has no webhook secret",
        ));
    };
    let shown = headers.get(SECRET_HEADER).map(|shown| shown.as_bytes());
    let expected = expected.expose_secret().as_bytes();
    if !constant_time_eq(shown.unwrap_or_default(), expected) {
        return Err(Refused::Unauthorized("not Telegram's secret"));
    }
    let Some(client) = wiring::telegram(hook.http.clone(), &hook.api, &secret) else {
        return Err(Refused::Unauthorized("the app's secret has no bot token"));
    };
    let body = body.map_err(Refused::Body)?;
    let Ok(json) = json::parse(&body) else {
        return Ok("not JSON");
    };
    let Some(update) = update(&json) else {
        return Ok("no update");
    };
    let db = &hook.hub.db;
    let key = keys::telegram_update(client.bot(), update.id);
    if row::load::<UpdateRow>(db, &key).await?.is_some() {
        return Ok("known");
    }
    let bot = Bot {
        hub: &hook.hub,
        client,
    };
    let outcome = bot.told(update.told).await?;
    let mut done = UpdateRow {
        rev: 0,
        expires_at: hook.hub.clock.now_ms() / 1000 + KNOWN_S,
    };
    match db.write(vec![row::save(key, &mut done)?]).await {
        // Somebody else has just done the same.
        Ok(()) | Err(DbError::Condition { .. } | DbError::Conflict) => Ok(outcome),
        Err(error) => Err(error.into()),
    }
}
