//! Refusals that programs and people can read: RFC 9457 problem details.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A refusal. Callers go by `code`, which never changes; `title` and `detail` are for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status once more, for those who only see the body.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    pub status: StatusCode,
    /// `urn:greenhub:problem:` and the code.
    #[serde(rename = "type")]
    uri: String,
    /// Which problem, in snake case.
    pub code: &'static str,
    /// The problem in a few words, the same for every occurrence.
    pub title: &'static str,
    /// What is special about this occurrence. Never a secret, and nothing of another tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What programs need to go on; which members there are depends on the code.
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
}

/// The member that says when to come again, seconds from now; the header `Retry-After` says the
/// same.
const RETRY_AFTER: &str = "retryAfter";

impl Problem {
    /// A problem without details.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Problem {
            status,
            uri: format!("urn:greenhub:problem:{code}"),
            code,
            title,
            detail: None,
            members: BTreeMap::new(),
        }
    }

    /// Come again, nothing is wrong with the request: the tables or a provider do not answer now.
    pub fn try_again() -> Self {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "try_again",
            "Try again in a moment",
        )
    }

    /// The same with what is special about it.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same with a member of its own.
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name, value.into());
        self
    }

    /// The same with when to come again, in seconds.
    pub fn with_retry_after(self, seconds: u32) -> Self {
        self.with_member(RETRY_AFTER, seconds)
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/problem+json");
        let retry_after = self.members.get(RETRY_AFTER).and_then(Value::as_u64);
        let mut response = (self.status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
