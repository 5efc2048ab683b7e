//! What a removed number has left, when its time has come, and imports that nobody is at.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::domain::sms::Providers;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::oauth::OAuth;
use greenhub::green_api::client::GreenApi;
use greenhub::media::fetch::FetchError;
use greenhub::media::memory::MemoryStore;
use greenhub::media::store::{About, FileStore, Source};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Db, Table};
use greenhub::store::directory::GoneNumberRow;
use greenhub::store::history::{ImportRow, Phase};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use sweeper::Sweeper;
use url::Url;

const NOW_MS: i64 = 1_763_800_000_000;

/// A file in one piece.
struct Content(Option<Bytes>);

impl Source for Content {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        Ok(self.0.take())
    }
}

/// A sweeper that nobody else is there for.
fn sweeper(
    db: &MemoryDb,
    files: &MemoryStore,
    clock: &Clock,
) -> Sweeper<MemoryDb, MemoryQueue, MemoryStore> {
    let http = greenhub::http::client(Duration::from_secs(1)).unwrap();
    let nowhere: Url = "http://127.0.0.1:1".parse().unwrap();
    let keys = DataKeys::new("k1".to_owned(), &[("k1".to_owned(), [7; 32])].into());
    Sweeper {
        hub: Hub {
            db: db.clone(),
            queue: MemoryQueue::new(clock.clone()),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        },
        green: GreenApi::new(http.clone()),
        ghl: Ghl::new(http.clone(), nowhere.clone()),
        files: files.clone(),
        oauth: OAuth::new(http, nowhere.clone(), "c".into(), "s".into(), "r".into()),
        data_keys: Arc::new(keys.unwrap()),
        providers: Providers {
            extra: "p".to_owned(),
            default: None,
        },
        public_base_url: nowhere,
        telegram: None,
    }
}

// AC 114
#[tokio::test(start_paused = true)]
async fn conversations_are_erased_when_they_are_due_and_looked_for_once_more() {
    let (db, clock) = (MemoryDb::new(), Clock::paused(NOW_MS));
    let (workspace, number) = (WorkspaceId::new("w"), NumberId::new("n"));
    let save = async |chat: &str| {
        let chat = ChatId::new(chat);
        let alias = Alias::from_phone_digits("79001234567");
        let mut row = ChatRow::new(workspace.clone(), number.clone(), chat, alias);
        let write = row::save(keys::chat(&row.chat.clone()), &mut row).unwrap();
        db.write(vec![write]).await.unwrap();
    };
    let files = MemoryStore::default();
    let keep = async |number: &NumberId, id: &str| {
        let about = About {
            mime: "image/png".to_owned(),
            disposition: "inline".to_owned(),
        };
        let content = Content(Some("a picture".into()));
        let object = keys::object(number, id);
        files.put(&object, &about, content).await.unwrap();
    };
    save("c1").await;
    keep(&number, "f1").await;
    keep(&NumberId::new("n2"), "f1").await;
    let key = keys::gone_number(&workspace, &number);
    let mut gone = GoneNumberRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
        is_erased: false,
        due_at: NOW_MS + 60_000,
        due_shard: keys::due_shard_of(number.as_str()),
    };
    let write = row::save(key.clone(), &mut gone).unwrap();
    db.write(vec![write]).await.unwrap();

    let sweeper = sweeper(&db, &files, &clock);
    let sweep = async || {
        let report = sweeper.sweep(clock.now_ms() + 60_000).await.unwrap();
        assert_eq!(report.failures, 0);
        let rows = |table| db.rows(table).len();
        (
            rows(Table::Chats),
            files.all().len(),
            rows(Table::Directory),
        )
    };
    assert_eq!(sweep().await, (1, 2, 1), "not before its time");
    clock.sleep(Duration::from_secs(61)).await;
    // The other number's file stays.
    assert_eq!(sweep().await, (0, 1, 1));
    // A sender, a webhook or a copy was still at it.
    save("c2").await;
    keep(&number, "f2").await;
    assert_eq!(sweep().await, (1, 2, 1));
    clock.sleep(Duration::from_secs(601)).await;
    assert_eq!(sweep().await, (0, 1, 0));
}

// AC 120: an import whose run was killed goes on, and a paused one does not.
#[tokio::test(start_paused = true)]
async fn an_import_that_nobody_is_at_is_woken() {
    let (db, clock) = (MemoryDb::new(), Clock::paused(NOW_MS));
    let key = keys::import(&WorkspaceId::new("w"), &NumberId::new("n"));
    let mut import = ImportRow {
        rev: 0,
        workspace: WorkspaceId::new("w"),
        number: NumberId::new("n"),
        options: Default::default(),
        phase: Phase::Running,
        counts: Default::default(),
        cursor: None,
        trouble: None,
        trouble_since_ms: None,
        started_ms: NOW_MS,
        measured: None,
        ended_ms: None,
        due_at: None,
        due_shard: None,
    };
    import.set_due(Some(NOW_MS + 60_000));
    let write = row::save(key.clone(), &mut import).unwrap();
    db.write(vec![write]).await.unwrap();
    let sweeper = sweeper(&db, &MemoryStore::default(), &clock);
    let sweep = async || {
        let report = sweeper.sweep(clock.now_ms() + 60_000).await.unwrap();
        assert_eq!(report.failures, 0);
        (report.imports_woken, sweeper.hub.queue.take_imports().len())
    };
    assert_eq!(sweep().await, (0, 0), "somebody is at it");
    clock.sleep(Duration::from_secs(61)).await;
    assert_eq!(sweep().await, (1, 1));
    let paused = row::change::<ImportRow>(&db, &key, |import| {
        import.phase = Phase::Paused;
        true
    });
    paused.await.unwrap();
    assert_eq!(sweep().await, (0, 0));
}
