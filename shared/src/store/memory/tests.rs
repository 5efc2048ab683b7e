use std::time::Duration;

use super::*;
use crate::store::db::Cond;

fn key(table: Table, sk: &str) -> Key {
    Key {
        table,
        pk: "p".to_owned(),
        sk: sk.to_owned(),
    }
}

fn put(table: Table, sk: &str) -> Write {
    Write {
        key: key(table, sk),
        op: Op::Put(Item::new()),
        only_if: Cond::Absent,
    }
}

/// Meets every call with the same fate.
struct Always {
    before: Fate,
    after: Fate,
}

impl Hook for Always {
    fn before(&self, _: &Call) -> Fate {
        self.before
    }

    fn after(&self, _: &Call) -> Fate {
        self.after
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_decides_what_was_applied_and_what_is_told() {
    let check = async |before, after, expect_told: &str, expect_rows: usize| {
        let db = MemoryDb::new();
        let hooked = db.hooked(Arc::new(Always { before, after }));
        let write = hooked.write(vec![put(Table::Chats, "a"), put(Table::Chats, "b")]);
        let told = match tokio::time::timeout(Duration::from_secs(1), write).await {
            Ok(Ok(())) => "ok",
            Ok(Err(DbError::Unavailable { .. })) => "unavailable",
            Ok(Err(_)) => "another error",
            Err(_) => "nothing",
        };
        assert_eq!(
            (told, db.rows(Table::Chats).len()),
            (expect_told, expect_rows)
        );
    };
    check(Fate::Go, Fate::Go, "ok", 2).await;
    check(Fate::Fail, Fate::Go, "unavailable", 0).await;
    check(Fate::Go, Fate::Fail, "unavailable", 2).await;
    check(Fate::Crash, Fate::Go, "nothing", 0).await;
    check(Fate::Go, Fate::Crash, "nothing", 2).await;
}

/// Writes down every call.
#[derive(Default)]
struct Recorder(Mutex<Vec<(&'static str, Call)>>);

impl Hook for Recorder {
    fn before(&self, call: &Call) -> Fate {
        self.0.lock().unwrap().push(("before", call.clone()));
        Fate::Go
    }

    fn after(&self, call: &Call) -> Fate {
        self.0.lock().unwrap().push(("after", call.clone()));
        Fate::Go
    }
}

#[tokio::test]
async fn a_hook_sees_every_call_before_and_after() {
    let recorder = Arc::new(Recorder::default());
    let db = MemoryDb::new().hooked(Arc::clone(&recorder) as Arc<dyn Hook>);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk: "p".to_owned(),
        range: Range::Text {
            from: "a".to_owned(),
            to: "b".to_owned(),
        },
        backwards: false,
        limit: 1,
    };
    db.write(vec![put(Table::Chats, "a")]).await.unwrap();
    db.get(&key(Table::Chats, "a")).await.unwrap();
    db.query(&query).await.unwrap();
    let calls = [
        Call::Write(vec![put(Table::Chats, "a")]),
        Call::Get(key(Table::Chats, "a")),
        Call::Query(query),
    ];
    let expect: Vec<_> = calls
        .into_iter()
        .flat_map(|call| [("before", call.clone()), ("after", call)])
        .collect();
    assert_eq!(*recorder.0.lock().unwrap(), expect);
}

#[tokio::test]
async fn calls_are_counted_by_table() {
    let db = MemoryDb::new();
    db.write(vec![put(Table::Chats, "a")]).await.unwrap();
    db.write(vec![put(Table::Chats, "a")]).await.unwrap_err();
    db.write(vec![put(Table::Chats, "b"), put(Table::Runtime, "b")])
        .await
        .unwrap();
    db.get(&key(Table::Runtime, "b")).await.unwrap();
    let expect = Counts {
        reads: BTreeMap::from([(Table::Runtime, 1)]),
        writes: BTreeMap::from([(Table::Chats, 3), (Table::Runtime, 1)]),
        transactions: 1,
    };
    assert_eq!(db.counts(), expect);
}

#[tokio::test]
async fn others_get_their_turn_during_a_call() {
    let db = MemoryDb::new();
    let read_then_write = async || {
        let seen = db.get(&key(Table::Chats, "a")).await.unwrap();
        (
            seen.is_some(),
            db.write(vec![put(Table::Chats, "a")]).await.is_ok(),
        )
    };
    let mut told = <[_; 2]>::from(tokio::join!(read_then_write(), read_then_write()));
    told.sort();
    assert_eq!(
        told,
        [(false, false), (false, true)],
        "both saw nothing, one was first"
    );
}
