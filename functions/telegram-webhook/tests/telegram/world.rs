//! Webhooks over HTTP, workers fed from queues in memory, the sandbox for the providers. No worker
//! keeps anything from one turn to the next, as if each ran in a process of its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use greenhub::clock::{Clock, Millis};
use greenhub::config::TelegramApi;
use greenhub::crypto::{self, DataKeys};
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::{IdInstance, NumberId, WorkspaceId};
use greenhub::domain::status::InstanceState;
use greenhub::domain::telegram::Posts;
use greenhub::domain::text::Lang;
use greenhub::green_api::client::GreenApi;
use greenhub::media::fetch::Fetcher;
use greenhub::media::keep::Keep;
use greenhub::media::link::Links;
use greenhub::media::memory::MemoryStore;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::telegram::{Channels, channels};
use greenhub::pipeline::whatsapp::Whatsapp;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::WakeUp;
use greenhub::queue::memory::MemoryQueue;
use greenhub::secrets::{AppSecret, Secrets};
use greenhub::store::db::Db as _;
use greenhub::store::directory::{HookRow, NumberRow, OwnerRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::telegram::ChannelRow;
use greenhub::store::{keys, row, telegram};
use greenhub::telegram::client::Telegram;
use greenhub_sandbox::{Sandbox, SandboxConfig, start};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use telegram_webhook::Hook;

/// The sandbox's numbers, each in a workspace of its own here, and its channels.
pub(crate) const I1: u64 = 1_101_000_001;
pub(crate) const I2: u64 = 1_101_000_002;
pub(crate) const CHANNEL: i64 = -1_001_000_000_001;
pub(crate) const FORUM: i64 = -1_001_000_000_002;
pub(crate) const OTHER: i64 = -1_001_000_000_003;

pub(crate) const SECRET: &str = "what_only_Telegram-knows";
pub(crate) const HUB: &str = "https://hub.example";

/// How long something may take to show, in real time.
const PATIENCE: Duration = Duration::from_secs(60);
const IDLE_LOOKS: u32 = 25;
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) struct World {
    pub(crate) db: MemoryDb,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: Clock,
    pub(crate) hub: Hub<MemoryDb, MemoryQueue>,
    pub(crate) store: MemoryStore,
    pub(crate) app_url: String,
    pub(crate) http: Client,
    sandbox: Sandbox,
    pub(crate) bot: Telegram,
    green: GreenApi,
    keys: Arc<DataKeys>,
    fetcher: Fetcher,
    links: Links,
    ahead_ms: Arc<AtomicI64>,
    rng: Mutex<StdRng>,
}

pub(crate) fn workspace(instance: u64) -> WorkspaceId {
    WorkspaceId::new(format!("ws{instance}"))
}

pub(crate) fn number(instance: u64) -> NumberId {
    NumberId::new(format!("n{instance}"))
}

impl World {
    /// Two numbers in two workspaces, no channel yet.
    pub(crate) async fn new() -> Self {
        let sandbox = start(SandboxConfig {
            time_scale: 0.01,
            ..SandboxConfig::default()
        })
        .await
        .unwrap();
        let http = greenhub::http::client(Duration::from_secs(10)).unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let clock = Clock::shifted(Arc::clone(&ahead_ms));
        let (db, queue) = (MemoryDb::new(), MemoryQueue::new(clock.clone()));
        let secret = || AppSecret {
            ghl_client_secret: "".into(),
            ghl_shared_secret: "".into(),
            telegram_bot_token: Some(sandbox.telegram_bot_token().into()),
            telegram_webhook_secret: Some(SECRET.into()),
            data_key_texts: [(1, "0123456789abcdef".repeat(4).into())].into(),
        };
        let hub = || Hub {
            db: db.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        };
        let base: url::Url = format!("http://{}", sandbox.addr).parse().unwrap();
        let hook = Hook {
            hub: hub(),
            secrets: Secrets::fixed(secret()),
            api: TelegramApi {
                api_base: base.clone(),
            },
            http: http.clone(),
        };
        let routes = green_api_webhook::router(hub()).merge(telegram_webhook::router(hook));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        sandbox.set_app_url(app_url.clone());
        let token = sandbox.telegram_bot_token().into();
        let bot = Telegram::new(http.clone(), base, token).unwrap();
        let url = format!("{app_url}/webhooks/telegram");
        bot.set_webhook(&url, &SECRET.into()).await.unwrap();
        let world = World {
            hub: hub(),
            store: MemoryStore::default(),
            fetcher: Fetcher::new([sandbox.url()].into()).unwrap(),
            links: Links::new(&HUB.parse().unwrap()),
            green: GreenApi::new(http.clone()),
            keys: Arc::new(secret().data_keys().unwrap()),
            rng: Mutex::new(StdRng::seed_from_u64(7)),
            db,
            queue,
            clock,
            app_url,
            http,
            sandbox,
            bot,
            ahead_ms,
        };
        for instance in [I1, I2] {
            world.add_number(instance).await;
        }
        world.settle().await;
        world
    }

    /// The first number posts in the first channel, and the second in the other.
    pub(crate) async fn linked() -> Self {
        let world = World::new().await;
        world.link(I1, CHANNEL, Posts::default()).await;
        world.link(I2, OTHER, Posts::default()).await;
        world
    }

    /// Somebody adds the bot to a channel, and a number's workspace takes that by its code.
    pub(crate) async fn link(&self, instance: u64, channel: i64, posts: Posts) {
        self.place(channel, "administrator").await;
        let code = self.code(channel).await;
        let (db, workspace) = (&self.db, workspace(instance));
        channels::claim_by_code(db, &self.clock, &workspace, &code)
            .await
            .unwrap();
        channels::link(
            db,
            &self.clock,
            &workspace,
            &number(instance),
            channel,
            posts,
        )
        .await
        .unwrap();
        self.settle().await;
    }

    /// The code of the greeting.
    pub(crate) async fn code(&self, channel: i64) -> String {
        let text = self
            .until("the greeting", async || {
                let posts = self.posts(channel).await;
                posts.last().map(|post| text(post, "text"))
            })
            .await;
        text.rsplit(' ').next().unwrap().to_owned()
    }

    async fn add_number(&self, instance: u64) {
        let accounts = self.control(Method::GET, "accounts", Value::Null).await;
        let instances = accounts["greenApi"]["instances"].as_array().unwrap();
        let account = instances.iter().find(|it| it["idInstance"] == instance);
        let api_token = text(account.unwrap(), "apiTokenInstance");
        let (workspace, number) = (workspace(instance), number(instance));
        let (key, token) = (crypto::random_token(16), crypto::random_token(32));
        let context = NumberRow::seal_context(&workspace, &number, NumberRow::TOKEN);
        let mut tenant = WorkspaceRow {
            rev: 0,
            workspace: workspace.clone(),
            name: "Acme".into(),
            lang: Lang::Ru,
            country: None,
            location: None,
            routing: Default::default(),
            created_ms: 1,
        };
        let mut row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: IdInstance(instance),
            name: format!("WhatsApp {instance}"),
            created_ms: 1000,
            location: None,
            state: InstanceState::Authorized,
            state_since_ms: 0,
            wid: None,
            api_url: self.url(),
            media_url: None,
            token_sealed: self.keys.seal(&api_token, &context),
            hook_key_sealed: String::new(),
            hook_token_sha256: crypto::sha256_hex(&token),
            hook_token_sealed: String::new(),
            webhook_before: None,
            webhook_token_before_sealed: None,
            configured: true,
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
            row::save(keys::workspace(&workspace), &mut tenant).unwrap(),
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
        let url = format!(
            "{}/waInstance{instance}/setSettings/{api_token}",
            self.url()
        );
        let answer = self.http.post(url).json(&settings).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        self.until("the number's restart", async || {
            let row = self.number(instance).await;
            (row.state.can_send() && row.state_since_ms > 0).then_some(())
        })
        .await;
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
        let of = |wanted: Lane| batch(visible.iter().filter(|it| it.lane() == wanted));
        let deadline_ms = self.clock.now_ms() + 600_000;
        let whatsapp = Whatsapp::new(&self.hub, &self.green, Arc::clone(&self.keys));
        let channels = Channels::new(&self.hub, &self.bot, &self.store, &self.links);
        let keep = Keep {
            hub: &self.hub,
            green: &self.green,
            keys: Arc::clone(&self.keys),
            fetcher: &self.fetcher,
            store: &self.store,
            telegram: Some(&self.bot),
        };
        let (media, outbound, posted) = futures::join!(
            media_keeper::handle(&self.hub, &keep, of(Lane::Media), deadline_ms),
            outbound_sender::handle(&self.hub, &whatsapp, of(Lane::Whatsapp), deadline_ms),
            telegram_sender::handle(&self.hub, &channels, of(Lane::Telegram), deadline_ms),
        );
        assert!(media.batch_item_failures.is_empty());
        assert!(outbound.batch_item_failures.is_empty());
        assert!(posted.batch_item_failures.is_empty());
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
            if n_idle >= IDLE_LOOKS && !self.is_told_something().await {
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
            let stats = self.control(Method::GET, "stats", Value::Null).await;
            let mut queues = stats["queues"].as_array().unwrap().iter();
            let is_waiting =
                self.is_told_something().await || queues.any(|queue| queue["queued"] != 0);
            n_idle = if self.turn().await || is_waiting {
                0
            } else {
                n_idle + 1
            };
            Clock::system().sleep(LOOK_EVERY).await;
        }
    }

    /// Whether one of the providers still has something for us.
    async fn is_told_something(&self) -> bool {
        let stats = self.control(Method::GET, "stats", Value::Null).await;
        let mut queues = stats["queues"].as_array().unwrap().iter();
        stats["updates"] != 0 || queues.any(|queue| queue["notifications"] != 0)
    }

    // --- the rows ---------------------------------------------------------------------------

    pub(crate) async fn number(&self, instance: u64) -> NumberRow {
        let key = keys::number(&workspace(instance), &number(instance));
        row::load(&self.db, &key).await.unwrap().unwrap()
    }

    pub(crate) async fn channel(&self, channel: i64) -> Option<ChannelRow> {
        telegram::channel(&self.db, channel).await.unwrap()
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

    /// A customer writes to a number.
    pub(crate) async fn incoming(&self, instance: u64, body: Value) {
        let path = format!("green-api/{instance}/incoming");
        self.control(Method::POST, &path, body).await;
    }

    /// Ann writes a text to the first number.
    pub(crate) async fn customer(&self, phone: &str, text: &str) {
        let body = json!({ "from": phone, "name": "Ann", "text": text });
        self.incoming(I1, body).await;
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
        let path = format!("green-api/{I1}/notify");
        self.control(Method::POST, &path, body).await;
    }

    /// Somebody changes the bot's place in a channel.
    pub(crate) async fn place(&self, channel: i64, status: &str) {
        let path = format!("telegram/chats/{channel}/bot");
        self.control(Method::PUT, &path, json!({ "status": status }))
            .await;
        self.settle().await;
    }

    /// A manager writes in a channel; gives the message's id.
    pub(crate) async fn writes(&self, channel: i64, body: Value) -> i64 {
        let path = format!("telegram/chats/{channel}/write");
        let written = self.control(Method::POST, &path, body).await;
        written["message_id"].as_i64().unwrap()
    }

    // --- what can be seen -------------------------------------------------------------------

    /// All that is in a channel.
    pub(crate) async fn all(&self, channel: i64) -> Vec<Value> {
        let path = format!("telegram/chats/{channel}");
        let chat = self.control(Method::GET, &path, Value::Null).await;
        chat["messages"].as_array().unwrap().clone()
    }

    /// What the bot has posted in a channel.
    pub(crate) async fn posts(&self, channel: i64) -> Vec<Value> {
        let all = self.all(channel).await.into_iter();
        all.filter(|post| post["from_bot"] == true).collect()
    }

    /// The bot's posts after its greeting, once there are so many.
    pub(crate) async fn posted(&self, channel: i64, n: usize) -> Vec<Value> {
        self.until(&format!("post {n} in {channel}"), async || {
            let posts = self.posts(channel).await;
            (posts.len() > n).then(|| posts[1..].to_vec())
        })
        .await
    }

    /// The reaction to a message, once there is one.
    pub(crate) async fn reaction(&self, channel: i64, message: i64) -> String {
        self.until("a reaction", async || {
            let all = self.all(channel).await;
            let found = all.iter().find(|it| it["message_id"] == message)?;
            Some(found["reactions"].get(0)?.as_str()?.to_owned())
        })
        .await
    }

    /// What we sent to a customer of a number, as their phone shows it.
    pub(crate) async fn phone(&self, instance: u64, chat: &str) -> Vec<Value> {
        let path = format!("green-api/{instance}/phone/{chat}");
        let all = self.control(Method::GET, &path, Value::Null).await;
        let all = all.as_array().unwrap().iter();
        all.filter(|m| m["direction"] == "outgoing")
            .cloned()
            .collect()
    }

    /// The texts that we sent to a customer, once there are so many.
    pub(crate) async fn got(&self, instance: u64, chat: &str, n: usize) -> Vec<String> {
        self.until(&format!("message {n} on the phone"), async || {
            let phone = self.phone(instance, chat).await;
            (phone.len() >= n).then(|| phone.iter().map(|m| text(m, "text")).collect())
        })
        .await
    }
}

fn batch<'a>(wake_ups: impl Iterator<Item = &'a WakeUp>) -> SqsEvent {
    let records = wake_ups.enumerate().map(|(n, wake_up)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(n.to_string());
        message.body = Some(serde_json::to_string(wake_up).unwrap());
        message
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|m| text(m, "text")).collect()
}
