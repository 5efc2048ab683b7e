//! A number, its tables, and the phone behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{IdInstance, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::status::InstanceState;
use greenhub::green_api::client::GreenApi;
use greenhub::history::{ImportError, Imports, Worker};
use greenhub::pipeline::accept::{self, Accepted, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::{ChatRow, chat_of_alias};
use greenhub::store::db::{Db as _, Query, Table};
use greenhub::store::directory::NumberRow;
use greenhub::store::history::{self, ImportOptions, ImportRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use greenhub_sandbox::{Sandbox, SandboxConfig, start};
use history_import::handle;
use reqwest::Method;
use serde_json::{Value, json};

/// The sandbox's first number.
pub(crate) const I1: u64 = 1_101_000_001;

pub(crate) struct World {
    pub(crate) hub: Hub<MemoryDb, MemoryQueue>,
    pub(crate) green: GreenApi,
    pub(crate) data_keys: Arc<DataKeys>,
    pub(crate) ahead_ms: Arc<AtomicI64>,
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) workspace: WorkspaceId,
    pub(crate) number: NumberId,
}

pub(crate) async fn world() -> World {
    let sandbox = start(SandboxConfig::default()).await.unwrap();
    let http = greenhub::http::client(Duration::from_secs(30)).unwrap();
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(Arc::clone(&ahead_ms));
    let hub = Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::random(),
        settings: Settings::default(),
    };
    let (workspace, number) = (WorkspaceId::new("ws"), NumberId::new("n1"));
    let keys = [("1".to_owned(), [7; 32])].into();
    let data_keys = Arc::new(DataKeys::new("1".to_owned(), &keys).unwrap());
    let context = NumberRow::seal_context(&workspace, &number, NumberRow::TOKEN);
    let url = |path: &str| format!("http://{}/_sandbox/{path}", sandbox.addr);
    let accounts = http.get(url("accounts")).send().await.unwrap();
    let accounts: Value = accounts.json().await.unwrap();
    let numbers = accounts["greenApi"]["instances"].as_array().unwrap();
    let account = numbers.iter().find(|it| it["idInstance"] == I1).unwrap();
    let mut row = NumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
        id_instance: IdInstance(I1),
        name: "Sales".into(),
        created_ms: hub.clock.now_ms(),
        location: None,
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: format!("http://{}/", sandbox.addr),
        media_url: None,
        token_sealed: data_keys.seal(account["apiTokenInstance"].as_str().unwrap(), &context),
        hook_key_sealed: String::new(),
        hook_token_sha256: String::new(),
        hook_token_sealed: String::new(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        configured: true,
        delay_ms: 500,
        prefs: Default::default(),
        pause: None,
        checked_ms: 0,
        changes: Vec::new(),
        alarmed: false,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    };
    let key = keys::number(&workspace, &number);
    let write = row::save(key, &mut row).unwrap();
    hub.db.write(vec![write]).await.unwrap();
    World {
        hub,
        green: GreenApi::new(http.clone()),
        data_keys,
        ahead_ms,
        sandbox,
        http,
        workspace,
        number,
    }
}

impl World {
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/_sandbox/{path}", self.sandbox.addr);
        let answer = self.http.request(method, url).json(&body).send().await;
        let answer = answer.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub(crate) async fn seed(&self, chats: Value) {
        let path = format!("green-api/{I1}/history");
        self.control(Method::POST, &path, json!({ "chats": chats }))
            .await;
    }

    pub(crate) fn imports(&self) -> Imports<'_, MemoryDb, MemoryQueue> {
        Imports {
            db: &self.hub.db,
            queue: &self.hub.queue,
            clock: &self.hub.clock,
        }
    }

    pub(crate) async fn start(&self, options: ImportOptions) -> Result<ImportRow, ImportError> {
        let imports = self.imports();
        imports
            .start(&self.workspace, &self.number, options, false)
            .await
    }

    pub(crate) async fn import(&self) -> ImportRow {
        let import = history::import(&self.hub.db, &self.workspace, &self.number).await;
        import.unwrap().unwrap()
    }

    pub(crate) async fn change(&self, change: impl Fn(&mut NumberRow) + Send + Sync) {
        let key = keys::number(&self.workspace, &self.number);
        let changed = row::change::<NumberRow>(&self.hub.db, &key, |row| {
            change(row);
            true
        });
        changed.await.unwrap();
    }

    /// What the queue would do with the wake-ups that are there, whenever they are due.
    pub(crate) async fn turn(&self) -> bool {
        let wake_ups = self.hub.queue.take_imports();
        let Some((wake_up, at_ms)) = wake_ups.into_iter().max_by_key(|(_, at_ms)| *at_ms) else {
            return false;
        };
        let wait_ms = (at_ms - self.hub.clock.now_ms()).max(0);
        self.ahead_ms.fetch_add(wait_ms, Ordering::SeqCst);
        let worker = Worker {
            hub: &self.hub,
            green: &self.green,
            data_keys: Arc::clone(&self.data_keys),
        };
        let mut message = SqsMessage::default();
        message.message_id = Some("1".into());
        message.body = Some(serde_json::to_string(&wake_up).unwrap());
        let mut event = SqsEvent::default();
        event.records = vec![message];
        let deadline_ms = self.hub.clock.now_ms() + 600_000;
        let answer = handle(&worker, event, deadline_ms).await;
        assert!(answer.batch_item_failures.is_empty());
        true
    }

    pub(crate) async fn to_its_end(&self) -> ImportRow {
        while self.turn().await {}
        self.import().await
    }

    pub(crate) async fn chat(&self, alias: &str) -> ChatRow {
        let alias = Alias::parse(alias).unwrap();
        let found = chat_of_alias(&self.hub.db, &self.number, &alias)
            .await
            .unwrap();
        let key = keys::chat(&found.unwrap().chat);
        row::load(&self.hub.db, &key).await.unwrap().unwrap()
    }

    /// All messages of a chat, the earliest first.
    pub(crate) async fn messages(&self, alias: &str) -> Vec<Message> {
        let (pk, range) = keys::all_messages(&self.chat(alias).await.chat);
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards: false,
            limit: 1000,
        };
        let rows = self.hub.db.query(&query).await.unwrap();
        rows.into_iter().map(|it| row::read(it).unwrap()).collect()
    }

    pub(crate) async fn ids(&self, alias: &str) -> Vec<String> {
        let messages = self.messages(alias).await.into_iter();
        messages.map(|it| it.whatsapp_id.unwrap()).collect()
    }

    /// When each call of these methods came to the sandbox, milliseconds since 1970, and what it was
    /// answered.
    pub(crate) async fn calls(&self) -> BTreeMap<String, Vec<(i64, i64)>> {
        let all = self
            .control(Method::GET, "calls?provider=green-api", json!({}))
            .await;
        let mut calls: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for call in all.as_array().unwrap() {
            let path = call["path"].as_str().unwrap();
            let method = path.split('/').nth(2).unwrap().to_owned();
            let at = (
                call["at_ms"].as_i64().unwrap(),
                call["status"].as_i64().unwrap(),
            );
            calls.entry(method).or_default().push(at);
        }
        calls
    }

    /// What came in through the webhook.
    pub(crate) async fn live(&self, id: &str, phone: &str, text: &str) -> Accepted {
        let key = keys::number(&self.workspace, &self.number);
        let number = row::load::<NumberRow>(&self.hub.db, &key)
            .await
            .unwrap()
            .unwrap();
        let new = NewMessage {
            kind: IdKind::Message,
            remote_id: id.to_owned(),
            direction: Direction::In,
            origin: Origin::Whatsapp,
            api_echo: false,
            chat: Alias::from_phone_digits(phone),
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: None,
            content: Content::Text { text: text.into() },
            quoted: None,
        };
        let taken = accept::whatsapp_message(&self.hub, &Home::from(&number), new).await;
        taken.unwrap()
    }
}

pub(crate) fn text(id: &str, at_s: i64, text: &str) -> Value {
    json!({
        "type": "incoming", "idMessage": id, "timestamp": at_s,
        "typeMessage": "textMessage", "textMessage": text,
    })
}

pub(crate) const ANNA: &str = "79001112233@c.us";
pub(crate) const BORIS: &str = "79004445566@c.us";
pub(crate) const GROUP: &str = "120363000000000001@g.us";

/// Two chats of three messages each.
pub(crate) fn two_chats() -> Value {
    let three = |name: &str| {
        let ids = (1..=3).map(|n| text(&format!("{name}{n}"), 1_700_000_000 + n, "hi"));
        ids.collect::<Vec<_>>()
    };
    json!([
        { "chatId": ANNA, "name": "Anna", "messages": three("A") },
        { "chatId": BORIS, "name": "Boris", "messages": three("B") },
    ])
}
