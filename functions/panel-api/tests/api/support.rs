//! A workspace, and people who come in the way people do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use futures::future::BoxFuture;
use greenhub::account::audit::Actor;
use greenhub::account::code_sender::{CodeSender, NotSent};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::account::setup;
use greenhub::clock::Clock;
use greenhub::crypto::{DataKeys, sha256_hex};
use greenhub::domain::ids::{LocationId, PersonId, WorkspaceId};
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::Db;
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::memory::MemoryDb;
use greenhub::store::people::PersonRow;
use greenhub::store::runtime::SessionRow;
use greenhub::store::{keys, row};
use panel_api::{Api, router};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const OWNER: &str = "olga@shop.example";
pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;

/// Telegram, as far as codes are concerned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telegram {
    /// What was written to whom.
    pub(crate) sent: Arc<Mutex<Vec<(i64, String)>>>,
    /// Why nothing arrives.
    pub(crate) fails: Arc<Mutex<Option<NotSent>>>,
}

impl CodeSender for Telegram {
    fn send_code<'a>(
        &'a self,
        telegram_user_id: i64,
        code: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), NotSent>> {
        Box::pin(async move {
            if let Some(error) = *self.fails.lock().unwrap() {
                return Err(error);
            }
            let code = code.expose_secret().to_owned();
            self.sent.lock().unwrap().push((telegram_user_id, code));
            Ok(())
        })
    }

    fn bot_name(&self) -> BoxFuture<'_, Result<String, NotSent>> {
        Box::pin(async { Ok("shop_bot".to_owned()) })
    }
}

impl Telegram {
    pub(crate) fn last_code(&self) -> String {
        self.sent.lock().unwrap().last().unwrap().1.clone()
    }
}

pub(crate) struct World {
    pub(crate) db: MemoryDb,
    pub(crate) clock: Clock,
    pub(crate) telegram: Telegram,
    pub(crate) workspace: WorkspaceId,
    ahead_ms: Arc<AtomicI64>,
    routes: Router,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    /// The value of a cookie that was set.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        let mut pairs = all.filter_map(|value| {
            let (key, rest) = value.to_str().unwrap().split_once('=').unwrap();
            (key == name).then(|| rest.split(';').next().unwrap().to_owned())
        });
        pairs.next().filter(|value| !value.is_empty())
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        if !code.is_empty() {
            assert_eq!(self.json["code"], code, "{}", self.text);
        }
        self
    }
}

/// A browser, with what it keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) session: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) csrf: Option<String>,
    pub(crate) address: &'static str,
}

pub(crate) async fn world() -> World {
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let (db, clock) = (MemoryDb::new(), Clock::shifted(Arc::clone(&ahead_ms)));
    let telegram = Telegram::default();
    let ids = IdSource::random();
    let workspace = setup::make_workspace(&db, &clock, &ids, "Shop")
        .await
        .unwrap();
    let routes = routes_over(&db, &clock, &telegram);
    World {
        db,
        clock,
        telegram,
        workspace,
        ahead_ms,
        routes,
    }
}

/// The routes of one running instance of the function.
pub(crate) fn routes_over(db: &MemoryDb, clock: &Clock, telegram: &Telegram) -> Router {
    let data_keys = BTreeMap::from([("k1".to_owned(), [7; 32])]);
    let keys = Keys {
        ghl_client_secret: "c".to_owned().into(),
        ghl_shared_secret: "s".to_owned().into(),
        telegram_bot_token: None,
        data_keys: DataKeys::new("k1".to_owned(), &data_keys).unwrap(),
    };
    router(Api {
        hub: Hub {
            db: db.clone(),
            queue: MemoryQueue::new(clock.clone()),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        },
        green: GreenApi::new(greenhub::http::client(Duration::from_secs(2)).unwrap()),
        files: Arc::new(MemoryStore::default()),
        keyring: Keyring::fixed(Arc::new(keys)),
        addresses: Addresses::default(),
        public_base_url: "https://hub.example".parse().unwrap(),
        install_url: "https://market.example/install?client_id=x"
            .parse()
            .unwrap(),
        telegram: Default::default(),
        codes: Some(Arc::new(telegram.clone())),
    })
}

/// Nothing but what an address asks with its last field, where it matters.
pub(crate) fn browser() -> Browser {
    Browser {
        address: "203.0.113.7",
        ..Browser::default()
    }
}

impl World {
    pub(crate) fn later(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Another running instance of the function, over the same tables.
    pub(crate) fn another_instance(&self) -> Self {
        World {
            db: self.db.clone(),
            clock: self.clock.clone(),
            telegram: self.telegram.clone(),
            workspace: self.workspace.clone(),
            ahead_ms: Arc::clone(&self.ahead_ms),
            routes: routes_over(&self.db, &self.clock, &self.telegram),
        }
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        if parts.status.is_client_error() || parts.status.is_server_error() {
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

    /// A call of a browser, with everything that it has.
    pub(crate) async fn call(
        &self,
        browser: &Browser,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        let session = browser.session.as_ref().map(|it| format!("g-session={it}"));
        let challenge = browser
            .challenge
            .as_ref()
            .map(|it| format!("g-challenge={it}"));
        let cookies: Vec<_> = session.into_iter().chain(challenge).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(csrf) = &browser.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if !browser.address.is_empty() {
            request = request.header("x-forwarded-for", browser.address);
        }
        request = request.header(header::USER_AGENT, "Browser/1");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.answer(request.body(body.into()).unwrap()).await
    }

    /// A call from GoHighLevel's page.
    pub(crate) async fn bearer(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(match body {
                Value::Null => Body::empty(),
                body => body.to_string().into(),
            });
        self.answer(request.unwrap()).await
    }

    pub(crate) async fn owner_link(&self, workspace: &WorkspaceId) -> SecretString {
        let (db, clock) = (&self.db, &self.clock);
        let offer = setup::offer_owner(db, clock, &Actor::default(), workspace).await;
        offer.unwrap().token
    }

    /// Uses a link; gives the browser that is in.
    pub(crate) async fn set_up(&self, body: Value) -> Browser {
        let answer = self
            .call(&browser(), Method::POST, "/api/setup", body)
            .await;
        let answer = answer.is(200, "");
        Browser {
            session: answer.cookie("g-session"),
            csrf: answer.json["csrfToken"].as_str().map(str::to_owned),
            ..browser()
        }
    }

    /// The first owner.
    pub(crate) async fn owner(&self) -> Browser {
        self.owner_of(&self.workspace.clone(), OWNER).await
    }

    pub(crate) async fn owner_of(&self, workspace: &WorkspaceId, login: &str) -> Browser {
        let token = self.owner_link(workspace).await;
        let token = token.expose_secret();
        let body = json!({ "token": token, "login": login, "name": "Olga", "password": PASSWORD });
        self.set_up(body).await
    }

    /// Another workspace with its owner.
    pub(crate) async fn other_owner(&self) -> Browser {
        let ids = IdSource::random();
        let other = setup::make_workspace(&self.db, &self.clock, &ids, "Other").await;
        self.owner_of(&other.unwrap(), "otto@other.example").await
    }

    /// Adds somebody with these rights, who sets their password. Gives their id and their browser.
    pub(crate) async fn add(&self, by: &Browser, login: &str, rights: Value) -> (String, Browser) {
        let body = json!({ "name": login, "login": login, "rights": rights });
        let added = self
            .call(by, Method::POST, "/api/people", body)
            .await
            .is(201, "");
        let token = &added.json["setupLink"]["token"];
        let browser = self
            .set_up(json!({ "token": token, "password": PASSWORD }))
            .await;
        (
            added.json["person"]["id"].as_str().unwrap().to_owned(),
            browser,
        )
    }

    /// The first step of signing in.
    pub(crate) async fn password(&self, browser: &Browser, login: &str, password: &str) -> Answer {
        let body = json!({ "login": login, "password": password });
        self.call(browser, Method::POST, "/api/sign-in", body).await
    }

    /// Signs in with a password alone.
    pub(crate) async fn sign_in(&self, login: &str) -> Browser {
        let answer = self.password(&browser(), login, PASSWORD).await.is(200, "");
        assert_eq!(answer.json["status"], "signed_in", "{}", answer.text);
        Browser {
            session: answer.cookie("g-session"),
            csrf: answer.json["csrfToken"].as_str().map(str::to_owned),
            ..browser()
        }
    }

    pub(crate) async fn me(&self, browser: &Browser) -> Answer {
        self.call(browser, Method::GET, "/api/me", Value::Null)
            .await
    }

    pub(crate) async fn my_id(&self, browser: &Browser) -> String {
        let me = self.me(browser).await.is(200, "");
        me.json["person"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn person(&self, id: &str) -> PersonRow {
        let key = keys::person(&self.workspace, &PersonId::new(id));
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    /// A bearer session of a user of GoHighLevel's page, whose location is linked to the workspace.
    pub(crate) async fn crm_user(&self, user: &str, is_admin: bool) -> String {
        let location = LocationId::new("Lo1");
        let now_ms = self.clock.now_ms();
        let key = keys::install(&location);
        if row::load::<InstallRow>(&self.db, &key)
            .await
            .unwrap()
            .is_none()
        {
            let mut install = InstallRow {
                rev: 0,
                location: location.clone(),
                workspace: self.workspace.clone(),
                company: None,
                state: InstallState::Active,
                access_sealed: "a".to_owned(),
                refresh_sealed: "r".to_owned(),
                expires_ms: now_ms,
                refreshed_ms: now_ms,
                scope: String::new(),
                installed_ms: now_ms,
                problem: None,
                sms: None,
                reconciled_ms: now_ms,
                due_at: None,
                due_shard: None,
            };
            let write = row::save(key, &mut install).unwrap();
            self.db.write(vec![write]).await.unwrap();
        }
        let mut session = SessionRow {
            rev: 0,
            workspace: self.workspace.clone(),
            location,
            user: user.to_owned(),
            user_name: user.to_owned(),
            is_admin,
            until_ms: now_ms + 900_000,
            expires_at: now_ms / 1000 + 901,
        };
        // Their first entrance, as the exchange of their context makes it.
        greenhub::account::crm_user::enter(&self.db, now_ms, &session)
            .await
            .unwrap();
        let token = format!("token-of-{user}-{is_admin}");
        let key = keys::session(&sha256_hex(&token));
        let write = row::save(key, &mut session).unwrap();
        self.db.write(vec![write]).await.unwrap();
        token
    }
}

pub(crate) fn rights(letters: &str, numbers: &[&str]) -> Value {
    json!({
        "owner": letters.contains('o'),
        "manageUsers": letters.contains('u'),
        "manageInstances": letters.contains('i'),
        "fullAccess": letters.contains('f'),
        "numbers": numbers,
    })
}
