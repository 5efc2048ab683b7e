//! Calls to GoHighLevel's API with a location's access token, or an agency's.
//!
//! This file knows what all calls have in common; [`contacts`](super::contacts),
//! [`messages`](super::messages), [`locations`](super::locations) and [`oauth`](super::oauth) hold
//! the calls themselves.
//! Nothing is retried here: whoever calls knows what a second try could do twice.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::budget::{RateBudget, retry_after};
use super::error::{Endpoint, GhlError, classify};
use crate::limiter::spread::Spread;

/// Where GoHighLevel is, for white-label customers too.
pub const BASE: &str = "https://services.leadconnectorhq.com";

/// How long a call may take. GoHighLevel's slowest calls need a few seconds.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The spread of the latency until it has been measured, seconds.
const ASSUMED_J_S: f64 = 0.2;

/// The largest answer that is read: a page of 100 messages of the longest kind.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// GoHighLevel's API.
#[derive(Clone, Debug)]
pub struct Ghl {
    http: Client,
    base: Url,
    timeout: Duration,
    spread: Spread,
}

/// What a call brought, and what it left of the location's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The limits that came with it.
    pub budget: RateBudget,
}

impl<T> Answer<T> {
    /// The same limits with another value.
    pub(super) fn map<U>(self, value: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: value(self.value),
            budget: self.budget,
        }
    }

    /// The same limits with another value, if there is one.
    pub(super) fn try_map<U>(
        self,
        value: impl FnOnce(T) -> Result<U, GhlError>,
    ) -> Result<Answer<U>, GhlError> {
        Ok(Answer {
            value: value(self.value)?,
            budget: self.budget,
        })
    }
}

/// The parts of the API; each is pinned to a version in one place, [`Api::version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Contacts,
    Conversations,
    Locations,
    /// What locations say in the newest version alone.
    Channels,
    OAuth,
}

impl Api {
    /// The value of the `Version` header. It chooses the route: with another one, a path may not
    /// exist (GHL contract, hosts and versions).
    fn version(self) -> &'static str {
        match self {
            Api::Conversations => "2021-04-15",
            Api::Channels => "v3",
            Api::Contacts | Api::Locations | Api::OAuth => "2021-07-28",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Api::Contacts => "contacts",
            Api::Conversations => "conversations",
            Api::Locations | Api::Channels => "locations",
            Api::OAuth => "oauth",
        }
    }
}

impl Ghl {
    /// A client for the API at `base` ([`BASE`], or the sandbox). `http` must not follow redirects:
    /// a token must never go where an answer points.
    pub fn new(http: Client, base: Url) -> Self {
        Self {
            http,
            base,
            timeout: TIMEOUT,
            spread: Spread::new("ghl", ASSUMED_J_S),
        }
    }

    /// The spread of the latency, from all calls to the API.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }

    /// The same with another limit for the time of one call (15 seconds by default).
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The one way to GoHighLevel. `path` follows the API's own name, segment by segment; `change`
    /// adds a query or a body.
    ///
    /// The value is `None` if the body of a success is empty.
    pub(super) async fn call(
        &self,
        api: Api,
        method: Method,
        path: &[&str],
        token: &SecretString,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer<Option<Value>>, GhlError> {
        let url = endpoint(&self.base, [api.path()].iter().chain(path));
        let request = self
            .http
            .request(method, url)
            .timeout(self.timeout)
            .header(AUTHORIZATION, bearer(token)?)
            .header("Version", api.version());
        let began = Instant::now();
        let answer = send(change(request), Endpoint::Api).await;
        // A call that never arrived took no time that counts.
        if !matches!(answer, Err(GhlError::NotSent | GhlError::Ambiguous)) {
            self.spread.note(began.elapsed());
        }
        answer
    }
}

/// Sends a request and reads its answer: the same for the API and for the token endpoint.
pub(super) async fn send(
    request: RequestBuilder,
    endpoint: Endpoint,
) -> Result<Answer<Option<Value>>, GhlError> {
    let request = request.header(ACCEPT, "application/json");
    let mut response = request.send().await.map_err(lost)?;
    let status = response.status();
    let budget = RateBudget::read(response.headers());
    let retry_after = retry_after(response.headers());

    let mut body = BytesMut::new();
    let read = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                break Err(GhlError::Unreadable {
                    status: status.as_u16(),
                });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break Ok(()),
            Err(error) => break Err(lost(error)),
        }
    };
    if !status.is_success() {
        // The status tells enough if the reason did not come through.
        return Err(classify(endpoint, status, retry_after, &budget, &body));
    }
    read?;
    Ok(Answer {
        value: json(status, body.freeze())?,
        budget,
    })
}

fn json(status: StatusCode, body: Bytes) -> Result<Option<Value>, GhlError> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(&body) {
        Ok(value @ Value::Object(_)) => Ok(Some(value)),
        _ => Err(GhlError::Unreadable {
            status: status.as_u16(),
        }),
    }
}

/// `base` with a path, whose segments are encoded so that none of them can become two.
pub(crate) fn endpoint<'a>(base: &Url, path: impl IntoIterator<Item = &'a &'a str>) -> Url {
    let mut url = base.clone();
    // An address without a path (`mailto:`) stays as it is; sending to it fails.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// What became of a request without an answer. The address is taken out of the logged error: it
/// can hold a phone.
fn lost(error: reqwest::Error) -> GhlError {
    let not_sent = error.is_connect() || error.is_builder();
    tracing::warn!(error = ?error.without_url(), not_sent, "no answer from GoHighLevel");
    if not_sent {
        GhlError::NotSent
    } else {
        GhlError::Ambiguous
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, GhlError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| GhlError::NotSent)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
