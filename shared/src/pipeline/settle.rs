//! Writing down what became of a message, and telling those who wait for it.

use std::time::Duration;

use super::Hub;
use super::line;
use super::receipt;
use super::telegram::asides as telegram;
use super::watch;
use crate::domain::delivery::{Destination, Lane, Part, PartState};
use crate::domain::event::IdKind;
use crate::domain::ids::ChatId;
use crate::domain::message::{CrmMessage, CrmStatus, Direction, Message, Origin};
use crate::domain::status::Status;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, Claim, IdRow, UnsureRow};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::{keys, row};

/// What a change of a message wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The message is to be written.
    Write,
    /// Nothing changed.
    Nothing,
}

/// How often writing down a fact is tried: it is not lost for somebody else's writing, and a send
/// whose outcome is known should not become an unknown one for a table's bad second.
pub(super) const TRIES: u32 = 20;

/// The name of a part's place in the provider's queue.
pub fn slot_id(chat: &ChatId, seq: u64, part: usize) -> String {
    format!("{chat}.{seq}.{part}")
}

/// The part that a place was taken for.
pub fn part_of_slot(slot: &str) -> Option<(ChatId, u64, usize)> {
    let mut pieces = slot.rsplitn(3, '.');
    let part = pieces.next()?.parse().ok()?;
    let seq = pieces.next()?.parse().ok()?;
    Some((ChatId::new(pieces.next()?), seq, part))
}

/// Changes a message whoever else writes it. If the CRM has to be told something after it, the
/// chat's status lane becomes due in the same transaction. `None` if there is no such message.
pub async fn change_message<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    seq: u64,
    mut change: impl FnMut(&mut Message) -> Change + Send,
) -> Result<Option<Message>, DbError> {
    for tries in 1.. {
        match change_message_once(hub, chat, seq, &mut change).await {
            Err(error) if !may_pass(&error) || tries >= TRIES => return Err(error),
            Err(_) => pause(hub, tries).await,
            done => return done,
        }
    }
    unreachable!("the loop returns");
}

async fn change_message_once<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    seq: u64,
    change: &mut (impl FnMut(&mut Message) -> Change + Send),
) -> Result<Option<Message>, DbError> {
    let key = keys::message(chat, seq);
    let Some(mut message) = row::load::<Message>(&hub.db, &key).await? else {
        return Ok(None);
    };
    if change(&mut message) == Change::Nothing {
        return Ok(Some(message));
    }
    save_and_tell(hub, &mut message, Vec::new()).await?;
    Ok(Some(message))
}

/// Writes the message and whatever else is given, and wakes the lanes that have something to tell
/// about it now: to the CRM its status, to Telegram whether it could be sent.
pub(super) async fn save_and_tell<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &mut Message,
    mut writes: Vec<Write>,
) -> Result<(), DbError> {
    let mut lanes = Vec::new();
    if telegram::wants_asides(&hub.db, message).await? {
        lanes.push(Lane::Telegram);
    }
    if message.untold_crm_status().is_some() {
        lanes.push(Lane::CrmStatus);
    }
    watch::note(message, hub.clock.now_ms(), &mut writes)?;
    let key = keys::message(&message.chat, message.seq);
    writes.push(row::save(key, message)?);
    let key = keys::chat(&message.chat);
    let chat = match lanes.is_empty() {
        true => None,
        false => row::load::<ChatRow>(&hub.db, &key).await?,
    };
    let Some(mut chat) = chat else {
        return hub.db.write(writes).await;
    };
    for lane in &lanes {
        match lane {
            Lane::Telegram => chat.go_back_for(Lane::Telegram, message.seq),
            _ => _ = chat.untold.insert(message.seq),
        }
        chat.set_due(*lane, hub.clock.now_ms());
    }
    writes.push(row::save(key, &mut chat)?);
    hub.db.write(writes).await?;
    for lane in lanes {
        hub.wake(&chat.number, &chat.chat, lane, Duration::ZERO)
            .await;
    }
    Ok(())
}

/// The destination has the part, under its own id.
///
/// On the way to WhatsApp this is where send, echo and receipts meet: the id row is claimed, and
/// whatever was parked there is applied.
///
/// `message` is the row as it was read or written last. Whoever changed it since makes the first
/// write fail, and it is read anew.
pub async fn sent<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    destination: Destination,
    part: usize,
    remote_id: &str,
) -> Result<(), DbError> {
    for tries in 1.. {
        let now = match tries {
            1 => Some(message.clone()),
            _ => row::load(&hub.db, &keys::message(&message.chat, message.seq)).await?,
        };
        let Some(now) = now else {
            return Ok(());
        };
        let settled = match destination {
            Destination::Whatsapp => sent_to_whatsapp(hub, now, part, remote_id).await,
            Destination::Crm => sent_to_crm(hub, now, part, remote_id).await,
            Destination::Telegram => sent_to_telegram(hub, now, part, remote_id).await,
        };
        match settled {
            Err(error) if !may_pass(&error) || tries >= TRIES => return Err(error),
            Err(_) => pause(hub, tries).await,
            Ok(()) => return Ok(()),
        }
    }
    unreachable!("the loop returns");
}

async fn sent_to_crm<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    mut message: Message,
    part: usize,
    remote_id: &str,
) -> Result<(), DbError> {
    if mark_done(&mut message, Destination::Crm, part, remote_id).is_none() {
        return Ok(());
    }
    let mut writes = Vec::new();
    if message.direction == Direction::Out {
        claim_in_crm(hub, &message, part, remote_id, &mut writes).await?;
    }
    // The CRM shows it now, and wants to know what becomes of it.
    if matches!(
        message.origin,
        Origin::Workflow | Origin::Panel | Origin::AutoReply | Origin::Telegram
    ) {
        message.crm = Some(CrmMessage::new(remote_id));
    }
    save_and_tell(hub, &mut message, writes).await
}

/// The post leads back to its message from now on: an answer to it is one to the customer.
async fn sent_to_telegram<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    mut message: Message,
    part: usize,
    remote_id: &str,
) -> Result<(), DbError> {
    if mark_done(&mut message, Destination::Telegram, part, remote_id).is_none() {
        return Ok(());
    }
    let writes = telegram::claim_post(&hub.db, &message, part, remote_id).await?;
    save_and_tell(hub, &mut message, writes).await
}

/// Claims the id that the CRM gave to an outgoing message which we put there: should the CRM
/// deliver it to us as an agent's, it is known.
async fn claim_in_crm<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    part: usize,
    remote_id: &str,
    writes: &mut Vec<Write>,
) -> Result<(), DbError> {
    let chat = row::load::<ChatRow>(&hub.db, &keys::chat(&message.chat)).await?;
    // Without a contact the CRM has been unlinked meanwhile.
    let Some(crm) = chat.and_then(|chat| chat.crm) else {
        return Ok(());
    };
    let key = keys::ghl_id(&crm.location, remote_id);
    let mut id = row::load::<IdRow>(&hub.db, &key).await?.unwrap_or_default();
    if id.claimed.is_some() {
        tracing::error!(chat = %message.chat, seq = message.seq, "a message of the CRM has two owners");
        return Ok(());
    }
    id.claimed = Some(Claim {
        chat: message.chat.clone(),
        seq: message.seq,
        part,
    });
    writes.push(row::save(key, &mut id)?);
    Ok(())
}

async fn sent_to_whatsapp<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    mut message: Message,
    part: usize,
    remote_id: &str,
) -> Result<(), DbError> {
    let id_key = keys::whatsapp_id(&message.number, IdKind::Message, remote_id);
    let Some(was_unknown) = mark_done(&mut message, Destination::Whatsapp, part, remote_id) else {
        return Ok(());
    };
    let claim = Claim {
        chat: message.chat.clone(),
        seq: message.seq,
        part,
    };
    let mut id = row::load::<IdRow>(&hub.db, &id_key)
        .await?
        .unwrap_or_default();
    let mut writes = Vec::new();
    let mut echo = None;
    let mut has_left = false;
    match &id.claimed {
        // The id belongs to another message (an echo that was taken for a stranger's): what the
        // provider answered us is true all the same.
        Some(other) if *other != claim => {
            tracing::error!(chat = %message.chat, seq = message.seq, "a provider's message id has two owners");
        }
        Some(_) => {}
        None => {
            for parked in &std::mem::take(&mut id.receipts) {
                receipt::apply(&mut message, part, parked);
                has_left |= parked.status.has_left_the_gateway();
            }
            echo = id.echo.take();
            id.claimed = Some(claim);
            id.expires_at = None;
            writes.push(row::save(id_key, &mut id)?);
        }
    }
    if was_unknown {
        let unsure = keys::unsure(&message.number, &message.chat, message.seq);
        writes.push(Write {
            key: unsure,
            op: Op::Delete,
            only_if: Cond::Always,
        });
    }
    save_and_tell(hub, &mut message, writes).await?;
    // The receipt that frees the place came before the claim, and will not come again.
    if has_left {
        let slot = slot_id(&message.chat, message.seq, part);
        line::free(hub, &message.number, &slot).await?;
    }
    if let Some(echo) = echo {
        super::merge::learn_alias(hub, &message.number, &message.chat, &echo.message.chat).await?;
    }
    Ok(())
}

/// Marks a part as done; says whether its outcome had been unknown. `None` if it is done already.
fn mark_done(
    message: &mut Message,
    destination: Destination,
    part: usize,
    remote_id: &str,
) -> Option<bool> {
    let delivery = message.deliveries.get_mut(&destination)?;
    let part_row = delivery.parts.get_mut(part)?;
    if part_row.state == PartState::Done {
        return None;
    }
    let was_unknown = matches!(part_row.state, PartState::Unknown { .. });
    part_row.state = PartState::Done;
    part_row.remote_id = Some(remote_id.to_owned());
    part_row.error = None;
    if destination == Destination::Whatsapp {
        let accepted = match part_row.status {
            // Nobody knew; now somebody does.
            Some(Status::Unknown) | None => Status::Accepted,
            Some(status) => status.advance(Status::Accepted),
        };
        part_row.status = Some(accepted);
        let combined = delivery.status();
        if message.status == Status::Unknown {
            message.status = combined;
            message.status_reason = None;
            // The CRM may have been told that it failed, and is not told that it is pending then.
            for crm in message.crm_messages_mut() {
                crm.told.get_or_insert(CrmStatus::Pending);
            }
        } else {
            message.status = message.status.advance(combined);
        }
        if message.whatsapp_id.is_none() {
            message.whatsapp_id = Some(remote_id.to_owned());
        }
    }
    Some(was_unknown)
}

/// Changes one part that is not done, and with it what the message as a whole has come to.
pub async fn change_part<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    destination: Destination,
    part: usize,
    mut change: impl FnMut(&mut Part) + Send,
) -> Result<(), DbError> {
    change_message(hub, &message.chat, message.seq, |message| {
        let Some(delivery) = message.deliveries.get_mut(&destination) else {
            return Change::Nothing;
        };
        let Some(part) = delivery.parts.get_mut(part) else {
            return Change::Nothing;
        };
        if matches!(part.state, PartState::Done | PartState::Dead) {
            return Change::Nothing;
        }
        change(part);
        let reason = part.error.clone();
        if destination == Destination::Whatsapp {
            let before = message.status;
            message.status = before.advance(delivery.status());
            if message.status != before
                && matches!(message.status, Status::Failed | Status::Unknown)
            {
                message.status_reason = reason;
            }
        }
        Change::Write
    })
    .await?;
    Ok(())
}

/// Notes that the outcome of a send is unknown, where everybody who wonders about an echo on this
/// number will look.
pub async fn note_unsure<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    since_ms: i64,
) -> Result<(), DbError> {
    let key = keys::unsure(&message.number, &message.chat, message.seq);
    // A match can turn up as long as GREEN-API keeps what it has not delivered.
    let unsure = UnsureRow {
        rev: 1,
        since_ms,
        expires_at: since_ms / 1000 + 2 * 24 * 3600,
    };
    let op = Op::Put(row::item(&unsure)?);
    hub.db
        .write(vec![Write {
            key,
            op,
            only_if: Cond::Always,
        }])
        .await
}

/// Whether the same write can go through when it is tried again after reading anew.
pub(super) fn may_pass(error: &DbError) -> bool {
    !matches!(error, DbError::Malformed { .. })
}

pub(super) async fn pause<D: Db, Q: Queue>(hub: &Hub<D, Q>, tries: u32) {
    hub.clock
        .sleep(Duration::from_millis(u64::from(tries.min(10)) * 20))
        .await;
}
