//! All functions on the way of a message, in one process: webhooks over HTTP, workers fed from
//! queues in memory, the sandbox for the providers. No worker keeps anything from one turn to the
//! next, as if each ran in a process of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenhub::account::install::Installer;
use greenhub::clock::{Clock, Millis};
use greenhub::crypto::{self, DataKeys};
use greenhub::domain::ids::{IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::oauth::OAuth;
use greenhub::ghl::signature::PublicKeys;
use greenhub::green_api::client::GreenApi;
use greenhub::media::fetch::Fetcher;
use greenhub::media::keep::Keep;
use greenhub::media::link::Links;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::crm::Crm;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::whatsapp::Whatsapp;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::secrets::{AppSecret, Secrets};
use greenhub::store::db::Db as _;
use greenhub::store::directory::{HookRow, InstallRow, NumberRow, OwnerRow};
use greenhub::store::kept::Kept;
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use greenhub_sandbox::{Sandbox, SandboxConfig, start};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::{Client, Method};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use crate::breaks::Breaks;
use crate::{attachments, queues, twins};

/// The sandbox's first location and number; its second number, in the same location here; and one
/// of another location.
pub(crate) const L1: &str = "Lo1sandboxAcmePlumb1";
pub(crate) const L2: &str = "Lo2sandboxBetaDental";
pub(crate) const I1: u64 = 1_101_000_001;
pub(crate) const I2: u64 = 1_101_000_002;
pub(crate) const IX: u64 = 1_101_000_009;

/// Where files of ours are reached.
pub(crate) const HUB: &str = "https://hub.example";

/// How long something may take to show, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// After so many looks in vain with nothing to do, the clock goes on to when there is.
const IDLE_LOOKS: u32 = 25;

const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) struct World {
    pub(crate) db: MemoryDb,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: Clock,
    /// What goes wrong where webhooks write and wake, and where workers do.
    pub(crate) at_doors: Arc<Breaks>,
    pub(crate) at_work: Arc<Breaks>,
    sandbox: Sandbox,
    app_url: String,
    http: Client,
    pub(crate) hub: Hub<MemoryDb, MemoryQueue>,
    pub(crate) store: MemoryStore,
    /// Where agents' attachments are.
    pub(crate) attachments: String,
    fetcher: Fetcher,
    links: Links,
    pub(crate) green: GreenApi,
    pub(crate) ghl: Ghl,
    oauth: OAuth,
    pub(crate) keys: Arc<DataKeys>,
    providers: greenhub::domain::sms::Providers,
    workspaces: Mutex<HashMap<&'static str, WorkspaceId>>,
    pub(crate) ahead_ms: Arc<AtomicI64>,
    rng: Mutex<StdRng>,
}

impl World {
    /// One number in the first location.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), &[(I1, L1)]).await
    }

    /// These numbers, the oldest first.
    pub(crate) async fn with(settings: Settings, numbers: &[(u64, &'static str)]) -> Self {
        let sandbox = start(SandboxConfig {
            time_scale: 0.01,
            ..SandboxConfig::default()
        })
        .await
        .unwrap();
        let app = SandboxConfig::default().ghl;
        let base: Url = format!("http://{}", sandbox.addr).parse().unwrap();
        let http = greenhub::http::client(Duration::from_secs(10)).unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(Arc::clone(&ahead_ms));
        let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
        let secret = AppSecret {
            ghl_client_secret: app.client_secret.clone().into(),
            ghl_shared_secret: app.shared_secret.clone().into(),
            telegram_bot_token: None,
            telegram_webhook_secret: None,
            data_key_texts: [(1, "0123456789abcdef".repeat(4).into())].into(),
        };
        let keys = Arc::new(secret.data_keys().unwrap());
        let ghl = Ghl::new(http.clone(), base.clone());
        let (at_doors, at_work) = (Arc::<Breaks>::default(), Arc::<Breaks>::default());
        let hub = |breaks: &Arc<Breaks>| Hub {
            db: db.hooked(Arc::clone(breaks) as _),
            queue: queue.hooked(Arc::clone(breaks) as _),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: settings.clone(),
        };
        let pem = sandbox.ghl_public_key_pem();
        let spki: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let hook = ghl_webhook::Hook {
            hub: hub(&at_doors),
            secrets: Secrets::fixed(secret),
            public_keys: PublicKeys::parse(&spki).unwrap(),
            app_id: app.app_id.clone(),
            providers: twins::providers(),
            ghl: ghl.clone(),
            tenants: Kept::default(),
        };
        let routes = green_api_webhook::router(hub(&at_doors)).merge(ghl_webhook::router(hook));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        sandbox.set_app_url(app_url.clone());
        let attachments = attachments::serve().await;
        let local = [sandbox.url(), attachments.clone()];
        let world = World {
            hub: hub(&at_work),
            at_doors,
            at_work,
            store: MemoryStore::default(),
            attachments,
            fetcher: Fetcher::new(local.into()).unwrap(),
            links: Links::new(&HUB.parse().unwrap()),
            green: GreenApi::new(http.clone()),
            oauth: OAuth::new(
                http.clone(),
                base,
                app.client_id,
                app.client_secret.into(),
                format!("{app_url}/oauth/callback"),
            ),
            db,
            queue,
            clock,
            sandbox,
            app_url,
            http,
            ghl,
            keys,
            providers: twins::providers(),
            workspaces: Mutex::default(),
            ahead_ms,
            rng: Mutex::new(StdRng::seed_from_u64(7)),
        };
        for (age, (instance, location)) in numbers.iter().enumerate() {
            let is_known = world.workspaces.lock().unwrap().contains_key(location);
            if !is_known {
                world.install(location).await;
            }
            world.add_number(*instance, location, age as Millis).await;
        }
        world.settle().await;
        world
    }

    /// A person installs the app in a location.
    pub(crate) async fn install(&self, location: &'static str) {
        let client = SandboxConfig::default().ghl.client_id;
        let mut url: Url = format!("{}/v2/oauth/chooselocation", self.url())
            .parse()
            .unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client)
            .append_pair("redirect_uri", &format!("{}/oauth/callback", self.app_url))
            .append_pair("location_id", location);
        let answer = self.http.get(url).send().await.unwrap();
        let target: Url = answer.headers()["location"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let (_, code) = target
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap();
        let tokens = self.oauth.exchange(&code).await.unwrap();
        let installer = Installer {
            db: &self.db,
            clock: &self.clock,
            ids: &self.hub.ids,
            data_keys: &self.keys,
            ghl: &self.ghl,
        };
        let installed = installer.complete(&tokens, Lang::En, None).await.unwrap();
        let mut workspaces = self.workspaces.lock().unwrap();
        workspaces.insert(location, installed.workspace);
    }

    /// A number with all its notifications switched on and sent to us.
    async fn add_number(&self, instance: u64, location: &'static str, age: Millis) {
        let api_token = &self.api_token(instance).await;
        let workspace = self.workspaces.lock().unwrap()[location].clone();
        let number = NumberId::new(format!("n{instance}"));
        let (key, token) = (crypto::random_token(16), crypto::random_token(32));
        let context = NumberRow::seal_context(&workspace, &number, NumberRow::TOKEN);
        let mut row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: IdInstance(instance),
            name: format!("WhatsApp {instance}"),
            created_ms: 1000 + age,
            location: Some(LocationId::new(location)),
            state: InstanceState::Authorized,
            state_since_ms: 0,
            wid: None,
            api_url: self.url(),
            media_url: None,
            token_sealed: self.keys.seal(api_token, &context),
            hook_key_sealed: String::new(),
            hook_token_sha256: crypto::sha256_hex(&token),
            hook_token_sealed: String::new(),
            webhook_before: None,
            webhook_token_before_sealed: None,
            configured: true,
            // As much faster than the real one as the sandbox is.
            delay_ms: 20,
            prefs: Default::default(),
            pause: None,
            checked_ms: 0,
            changes: Vec::new(),
            alarmed: false,
            reconciled_ms: 0,
            due_at: None,
            due_shard: None,
        };
        let mut hook = HookRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
        };
        let mut owner = OwnerRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
        };
        let owner_key = keys::instance_owner(IdInstance(instance));
        let writes = vec![
            row::save(keys::number(&workspace, &number), &mut row).unwrap(),
            row::save(keys::hook(&crypto::sha256_hex(&key)), &mut hook).unwrap(),
            row::save(owner_key, &mut owner).unwrap(),
        ];
        self.db.write(writes).await.unwrap();
        let settings = json!({
            "webhookUrl": format!("{}/webhooks/green-api/{key}", self.app_url),
            "webhookUrlToken": token,
            "incomingWebhook": "yes", "outgoingWebhook": "yes", "outgoingMessageWebhook": "yes",
            "outgoingAPIMessageWebhook": "yes", "stateWebhook": "yes", "incomingCallWebhook": "yes",
        });
        self.set_settings(instance, settings).await;
        // It restarts.
        self.until("the number's restart", async || {
            let number = self.number(instance).await;
            let is_up = number.state.can_send() && number.state_since_ms > 0;
            is_up.then_some(())
        })
        .await;
    }

    pub(crate) async fn set_settings(&self, instance: u64, settings: Value) {
        let token = self.api_token(instance).await;
        let url = format!("{}/waInstance{instance}/setSettings/{token}", self.url());
        let answer = self.http.post(url).json(&settings).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// A number's token at GREEN-API.
    pub(crate) async fn api_token(&self, instance: u64) -> String {
        let accounts = self.control(Method::GET, "accounts", Value::Null).await;
        let instances = accounts["greenApi"]["instances"].as_array().unwrap();
        let mut accounts = instances.iter();
        let account = accounts.find(|account| account["idInstance"] == instance);
        text(account.unwrap(), "apiTokenInstance")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.sandbox.addr)
    }

    // --- the workers ------------------------------------------------------------------------

    /// Works off what is visible in the queues; `false` if there was nothing.
    pub(crate) async fn turn(&self) -> bool {
        let visible = self.queue.take_visible(&mut *self.rng.lock().unwrap());
        if visible.is_empty() {
            return false;
        }
        let [media, outbound, crm] = queues::of(visible);
        let deadline_ms = self.clock.now_ms() + 117_000;
        let whatsapp = Whatsapp::new(&self.hub, &self.green, Arc::clone(&self.keys));
        let keys = Arc::clone(&self.keys);
        let to_crm = Crm::new(
            &self.hub,
            &self.ghl,
            &self.oauth,
            keys,
            &self.providers,
            &self.links,
        );
        let keep = Keep {
            hub: &self.hub,
            green: &self.green,
            keys: Arc::clone(&self.keys),
            fetcher: &self.fetcher,
            store: &self.store,
            telegram: None,
        };
        let (media, outbound, crm) = futures::join!(
            media_keeper::handle(&self.hub, &keep, media, deadline_ms + 180_000),
            outbound_sender::handle(&self.hub, &whatsapp, outbound, deadline_ms),
            crm_sender::handle(&self.hub, &to_crm, crm, deadline_ms),
        );
        assert!(media.batch_item_failures.is_empty());
        assert!(outbound.batch_item_failures.is_empty());
        assert!(crm.batch_item_failures.is_empty());
        true
    }

    /// Works until something shows; what waits for a time gets its time.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = tokio::time::Instant::now();
        let mut n_idle = 0;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what} never showed");
            if self.turn().await {
                n_idle = 0;
                continue;
            }
            n_idle += 1;
            // What is still on its way to us comes first, however slow the machine is.
            if n_idle >= IDLE_LOOKS && !self.is_any("notifications").await {
                n_idle = 0;
                let next_ms = self.queue.next_visible_ms().unwrap_or_default();
                self.ahead_ms
                    .fetch_add((next_ms - self.clock.now_ms()).max(0), Ordering::SeqCst);
            }
            Clock::system().sleep(LOOK_EVERY).await;
        }
    }

    /// Time goes by.
    pub(crate) fn pass(&self, time: Duration) {
        let ms = Millis::try_from(time.as_millis()).unwrap();
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Works until nothing happens any more, without going on in time.
    pub(crate) async fn settle(&self) {
        let mut n_idle = 0;
        while n_idle < 15 {
            let is_waiting = self.is_any("queued").await || self.is_any("notifications").await;
            n_idle = if self.turn().await || is_waiting {
                0
            } else {
                n_idle + 1
            };
            Clock::system().sleep(LOOK_EVERY).await;
        }
    }

    /// Whether one of the gateway's queues holds any of these: `queued` messages or `notifications`.
    async fn is_any(&self, what: &str) -> bool {
        let stats = self.control(Method::GET, "stats", Value::Null).await;
        let mut queues = stats["queues"].as_array().unwrap().iter();
        queues.any(|queue| queue[what] != 0)
    }

    // --- the rows ---------------------------------------------------------------------------

    pub(crate) async fn number(&self, instance: u64) -> NumberRow {
        let key = keys::instance_owner(IdInstance(instance));
        let owner: OwnerRow = row::load(&self.db, &key).await.unwrap().unwrap();
        let key = keys::number(&owner.workspace, &owner.number);
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn installed(&self) -> InstallRow {
        let key = keys::install(&LocationId::new(L1));
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    /// The first location's access token ends then, as far as we know.
    pub(crate) async fn token_ends(&self, at_ms: Millis) {
        let key = keys::install(&LocationId::new(L1));
        row::change::<InstallRow>(&self.db, &key, |install| {
            install.expires_ms = at_ms;
            true
        })
        .await
        .unwrap();
    }

    // --- people and their programs ----------------------------------------------------------

    /// A call of the sandbox's control interface.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let mut request = self
            .http
            .request(method, format!("{}/_sandbox/{path}", self.url()));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let json = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{path}: {status} {json}");
        json
    }

    pub(crate) async fn faults(&self, faults: Value) {
        self.control(Method::PUT, "faults", faults).await;
    }

    /// A customer writes to the first number.
    pub(crate) async fn incoming(&self, body: Value) {
        self.control(Method::POST, &format!("green-api/{I1}/incoming"), body)
            .await;
    }

    /// A customer with this phone writes a text.
    pub(crate) async fn customer(&self, phone: &str, text: &str) {
        let body = json!({ "from": phone, "name": "Ann", "text": text });
        self.incoming(body).await;
    }

    /// GREEN-API reports something about the first number.
    pub(crate) async fn notify(&self, kind: &str, more: Value) {
        let mut body = json!({
            "typeWebhook": kind,
            "instanceData": { "idInstance": I1, "wid": "79001110001@c.us", "typeInstance": "whatsapp" },
            "timestamp": self.clock.now_ms() / 1000,
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.control(Method::POST, &format!("green-api/{I1}/notify"), body)
            .await;
    }

    /// An agent of the first location answers; gives the message's id.
    pub(crate) async fn reply(&self, contact: &str, text: &str) -> String {
        self.reply_with(contact, json!({ "message": text })).await
    }

    pub(crate) async fn reply_with(&self, contact: &str, more: Value) -> String {
        let mut body = json!({ "locationId": L1, "contactId": contact });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let sent = self.control(Method::POST, "ghl/reply", body).await;
        assert_eq!(sent["status"], 200, "{sent}");
        sent["messageId"].as_str().unwrap().to_owned()
    }

    /// Somebody adds a person in the CRM; gives the contact's id.
    pub(crate) async fn add_contact(&self, phone: &str, name: &str, tags: &[&str]) -> String {
        let token = {
            let install = self.installed().await;
            let location = LocationId::new(L1);
            let context = InstallRow::seal_context(&location, InstallRow::ACCESS);
            self.keys.open(&install.access_sealed, &context).unwrap()
        };
        let body = json!({ "locationId": L1, "phone": phone, "name": name, "tags": tags });
        let answer = self
            .http
            .post(format!("{}/contacts/upsert", self.url()))
            .bearer_auth(token.expose_secret())
            .header("Version", "2021-07-28")
            .json(&body)
            .send()
            .await
            .unwrap();
        let added: Value = answer.json().await.unwrap();
        added["contact"]["id"].as_str().unwrap().to_owned()
    }

    // --- what can be seen -------------------------------------------------------------------

    /// The contacts of the first location with this phone.
    pub(crate) async fn contacts(&self, phone: &str) -> Vec<Value> {
        let all = self
            .control(Method::GET, &format!("ghl/{L1}/contacts"), Value::Null)
            .await;
        let found = all.as_array().unwrap().iter();
        found.filter(|c| c["phone"] == phone).cloned().collect()
    }

    /// The conversations of a contact.
    pub(crate) async fn conversations(&self, contact: &str) -> Vec<Value> {
        let path = format!("ghl/{L1}/conversations");
        let all = self.control(Method::GET, &path, Value::Null).await;
        let found = all.as_array().unwrap().iter();
        found
            .filter(|c| c["contactId"] == contact)
            .cloned()
            .collect()
    }

    /// The contact with this phone, and its messages in the CRM once there are so many.
    pub(crate) async fn shown(&self, phone: &str, n_messages: usize) -> (String, Vec<Value>) {
        self.until(&format!("message {n_messages} of {phone}"), async || {
            let contact = self.contacts(phone).await.into_iter().next()?;
            let contact = contact["contactId"].as_str()?.to_owned();
            let conversation = self.conversations(&contact).await.into_iter().next()?;
            let messages = conversation["messages"].as_array()?.clone();
            (messages.len() >= n_messages).then_some((contact, messages))
        })
        .await
    }

    /// A message in the CRM.
    pub(crate) async fn in_crm(&self, message: &str) -> Value {
        let path = format!("ghl/{L1}/conversations");
        let all = self.control(Method::GET, &path, Value::Null).await;
        let conversations = all.as_array().unwrap().iter();
        let mut messages = conversations.flat_map(|c| c["messages"].as_array().unwrap());
        let found = messages.find(|m| m["messageId"] == message);
        found.cloned().unwrap_or_default()
    }

    /// The message in the CRM, once it has this status there.
    pub(crate) async fn told(&self, message: &str, status: &str) -> Value {
        self.until(&format!("the status {status}"), async || {
            let found = self.in_crm(message).await;
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// What we sent to a customer, as their phone shows it.
    pub(crate) async fn phone(&self, chat: &str) -> Vec<Value> {
        let path = format!("green-api/{I1}/phone/{chat}");
        let all = self.control(Method::GET, &path, Value::Null).await;
        let all = all.as_array().unwrap().iter();
        all.filter(|m| m["direction"] == "outgoing")
            .cloned()
            .collect()
    }

    /// The texts that we sent to a customer, once there are so many.
    pub(crate) async fn got(&self, chat: &str, n_messages: usize) -> Vec<String> {
        self.until(&format!("message {n_messages} on the phone"), async || {
            let phone = self.phone(chat).await;
            (phone.len() >= n_messages).then(|| phone.iter().map(|m| text(m, "text")).collect())
        })
        .await
    }

    /// The calls whose path contains this, in order.
    pub(crate) async fn calls(&self, path_contains: &str) -> Vec<Value> {
        let all = self.control(Method::GET, "calls", Value::Null).await;
        let all = all.as_array().unwrap().iter();
        all.filter(|call| text(call, "path").contains(path_contains))
            .cloned()
            .collect()
    }
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| text(m, "message")).collect()
}
