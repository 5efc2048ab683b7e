//! Installations against the sandbox's GoHighLevel.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::Clock;
use greenhub::config;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::{IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::status::InstanceState;
use greenhub::http::address::Addresses;
use greenhub::pipeline::ids::IdSource;
use greenhub::store::db::{Db, Table};
use greenhub::store::directory::{self, InstallRow, InstallState, NumberRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use greenhub_sandbox::{GhlApp, Sandbox, SandboxConfig};
use oauth_callback::{Callback, router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

const L1: &str = "Lo1sandboxAcmePlumb1";
const COMPANY: &str = "Co9sandboxAgency0001";

struct World {
    sandbox: Sandbox,
    http: reqwest::Client,
    db: MemoryDb,
    keys: Arc<Keys>,
    routes: Router,
}

async fn world() -> World {
    let sandbox = greenhub_sandbox::start(SandboxConfig::default())
        .await
        .unwrap();
    let api_base = format!("http://{}", sandbox.addr);
    world_at(sandbox, &api_base)
}

fn world_at(sandbox: Sandbox, api_base: &str) -> World {
    let app = GhlApp::default();
    let data_keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let keys = Arc::new(Keys {
        ghl_client_secret: app.client_secret.into(),
        ghl_shared_secret: app.shared_secret.into(),
        data_keys: DataKeys::new("k1".to_owned(), &data_keys).unwrap(),
    });
    let api_base = Url::parse(api_base).unwrap();
    let http = greenhub::http::client(Duration::from_secs(10)).unwrap();
    let db = MemoryDb::new();
    let callback = Callback {
        db: db.clone(),
        clock: Clock::system(),
        ids: IdSource::random(),
        keyring: Keyring::fixed(Arc::clone(&keys)),
        http: http.clone(),
        app: config::Ghl {
            client_id: app.client_id,
            app_id: app.app_id,
            provider_id: app.conversation_provider_id,
            marketplace_base: api_base.clone(),
            api_base,
            public_keys: String::new(),
        },
        public_base_url: Url::parse("https://hub.example/").unwrap(),
        addresses: Addresses::default(),
    };
    World {
        sandbox,
        http,
        db,
        keys,
        routes: router(callback),
    }
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl World {
    async fn open(&self, path: &str) -> Page {
        self.open_in(path, "en").await
    }

    async fn open_in(&self, path: &str, lang: &str) -> Page {
        let request = Request::get(path)
            .header(header::ACCEPT_LANGUAGE, lang)
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

    fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.addr)
    }

    /// The code of a consent; `pick` is `location_id=…` or `company_id=…`.
    async fn consent(&self, pick: &str) -> String {
        let client = GhlApp::default().client_id;
        let path = format!(
            "/v2/oauth/chooselocation?response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fhub.example%2Foauth%2Fcallback&{pick}"
        );
        let answer = self.http.get(self.address(&path)).send().await.unwrap();
        let target = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = target.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    async fn fault(&self, fault: Value) {
        let address = self.address("/_sandbox/faults");
        let set = self.http.put(address).json(&json!([fault])).send().await;
        assert!(set.unwrap().status().is_success());
    }

    /// Token requests that GoHighLevel got: their bodies.
    async fn token_calls(&self) -> Vec<Value> {
        let address = self.address("/_sandbox/calls?provider=ghl&after=0");
        let calls: Vec<Value> = self
            .http
            .get(address)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let calls = calls.into_iter();
        calls
            .filter(|call| call["path"] == "/oauth/token")
            .collect()
    }

    async fn install_row(&self) -> InstallRow {
        let key = keys::install(&LocationId::new(L1));
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    fn rows(&self) -> usize {
        self.db.rows(Table::Directory).len()
    }

    fn token(&self, sealed: &str, field: &str) -> String {
        let context = InstallRow::seal_context(&LocationId::new(L1), field);
        let token = self.keys.data_keys.open(sealed, &context).unwrap();
        token.expose_secret().to_owned()
    }
}

fn token_answer(more: Value) -> Value {
    let mut answer = json!({
        "access_token": "access-7", "refresh_token": "refresh-7", "token_type": "Bearer",
        "expires_in": 86_399, "scope": "contacts.readonly", "companyId": COMPANY,
    });
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    json!({ "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "body": answer })
}

#[tokio::test]
async fn an_installation_stores_the_tokens() {
    // AC 1
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let before_ms = Clock::system().now_ms();
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    let after_ms = Clock::system().now_ms();
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("Acme Plumbing"), "{}", page.html);
    assert_eq!(
        page.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );

    let calls = world.token_calls().await;
    assert_eq!(calls.len(), 1);
    let form = &calls[0]["body"];
    let form = match form {
        Value::String(text) => url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect::<BTreeMap<_, _>>(),
        form => serde_json::from_value(form.clone()).unwrap(),
    };
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], code);
    assert_eq!(form["redirect_uri"], "https://hub.example/oauth/callback");
    assert_eq!(form["user_type"], "Location");

    let install = world.install_row().await;
    assert_eq!(install.state, InstallState::Active);
    let life_ms = 86_399_000;
    assert!((before_ms + life_ms..=after_ms + life_ms).contains(&install.expires_ms));
    let due_ms = install.due_at.unwrap();
    assert!((before_ms + life_ms / 2 - 1000..=after_ms + life_ms * 4 / 5).contains(&due_ms));
    assert!(install.due_shard.is_some());
    assert_eq!(install.company.as_ref().unwrap().as_str(), COMPANY);

    let key = keys::workspace(&install.workspace);
    let workspace: WorkspaceRow = row::load(&world.db, &key).await.unwrap().unwrap();
    assert_eq!(workspace.name, "Acme Plumbing");
    assert_eq!(workspace.country.as_deref(), Some("US"));
    assert_eq!(workspace.location, Some(LocationId::new(L1)));

    // The stored token is the one that works, and it is nowhere in clear.
    let access = world.token(&install.access_sealed, InstallRow::ACCESS);
    let refresh = world.token(&install.refresh_sealed, InstallRow::REFRESH);
    let told = world
        .http
        .get(world.address(&format!("/locations/{L1}")))
        .bearer_auth(&access)
        .header("version", "2021-07-28")
        .send()
        .await
        .unwrap();
    assert_eq!(told.status(), 200);
    let dump = format!("{:?}", world.db.rows(Table::Directory));
    assert!(!dump.contains(&access) && !dump.contains(&refresh));
    assert!(!page.html.contains(&access) && !page.html.contains(&refresh));
}

#[tokio::test]
async fn a_second_installation_replaces_the_tokens_and_keeps_the_numbers() {
    // AC 2
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    world.open(&format!("/oauth/callback?code={code}")).await;
    let first = world.install_row().await;
    let number = number(&first.workspace);
    let key = keys::number(&number.workspace, &number.number);
    let write = row::save(key, &mut number.clone()).unwrap();
    world.db.write(vec![write]).await.unwrap();

    let code = world.consent(&format!("location_id={L1}")).await;
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let second = world.install_row().await;
    assert_eq!(second.workspace, first.workspace);
    let token = |row: &InstallRow| world.token(&row.access_sealed, InstallRow::ACCESS);
    assert_ne!(token(&second), token(&first));

    let numbers = directory::numbers(&world.db, &first.workspace)
        .await
        .unwrap();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0].location, Some(LocationId::new(L1)));
    assert_eq!(numbers[0].token_sealed, number.token_sealed);
}

fn number(workspace: &WorkspaceId) -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: NumberId::new("n1"),
        id_instance: IdInstance(1_101_000_001),
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
        reconciled_ms: 1,
        due_at: None,
        due_shard: None,
    }
}

#[tokio::test]
async fn the_code_is_all_that_is_read() {
    // AC 3
    let world = world().await;
    let refused = [
        "/oauth/callback",
        "/oauth/callback?code=",
        "/oauth/callback?code=%20",
        "/oauth/callback?state=x&error=access_denied",
    ];
    for path in refused {
        let page = world.open(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(world.token_calls().await.len(), 0);
    assert_eq!(world.rows(), 0);

    // AC 4
    let code = world.consent(&format!("location_id={L1}")).await;
    let path = format!("/oauth/callback?locationId=Lo2sandboxBetaDental&code={code}&state=s&x=%ff");
    let page = world.open(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert_eq!(world.install_row().await.location.as_str(), L1);
}

#[tokio::test]
async fn a_refusal_is_explained_and_stores_nothing() {
    let world = world().await;
    let check = async |fault: Value, expect: StatusCode, words: &str| {
        world.fault(fault).await;
        let page = world.open("/oauth/callback?code=c0de").await;
        assert_eq!(page.status, expect, "{}", page.html);
        assert!(page.html.contains(words), "{words}: {}", page.html);
        assert!(!page.html.contains("access-7") && !page.html.contains("refresh-7"));
        assert_eq!(world.rows(), 0, "{words}");
    };
    let answer = |status: u16, body: Value| {
        json!({
            "provider": "ghl", "path_contains": "/oauth/token", "times": 1,
            "status": status, "body": body,
        })
    };
    let refused = StatusCode::BAD_REQUEST;
    // AC 5
    let grant = answer(400, json!({ "error": "invalid_grant" }));
    check(grant, refused, "invalid_grant").await;
    let unknown = answer(
        401,
        json!({ "error": "UnAuthorized!", "error_description": "Authorization code not found" }),
    );
    check(unknown, refused, "invalid_code").await;
    let hostile = answer(422, json!({ "message": "<img src=x onerror=1>" }));
    check(hostile, refused, "&#60;img src=x onerror=1&#62;").await;

    // AC 6
    let unnamed = token_answer(json!({ "userType": "Location" }));
    check(unnamed, refused, "location id is missing").await;
    let agency = token_answer(json!({ "userType": "Company", "isBulkInstallation": true }));
    check(agency, refused, "location id is missing").await;
    let bulk = token_answer(json!({ "userType": "Location", "isBulkInstallation": true }));
    check(bulk, refused, "for an agency").await;
    let untyped = token_answer(json!({}));
    check(untyped, refused, "location id is missing").await;

    let down = StatusCode::BAD_GATEWAY;
    check(answer(503, json!({})), down, "does not answer").await;
    check(answer(429, json!({})), down, "does not answer").await;
    check(answer(200, json!({ "ok": true })), down, "does not answer").await;
    let cut =
        json!({ "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "drop": true });
    check(cut, down, "does not answer").await;
}

#[tokio::test]
async fn an_unreachable_provider_is_told() {
    let sandbox = greenhub_sandbox::start(SandboxConfig::default())
        .await
        .unwrap();
    let world = world_at(sandbox, "http://127.0.0.1:1");
    let page = world.open("/oauth/callback?code=c0de").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn an_agencys_installation_is_explained() {
    let world = world().await;
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.html.contains("for an agency"), "{}", page.html);
    assert_eq!(world.rows(), 0);
}

#[tokio::test]
async fn a_location_without_a_name_is_installed_too() {
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let fault = json!({
        "provider": "ghl", "path_contains": "/locations/", "times": 1, "status": 503, "body": {},
    });
    world.fault(fault).await;
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let install = world.install_row().await;
    let key = keys::workspace(&install.workspace);
    let workspace: WorkspaceRow = row::load(&world.db, &key).await.unwrap().unwrap();
    assert_eq!(workspace.name, L1);
}

#[tokio::test]
async fn a_page_is_in_the_persons_language_and_runs_nothing() {
    let world = world().await;
    let check = async |lang: &str, expect: &str| {
        let page = world.open_in("/oauth/callback", lang).await;
        let html = &page.html;
        assert!(
            html.contains(&format!("<html lang=\"{expect}\">")),
            "{html}"
        );
        assert!(
            !html.contains("<script") && !html.contains("style=\""),
            "{html}"
        );
        let policy = page.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
    };
    check("ru-RU,ru;q=0.9,en;q=0.8", "ru").await;
    check("en-US", "en").await;
    check("de", "en").await;
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_has_a_token() {
    // AC 13
    use tracing_subscriber::layer::SubscriberExt;

    let lines = Lines::default();
    let writer = lines.clone();
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("greenhub", tracing::Level::TRACE)
        .with_target("oauth_callback", tracing::Level::TRACE)
        .with_target("greenhub_sandbox", tracing::level_filters::LevelFilter::OFF)
        .with_default(tracing::Level::WARN);
    let log = tracing_subscriber::registry()
        .with(ours)
        .with(tracing_subscriber::fmt::layer().with_writer(move || writer.clone()));
    // For the whole process: what is logged by the tests beside this one is looked at, too.
    tracing::subscriber::set_global_default(log).unwrap();

    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let path = format!("/oauth/callback?code={code}");
    world.open(&path).await;
    let install = world.install_row().await;
    let mut secrets = vec![
        code.clone(),
        world.token(&install.access_sealed, InstallRow::ACCESS),
        world.token(&install.refresh_sealed, InstallRow::REFRESH),
        "access-7".to_owned(),
        "refresh-7".to_owned(),
        GhlApp::default().client_secret,
    ];
    // The same code once more, and answers that cannot be used.
    world.open(&path).await;
    world
        .fault(token_answer(json!({ "userType": "Location" })))
        .await;
    world.open("/oauth/callback?code=c0de-for-logs").await;
    secrets.push("c0de-for-logs".to_owned());

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("the app was installed"), "{written}");
    assert!(written.contains("gave no tokens"), "{written}");
    for secret in secrets {
        assert!(!written.contains(&secret), "{written}");
    }
}

#[tokio::test]
async fn an_address_opens_the_callback_a_hundred_times_a_minute() {
    // AC 32
    let world = world().await;
    for _ in 0..100 {
        let page = world.open("/oauth/callback").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
    let page = world.open("/oauth/callback?code=x").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
}
