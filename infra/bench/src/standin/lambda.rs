//! Lambda's Runtime API, as a function's process meets it: it polls for an invocation, and gets one
//! when there is one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use greenhub::clock::Clock;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// How long a function may run.
const RUN: Duration = Duration::from_secs(120);

/// What a function told its Runtime API.
#[derive(Debug)]
pub(crate) enum Told {
    /// It asked for an invocation, at this time.
    Polled(Instant),
    /// It answered the last one.
    Answered(Bytes),
    /// It could not be started, or an invocation failed; in its own words.
    Failed(String),
}

struct Shared {
    told: mpsc::UnboundedSender<Told>,
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    n_given: AtomicU64,
}

/// The Runtime API of one process.
pub(crate) struct RuntimeApi {
    /// Where it is.
    pub(crate) addr: SocketAddr,
    told: mpsc::UnboundedReceiver<Told>,
    events: mpsc::UnboundedSender<Value>,
}

impl RuntimeApi {
    pub(crate) fn start() -> io::Result<Self> {
        let (told_in, told) = mpsc::unbounded_channel();
        let (events, events_out) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            told: told_in,
            events: Mutex::new(events_out),
            n_given: AtomicU64::new(0),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(answered),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(shared);
        Ok(RuntimeApi {
            addr: super::serve(routes)?,
            told,
            events,
        })
    }

    /// The next thing that the function says; `None` if it is silent for that long.
    pub(crate) async fn told(&mut self, within: Duration) -> Option<Told> {
        tokio::time::timeout(within, self.told.recv())
            .await
            .ok()
            .flatten()
    }

    /// Gives the function an event; it takes it with its next poll.
    pub(crate) fn give(&self, event: Value) {
        // A server that is gone shows in what is not told.
        let _ = self.events.send(event);
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let now = Instant::now();
    let _ = shared.told.send(Told::Polled(now));
    let event = shared.events.lock().await.recv().await;
    let n = shared.n_given.fetch_add(1, Ordering::Relaxed);
    let ends_ms = Clock::system().now_ms() + RUN.as_millis() as i64;
    let headers = [
        ("lambda-runtime-aws-request-id", format!("{n:032x}")),
        ("lambda-runtime-deadline-ms", ends_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
        ),
    ];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value));
    (headers, event.unwrap_or_default().to_string())
}

async fn answered(
    State(shared): State<Arc<Shared>>,
    Path(_): Path<String>,
    body: Bytes,
) -> StatusCode {
    let _ = shared.told.send(Told::Answered(body));
    StatusCode::ACCEPTED
}

async fn failed(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let words = String::from_utf8_lossy(&body).into_owned();
    let _ = shared.told.send(Told::Failed(words));
    StatusCode::ACCEPTED
}

#[cfg(test)]
mod tests {
    use greenhub::http;
    use serde_json::json;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_poll_is_told_at_once_and_answered_when_there_is_an_event() {
        let mut api = RuntimeApi::start().unwrap();
        let base = format!("http://{}/2018-06-01/runtime", api.addr);
        let client = http::client(SOON).unwrap();
        let url = format!("{base}/invocation/next");
        let poll = tokio::spawn(client.get(url).send());
        assert!(matches!(api.told(SOON).await, Some(Told::Polled(_))));
        assert!(api.told(Duration::from_millis(50)).await.is_none());
        assert!(!poll.is_finished(), "answered without an event");

        api.give(json!({ "n": 1 }));
        let given = poll.await.unwrap().unwrap();
        let id = given.headers()["lambda-runtime-aws-request-id"].clone();
        let ends_ms: i64 = given.headers()["lambda-runtime-deadline-ms"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(ends_ms > Clock::system().now_ms());
        assert_eq!(given.text().await.unwrap(), r#"{"n":1}"#);

        let tell = async |path: &str| {
            let sent = client.post(format!("{base}/{path}")).body("words").send();
            assert_eq!(sent.await.unwrap().status(), 202, "{path}");
        };
        let id = id.to_str().unwrap();
        tell(&format!("invocation/{id}/response")).await;
        assert!(matches!(api.told(SOON).await, Some(Told::Answered(body)) if body == "words"));
        for path in [&*format!("invocation/{id}/error"), "init/error"] {
            tell(path).await;
            assert!(matches!(api.told(SOON).await, Some(Told::Failed(words)) if words == "words"));
        }
    }
}
