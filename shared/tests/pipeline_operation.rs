//! A number in operation: what changes of its state are told, and what it sends while it is
//! restricted.

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{IdInstance, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::operation::Alarm;
use greenhub::domain::status::InstanceState;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::accept::{self, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::provider::{Prepared, Provider as _};
use greenhub::pipeline::whatsapp::{self, Whatsapp};
use greenhub::pipeline::{Hub, Settings, operation};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::Db as _;
use greenhub::store::directory::NumberRow;
use greenhub::store::memory::MemoryDb;
use greenhub::store::operation::{alerts, states};
use greenhub::store::{keys, row};

/// Noon of a day in UTC.
const NOON_MS: i64 = 1_767_614_400_000;

struct World {
    hub: Hub<MemoryDb, MemoryQueue>,
    green: GreenApi,
    keys: Arc<DataKeys>,
    ahead_ms: Arc<AtomicI64>,
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws")
}

fn number() -> NumberId {
    NumberId::new("n1")
}

async fn world() -> World {
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(Arc::clone(&ahead_ms));
    ahead_ms.store(NOON_MS - clock.now_ms(), Ordering::SeqCst);
    let hub = Hub {
        db: MemoryDb::new(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::counted(),
        settings: Settings::default(),
    };
    let all = [("1".to_owned(), [7; 32])].into();
    let data_keys = DataKeys::new("1".to_owned(), &all).unwrap();
    let context = NumberRow::seal_context(&workspace(), &number(), NumberRow::TOKEN);
    let mut row = NumberRow {
        rev: 0,
        workspace: workspace(),
        number: number(),
        id_instance: IdInstance(1_101_000_001),
        name: "Sales".into(),
        created_ms: 0,
        location: None,
        state: InstanceState::Authorized,
        state_since_ms: 0,
        wid: None,
        api_url: "http://127.0.0.1:9/".into(),
        media_url: None,
        token_sealed: data_keys.seal("token", &context),
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
    let write = row::save(keys::number(&workspace(), &number()), &mut row).unwrap();
    hub.db.write(vec![write]).await.unwrap();
    World {
        hub,
        green: GreenApi::new(greenhub::http::client(std::time::Duration::from_secs(1)).unwrap()),
        keys: Arc::new(data_keys),
        ahead_ms,
    }
}

impl World {
    async fn change(&self, change: impl Fn(&mut NumberRow) + Send + Sync) -> NumberRow {
        let key = keys::number(&workspace(), &number());
        let changed = row::change::<NumberRow>(&self.hub.db, &key, |row| {
            change(row);
            true
        });
        changed.await.unwrap().unwrap()
    }

    /// The number is told to be in this state, by a webhook or by whoever looks.
    async fn is_in(&self, state: &str) -> NumberRow {
        let now = self.hub.clock.now_ms();
        let state = InstanceState::from(state.to_owned());
        let row = self.change(|row| whatsapp::note_state(row, state.clone(), None, now));
        let row = row.await;
        operation::tell(&self.hub, &row).await.unwrap();
        row
    }

    fn pass(&self, seconds: i64) {
        self.ahead_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The changes that were told, and which of them were flaps, the latest first.
    async fn told(&self) -> Vec<(String, bool)> {
        let states = states(&self.hub.db, &number(), 100).await.unwrap();
        let told = states
            .into_iter()
            .map(|it| (it.change.to.into(), it.is_flap));
        told.collect()
    }

    async fn alarms(&self) -> Vec<Alarm> {
        let alerts = alerts(&self.hub.db, &workspace(), 100).await.unwrap();
        alerts.into_iter().map(|it| it.alarm).collect()
    }

    /// Somebody writes to a person, who has written before or not: whether it goes.
    async fn goes(&self, phone: &str, has_written: bool) -> Result<bool, String> {
        let key = keys::number(&workspace(), &number());
        let row = row::load::<NumberRow>(&self.hub.db, &key)
            .await
            .unwrap()
            .unwrap();
        let home = Home::from(&row);
        let new = |id: &str, direction, origin| NewMessage {
            kind: IdKind::Message,
            remote_id: format!("{phone}-{id}"),
            direction,
            origin,
            api_echo: false,
            chat: Alias::from_phone_digits(phone),
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: None,
            content: Content::Text { text: "hi".into() },
            quoted: None,
        };
        if has_written {
            let written = new("in", Direction::In, Origin::Whatsapp);
            accept::whatsapp_message(&self.hub, &home, written)
                .await
                .unwrap();
        }
        let send = new("out", Direction::Out, Origin::Panel);
        let claim = accept::own_message(&self.hub, &home, send).await.unwrap();
        let key = keys::chat(&claim.chat);
        let chat = row::load::<ChatRow>(&self.hub.db, &key)
            .await
            .unwrap()
            .unwrap();
        let key = keys::message(&claim.chat, claim.seq);
        let message = row::load::<Message>(&self.hub.db, &key)
            .await
            .unwrap()
            .unwrap();
        let whatsapp = Whatsapp::new(&self.hub, &self.green, Arc::clone(&self.keys));
        match whatsapp.prepare(&chat, &message, 0).await.unwrap() {
            Prepared::Ready { .. } | Prepared::InLine { .. } => Ok(true),
            Prepared::Wait { until_ms } => {
                assert!(until_ms > self.hub.clock.now_ms());
                Ok(false)
            }
            Prepared::Dead { reason } => Err(reason),
            Prepared::Anew => Err("the message was changed".to_owned()),
        }
    }
}

// AC 116: a change of the state is told with the state before; a flap is no alarm.
#[tokio::test]
async fn changes_of_the_state_are_told_once_they_count() {
    let world = world().await;
    let row = world.is_in("notAuthorized").await;
    let look_ms = row.due_at.unwrap() - world.hub.clock.now_ms();
    assert!((0..=20_000).contains(&look_ms), "{look_ms}");
    assert_eq!(world.alarms().await, []);
    world.pass(5);
    world.is_in("authorized").await;
    assert_eq!(world.alarms().await, []);
    let flapped = [
        ("authorized".to_owned(), false),
        ("notAuthorized".to_owned(), true),
    ];
    assert_eq!(world.told().await, flapped);

    world.is_in("notAuthorized").await;
    world.pass(30);
    // Looked at once more, twice even: told once.
    let seen = world.is_in("notAuthorized").await;
    world.is_in("notAuthorized").await;
    assert_eq!(world.alarms().await, [Alarm::Disconnected]);
    let alert = alerts(&world.hub.db, &workspace(), 1)
        .await
        .unwrap()
        .remove(0);
    let change = alert.change.unwrap();
    assert_eq!(
        (change.from, change.to),
        (InstanceState::Authorized, seen.state)
    );
    world.is_in("authorized").await;
    assert_eq!(world.alarms().await, [Alarm::Restored, Alarm::Disconnected]);
    world.is_in("somethingNew").await;
    assert_eq!(world.alarms().await[0], Alarm::Unknown);
    assert_eq!(
        world.told().await[0].0,
        "somethingNew",
        "kept as it was told"
    );
    let row = world.is_in("somethingNew").await;
    assert!(row.changes.is_empty() && row.alarmed);
}

// A crash between the telling and the note that it was told tells nothing twice.
#[tokio::test]
async fn what_is_told_again_is_told_once() {
    let world = world().await;
    world.is_in("blocked").await;
    let row = world
        .change(|row| {
            row.changes.push(greenhub::domain::operation::StateChange {
                at_ms: row.state_since_ms,
                from: InstanceState::Authorized,
                to: InstanceState::Blocked,
            });
        })
        .await;
    operation::tell(&world.hub, &row).await.unwrap();
    assert_eq!(world.alarms().await, [Alarm::Blocked]);
    assert_eq!(world.told().await.len(), 1);
}

// While WhatsApp restricts a number, answers go and new contacts wait, and then fail with the reason.
#[tokio::test]
async fn a_restricted_number_only_answers() {
    let world = world().await;
    for state in ["yellowCard", "suspended"] {
        world.is_in(state).await;
        let of = |n: u64| format!("7900{}{n:06}", state.len());
        assert_eq!(world.goes(&of(1), true).await, Ok(true), "{state}");
        assert_eq!(world.goes(&of(2), false).await, Ok(false), "{state}");
        world.pass(601);
        let failed = world.goes(&of(2), false).await.unwrap_err();
        assert!(
            failed.contains("only answers") && failed.contains(state),
            "{failed}"
        );
    }
    world.is_in("blocked").await;
    assert_eq!(world.goes("79000000001", true).await, Ok(false));
}

// A number writes first to so many people in a day; who has written is not counted.
#[tokio::test]
async fn new_contacts_have_a_budget() {
    let world = world().await;
    world
        .change(|row| row.prefs.new_contacts_per_day = Some(2))
        .await;
    assert_eq!(world.goes("79000000001", false).await, Ok(true));
    assert_eq!(
        world.goes("79000000001", false).await,
        Ok(true),
        "tried again"
    );
    assert_eq!(world.goes("79000000002", false).await, Ok(true));
    assert_eq!(world.goes("79000000003", false).await, Ok(false));
    assert_eq!(world.goes("79000000004", true).await, Ok(true));
    // It does not fail for that, however long it takes.
    world.pass(11 * 3600);
    assert_eq!(world.goes("79000000003", false).await, Ok(false));
    world.pass(3600);
    assert_eq!(world.goes("79000000003", false).await, Ok(true));
}
