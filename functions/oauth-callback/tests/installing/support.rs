//! The callback, the sweeper and the app's events over one set of tables, and the sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use greenhub::account::events::{self, Applied};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::{Clock, Millis, rfc3339};
use greenhub::config;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::{CompanyId, IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::sms::Providers;
use greenhub::domain::status::InstanceState;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::oauth::OAuth;
use greenhub::ghl::wire::{Incoming, delivery_or_event};
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::agency::{self, CompanyRow, MemberRow};
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallRow, NumberRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use greenhub_sandbox::{GhlApp, Sandbox, SandboxConfig};
use oauth_callback::{Callback, router};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sweeper::{Report, Sweeper};
use tower::ServiceExt;
use url::Url;

pub(crate) const L1: &str = "Lo1sandboxAcmePlumb1";
pub(crate) const L2: &str = "Lo2sandboxBetaDental";
pub(crate) const COMPANY: &str = "Co9sandboxAgency0001";
pub(crate) const I1: u64 = 1_101_000_001;
pub(crate) const I2: u64 = 1_101_000_002;
pub(crate) const HUB: &str = "https://hub.example/";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) db: MemoryDb,
    pub(crate) clock: Clock,
    pub(crate) keys: Arc<Keys>,
    pub(crate) sweeper: Sweeper<MemoryDb, MemoryQueue, MemoryStore>,
    ahead_ms: Arc<AtomicI64>,
    routes: Router,
}

pub(crate) async fn world() -> World {
    let sandbox = greenhub_sandbox::start(SandboxConfig {
        time_scale: 0.01,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let api_base = format!("http://{}", sandbox.addr);
    world_at(sandbox, &api_base)
}

pub(crate) fn world_at(sandbox: Sandbox, api_base: &str) -> World {
    let app = GhlApp::default();
    let data_keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let data_keys = || DataKeys::new("k1".to_owned(), &data_keys).unwrap();
    let keys = Arc::new(Keys {
        ghl_client_secret: app.client_secret.clone().into(),
        ghl_shared_secret: app.shared_secret.into(),
        data_keys: data_keys(),
        telegram_bot_token: None,
    });
    let api_base = Url::parse(api_base).unwrap();
    let public_base_url = Url::parse(HUB).unwrap();
    let http = greenhub::http::client(Duration::from_secs(10)).unwrap();
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let (db, clock) = (MemoryDb::new(), Clock::shifted(Arc::clone(&ahead_ms)));
    let sweeper = Sweeper {
        hub: Hub {
            db: db.clone(),
            queue: MemoryQueue::new(clock.clone()),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        },
        green: GreenApi::new(http.clone()),
        ghl: Ghl::new(http.clone(), api_base.clone()),
        files: MemoryStore::default(),
        oauth: OAuth::new(
            http.clone(),
            api_base.clone(),
            app.client_id.clone(),
            app.client_secret.into(),
            format!("{HUB}oauth/callback"),
        ),
        data_keys: Arc::new(data_keys()),
        providers: Providers {
            extra: app.conversation_provider_id.clone(),
            default: Some(app.default_provider_id.clone()),
        },
        public_base_url: public_base_url.clone(),
        telegram: None,
    };
    let callback = Callback {
        db: db.clone(),
        clock: clock.clone(),
        ids: IdSource::random(),
        keyring: Keyring::fixed(Arc::clone(&keys)),
        http: http.clone(),
        app: config::Ghl {
            client_id: app.client_id,
            app_id: app.app_id,
            providers: Providers {
                extra: app.conversation_provider_id.clone(),
                default: Some(app.default_provider_id.clone()),
            },
            marketplace_base: api_base.clone(),
            api_base,
            public_keys: String::new(),
        },
        public_base_url,
        addresses: Addresses::default(),
    };
    World {
        sandbox,
        http,
        db,
        clock,
        keys,
        sweeper,
        ahead_ms,
        routes: router(callback),
    }
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// What the browser sends from now on.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The figure of the report that has this label.
    pub(crate) fn figure(&self, label: &str) -> Option<&str> {
        let (_, rest) = self.html.split_once(&format!("<dt>{label}</dt><dd>"))?;
        rest.split('<').next()
    }
}

impl World {
    pub(crate) async fn open(&self, path: &str) -> Page {
        self.open_with(path, "en", "").await
    }

    pub(crate) async fn open_with(&self, path: &str, lang: &str, cookie: &str) -> Page {
        let request = Request::get(path)
            .header(header::ACCEPT_LANGUAGE, lang)
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Somebody installs the app; `pick` is `location_id=…` or `company_id=…`.
    pub(crate) async fn install(&self, pick: &str) -> Page {
        let code = self.consent(pick).await;
        self.open(&format!("/oauth/callback?code={code}")).await
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.addr)
    }

    /// The code of a consent; `pick` is `location_id=…` or `company_id=…`.
    pub(crate) async fn consent(&self, pick: &str) -> String {
        let client = GhlApp::default().client_id;
        let path = format!(
            "/v2/oauth/chooselocation?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fhub.example%2Foauth%2Fcallback&{pick}"
        );
        let answer = self.http.get(self.address(&path)).send().await.unwrap();
        let target = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = target.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    /// A call of the sandbox's control interface.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let address = self.address(&format!("/_sandbox/{path}"));
        let request = self.http.request(method, address).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.control(Method::PUT, "faults", json!([fault])).await;
    }

    /// A further sub-account.
    pub(crate) async fn location(&self, id: &str, name: &str) {
        let body = json!({ "locationId": id, "name": name });
        self.control(Method::POST, "ghl/locations", body).await;
    }

    /// What a provider got on a path that contains `path`.
    pub(crate) async fn calls(&self, provider: &str, path: &str) -> Vec<Value> {
        let calls = format!("calls?provider={provider}&after=0");
        let calls = self.control(Method::GET, &calls, Value::Null).await;
        let is_asked = |call: &&Value| call["path"].as_str().unwrap().contains(path);
        let calls = calls.as_array().unwrap();
        calls.iter().filter(is_asked).cloned().collect()
    }

    /// Applies an app event as the webhook does, once GoHighLevel knows of it; `at_ms` from now.
    pub(crate) async fn event(&self, mut event: Value, at_ms: Millis) -> Applied {
        event["timestamp"] = rfc3339(self.clock.now_ms() + at_ms).into();
        self.control(Method::POST, "ghl/event", event.clone()).await;
        let app = GhlApp::default().app_id;
        let Incoming::Event(event) = delivery_or_event(event.to_string().as_bytes()).unwrap()
        else {
            unreachable!("an event");
        };
        events::apply(&self.db, &self.clock, &app, &event)
            .await
            .unwrap()
    }

    pub(crate) fn pass(&self, ms: Millis) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// A run of the sweeper, a minute later.
    pub(crate) async fn sweep(&self) -> Report {
        self.pass(61_000);
        let deadline_ms = self.clock.now_ms() + 117_000;
        let report = Box::pin(self.sweeper.sweep(deadline_ms)).await.unwrap();
        assert_eq!((report.is_busy, report.failures), (false, 0));
        report
    }

    pub(crate) async fn installation(&self, location: &str) -> Option<InstallRow> {
        let key = keys::install(&LocationId::new(location));
        row::load(&self.db, &key).await.unwrap()
    }

    pub(crate) async fn workspace(&self, location: &str) -> WorkspaceRow {
        let install = self.installation(location).await.unwrap();
        let key = keys::workspace(&install.workspace);
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn company(&self) -> Option<CompanyRow> {
        let key = keys::company(&CompanyId::new(COMPANY));
        row::load(&self.db, &key).await.unwrap()
    }

    pub(crate) async fn members(&self) -> Vec<MemberRow> {
        agency::members(&self.db, &CompanyId::new(COMPANY))
            .await
            .unwrap()
    }

    /// A sealed access token of a location that GoHighLevel takes.
    pub(crate) async fn works(&self, location: &str) -> bool {
        let install = self.installation(location).await.unwrap();
        let access = self.token(&install, &install.access_sealed, InstallRow::ACCESS);
        let path = self.address(&format!("/locations/{location}"));
        let asked = self.http.get(path).bearer_auth(access);
        let answer = asked.header("version", "2021-07-28").send().await.unwrap();
        answer.status().is_success()
    }

    pub(crate) fn token(&self, install: &InstallRow, sealed: &str, field: &str) -> String {
        let context = InstallRow::seal_context(&install.location, field);
        let token = self.keys.data_keys.open(sealed, &context).unwrap();
        token.expose_secret().to_owned()
    }

    /// A location's tokens in clear.
    pub(crate) async fn tokens(&self, location: &str) -> Vec<String> {
        let install = self.installation(location).await.unwrap();
        vec![
            self.token(&install, &install.access_sealed, InstallRow::ACCESS),
            self.token(&install, &install.refresh_sealed, InstallRow::REFRESH),
        ]
    }

    /// The agency's tokens in clear.
    pub(crate) async fn company_tokens(&self) -> Vec<String> {
        let row = self.company().await.unwrap();
        let fields = [
            (&row.access_sealed, InstallRow::ACCESS),
            (&row.refresh_sealed, InstallRow::REFRESH),
        ];
        let open = |(sealed, field): (&String, &str)| {
            let context = CompanyRow::seal_context(&row.company, field);
            let token = self.keys.data_keys.open(sealed, &context).unwrap();
            token.expose_secret().to_owned()
        };
        fields.map(open).into()
    }

    pub(crate) fn rows(&self) -> usize {
        self.db.rows(Table::Directory).len()
    }
}

pub(crate) fn number(workspace: &WorkspaceId) -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: NumberId::new("n1"),
        id_instance: IdInstance(I1),
        name: "Shop".to_owned(),
        created_ms: 1,
        location: None,
        state: InstanceState::Authorized,
        state_since_ms: 1,
        wid: None,
        api_url: "https://1101.api.greenapi.com".to_owned(),
        media_url: None,
        token_sealed: "v1.k1.x".to_owned(),
        hook_key_sealed: "v1.k1.y".to_owned(),
        hook_token_sha256: "00".to_owned(),
        hook_token_sealed: "v1.k1.z".to_owned(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        configured: true,
        delay_ms: 500,
        prefs: Default::default(),
        pause: None,
        checked_ms: 1,
        changes: Vec::new(),
        alarmed: false,
        reconciled_ms: 1,
        due_at: None,
        due_shard: None,
    }
}

/// GoHighLevel's next answer to a code, whatever code it is.
pub(crate) fn token_answer(more: Value) -> Value {
    let mut answer = json!({
        "access_token": "access-7", "refresh_token": "refresh-7", "token_type": "Bearer",
        "expires_in": 86_399, "scope": "contacts.readonly", "companyId": COMPANY,
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    json!({ "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "body": answer })
}
