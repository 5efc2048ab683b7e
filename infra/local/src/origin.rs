//! The one origin in front of everything, in the place that CloudFront has on AWS: `/api`,
//! `/webhooks`, `/oauth` and `/f` go to the HTTP API byte for byte, `/ws` to the API of the sockets,
//! the rest is the site.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{self, Body},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::error::Error;
use site::Site;

pub(crate) mod site;
mod sockets;

/// API Gateway takes no larger body.
const MAX_BODY: usize = 10 << 20;
/// API Gateway waits no longer for a function.
const TIMEOUT: Duration = Duration::from_secs(30);
/// As the distribution's behaviours in template.yaml.
const TO_THE_API: [&str; 4] = ["/api", "/webhooks", "/oauth", "/f"];
/// About one connection and not about the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What the origin learns while the system starts.
#[derive(Debug)]
struct Upstream {
    client: reqwest::Client,
    /// The HTTP API's address; the paths are appended to it.
    api: OnceLock<String>,
    /// The address at which sockets are opened.
    sockets: OnceLock<String>,
    sandbox: OnceLock<String>,
    site: OnceLock<Site>,
    health: OnceLock<String>,
    ready: AtomicBool,
}

/// A listening origin.
#[derive(Debug)]
pub(crate) struct Origin {
    upstream: Arc<Upstream>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Origin {
    /// Listens; everything is 503 until the upstream is known.
    pub(crate) async fn start(port: u16, client: reqwest::Client) -> Result<Self, Error> {
        let taken = |_| Error::PortTaken {
            port,
            what: "the origin",
            variable: "PORT",
        };
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(taken)?;
        let upstream = Arc::new(Upstream {
            client,
            api: OnceLock::new(),
            sockets: OnceLock::new(),
            sandbox: OnceLock::new(),
            site: OnceLock::new(),
            health: OnceLock::new(),
            ready: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/healthz", get(healthz))
            .fallback(route)
            .with_state(upstream.clone());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let server = axum::serve(listener, router).with_graceful_shutdown(async {
                // Sent, or its owner is gone: both mean stop.
                let _ = stopped.await;
            });
            if let Err(error) = server.await {
                tracing::error!(%error, "the origin ended");
            }
        });
        Ok(Self {
            upstream,
            stop,
            task,
        })
    }

    /// From now on calls are passed on to `{emulator}`'s API `{api_id}`, sockets to its API
    /// `{socket_api_id}`, and the built site in the folder `files` is there.
    pub(crate) fn connect(
        &self,
        emulator: &str,
        (api_id, socket_api_id): (&str, &str),
        sandbox: String,
        files: &Path,
    ) {
        let upstream = &self.upstream;
        upstream
            .api
            .get_or_init(|| format!("{emulator}/_aws/execute-api/{api_id}/$default"));
        upstream
            .sockets
            .get_or_init(|| format!("{emulator}/_aws/execute-api/{socket_api_id}/ws"));
        upstream
            .health
            .get_or_init(|| format!("{emulator}/_ministack/ready"));
        upstream.site.get_or_init(|| Site::new(files, &sandbox));
        upstream.sandbox.get_or_init(|| sandbox);
    }

    /// From now on `/healthz` is 200 as long as the emulator lives.
    pub(crate) fn ready(&self) {
        self.upstream.ready.store(true, Ordering::Release);
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let abort = self.task.abort_handle();
        if tokio::time::timeout(Duration::from_secs(2), self.task)
            .await
            .is_err()
        {
            abort.abort();
        }
    }
}

async fn healthz(State(upstream): State<Arc<Upstream>>) -> Response {
    let alive = match upstream.health.get() {
        Some(url) if upstream.ready.load(Ordering::Acquire) => {
            let call = upstream
                .client
                .get(url)
                .timeout(Duration::from_secs(2))
                .send()
                .await;
            call.is_ok_and(|answer| answer.status().is_success())
        }
        _ => false,
    };
    if alive {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

async fn route(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let path = request.uri().path();
    if TO_THE_API.iter().any(|prefix| is_under(path, prefix)) {
        return match upstream.api.get() {
            Some(api) => forward(&upstream.client, api, request).await,
            None => starting(),
        };
    }
    if path == "/ws" {
        return match upstream.sockets.get() {
            Some(api) => sockets::forward(&upstream.client, api, request).await,
            None => starting(),
        };
    }
    if path == "/" {
        return Html(page(upstream.sandbox.get().map(String::as_str))).into_response();
    }
    match upstream.site.get() {
        Some(site) => site.serve(request).await,
        None => starting(),
    }
}

fn starting() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, "2")],
        "the system is starting\n",
    )
        .into_response()
}

/// Whether `path` is `prefix` or below it, and not merely begins with the same letters.
fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn forward(client: &reqwest::Client, api: &str, request: Request) -> Response {
    let (head, incoming) = request.into_parts();
    let Ok(bytes) = body::to_bytes(incoming, MAX_BODY).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n").into_response();
    };
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = end_to_end(&head.headers);
    if let Some(host) = headers.remove(header::HOST) {
        headers.insert(HeaderName::from_static("x-forwarded-host"), host);
    }
    headers.insert(
        HeaderName::from_static("x-forwarded-proto"),
        HeaderValue::from_static("http"),
    );
    let call = client
        .request(head.method, format!("{api}{target}"))
        .headers(headers)
        .body(bytes)
        .timeout(TIMEOUT);
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) => return unreachable(&error),
    };
    let (status, headers) = (answer.status(), end_to_end(answer.headers()));
    match answer.bytes().await {
        Ok(bytes) => (status, headers, Body::from(bytes)).into_response(),
        Err(error) => unreachable(&error),
    }
}

fn unreachable(error: &reqwest::Error) -> Response {
    // Without the address: it may hold a webhook's key.
    tracing::warn!(timeout = error.is_timeout(), "the HTTP API does not answer");
    let status = if error.is_timeout() {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        StatusCode::BAD_GATEWAY
    };
    (status, "the HTTP API does not answer\n").into_response()
}

/// The headers that belong to the message. The length is set anew by whoever sends the body.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in HOP_BY_HOP {
        kept.remove(name);
    }
    kept.remove(header::CONTENT_LENGTH);
    kept
}

fn page(sandbox: Option<&str>) -> String {
    let body = match sandbox {
        Some(url) => format!(
            "<p><a href=\"{url}\">The sandbox</a>: the customer's phone and the GoHighLevel \
             conversation, to write in and to watch.</p>\
             <p><a href=\"{url}/custom-page\">The page in the CRM</a>, where numbers are managed.</p>\
             <p><a href=\"/api/openapi.json\">The API</a> as an OpenAPI document.</p>"
        ),
        None => "<p>The system is starting.</p>".to_owned(),
    };
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Greenhub</title>\
         <body style=\"font: 1rem/1.5 system-ui; margin: 3rem auto; max-width: 40rem; padding: 0 1rem\">\
         <h1>Greenhub</h1>{body}</body></html>"
    )
}

#[cfg(test)]
mod socket_tests;
#[cfg(test)]
mod tests;
