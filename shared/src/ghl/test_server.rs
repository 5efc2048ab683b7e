//! A local server that plays GoHighLevel for one test: it answers as told and keeps what it got.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// The path, without the query.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Answers.
    Whole {
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: String,
    },
    /// Begins an answer and cuts the connection.
    Half { status: u16 },
    /// Never answers.
    Silence,
}

pub(super) fn json(status: u16, body: Value) -> Reply {
    text(status, &body.to_string())
}

pub(super) fn text(status: u16, body: &str) -> Reply {
    Reply::Whole {
        status,
        headers: &[],
        body: body.to_owned(),
    }
}

pub(super) struct Server {
    pub(super) base: Url,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// Answers everything with `reply`.
    pub(super) async fn start(reply: Reply) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&calls);
        let app = Router::new().fallback(move |request: Request| {
            let (kept, reply) = (Arc::clone(&kept), reply.clone());
            async move {
                let call = read(request).await;
                kept.lock().unwrap().push(call);
                answer(reply).await
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, calls }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

/// A server that reads a request and hangs up.
pub(super) fn hanging_up() -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().read(&mut [0; 4096]);
        }
    });
    base
}

/// An address where nobody listens.
pub(super) fn nobody() -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

pub(super) fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let query = parts.uri.query().unwrap_or_default();
    Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn answer(reply: Reply) -> Response {
    match reply {
        Reply::Whole {
            status,
            headers,
            body,
        } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Reply::Half { status } => {
            let begin = stream::once(async { Ok(Bytes::from_static(b"{\"messageId\":")) });
            let cut = stream::once(async {
                // Without a pause the beginning would not be on its way when the cut comes.
                #[expect(clippy::disallowed_methods, reason = "a test's server in real time")]
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            Response::builder()
                .status(status)
                .body(Body::from_stream(begin.chain(cut)))
                .unwrap()
        }
        Reply::Silence => std::future::pending().await,
    }
}
