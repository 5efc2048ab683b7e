use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::limiter::policy;
use crate::store::db::{Item, Query, Table};
use crate::store::memory::{Call, Fate, Hook, MemoryDb};

const START_MS: Millis = 1_700_000_000_000;

fn key() -> Key {
    Key {
        table: Table::Runtime,
        pk: "limit#n1".to_owned(),
        sk: "sendMessage".to_owned(),
    }
}

fn rows(db: &MemoryDb) -> Vec<Row> {
    let rows = db.rows(Table::Runtime);
    rows.into_iter()
        .map(|(_, row)| serde_dynamo::from_item(row).unwrap())
        .collect()
}

/// Tables that take a few milliseconds to answer.
#[derive(Clone)]
struct Slow {
    db: MemoryDb,
    clock: Clock,
    rng: Arc<Mutex<StdRng>>,
}

impl Slow {
    async fn travel(&self) {
        let ms = self.rng.lock().unwrap().random_range(1..5);
        self.clock.sleep(Duration::from_millis(ms)).await;
    }
}

impl Db for Slow {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        self.travel().await;
        let answer = self.db.get(key).await;
        self.travel().await;
        answer
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        self.db.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        self.travel().await;
        let answer = self.db.write(writes).await;
        self.travel().await;
        answer
    }
}

/// Departures of 16 workers that reserve one call after the other, in order, milliseconds.
async fn run_workers(gcra: Gcra, n_each: usize, seed: u64) -> Vec<Millis> {
    let clock = Clock::paused(START_MS);
    let rng = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
    let db = Slow {
        db: MemoryDb::new(),
        clock: clock.clone(),
        rng,
    };
    let workers = (0..16).map(|_| {
        let (db, clock) = (db.clone(), clock.clone());
        tokio::spawn(async move {
            let mut departures = Vec::with_capacity(n_each);
            while departures.len() < n_each {
                let reserved = match reserve(&db, &clock, &key(), &gcra, 1).await {
                    Ok(reserved) => reserved,
                    Err(DbError::Unavailable { .. }) => continue,
                    Err(error) => panic!("{error}"),
                };
                let at_ms = (reserved.first_us + 999) / 1000;
                clock.sleep_until(at_ms).await;
                departures.push(clock.now_ms());
            }
            departures
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    all
}

#[tokio::test(start_paused = true)]
async fn sixteen_workers_keep_the_limit_and_use_it() {
    // The clock's millisecond is part of the spread that the policy is told of.
    let check = async |gcra: Gcra, j_ms: i64, window_ms: i64, limit: usize, seed: u64| {
        let departures = run_workers(gcra, 60, seed).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut arrivals: Vec<Millis> = departures
            .iter()
            .map(|at_ms| at_ms + rng.random_range(0..j_ms))
            .collect();
        arrivals.sort_unstable();
        for beyond in arrivals.windows(limit + 1) {
            assert!(
                window_ms <= beyond[limit] - beyond[0],
                "more than {limit} in {window_ms} ms"
            );
        }

        let took_s = (departures[departures.len() - 1] - departures[0]) as f64 / 1000.0;
        let n_spaced = departures.len() as f64 - f64::from(gcra.burst);
        let allowed_s = n_spaced * gcra.period_us as f64 / 1e6;
        assert!(
            took_s <= allowed_s / 0.95,
            "{took_s} s, and {allowed_s} s were enough"
        );
    };
    for seed in 0..3 {
        check(policy::green_api("sendMessage", 0.1), 100, 1000, 50, seed).await;
        check(policy::green_api("checkWhatsapp", 0.1), 100, 1000, 10, seed).await;
        check(policy::ghl(0.2), 200, 10_000, 100, seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_penalty_is_everybodys() {
    let (db, clock) = (MemoryDb::new(), Clock::paused(START_MS));
    let gcra = Gcra {
        period_us: 20_000,
        burst: 1,
    };
    reserve(&db, &clock, &key(), &gcra, 1).await.unwrap();
    penalise(&db, &clock, &key(), &gcra, Duration::from_secs(1))
        .await
        .unwrap();
    let reserved = reserve(&db, &clock, &key(), &gcra, 2).await.unwrap();
    assert_eq!(reserved.departure_us(0), (START_MS + 1000) * 1000);
    assert_eq!(reserved.departure_us(1), (START_MS + 1020) * 1000);
    let until_s = START_MS / 1000 + 1 + KEEP_S;
    let expect = Row {
        rev: 3,
        tat_us: (START_MS + 1040) * 1000,
        expires_at: until_s,
    };
    assert_eq!(rows(&db), [expect]);
}

/// Meets every write with the same fate.
struct OnWrite {
    before: Fate,
    after: Fate,
}

impl Hook for OnWrite {
    fn before(&self, call: &Call) -> Fate {
        if matches!(call, Call::Write(_)) {
            self.before
        } else {
            Fate::Go
        }
    }

    fn after(&self, call: &Call) -> Fate {
        if matches!(call, Call::Write(_)) {
            self.after
        } else {
            Fate::Go
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_table_there_is_no_reservation() {
    let gcra = Gcra {
        period_us: 20_000,
        burst: 1,
    };
    let check = async |before, after, expect_next_ms: Millis| {
        let (db, clock) = (MemoryDb::new(), Clock::paused(START_MS));
        let hooked = db.hooked(Arc::new(OnWrite { before, after }));
        let refused = reserve(&hooked, &clock, &key(), &gcra, 1).await;
        assert!(
            matches!(refused, Err(DbError::Unavailable { .. })),
            "{refused:?}"
        );
        let next = reserve(&db, &clock, &key(), &gcra, 1).await.unwrap();
        assert_eq!(next.first_us, (START_MS + expect_next_ms) * 1000);
    };
    check(Fate::Fail, Fate::Go, 0).await;
    // The answer was lost, so the slot is, too.
    check(Fate::Go, Fate::Fail, 20).await;
}

/// Somebody else always writes between our read and our write.
#[derive(Clone)]
struct Contended(MemoryDb);

impl Db for Contended {
    async fn get(&self, key: &Key) -> Result<Option<Item>, DbError> {
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, DbError> {
        self.0.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), DbError> {
        let mut theirs = writes.clone();
        theirs[0].only_if = Cond::Always;
        self.0.write(theirs).await?;
        self.0.write(writes).await
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_never_first_gives_up() {
    let (db, clock) = (MemoryDb::new(), Clock::paused(START_MS));
    let gcra = Gcra {
        period_us: 20_000,
        burst: 1,
    };
    let refused = reserve(&Contended(db.clone()), &clock, &key(), &gcra, 1).await;
    assert!(
        matches!(refused, Err(DbError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(
        db.counts().writes[&Table::Runtime],
        2 * (MOST_RETRIES as u64 + 1)
    );
    assert!(clock.now_ms() < START_MS + 3000, "it does not take long");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_takes_nothing_from_the_others() {
    let (db, clock) = (MemoryDb::new(), Clock::paused(START_MS));
    // One call a second, none at once.
    let gcra = Gcra {
        period_us: 1_000_000,
        burst: 1,
    };
    let ask = async |wait_s: u64| {
        let wait = Duration::from_secs(wait_s);
        let asked = reserve_within(&db, &clock, &key(), &gcra, wait).await;
        let asked = asked.unwrap();
        asked
            .map(|reserved| reserved.departure_us(0) / 1000 - START_MS)
            .map_err(|again_ms| again_ms - START_MS)
    };
    assert_eq!(ask(2).await, Ok(0));
    assert_eq!(ask(2).await, Ok(1000));
    assert_eq!(ask(2).await, Ok(2000));
    for _ in 0..50 {
        assert_eq!(ask(2).await, Err(1000));
    }
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(ask(2).await, Ok(3000));
    assert_eq!(ask(2).await, Err(2000));
    assert_eq!(ask(10).await, Ok(4000));
}
