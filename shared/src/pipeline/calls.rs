//! Calls that are shown once: a ring waits for its outcome.
//!
//! Where a number shows one message for a call ([`CallMode::OutcomeOnly`]), the first outcome that
//! is told becomes it; all events of the call share one id row, so whatever comes later is known. A
//! ring waits in its chat. If no outcome is ever told (a webhook got lost), the ring itself becomes
//! the message: a customer who called must not go unseen.
//!
//! [`CallMode::OutcomeOnly`]: crate::domain::event::CallMode::OutcomeOnly

use std::time::Duration;

use super::Hub;
use super::accept::{self, Accepted, Home};
use super::deliver::Step;
use crate::clock::Millis;
use crate::domain::delivery::Lane;
use crate::domain::event::NewMessage;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, Ringing};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How long an outcome is waited for: WhatsApp rings for a minute, and a notification that was not
/// taken comes again after another.
pub const OUTCOME_WITHIN_MS: Millis = 3 * 60 * 1000;

/// How many calls wait in one chat. Of one person only one can ring.
const MOST_RINGING: usize = 8;

/// Has a ring wait for its outcome. `None` if too many do: it is a message at once then.
pub(super) async fn ring<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: &NewMessage,
) -> Result<Option<Accepted>, DbError> {
    let id_key = keys::whatsapp_id(&home.number, new.kind, &new.remote_id);
    for _ in 0..row::TRIES {
        let id = row::load::<IdRow>(&hub.db, &id_key).await?;
        if id.is_some_and(|id| id.claimed.is_some()) {
            return Ok(Some(Accepted::Duplicate));
        }
        let (mut chat, mut writes) = accept::find_chat(hub, home, new).await?;
        if chat.ringing.contains_key(&new.remote_id) {
            return Ok(Some(Accepted::Duplicate));
        }
        if chat.ringing.len() >= MOST_RINGING {
            return Ok(None);
        }
        let now = hub.clock.now_ms();
        let ringing = Ringing {
            since_ms: now,
            message: new.clone(),
        };
        chat.ringing.insert(new.remote_id.clone(), ringing);
        chat.set_due(Lane::Crm, now + OUTCOME_WITHIN_MS);
        let (number, chat_id) = (chat.number.clone(), chat.chat.clone());
        writes.push(row::save(keys::chat(&chat_id), &mut chat)?);
        match hub.db.write(writes).await {
            Ok(()) => {
                let wait = Duration::from_millis(OUTCOME_WITHIN_MS as u64);
                hub.wake(&number, &chat_id, Lane::Crm, wait).await;
                return Ok(Some(Accepted::Parked));
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Conflict)
}

/// What became of the calls that wait in a chat: those with an outcome are forgotten, those without
/// one become messages when their time is up. `None` if there are none.
pub(super) async fn settle_ringing<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
) -> Result<Option<Step>, DbError> {
    let mut next_ms: Option<Millis> = None;
    for (remote_id, ringing) in &chat.ringing {
        let key = keys::whatsapp_id(&chat.number, ringing.message.kind, remote_id);
        let id = row::load::<IdRow>(&hub.db, &key).await?.unwrap_or_default();
        if id.claimed.is_some() {
            forget(hub, chat, remote_id).await?;
            return Ok(Some(Step::Settled));
        }
        let due = ringing.since_ms + OUTCOME_WITHIN_MS;
        if due > hub.clock.now_ms() {
            next_ms = Some(next_ms.map_or(due, |next| next.min(due)));
            continue;
        }
        let home = Home::of_chat(hub, chat).await?;
        accept::without_outcome(hub, &home, chat.clone(), id, &ringing.message).await?;
        return Ok(Some(Step::Settled));
    }
    Ok(next_ms.map(Step::Waits))
}

async fn forget<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    remote_id: &str,
) -> Result<(), DbError> {
    row::change::<ChatRow>(&hub.db, &keys::chat(&chat.chat), |chat| {
        chat.ringing.remove(remote_id).is_some()
    })
    .await?;
    Ok(())
}
