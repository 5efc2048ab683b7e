//! One schedule for all workers, in a row of the runtime table.
//!
//! A worker reads the row, reserves, and writes it back if nobody else did meanwhile. When the table
//! cannot be reached there is no reservation, and sends wait: a late message is better than a
//! banned number. A write whose answer was lost costs a slot that nobody uses, never one too many.
//!
//! The workers' clocks are compared with the row's times, so their difference adds to the spread of
//! the latency that [`super::policy`] allows for.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use serde::{Deserialize, Serialize};

use super::gcra::{Gcra, Reservation};
use super::policy::DrainPace;
use crate::clock::{Clock, Millis};
use crate::store::db::{Cond, Db, DbError, Key, Op, Write};

/// How often a worker tries while others are quicker.
const MOST_RETRIES: usize = 20;

/// A row without anything to remember is kept for an hour, so that its revisions go on.
const KEEP_S: i64 = 3600;

/// A message that nobody reported as drained stops counting after a week without any other.
const KEEP_UNDRAINED_S: i64 = 7 * 24 * 3600;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Row {
    rev: u64,
    tat_us: i64,
    /// What GREEN-API took and has not sent on: our id of the slot, and when it departed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    undrained: BTreeMap<String, Millis>,
    /// When the table may forget the row, seconds since 1970.
    expires_at: i64,
}

crate::store::row::row!(Row, "a limiter's item");

impl Row {
    fn keep_until_s(&self) -> i64 {
        let drained_s = self
            .undrained
            .values()
            .max()
            .map(|at_ms| at_ms / 1000 + KEEP_UNDRAINED_S);
        (self.tat_us / 1_000_000 + KEEP_S).max(drained_s.unwrap_or_default())
    }
}

/// Reserves `n` calls of the schedule at `key`.
///
/// # Errors
/// [`DbError::Unavailable`] also when others were quicker twenty times: then the rate is anything
/// but idle.
pub async fn reserve<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    gcra: &Gcra,
    n: u32,
) -> Result<Reservation, DbError> {
    update(db, clock, key, |row, now_ms| {
        let reservation = gcra.reserve(row.tat_us, now_ms * 1000, n);
        row.tat_us = reservation.new_tat_us;
        reservation
    })
    .await
}

/// Reserves one call of the schedule at `key` if it departs within `wait`. If it does not, nothing
/// is reserved and the error says when to ask again, milliseconds since 1970: a departure that
/// nobody keeps is lost to all, and where many ask and go, none would ever come to its turn.
///
/// # Errors
/// As [`reserve`].
pub async fn reserve_within<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    gcra: &Gcra,
    wait: Duration,
) -> Result<Result<Reservation, Millis>, DbError> {
    let wait_ms = wait.as_millis() as Millis;
    update(db, clock, key, |row, now_ms| {
        let reservation = gcra.reserve(row.tat_us, now_ms * 1000, 1);
        let again_ms = reservation.departure_us(0) / 1000 - wait_ms;
        if again_ms > now_ms {
            return Err(again_ms);
        }
        row.tat_us = reservation.new_tat_us;
        Ok(reservation)
    })
    .await
}

/// After a refusal: whatever is reserved from now on departs no sooner than after `penalty`.
///
/// # Errors
/// As [`reserve`].
pub async fn penalise<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    gcra: &Gcra,
    penalty: Duration,
) -> Result<(), DbError> {
    let penalty_us = i64::try_from(penalty.as_micros()).unwrap_or(i64::MAX / 4);
    update(db, clock, key, |row, now_ms| {
        row.tat_us = gcra.push(row.tat_us, now_ms * 1000, penalty_us);
    })
    .await
}

/// A place in GREEN-API's own queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainSlot {
    /// Ours, and the call may depart at this time, milliseconds since 1970.
    At(Millis),
    /// As many as may be there are there; the first of them has been since `oldest_ms`.
    Full {
        /// Milliseconds since 1970.
        oldest_ms: Millis,
    },
}

/// Takes a place in GREEN-API's queue for a message, at the pace at which it sends on, while at
/// most `max_undrained` are in it. Who asks again with the same `slot_id` has it already.
///
/// # Errors
/// As [`reserve`].
pub async fn take_drain_slot<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    delay_ms: i64,
    max_undrained: usize,
    slot_id: &str,
) -> Result<DrainSlot, DbError> {
    let gcra = DrainPace::new(delay_ms).gcra();
    update(db, clock, key, |row, now_ms| {
        if let Some(at_ms) = row.undrained.get(slot_id) {
            return DrainSlot::At(*at_ms);
        }
        let oldest_ms = row.undrained.values().min().copied();
        if let Some(oldest_ms) = oldest_ms.filter(|_| max_undrained <= row.undrained.len()) {
            return DrainSlot::Full { oldest_ms };
        }
        let reservation = gcra.reserve(row.tat_us, now_ms * 1000, 1);
        let at_ms = reservation.first_us.div_euclid(1000)
            + i64::from(reservation.first_us.rem_euclid(1000) != 0);
        row.tat_us = reservation.new_tat_us;
        row.undrained.insert(slot_id.to_owned(), at_ms);
        DrainSlot::At(at_ms)
    })
    .await
}

/// GREEN-API sent the message on, or never took it. Once is enough, and twice does no harm.
///
/// # Errors
/// As [`reserve`].
pub async fn free_drain_slot<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    slot_id: &str,
) -> Result<(), DbError> {
    update(db, clock, key, |row, _| {
        row.undrained.remove(slot_id);
    })
    .await
}

/// The places that are taken: every send that is on its way, or whose end is not known yet.
///
/// # Errors
/// As [`reserve`].
pub async fn undrained<D: Db>(db: &D, key: &Key) -> Result<Vec<String>, DbError> {
    let row = crate::store::row::load::<Row>(db, key).await?;
    Ok(row
        .map(|row| row.undrained.into_keys().collect())
        .unwrap_or_default())
}

/// GREEN-API says how many it holds: it sends on in order, so the newest `count` are left of those
/// that had departed at `asked_ms`. Later ones it may not have had yet.
///
/// # Errors
/// As [`reserve`].
pub async fn set_undrained<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    count: usize,
    asked_ms: Millis,
) -> Result<(), DbError> {
    update(db, clock, key, |row, _| {
        let mut departed: Vec<Millis> = row
            .undrained
            .values()
            .copied()
            .filter(|at_ms| *at_ms < asked_ms)
            .collect();
        departed.sort_unstable();
        let n_gone = departed.len().saturating_sub(count);
        // Departures are `delay_ms` apart, so a time tells them apart as well as an id.
        row.undrained
            .retain(|_, at_ms| !departed[..n_gone].contains(at_ms));
    })
    .await
}

/// Reads the row, lets `edit` change it, and writes it unless it is the same as before; all of it
/// again when somebody else wrote it meanwhile.
async fn update<D: Db, T>(
    db: &D,
    clock: &Clock,
    key: &Key,
    mut edit: impl FnMut(&mut Row, Millis) -> T,
) -> Result<T, DbError> {
    let malformed = |error: serde_dynamo::Error| DbError::Malformed {
        what: "a limiter's schedule",
        why: error.to_string(),
    };
    let mut pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(50))
        .with_factor(1.5)
        .with_max_times(MOST_RETRIES)
        .with_jitter()
        .build();
    loop {
        let kept: Option<Row> = db
            .get(key)
            .await?
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(malformed)?;
        let only_if = kept.as_ref().map_or(Cond::Absent, |row| Cond::Rev(row.rev));
        let before = kept.unwrap_or_default();
        let mut row = before.clone();
        let answer = edit(&mut row, clock.now_ms());
        if row == before {
            return Ok(answer);
        }

        row.rev += 1;
        row.expires_at = row.keep_until_s();
        let op = Op::Put(serde_dynamo::to_item(&row).map_err(malformed)?);
        match db
            .write(vec![Write {
                key: key.clone(),
                op,
                only_if,
            }])
            .await
        {
            Ok(()) => return Ok(answer),
            Err(DbError::Condition { .. } | DbError::Conflict) => (),
            Err(error) => return Err(error),
        }
        let Some(pause) = pauses.next() else {
            let why = "others were quicker every time".to_owned();
            return Err(DbError::Unavailable {
                table: key.table,
                why,
            });
        };
        clock.sleep(pause).await;
    }
}

#[cfg(test)]
mod tests;
