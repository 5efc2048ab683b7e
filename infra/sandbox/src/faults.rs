//! Faults that tests ask for: `PUT /_sandbox/faults`.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::Provider;

/// One fault: the next `times` calls to `provider` whose path contains `path_contains` suffer it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) provider: Provider,
    pub(crate) path_contains: String,
    pub(crate) times: u32,
    /// Answer this instead of the real answer. The call has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Wait before anything else; real milliseconds, not scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Close the connection without an effect and without an answer.
    #[serde(default)]
    pub(crate) drop: bool,
    /// Do what was asked, then close the connection without an answer.
    #[serde(default)]
    pub(crate) apply_then_drop: bool,
}

/// On a response: close the connection instead of sending it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropConnection;

impl Fault {
    /// The first fault that fits, used up by one.
    pub(crate) fn take(faults: &mut Vec<Self>, provider: Provider, path: &str) -> Option<Self> {
        let fits = |f: &Self| f.provider == provider && path.contains(&f.path_contains);
        let at = faults.iter().position(|f| f.times > 0 && fits(f))?;
        faults[at].times -= 1;
        let fault = faults[at].clone();
        faults.retain(|f| f.times > 0);
        Some(fault)
    }

    /// The answer that replaces the real one, if this fault has one.
    pub(crate) fn answer(&self) -> Option<Response> {
        if self.drop {
            return Some(dropped());
        }
        let status = match self.status {
            Some(status) => StatusCode::from_u16(status).ok()?,
            None if self.body.is_some() => StatusCode::OK,
            None => return None,
        };
        Some(match &self.body {
            None => status.into_response(),
            // A text is sent as it stands: gateways answer HTML.
            Some(Value::String(text)) => {
                (status, [(header::CONTENT_TYPE, "text/html")], text.clone()).into_response()
            }
            Some(body) => (status, Json(body)).into_response(),
        })
    }
}

pub(crate) fn dropped() -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(DropConnection);
    response
}
