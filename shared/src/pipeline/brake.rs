//! The brake: nothing is sent by a system that has just been restored, until a person says so.
//!
//! What is due stays due. Only copies of files go on, which nobody receives.

use std::sync::{Arc, Mutex, PoisonError};

use super::Hub;
use crate::clock::Millis;
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::keys;
use crate::store::row;
use crate::store::system::SendersRow;

/// How long a worker goes by what it read: whoever puts the brake on waits as long before relying on
/// it.
pub const KEPT_MS: Millis = 10_000;

/// What a worker read last: whether the brake is on, and when that was. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Brake(Arc<Mutex<Option<(bool, Millis)>>>);

/// Whether the brake is on.
///
/// # Errors
/// The tables.
pub async fn is_on<D: Db, Q: Queue>(hub: &Hub<D, Q>) -> Result<bool, DbError> {
    let now_ms = hub.clock.now_ms();
    let kept = *hub
        .settings
        .brake
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some((is_on, read_ms)) = kept
        && now_ms - read_ms < KEPT_MS
    {
        return Ok(is_on);
    }
    let row = row::load::<SendersRow>(&hub.db, &keys::senders()).await?;
    let is_on = row.is_some_and(|senders| senders.off);
    if is_on {
        tracing::warn!("the senders are switched off: what is due waits");
    }
    *hub.settings
        .brake
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some((is_on, now_ms));
    Ok(is_on)
}

/// Puts the brake on or off. Workers know within [`KEPT_MS`].
///
/// # Errors
/// The tables.
pub async fn set(db: &impl Db, off: bool, now_ms: Millis) -> Result<(), DbError> {
    let make = || SendersRow {
        rev: 0,
        off: !off,
        since_ms: now_ms,
    };
    row::change_or_make(db, &keys::senders(), make, |senders: &mut SendersRow| {
        let is_news = senders.off != off;
        senders.off = off;
        senders.since_ms = now_ms;
        is_news
    })
    .await
    .map(|_| ())
}
