//! Telling what happened to a number.
//!
//! Whoever changes a number's state notes the change in the number's row, in the same write
//! ([`super::whatsapp::set_state`]). From there it is told: a row for each change, and an alert for
//! what people have to know. The rows' keys are made of when it happened, so that telling the same
//! twice, after a crash in between, is telling it once.

use super::Hub;
use crate::clock::Millis;
use crate::domain::operation::{Alarm, Judged, judge};
use crate::queue::Queue;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::NumberRow;
use crate::store::operation::{AlertRow, KEPT_S, StateRow};
use crate::store::{keys, row};

/// The webhook's silence is told once in so long.
const SILENCE_MS: Millis = 24 * 3600 * 1000;

/// Tells what a number's row has noted and what has lasted; the row as it is then. Call it when the
/// number's state has just been looked at.
///
/// # Errors
/// The tables; nothing is forgotten then.
pub async fn tell<D: Db, Q: Queue>(hub: &Hub<D, Q>, number: &NumberRow) -> Result<(), DbError> {
    let (judged, _) = judged(number);
    if judged.is_empty() {
        return Ok(());
    }
    let mut writes = Vec::new();
    for it in &judged {
        let change = &it.change;
        let row = StateRow {
            rev: 1,
            change: change.clone(),
            is_flap: it.is_flap,
            expires_at: change.at_ms / 1000 + KEPT_S,
        };
        writes.push(put(keys::state(&number.number, change.at_ms), &row)?);
        if let Some(alarm) = it.alarm {
            let (from, to) = (change.from.as_str(), change.to.as_str());
            tracing::warn!(number = %number.number, from, to, ?alarm, "a number's state");
            writes.push(alert(number, alarm, Some(it), change.at_ms)?);
        }
    }
    // More than a transaction holds never comes together: each change makes the number due.
    for some in writes.chunks(50) {
        hub.db.write(some.to_vec()).await?;
    }
    let key = keys::number(&number.workspace, &number.number);
    row::change::<NumberRow>(&hub.db, &key, |row| {
        let n_before = row.changes.len();
        row.changes
            .retain(|change| !judged.iter().any(|it| it.change == *change));
        for it in &judged {
            row.alarmed = match it.alarm {
                Some(Alarm::Restored) => false,
                Some(_) => true,
                None => row.alarmed,
            };
        }
        row.changes.len() != n_before
    })
    .await?;
    Ok(())
}

/// When a number has to be looked at because of a change that may be over soon.
pub fn look_at(number: &NumberRow) -> Option<Millis> {
    judged(number).1
}

fn judged(number: &NumberRow) -> (Vec<Judged>, Option<Millis>) {
    judge(
        &number.changes,
        &number.state,
        number.checked_ms,
        number.alarmed,
    )
}

/// Tells, once a day, that messages came in that no webhook had told.
///
/// # Errors
/// The tables.
pub async fn webhook_is_silent<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
) -> Result<(), DbError> {
    let day_ms = hub.clock.now_ms() / SILENCE_MS * SILENCE_MS;
    let mut write = alert(number, Alarm::WebhookSilent, None, day_ms)?;
    write.only_if = Cond::Absent;
    match hub.db.write(vec![write]).await {
        Err(DbError::Condition { .. } | DbError::Conflict) => Ok(()),
        told => told,
    }
}

fn alert(
    number: &NumberRow,
    alarm: Alarm,
    judged: Option<&Judged>,
    at_ms: Millis,
) -> Result<Write, DbError> {
    let row = AlertRow {
        rev: 1,
        workspace: number.workspace.clone(),
        number: number.number.clone(),
        name: number.name.clone(),
        alarm,
        change: judged.map(|it| it.change.clone()),
        at_ms,
        expires_at: at_ms / 1000 + KEPT_S,
    };
    let what = alarm.as_str();
    put(
        keys::alert(&number.workspace, at_ms, &number.number, what),
        &row,
    )
}

fn put<T: row::Row>(key: crate::store::db::Key, value: &T) -> Result<Write, DbError> {
    Ok(Write {
        key,
        op: Op::Put(row::item(value)?),
        only_if: Cond::Always,
    })
}
