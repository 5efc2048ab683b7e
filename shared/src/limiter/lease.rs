//! One schedule for all workers, in a row of the runtime table.
//!
//! A worker reads the row, reserves, and writes it back if nobody else did meanwhile. When the table
//! cannot be reached there is no reservation, and sends wait: a late message is better than a
//! banned number. A write whose answer was lost costs a slot that nobody uses, never one too many.
//!
//! The workers' clocks are compared with the row's times, so their difference adds to the spread of
//! the latency that [`super::policy`] allows for.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use serde::{Deserialize, Serialize};

use super::gcra::{Gcra, Reservation};
use crate::clock::{Clock, Millis};
use crate::store::db::{Cond, Db, DbError, Key, Op, Write};

/// How often a worker tries while others are quicker.
const MOST_RETRIES: usize = 20;

/// A row without anything to remember is kept for an hour, so that its revisions go on.
const KEEP_S: i64 = 3600;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Row {
    rev: u64,
    tat_us: i64,
    /// When the table may forget the row, seconds since 1970.
    expires_at: i64,
}

crate::store::row::row!(Row, "a limiter's item");

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

/// Waits for the departure of one call of the schedule at `key`, if that is within `wait`; `false`
/// if it is not, and then nothing is reserved.
///
/// # Errors
/// As [`reserve`].
pub async fn depart_within<D: Db>(
    db: &D,
    clock: &Clock,
    key: &Key,
    gcra: &Gcra,
    wait: Duration,
) -> Result<bool, DbError> {
    let Ok(reserved) = reserve_within(db, clock, key, gcra, wait).await? else {
        return Ok(false);
    };
    clock.sleep_until(reserved.departure_us(0) / 1000 + 1).await;
    Ok(true)
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

/// How long to wait after each time that others were quicker, until it is given up.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(50))
        .with_factor(1.5)
        .with_max_times(MOST_RETRIES)
        .with_jitter()
        .build()
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
    let mut pauses = pauses();
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
        row.expires_at = row.tat_us / 1_000_000 + KEEP_S;
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
