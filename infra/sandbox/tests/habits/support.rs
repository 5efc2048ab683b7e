//! A sandbox, an app that takes its webhooks, and calls to both providers.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use greenhub_sandbox::{Sandbox, SandboxConfig, start};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) const I1: u64 = 1_101_000_001;
pub(crate) const TOKEN1: &str = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";
pub(crate) const L1: &str = "Lo1sandboxAcmePlumb1";
pub(crate) const L2: &str = "Lo2sandboxBetaDental";
pub(crate) const COMPANY: &str = "Co9sandboxAgency0001";
pub(crate) const CUSTOMER: &str = "79005550001@c.us";

/// One webhook that the app got.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) json: Value,
    pub(crate) at: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    hooks: Mutex<Vec<Hook>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Inbox {
    /// The next webhooks are answered so, all later ones with 200.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub(crate) fn all(&self) -> Vec<Hook> {
        self.hooks.lock().unwrap().clone()
    }

    pub(crate) fn of_type(&self, kind: &str) -> Vec<Value> {
        self.all()
            .into_iter()
            .map(|h| h.json)
            .filter(|j| j["typeWebhook"] == kind || j["type"] == kind)
            .collect()
    }

    /// Waits until there are so many webhooks of a kind.
    pub(crate) async fn wait(&self, kind: &str, count: usize) -> Vec<Value> {
        until(|| self.of_type(kind).len() >= count).await;
        self.of_type(kind)
    }
}

async fn take(
    State(inbox): State<Arc<Inbox>>,
    uri: Uri,
    headers: HeaderMap,
    raw: Bytes,
) -> StatusCode {
    let json = serde_json::from_slice(&raw).unwrap_or_default();
    let hook = Hook {
        path: uri.path().into(),
        headers,
        raw,
        json,
        at: Instant::now(),
    };
    inbox.hooks.lock().unwrap().push(hook);
    let status = inbox.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: Arc<Inbox>,
    pub(crate) app_url: String,
    pub(crate) http: reqwest::Client,
}

pub(crate) fn config(time_scale: f64) -> SandboxConfig {
    SandboxConfig {
        time_scale,
        ..SandboxConfig::default()
    }
}

pub(crate) async fn world(time_scale: f64) -> World {
    world_with(config(time_scale)).await
}

pub(crate) async fn world_with(config: SandboxConfig) -> World {
    let app = Arc::new(Inbox::default());
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let listener = listener.unwrap();
    let app_url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(take).with_state(app.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let router = router.clone();
            let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
                let router = router.clone();
                async move {
                    tower::ServiceExt::oneshot(router, request.map(axum::body::Body::new)).await
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service),
            );
        }
    });
    let sandbox = start(config).await.unwrap();
    sandbox.set_app_url(app_url.clone());
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    World {
        sandbox,
        app,
        app_url,
        http,
    }
}

pub(crate) fn temp_file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder.join("data.json")
}

impl World {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.sandbox.addr))
    }

    /// A call to the first instance.
    pub(crate) async fn green(&self, method: &str, body: Option<Value>) -> (u16, Value) {
        let (name, query) = method.split_once('?').unwrap_or((method, ""));
        let path = format!("/waInstance{I1}/{name}/{TOKEN1}?{query}");
        answer(match body {
            Some(body) => self.request(Method::POST, &path).json(&body),
            None => self.request(Method::GET, &path),
        })
        .await
    }

    pub(crate) async fn send_text(&self, text: &str) -> String {
        let body = json!({ "chatId": CUSTOMER, "message": text });
        let (status, body) = self.green("sendMessage", Some(body)).await;
        assert_eq!(status, 200, "{body}");
        body["idMessage"].as_str().unwrap().to_owned()
    }

    /// Points the first instance at the app, with these flags on.
    pub(crate) async fn hook_up(&self, flags: &[&str], extra: Value) {
        let mut settings = json!({ "webhookUrl": format!("{}/green", self.app_url) });
        for flag in flags {
            settings[flag] = "yes".into();
        }
        for (key, value) in extra.as_object().unwrap() {
            settings[key] = value.clone();
        }
        assert_eq!(self.green("setSettings", Some(settings)).await.0, 200);
        // The change reboots the instance.
        self.authorized().await;
    }

    pub(crate) async fn authorized(&self) {
        for _ in 0..500 {
            let all = self.control(Method::GET, "/accounts", None).await.1;
            if all["greenApi"]["instances"][0]["stateInstance"] == "authorized" {
                return;
            }
            pause(10).await;
        }
        panic!("the reboot did not end");
    }

    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = self.request(method, &format!("/_sandbox{path}"));
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn phone(&self) -> Vec<Value> {
        let path = format!("/green-api/{I1}/phone/{CUSTOMER}");
        self.control(Method::GET, &path, None)
            .await
            .1
            .as_array()
            .unwrap()
            .clone()
    }

    /// A call to GHL with a token.
    pub(crate) fn ghl(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .bearer_auth(token)
            .header("version", "2021-07-28")
    }

    pub(crate) async fn ghl_json(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        answer(self.ghl(token, method, path).json(&body)).await
    }

    pub(crate) async fn ghl_get(&self, token: &str, path: &str) -> (u16, Value) {
        answer(self.ghl(token, Method::GET, path)).await
    }

    /// The code of a consent; `pick` is `location_id=…` or `company_id=…`.
    pub(crate) async fn consent(&self, pick: &str) -> String {
        let client = SandboxConfig::default().ghl.client_id;
        let path = format!(
            "/v2/oauth/chooselocation?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fapp.example%2Foauth%2Fcallback&state=s1&{pick}"
        );
        let answer = self.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let target = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let get = |name: &str| {
            target
                .query_pairs()
                .find(|(k, _)| k == name)
                .map(|(_, v)| v.into_owned())
                .unwrap()
        };
        assert_eq!(get("state"), "s1");
        get("code")
    }

    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let app = SandboxConfig::default().ghl;
        let mut form = vec![
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secret.as_str()),
        ];
        form.retain(|(k, _)| !fields.iter().any(|(other, _)| other == k));
        form.extend(fields);
        answer(self.request(Method::POST, "/oauth/token").form(&form)).await
    }

    /// Installs the app into a location; gives the token answer.
    pub(crate) async fn install(&self, location: &str) -> Value {
        let code = self.consent(&format!("location_id={location}")).await;
        let (status, body) = self
            .token(&[("grant_type", "authorization_code"), ("code", &code)])
            .await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Installs the app into the first location; gives the access token.
    pub(crate) async fn access(&self) -> String {
        self.install(L1).await["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn contact(&self, token: &str, phone: &str) -> String {
        let body = json!({ "locationId": L1, "phone": phone, "name": "Ann Customer" });
        let (status, body) = self
            .ghl_json(token, Method::POST, "/contacts/upsert", body)
            .await;
        assert_eq!(status, 200, "{body}");
        body["contact"]["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    read(request.send().await.unwrap()).await
}

pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the servers under test run in real time"
)]
pub(crate) async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Waits until something holds, ten seconds at most.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        pause(10).await;
    }
    panic!("it did not happen within ten seconds");
}
