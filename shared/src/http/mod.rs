//! What every call to a provider and every answer of ours have in common.

pub mod address;
mod body;
mod lang;
pub mod openapi;
mod problem;
pub mod problems;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};

pub use body::{Body, MAX_BODY};
pub use lang::lang;
pub use problem::Problem;

/// A connection that is not there by then will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The one kind of client for calls to others: TLS by rustls, no redirect (it could lead a token or
/// a request from inside to somewhere else), no proxy from the environment.
///
/// `request_timeout` is for the whole call, the body included.
///
/// # Errors
/// The TLS library found nothing to trust.
pub fn client(request_timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder(request_timeout).build()
}

/// The same, for those who have more to ask of it.
pub(crate) fn builder(request_timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("greenhub/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(request_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

/// A body did not come as it should.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than we take; the rest was not read.
    #[error("the body has more than {most_bytes} bytes")]
    TooLarge {
        /// The limit.
        most_bytes: usize,
    },
    /// It ended early or too late.
    #[error("the body broke off")]
    Broken(#[source] reqwest::Error),
}

/// The whole body of an answer, which may not have more than `most_bytes`.
///
/// # Errors
/// [`BodyError`]; it never names the address, which may hold a token.
pub async fn read_capped(
    mut response: reqwest::Response,
    most_bytes: usize,
) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { most_bytes };
    // The length that was announced saves the reading, but is no more than a promise.
    if response
        .content_length()
        .is_some_and(|n| (most_bytes as u64) < n)
    {
        return Err(too_large);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| BodyError::Broken(error.without_url()))?
    {
        if most_bytes - body.len() < chunk.len() {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Headers that every answer has. One that a route set itself stays.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=63072000"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What every router of an API ends with: no body above [`MAX_BODY`], problems for what is not there,
/// and the security headers.
pub fn finished<S: Clone + Send + Sync + 'static>(routes: Router<S>, state: S) -> Router {
    let routes = routes
        .fallback(async || problems::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This address does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state);
    with_security_headers(routes)
}

/// Adds the security headers to every answer of the routes, and to those of the fallback.
pub fn with_security_headers(router: Router) -> Router {
    router.layer(axum::middleware::map_response(
        async |mut response: Response| {
            let headers = response.headers_mut();
            for (name, value) in SECURITY_HEADERS {
                headers.entry(name).or_insert(value);
            }
            response
        },
    ))
}

#[cfg(test)]
mod tests;
