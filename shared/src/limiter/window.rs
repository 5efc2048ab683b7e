//! So many of something in a time, counted in one row of the runtime table: who asks too often is
//! sent away and never waits. For requests of browsers; calls to providers have a schedule instead
//! ([`super::lease`]).
//!
//! A window begins with the first request and is followed by the next one. The window before counts
//! with the share of it that is still within the time, so that nobody gets twice as much around its
//! end. What is let through costs a read and a write, what is refused a read.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Millis};
use crate::store::db::{Db, DbError, Key};
use crate::store::row::{self, row};

/// How often it is tried while others count in the same row.
const MOST_RETRIES: usize = 20;

/// How much in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// At most so many.
    pub most: u32,
    /// Within this time.
    pub length_ms: Millis,
}

/// Whether one more is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was counted.
    Yes,
    /// It was not, and the next one can be in so many milliseconds.
    Wait(Millis),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct WindowRow {
    rev: u64,
    began_ms: Millis,
    n: u32,
    /// In the window before.
    n_before: u32,
    /// When the row may be cleaned up, seconds since 1970.
    expires_at: i64,
}

row!(WindowRow, "a window's count");

impl Window {
    /// Counts one in the row at `key`, if it is not one too many.
    ///
    /// # Errors
    /// The tables; also if others kept counting in the same row. It is not counted then.
    pub async fn admit(self, db: &impl Db, clock: &Clock, key: &Key) -> Result<Admission, DbError> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(2))
            .with_max_delay(Duration::from_millis(50))
            .with_factor(1.5)
            .with_max_times(MOST_RETRIES)
            .with_jitter()
            .build();
        loop {
            let mut row = row::load::<WindowRow>(db, key).await?.unwrap_or_default();
            if let Admission::Wait(ms) = self.count(&mut row, clock.now_ms()) {
                return Ok(Admission::Wait(ms));
            }
            match db.write(vec![row::save(key.clone(), &mut row)?]).await {
                Ok(()) => return Ok(Admission::Yes),
                Err(error @ (DbError::Condition { .. } | DbError::Conflict)) => {
                    let pause = pauses.next().ok_or(error)?;
                    clock.sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes back one that was counted, because it turned out not to be of the kind that counts.
    ///
    /// # Errors
    /// The tables; also if others kept counting in the same row. It stays counted then.
    pub async fn give_back(self, db: &impl Db, key: &Key) -> Result<(), DbError> {
        row::change::<WindowRow>(db, key, |row| {
            // It may have been counted in the window that has become the one before.
            let n = if row.n > 0 {
                &mut row.n
            } else {
                &mut row.n_before
            };
            *n = n.saturating_sub(1);
            true
        })
        .await?;
        Ok(())
    }

    fn count(self, row: &mut WindowRow, now_ms: Millis) -> Admission {
        let age_ms = now_ms - row.began_ms;
        if age_ms >= 2 * self.length_ms || age_ms < 0 {
            (row.began_ms, row.n, row.n_before) = (now_ms, 0, 0);
        } else if age_ms >= self.length_ms {
            (row.n_before, row.n) = (row.n, 0);
            row.began_ms += self.length_ms;
        }
        let left_ms = self.length_ms - (now_ms - row.began_ms);
        // In parts of a window, so that nothing is rounded away.
        let counted = |n: u32, ms: Millis| i64::from(n) * ms;
        let before = counted(row.n_before, left_ms);
        let room = counted(self.most, self.length_ms) - counted(row.n + 1, self.length_ms);
        if before <= room {
            row.n += 1;
            row.expires_at = (row.began_ms + 2 * self.length_ms) / 1000 + 1;
            return Admission::Yes;
        }
        Admission::Wait(match room {
            // The window before has to become less by what it is too much.
            0.. => (before - room) / i64::from(row.n_before).max(1) + 1,
            _ => left_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys;
    use crate::store::memory::MemoryDb;

    const WINDOW: Window = Window {
        most: 100,
        length_ms: 60_000,
    };

    /// Requests at these times, milliseconds since the first; how many of each were let through.
    fn check(asked: &[(Millis, u32)], expect: &[u32]) {
        let mut row = WindowRow::default();
        let got: Vec<u32> = asked
            .iter()
            .map(|(at_ms, n)| {
                let now = 1_700_000_000_000 + at_ms;
                let admitted = (0..*n).filter(|_| WINDOW.count(&mut row, now) == Admission::Yes);
                admitted.count() as u32
            })
            .collect();
        assert_eq!(got, expect, "{asked:?}");
    }

    #[test]
    fn so_many_in_a_time_and_not_twice_as_many_around_its_end() {
        // AC 32
        check(&[(0, 101)], &[100]);
        check(&[(0, 1), (59_999, 100)], &[1, 99]);
        check(&[(0, 1), (59_998, 99), (60_001, 100)], &[1, 99, 0]);
        check(&[(0, 100), (90_000, 100)], &[100, 50]);
        check(&[(0, 100), (120_000, 101)], &[100, 100]);
        check(&[(0, 100), (61_000, 1), (65_000, 100)], &[100, 1, 7]);
        // A clock that was set back.
        check(&[(0, 100), (-100_000, 101)], &[100, 100]);
    }

    #[test]
    fn who_waits_as_long_as_told_is_let_through() {
        for at_ms in [0, 30_000, 59_000, 60_000, 77_777] {
            let mut row = WindowRow::default();
            let now = 1_700_000_000_000;
            for _ in 0..100 {
                assert_eq!(WINDOW.count(&mut row, now), Admission::Yes);
            }
            let mut now = now + at_ms;
            let mut n_waits = 0;
            while let Admission::Wait(ms) = WINDOW.count(&mut row, now) {
                assert!(ms > 0 && n_waits < 3, "{at_ms} {ms}");
                now += ms;
                n_waits += 1;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_is_not_counted() {
        let (db, clock) = (MemoryDb::new(), Clock::paused(1_700_000_000_000));
        let key = keys::request_count("password", "anna", "sign-in");
        let few = Window {
            most: 2,
            length_ms: 60_000,
        };
        for _ in 0..10 {
            let admitted = few.admit(&db, &clock, &key).await.unwrap();
            assert_eq!(admitted, Admission::Yes);
            few.give_back(&db, &key).await.unwrap();
        }
        let admissions = [true, true, false];
        for expect in admissions {
            let got = few.admit(&db, &clock, &key).await.unwrap();
            assert_eq!(got == Admission::Yes, expect);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_at_once_are_counted_each() {
        let (db, clock) = (MemoryDb::new(), Clock::paused(1_700_000_000_000));
        let key = keys::request_count("address", "1.2.3.4", "GET /");
        let few = Window {
            most: 30,
            length_ms: 60_000,
        };
        let ask = |_| few.admit(&db, &clock, &key);
        let all = futures::future::join_all((0..40).map(ask)).await;
        let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
        let n_yes = all.iter().filter(|it| **it == Admission::Yes).count();
        assert_eq!(n_yes, 30, "{all:?}");
    }
}
