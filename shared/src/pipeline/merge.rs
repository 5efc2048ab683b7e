//! One person, several ids: learning that two of them are the same, and what follows from it.

use super::Hub;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::delivery::Lane;
use crate::domain::ids::{ChatId, NumberId};
use crate::queue::Queue;
use crate::store::chats::{AliasRow, ChatRow, chat_of_alias, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// Learns that `alias` is the person (or group) of `chat`. If it has a chat of its own, the two are
/// merged.
pub async fn learn_alias<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    chat: &ChatId,
    alias: &Alias,
) -> Result<(), DbError> {
    for _ in 0..row::TRIES {
        let Some(mut ours) = living_chat(&hub.db, chat).await? else {
            return Ok(());
        };
        if ours.address == *alias {
            return Ok(());
        }
        let key = keys::alias(number, alias);
        let learned = match chat_of_alias(&hub.db, number, alias).await? {
            None => {
                let mut row = AliasRow {
                    rev: 0,
                    chat: ours.chat.clone(),
                };
                ours.aliases.insert(alias.clone());
                let chat_key = keys::chat(&ours.chat);
                let writes = vec![row::save(key, &mut row)?, row::save(chat_key, &mut ours)?];
                hub.db.write(writes).await
            }
            Some(known) => match living_chat(&hub.db, &known.chat).await? {
                // A person has said that they are not.
                Some(theirs) if ours.team.apart.contains(&theirs.chat) => return Ok(()),
                Some(theirs) if theirs.chat != ours.chat => {
                    let (survivor, loser) = choose(ours, theirs);
                    merge(hub, survivor, loser).await
                }
                _ => return Ok(()),
            },
        };
        match learned {
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            done => return done,
        }
    }
    // Others are busy with the same chats; the next echo tells it again.
    Ok(())
}

/// The chat with a phone lives on; among equals the one that is older in use.
fn choose(a: ChatRow, b: ChatRow) -> (ChatRow, ChatRow) {
    let rank = |chat: &ChatRow| (chat.address.kind() != AliasKind::Phone, -(chat.seq as i64));
    if rank(&a) <= rank(&b) { (a, b) } else { (b, a) }
}

/// Closes `loser` for writing and leads everything to `survivor`; no message moves.
///
/// # Errors
/// The tables; somebody else may have written one of the two.
pub(crate) async fn merge<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    mut survivor: ChatRow,
    mut loser: ChatRow,
) -> Result<(), DbError> {
    tracing::info!(survivor = %survivor.chat, loser = %loser.chat, "two chats are one person's");
    loser.merged_into = Some(survivor.chat.clone());
    survivor.waits_for.insert(loser.chat.clone());
    survivor.merged_from.insert(loser.chat.clone());
    let of_loser = loser.merged_from.iter().cloned();
    survivor.merged_from.extend(of_loser);
    let now = hub.clock.now_ms();
    (survivor.changed_at, loser.changed_at) = (now, now);
    survivor.last_at = survivor.last_at.max(loser.last_at);
    survivor.n_in += loser.n_in;
    survivor.n_in_read += loser.n_in_read;
    survivor.team.opted_out = survivor.team.opted_out.or(loser.team.opted_out.clone());
    survivor.team.assignee = survivor.team.assignee.or(loser.team.assignee.clone());
    survivor.team.labels.extend(loser.team.labels.clone());
    // What waits to be claimed waits where it is asked for: in the chat that lives on.
    if !loser.echoes.is_empty() {
        survivor.echoes.append(&mut loser.echoes);
        survivor.set_due(Lane::Whatsapp, hub.clock.now_ms());
    }
    if !loser.ringing.is_empty() {
        survivor.ringing.append(&mut loser.ringing);
        survivor.set_due(Lane::Crm, hub.clock.now_ms());
    }
    survivor.phone = survivor.phone.or_else(|| loser.phone.clone());
    survivor.title = survivor.title.or_else(|| loser.title.clone());
    survivor.last_in_ms = survivor.last_in_ms.max(loser.last_in_ms);
    if survivor.crm.is_none() {
        // The contact was made with a stand-in for the phone; now the real one is known.
        survivor.crm = loser.crm.clone().map(|mut crm| {
            crm.phone_to_tell = survivor.phone.is_some();
            crm
        });
    }
    let mut writes = Vec::new();
    survivor.relist(&mut writes)?;
    loser.relist(&mut writes)?;
    writes.push(row::save(keys::chat(&survivor.chat), &mut survivor)?);
    writes.push(row::save(keys::chat(&loser.chat), &mut loser)?);
    hub.db.write(writes).await
}
