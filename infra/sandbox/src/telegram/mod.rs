//! Telegram's bot API: `/bot{token}/{method}` and `/file/bot{token}/{path}`.
//!
//! One bot, channels, groups with and without topics, and people who write to it.

mod calls;
mod entities;
mod files;
mod limits;
pub(crate) mod model;
pub(crate) mod params;
pub(crate) mod people;
mod reactions;
mod seeds;
mod send;
pub(crate) mod updates;

use std::sync::Arc;

use axum::{
    Json,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{app::App, server};
use params::Params;

pub(crate) use limits::Usage;
pub(crate) use seeds::BOT_TOKEN;

/// A refusal: the code and the words after it (Telegram contract, limits and errors).
#[derive(Debug)]
pub(crate) struct Refused {
    code: u16,
    description: String,
    parameters: Value,
}

impl Refused {
    fn new(code: u16, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            parameters: Value::Null,
        }
    }

    pub(crate) fn bad(what: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    fn too_many(retry_after_s: u64) -> Self {
        Self {
            parameters: json!({ "retry_after": retry_after_s }),
            ..Self::new(
                429,
                format!("Too Many Requests: retry after {retry_after_s}"),
            )
        }
    }

    fn response(self) -> Response {
        let mut body = json!({
            "ok": false, "error_code": self.code, "description": self.description,
        });
        if !self.parameters.is_null() {
            body["parameters"] = self.parameters;
        }
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(body)).into_response()
    }
}

pub(crate) type Answer = Result<Value, Refused>;

/// Whether a path is Telegram's.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/bot") || path.starts_with("/file/bot")
}

/// Everything under Telegram's paths.
pub(crate) async fn handle(app: Arc<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The one sign of an address that some libraries encode.
    let path = parts.uri.path().replace("%3A", ":").replace("%3a", ":");
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return match rest.split_once('/') {
            Some((token, path)) if token == BOT_TOKEN => files::download(&app, path),
            _ => Refused::new(404, "Not Found").response(),
        };
    }
    let rest = path.strip_prefix("/bot").unwrap_or_default();
    let (token, method) = rest.split_once('/').unwrap_or((rest, ""));
    if token != BOT_TOKEN {
        let known = token.contains(':');
        let (code, words) = if known {
            (401, "Unauthorized")
        } else {
            (404, "Not Found")
        };
        return Refused::new(code, words).response();
    }
    let body = to_bytes(body, server::MAX_BODY).await.unwrap_or_default();
    // A bot uploads 50 MB at most (Telegram contract, limits).
    if body.len() > 52 * 1000 * 1000 {
        return Refused::new(413, "Request Entity Too Large").response();
    }
    let params = Params::read(&parts, body).await;
    match calls::call(&app, &method.to_lowercase(), &params) {
        Ok(result) => Json(json!({ "ok": true, "result": result })).into_response(),
        Err(refused) => refused.response(),
    }
}

/// The fallback of all that no other route took: Telegram's addresses, then GREEN-API's.
pub(crate) async fn or_green(State(app): State<Arc<App>>, request: Request) -> Response {
    if is_path(request.uri().path()) {
        return handle(app, request).await;
    }
    crate::green_api::handle(State(app), request).await
}
