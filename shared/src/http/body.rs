//! JSON bodies whose refusals are problems, too.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::Problem;

/// The longest body, in bytes: what is larger goes into the bucket.
pub const MAX_BODY: usize = 64 * 1024;

/// A body of JSON, whatever its content type says.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        // The error's own words can quote the body, and with it a token.
        serde_json::from_slice(&bytes)
            .map(Body)
            .map_err(|error| bad_body(error.line(), error.column()))
    }
}

fn unread(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body has more than 64 kB",
        );
    }
    bad_body(0, 0)
}

fn bad_body(line: usize, column: usize) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_body",
        "The body is not the JSON that this address takes",
    )
    .with_detail(format!("line {line}, column {column}"))
}
