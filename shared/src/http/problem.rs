//! Refusals that programs and people can read: RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
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
}

impl Problem {
    /// A problem without details.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Problem {
            status,
            uri: format!("urn:greenhub:problem:{code}"),
            code,
            title,
            detail: None,
        }
    }

    /// The same with what is special about it.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, axum::Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
