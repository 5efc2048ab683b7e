//! One attempt of one webhook, recorded.

use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    app::App,
    clock,
    record::{Delivery, Provider},
};

/// Posts `body` and records the status that came back. `None`: no answer within `timeout`.
pub(crate) async fn post(
    app: &App,
    provider: Provider,
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
    attempt: u32,
    timeout: Duration,
) -> Option<u16> {
    let answer = ask(app, provider, url, headers, body, attempt, timeout).await;
    answer.map(|(status, _)| status)
}

/// The same, with the body of the answer.
pub(crate) async fn ask(
    app: &App,
    provider: Provider,
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
    attempt: u32,
    timeout: Duration,
) -> Option<(u16, Bytes)> {
    let at_ms = clock::now_ms();
    let started = Instant::now();
    let parsed = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let signature = headers.get("x-ghl-signature");
    let signature = signature.and_then(|it| it.to_str().ok().map(str::to_owned));
    let sent = app
        .http
        .post(url)
        .headers(headers)
        .body(body)
        .timeout(timeout)
        .send()
        .await;
    let answer = match sent {
        // The answer counts once it is whole.
        Ok(response) => {
            let status = response.status().as_u16();
            response.bytes().await.ok().map(|body| (status, body))
        }
        Err(_) => None,
    };
    app.lock().log.delivery(Delivery {
        seq: 0,
        at_ms,
        provider,
        url: url.to_owned(),
        body: parsed,
        signature,
        attempt,
        status: answer.as_ref().map(|(status, _)| *status),
        ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    answer
}
