//! The record of every call to a provider and of every webhook that was sent.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::App,
    clock,
    faults::{DropConnection, Fault, dropped},
    server::MAX_BODY,
    telegram,
};

/// Whose interface a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Provider {
    GreenApi,
    Ghl,
    Telegram,
}

impl Provider {
    fn of(path: &str) -> Self {
        const GHL: [&str; 5] = [
            "/oauth/",
            "/contacts/",
            "/conversations/",
            "/locations/",
            "/users/",
        ];
        if telegram::is_path(path) {
            return Self::Telegram;
        }
        let path = path.strip_prefix("/v2").unwrap_or(path);
        if GHL.iter().any(|p| path.starts_with(p)) {
            Self::Ghl
        } else {
            Self::GreenApi
        }
    }
}

/// One call that was received.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) seq: u64,
    /// When it arrived.
    pub(crate) at_ms: i64,
    pub(crate) provider: Provider,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded; of a repeated name the last.
    pub(crate) query: Map<String, Value>,
    /// Names in lower case.
    pub(crate) headers: Map<String, Value>,
    /// Parsed if it is JSON, else text (the first 64 KiB), `null` if empty.
    pub(crate) body: Value,
    /// `null` while it is being answered, and when the connection was dropped.
    pub(crate) status: Option<u16>,
}

/// One webhook that was sent.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delivery {
    pub(crate) seq: u64,
    pub(crate) at_ms: i64,
    pub(crate) provider: Provider,
    pub(crate) url: String,
    pub(crate) body: Value,
    /// `X-GHL-Signature`, if it was signed.
    pub(crate) signature: Option<String>,
    /// From 1.
    pub(crate) attempt: u32,
    /// `null` when there was no answer.
    pub(crate) status: Option<u16>,
    /// How long the answer took.
    pub(crate) ms: u64,
}

/// Calls and deliveries since the last reset, the newest 100 000 of each.
#[derive(Debug, Default)]
pub(crate) struct Log {
    next: u64,
    pub(crate) calls: std::collections::VecDeque<Call>,
    pub(crate) deliveries: std::collections::VecDeque<Delivery>,
}

const KEPT: usize = 100_000;

impl Log {
    fn seq(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn call(&mut self, mut call: Call) -> u64 {
        call.seq = self.seq();
        let seq = call.seq;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
        seq
    }

    /// Adds a delivery; its `seq` is set here.
    pub(crate) fn delivery(&mut self, mut delivery: Delivery) {
        delivery.seq = self.seq();
        if self.deliveries.len() == KEPT {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back(delivery);
    }
}

/// Records a call, applies the fault that waits for it, and answers.
pub(crate) async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path().to_owned();
    let provider = Provider::of(&path);
    let call = Call {
        seq: 0,
        at_ms: clock::now_ms(),
        provider,
        method: parts.method.to_string(),
        query: query(parts.uri.query()),
        headers: headers(&parts.headers),
        body: readable(&body),
        status: None,
        path: path.clone(),
    };
    let (seq, fault) = {
        let mut state = app.lock();
        let with_query = parts
            .uri
            .path_and_query()
            .map_or(path.as_str(), |p| p.as_str());
        (
            state.log.call(call),
            Fault::take(&mut state.faults, provider, with_query),
        )
    };
    // A task of its own: a provider does what it was asked although its caller has hung up.
    let answered = tokio::spawn(async move {
        if let Some(ms) = fault.as_ref().and_then(|f| f.delay_ms) {
            clock::sleep(std::time::Duration::from_millis(ms)).await;
        }
        let response = match fault.as_ref().and_then(Fault::answer) {
            Some(response) => response,
            None => {
                let real = next.run(Request::from_parts(parts, Body::from(body))).await;
                if fault.is_some_and(|f| f.apply_then_drop) {
                    dropped()
                } else {
                    real
                }
            }
        };
        let was_dropped = response.extensions().get::<DropConnection>().is_some();
        if !was_dropped && let Some(call) = find(&mut app.lock().log, seq) {
            call.status = Some(response.status().as_u16());
        }
        response
    });
    match answered.await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a call broke the sandbox");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn find(log: &mut Log, seq: u64) -> Option<&mut Call> {
    let at = log.calls.binary_search_by_key(&seq, |c| c.seq).ok()?;
    log.calls.get_mut(at)
}

/// A query string as an object of texts.
pub(crate) fn query(query: Option<&str>) -> Map<String, Value> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(k, v)| (k.into_owned(), v.into_owned().into()))
        .collect()
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .iter()
        .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into()))
        .collect()
}

fn readable(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&body[..body.len().min(64 << 10)]).into())
}
