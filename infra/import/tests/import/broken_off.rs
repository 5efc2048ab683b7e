//! A run that ends at any of its writes, and the same command once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenhub::store::db::Table;
use greenhub::store::memory::{Call, Fate, Hook, MemoryDb};
use greenhub_import::bring::NumberOutcome;

use crate::mariadb::MariaDb;
use crate::schema_and_rows;
use crate::world::{bring, directory, importer, planned};

/// Fails the write with this number, counted from 0, before or after it was applied.
struct FailAt {
    n: usize,
    is_applied: bool,
    seen: AtomicUsize,
}

impl FailAt {
    fn is_it(&self, call: &Call, counts: bool) -> bool {
        if !matches!(call, Call::Write(_)) {
            return false;
        }
        let seen = match counts {
            true => self.seen.fetch_add(1, Ordering::SeqCst),
            false => self.seen.load(Ordering::SeqCst) - 1,
        };
        seen == self.n
    }
}

impl Hook for FailAt {
    fn before(&self, call: &Call) -> Fate {
        match self.is_it(call, true) && !self.is_applied {
            true => Fate::Fail,
            false => Fate::Go,
        }
    }

    fn after(&self, call: &Call) -> Fate {
        match self.is_it(call, false) && self.is_applied {
            true => Fate::Fail,
            false => Fate::Go,
        }
    }
}

#[tokio::test]
async fn a_run_that_was_broken_off_is_made_whole_by_the_next_one() {
    let server = MariaDb::start().await;
    let address = server.filled("broken_off", &schema_and_rows()).await;
    let plan = planned(&address).await;
    let keys = |db: &MemoryDb| -> Vec<String> {
        let rows = directory(db).into_iter();
        let mut kinds: Vec<_> = rows.map(|(key, _)| kind(&key.pk, &key.sk)).collect();
        kinds.sort();
        kinds
    };
    let whole = MemoryDb::new();
    bring(&importer(&whole), &plan).await;
    let expect = keys(&whole);
    // Three locations and four numbers, a transaction each.
    const WRITES: usize = 7;
    for n in 0..WRITES {
        for is_applied in [false, true] {
            let db = MemoryDb::new();
            let fails = Arc::new(FailAt {
                n,
                is_applied,
                seen: AtomicUsize::new(0),
            });
            let failing = db.hooked(fails);
            // A number whose answer was lost is recognised; all else ends the run.
            let _ = importer(&failing).bring(&plan, |_| {}).await;
            let (again, _) = bring(&importer(&db), &plan).await;
            let numbers = again.iter().flat_map(|it| &it.numbers);
            let is_there = |outcome| matches!(outcome, NumberOutcome::New | NumberOutcome::Here);
            assert!(numbers.map(|it| it.1).all(is_there), "{n} {is_applied}");
            assert_eq!(keys(&db), expect, "{n} {is_applied}");
        }
    }
    assert!(whole.rows(Table::Chats).is_empty());
}

/// What a row is, without the ids that differ from run to run.
fn kind(pk: &str, sk: &str) -> String {
    let first = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    match pk.split('#').next() {
        Some("WS" | "HOOK") => format!("{} {}", first(pk), first(sk)),
        _ => format!("{pk} {sk}"),
    }
}
