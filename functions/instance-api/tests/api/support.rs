//! A function with two installed locations, and calls to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::account::numbers::{Numbers, Settler};
use greenhub::clock::Clock;
use greenhub::config;
use greenhub::crypto::{DataKeys, sha256_hex};
use greenhub::domain::ids::{CompanyId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::routing::Routing;
use greenhub::domain::text::Lang;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::Db;
use greenhub::store::directory::{InstallRow, InstallState, NumberRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::runtime::SessionRow;
use greenhub::store::{keys, row};
use greenhub_sandbox::{GhlApp, Sandbox, SandboxConfig};
use instance_api::{Api, PageConfig, router};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

pub(crate) const L1: &str = "Lo1sandboxAcmePlumb1";
pub(crate) const L2: &str = "Lo2sandboxBetaDental";
pub(crate) const ALICE: &str = "Us1sandboxAcmeAlice1";
pub(crate) const BOB: &str = "Us2sandboxAcmeBob001";
pub(crate) const CAROL: &str = "Us3sandboxBetaCarol1";
pub(crate) const COMPANY: &str = "Co9sandboxAgency0001";
pub(crate) const I1: u64 = 1_101_000_001;
pub(crate) const T1: &str = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345";
pub(crate) const I2: u64 = 1_101_000_002;
pub(crate) const T2: &str = "4c0e9a1f7b3d42e8a6d5508e21f9c7b3e4a86d1f0b5c4e9a7d";
/// What the network in front of us shows.
pub(crate) const EDGE_KEY: &str = "edge-key";
pub(crate) const HUB: &str = "https://hub.example";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) db: MemoryDb,
    pub(crate) clock: Clock,
    pub(crate) keys: Arc<Keys>,
    pub(crate) green: GreenApi,
    /// The way of a message, over the same tables.
    pub(crate) hub: Hub<MemoryDb, MemoryQueue>,
    ahead_ms: Arc<AtomicI64>,
    routes: Router,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

pub(crate) async fn world() -> World {
    world_at(None).await
}

/// `green_base` stands in for the sandbox as the host of numbers that tell none.
pub(crate) async fn world_at(green_base: Option<&str>) -> World {
    let sandbox = greenhub_sandbox::start(SandboxConfig::default())
        .await
        .unwrap();
    let at_sandbox = format!("http://{}", sandbox.addr);
    let app = GhlApp::default();
    let data_keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let keys = Arc::new(Keys {
        ghl_client_secret: app.client_secret.into(),
        ghl_shared_secret: app.shared_secret.into(),
        data_keys: DataKeys::new("k1".to_owned(), &data_keys).unwrap(),
        telegram_bot_token: None,
    });
    let http = greenhub::http::client(Duration::from_secs(2)).unwrap();
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let (db, clock) = (MemoryDb::new(), Clock::shifted(Arc::clone(&ahead_ms)));
    let green = GreenApi::new(http.clone());
    let queue = MemoryQueue::new(clock.clone());
    let hub = || Hub {
        db: db.clone(),
        queue: queue.clone(),
        clock: clock.clone(),
        ids: IdSource::random(),
        settings: Settings::default(),
    };
    let for_tests = hub();
    let api = Api {
        hub: hub(),
        addresses: Addresses::new(Some(EDGE_KEY.into())),
        page: PageConfig {
            parent_origins: vec!["https://app.gohighlevel.com".to_owned()],
            install_url: "https://market.example/install".to_owned(),
        },
        numbers: Numbers {
            db: db.clone(),
            clock: clock.clone(),
            ids: IdSource::random(),
            green: green.clone(),
            hosts: config::Green {
                default_base: Some(green_base.unwrap_or(&at_sandbox).parse().unwrap()),
                allowed_local_hosts: vec![at_sandbox],
            },
            public_base_url: HUB.parse().unwrap(),
        },
        keyring: Keyring::fixed(Arc::clone(&keys)),
    };
    let world = World {
        sandbox,
        http,
        db,
        clock,
        keys,
        green,
        hub: for_tests,
        ahead_ms,
        routes: router(api),
    };
    world.install(L1, "w1").await;
    world.install(L2, "w2").await;
    world
}

impl World {
    async fn install(&self, location: &str, workspace: &str) {
        let location = LocationId::new(location);
        let now_ms = self.clock.now_ms();
        let mut install = InstallRow {
            rev: 0,
            location: location.clone(),
            workspace: WorkspaceId::new(workspace),
            company: Some(CompanyId::new(COMPANY)),
            state: InstallState::Active,
            access_sealed: "a".to_owned(),
            refresh_sealed: "r".to_owned(),
            expires_ms: now_ms + 1,
            refreshed_ms: now_ms,
            scope: String::new(),
            installed_ms: now_ms,
            problem: None,
            sms: None,
            reconciled_ms: now_ms,
            due_at: None,
            due_shard: None,
        };
        let mut row = WorkspaceRow {
            rev: 0,
            workspace: WorkspaceId::new(workspace),
            name: format!("Shop {workspace}"),
            lang: Lang::En,
            country: Some("US".to_owned()),
            location: Some(location.clone()),
            routing: Routing::default(),
            created_ms: now_ms,
        };
        let writes = vec![
            row::save(keys::install(&location), &mut install).unwrap(),
            row::save(keys::workspace(&row.workspace.clone()), &mut row).unwrap(),
        ];
        self.db.write(writes).await.unwrap();
    }

    /// Time passes.
    pub(crate) fn later(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) async fn change_install(
        &self,
        location: &str,
        mut change: impl FnMut(&mut InstallRow) + Send,
    ) {
        let key = keys::install(&LocationId::new(location));
        let changed = row::change::<InstallRow>(&self.db, &key, |install| {
            change(install);
            true
        });
        assert!(changed.await.unwrap().is_some());
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        authorization: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    /// A call from an address.
    pub(crate) async fn call_from(
        &self,
        address: &str,
        method: Method,
        path: &str,
        authorization: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(address.to_owned());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(RequestContext::ApiGatewayV2(context));
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        if parts.status.is_client_error() || parts.status.is_server_error() {
            // Every refusal is a problem with a code.
            let kind = &parts.headers[header::CONTENT_TYPE];
            assert_eq!(kind, "application/problem+json", "{text}");
        }
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
            json,
        }
    }

    /// A call with a session.
    pub(crate) async fn with(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call(method, path, Some(&format!("Bearer {token}")), body)
            .await
    }

    /// What GoHighLevel's page posts to ours.
    pub(crate) async fn context(&self, location: &str, query: &str) -> String {
        let path = format!("/_sandbox/ghl/{location}/sso?{query}");
        let answer = self.http.get(self.address(&path)).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["payload"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn exchange(&self, context: &str) -> Answer {
        let body = json!({ "encryptedData": context }).to_string();
        self.call(Method::POST, "/api/session/ghl", None, body)
            .await
    }

    /// The token of a new session.
    pub(crate) async fn sign_in(&self, location: &str, user: &str) -> String {
        let context = self.context(location, &format!("user={user}")).await;
        let answer = self.exchange(&context).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["token"].as_str().unwrap().to_owned()
    }

    /// Lets a session's time pass.
    pub(crate) async fn end_session(&self, token: &str) {
        let key = keys::session(&sha256_hex(token));
        let now_ms = self.clock.now_ms();
        let ended = row::change::<SessionRow>(&self.db, &key, |session| {
            session.until_ms = now_ms;
            true
        });
        assert!(ended.await.unwrap().is_some());
    }

    pub(crate) async fn add(&self, token: &str, id: u64, api_token: &str) -> Answer {
        let body = json!({ "idInstance": id, "apiTokenInstance": api_token });
        self.with(token, Method::POST, "/api/instances", body).await
    }

    /// The same with the consent to whatever may be asked.
    pub(crate) async fn take_over(&self, token: &str, id: u64, api_token: &str) -> Answer {
        let body = json!({
            "idInstance": id, "apiTokenInstance": api_token, "takeOver": true, "transfer": true,
        });
        self.with(token, Method::POST, "/api/instances", body).await
    }

    pub(crate) async fn list(&self, token: &str) -> Vec<Value> {
        let answer = self
            .with(token, Method::GET, "/api/instances", Value::Null)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["instances"].as_array().unwrap().clone()
    }

    pub(crate) async fn row(&self, workspace: &str, id: &str) -> Option<NumberRow> {
        let key = keys::number(&WorkspaceId::new(workspace), &NumberId::new(id));
        row::load(&self.db, &key).await.unwrap()
    }

    pub(crate) fn settler<'a>(&'a self, hub: &'a Url) -> Settler<'a, MemoryDb> {
        Settler {
            db: &self.db,
            clock: &self.clock,
            green: &self.green,
            data_keys: &self.keys.data_keys,
            public_base_url: hub,
        }
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.addr)
    }

    pub(crate) async fn faults(&self, faults: Value) {
        let address = self.address("/_sandbox/faults");
        let set = self.http.put(address).json(&faults).send().await.unwrap();
        assert!(set.status().is_success(), "{}", set.text().await.unwrap());
    }

    /// The calls of one method that GREEN-API got; of all methods if it is empty.
    pub(crate) async fn calls(&self, method: &str) -> Vec<Value> {
        let address = self.address("/_sandbox/calls?provider=green-api&after=0");
        let calls = self.http.get(address).send().await.unwrap();
        let calls: Vec<Value> = calls.json().await.unwrap();
        let of_method = calls.into_iter().filter(|call| {
            let path = call["path"].as_str().unwrap_or_default();
            method.is_empty() || path.contains(&format!("/{method}/"))
        });
        of_method.collect()
    }

    /// A call of the sandbox's control interface about an instance.
    pub(crate) async fn control(&self, method: Method, id: u64, what: &str, body: Value) -> Value {
        let address = self.address(&format!("/_sandbox/green-api/{id}/{what}"));
        let request = self.http.request(method, address).json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let json = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{what}: {status} {json}");
        json
    }

    /// Nobody's phone is linked to an instance.
    pub(crate) async fn unlink(&self, id: u64) {
        let state = json!({ "stateInstance": "notAuthorized" });
        self.control(Method::PUT, id, "state", state).await;
    }

    /// A number of the first location, added by its admin; gives the session and our id of it.
    pub(crate) async fn added(&self, id: u64, api_token: &str) -> (String, String) {
        let session = self.sign_in(L1, ALICE).await;
        let answer = self.add(&session, id, api_token).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let number = answer.json["id"].as_str().unwrap().to_owned();
        (session, number)
    }

    /// The settings that were written: bodies of `setSettings` after the first `seen`.
    pub(crate) async fn written(&self, seen: usize) -> Vec<Value> {
        let written = self.calls("setSettings").await.into_iter();
        written
            .skip(seen)
            .map(|call| match &call["body"] {
                Value::String(text) => serde_json::from_str(text).unwrap(),
                body => body.clone(),
            })
            .collect()
    }

    /// Sets an instance up as somebody else would have.
    pub(crate) async fn set(&self, id: u64, token: &str, settings: Value) {
        let address = self.address(&format!("/waInstance{id}/setSettings/{token}"));
        let set = self
            .http
            .post(address)
            .json(&settings)
            .send()
            .await
            .unwrap();
        assert!(set.status().is_success());
    }

    /// Setting a number up has restarted it.
    pub(crate) async fn restarted(&self) {
        self.clock.sleep(Duration::from_millis(2_500)).await;
    }

    /// GREEN-API takes most of these calls once a second.
    pub(crate) async fn second(&self) {
        self.clock.sleep(Duration::from_millis(1050)).await;
    }
}

pub(crate) fn fault(method: &str, more: Value) -> Value {
    let mut fault = json!({ "provider": "green-api", "path_contains": method, "times": 1 });
    for (name, value) in more.as_object().unwrap() {
        fault[name] = value.clone();
    }
    fault
}
