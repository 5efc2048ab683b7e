//! Edits, deletions and reactions: each is a message of its own, and a mark on the one that it is
//! about.

use super::Hub;
use super::accept::Home;
use crate::domain::event::{IdKind, NewMessage};
use crate::domain::message::Message;
use crate::queue::Queue;
use crate::store::chats::IdRow;
use crate::store::db::{Db, DbError, Write};
use crate::store::{keys, row};

/// Adds to `writes` what `new` does to the message that it is about. One that we do not have is left
/// alone: what was said about it is in the conversation all the same.
pub(super) async fn note<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: &NewMessage,
    writes: &mut Vec<Write>,
) -> Result<(), DbError> {
    let Some(target) = new.content.target() else {
        return Ok(());
    };
    let id_key = keys::whatsapp_id(&home.number, IdKind::Message, target);
    let id = row::load::<IdRow>(&hub.db, &id_key).await?;
    let Some(claim) = id.and_then(|id| id.claimed) else {
        return Ok(());
    };
    let key = keys::message(&claim.chat, claim.seq);
    let Some(mut message) = row::load::<Message>(&hub.db, &key).await? else {
        return Ok(());
    };
    let now = hub.clock.now_ms();
    let at_ms = new.at_s.map_or(now, |at_s| at_s.saturating_mul(1000));
    let is_new = message
        .marks
        .note(&new.content, new.direction, &new.author, at_ms);
    if is_new {
        message.changed_ms = now;
        writes.push(row::save(key, &mut message)?);
    }
    Ok(())
}
