//! Taking a message: one transaction, then the wake-ups, then the answer.

use std::collections::BTreeMap;
use std::time::Duration;

pub use super::home::Home;
use super::twins::{self, Delivered};
use super::{Hub, auto_reply, calls, files, marks, merge, opt_out, receipt, uploads, watch};
use crate::clock::Millis;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::delivery::{Delivery, Destination, Lane};
use crate::domain::event::NewMessage;
use crate::domain::ids::{ChatId, ContactId, LocationId};
use crate::domain::message::{CrmMessage, Direction, Marks, Message, Origin};
use crate::domain::status::Status;
use crate::domain::telegram;
use crate::queue::Queue;
use crate::store::chats::{
    AliasRow, ChatRow, Claim, ContactChatRow, IdRow, ParkedEcho, TwinsRow, chat_of_alias,
    living_chat,
};
use crate::store::db::{Db, DbError, Key, Write};
use crate::store::keys;
use crate::store::row;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It has a place in a chat now.
    New(Claim),
    /// It was taken before.
    Duplicate,
    /// The other of the app's providers had brought it; now the message has both ids.
    Twin,
    /// An echo that waits for the send that it belongs to, or a call that waits for its outcome.
    Parked,
}

/// A message that began in the CRM, and where it goes.
#[derive(Clone, Debug)]
pub struct CrmSend {
    /// The CRM's id of it.
    pub message_id: String,
    /// The contact that it is for.
    pub contact: ContactId,
    /// What it says, without a chat yet.
    pub message: NewMessage,
    /// How it came.
    pub delivered: Delivered,
    /// Why it cannot be sent at all, if it cannot: it is taken all the same, and fails.
    pub refused: Option<String>,
}

/// Takes what WhatsApp reported: a message of the customer, or one typed on the phone. An echo of
/// the API waits for the send that it belongs to, and the ringing of a call that is shown once for
/// its outcome.
pub async fn whatsapp_message<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: NewMessage,
) -> Result<Accepted, DbError> {
    let id_key = keys::whatsapp_id(&home.number, new.kind, &new.remote_id);
    if new.api_echo {
        return park_echo(hub, home, new, id_key).await;
    }
    if new.waits_for_outcome()
        && let Some(waits) = calls::ring(hub, home, &new).await?
    {
        return Ok(waits);
    }
    let mut id = IdRow::default();
    for _ in 0..row::TRIES {
        let (mut chat, mut writes) = find_chat(hub, home, &new).await?;
        chat.ringing.remove(&new.remote_id);
        marks::note(hub, home, &new, &mut writes).await?;
        opt_out::note(hub, home, &mut chat, &new).await?;
        let claim = place(hub, home, &mut chat, &new, None, &mut id, &mut writes)?;
        auto_reply::add(hub, home, &mut chat, &new, &mut writes).await?;
        match store(hub, &id_key, id, chat, writes).await? {
            Stored::Done => return Ok(Accepted::New(claim)),
            Stored::Known => return Ok(Accepted::Duplicate),
            Stored::Again(found) => id = *found,
        }
    }
    Err(contended())
}

/// Turns an echo that nobody claimed into a message: another program on the same number sent it.
pub async fn unclaimed_echo<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    mut chat: ChatRow,
    mut id: IdRow,
) -> Result<(), DbError> {
    let Some(echo) = id.echo.take() else {
        return Ok(());
    };
    chat.echoes.remove(&echo.message.remote_id);
    waited(hub, home, chat, id, &echo.message).await
}

/// Turns a ring whose outcome nobody told into a message.
pub(super) async fn without_outcome<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    mut chat: ChatRow,
    id: IdRow,
    ring: &NewMessage,
) -> Result<(), DbError> {
    chat.ringing.remove(&ring.remote_id);
    waited(hub, home, chat, id, ring).await
}

/// Takes what has waited in its chat. Lost to somebody else: the next run of the lane looks again.
async fn waited<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    mut chat: ChatRow,
    mut id: IdRow,
    new: &NewMessage,
) -> Result<(), DbError> {
    let id_key = keys::whatsapp_id(&home.number, new.kind, &new.remote_id);
    let mut writes = Vec::new();
    place(hub, home, &mut chat, new, None, &mut id, &mut writes)?;
    store(hub, &id_key, id, chat, writes).await?;
    Ok(())
}

/// Takes what an agent wrote in the CRM.
pub async fn crm_message<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    location: &LocationId,
    send: CrmSend,
) -> Result<Accepted, DbError> {
    crm_message_into(hub, home, location, send, None).await
}

/// The same for who has just read the chat, which need not be looked for then.
pub async fn crm_message_into<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    location: &LocationId,
    send: CrmSend,
    mut known: Option<Box<ChatRow>>,
) -> Result<Accepted, DbError> {
    let id_key = keys::ghl_id(location, &send.message_id);
    let twins_key = twins::key(location, &send);
    // Neither is there as a rule: if one is, the write fails, and both are read.
    let (mut id, mut twins) = (IdRow::default(), TwinsRow::default());
    for _ in 0..row::TRIES {
        let now = hub.clock.now_ms();
        if let Some(first) = twins::take(&mut twins, &send.delivered, now) {
            match twins::join(hub, location, &send, first, id, twins).await? {
                Stored::Done => return Ok(Accepted::Twin),
                Stored::Known => return Ok(Accepted::Duplicate),
                Stored::Again(found) => id = *found,
            }
            twins = row::load(&hub.db, &twins_key).await?.unwrap_or_default();
            continue;
        }
        let (mut chat, mut writes) = match known.take() {
            Some(chat) => (*chat, Vec::new()),
            None => find_chat(hub, home, &send.message).await?,
        };
        tie(&mut chat, home, location, &send.contact, &mut writes)?;
        let claim = place(
            hub,
            home,
            &mut chat,
            &send.message,
            Some(&send),
            &mut id,
            &mut writes,
        )?;
        let key = twins_key.clone();
        writes.push(twins::note(key, &mut twins, &send.delivered, &claim, now)?);
        match store(hub, &id_key, id, chat, writes).await? {
            Stored::Done => return Ok(Accepted::New(claim)),
            Stored::Known => return Ok(Accepted::Duplicate),
            Stored::Again(found) => id = *found,
        }
        twins = row::load(&hub.db, &twins_key).await?.unwrap_or_default();
    }
    Err(contended())
}

/// Ties a chat to the contact that the CRM names for it, unless it has one.
pub(super) fn tie(
    chat: &mut ChatRow,
    home: &Home,
    location: &LocationId,
    contact: &ContactId,
    writes: &mut Vec<Write>,
) -> Result<(), DbError> {
    if chat.crm.is_some() {
        return Ok(());
    }
    chat.crm = Some(crate::store::chats::CrmContact {
        location: location.clone(),
        contact: contact.clone(),
        dressed: false,
        phone_to_tell: false,
    });
    let key = keys::contact_chat(location, contact, &home.number);
    let row = ContactChatRow {
        rev: 1,
        number: home.number.clone(),
        chat: chat.chat.clone(),
    };
    writes.push(always(key, &row)?);
    Ok(())
}

/// How long a request of somebody in an interface of ours is known again, seconds.
const REQUEST_S: i64 = 2 * 24 * 3600;

/// Takes what somebody wrote in an interface of ours. `new.remote_id` names the
/// request, and the same one again is the same message.
pub async fn own_message<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: NewMessage,
) -> Result<Claim, DbError> {
    let id_key = keys::own_request(&home.number, &new.remote_id);
    for _ in 0..row::TRIES {
        let known = row::load::<IdRow>(&hub.db, &id_key).await?;
        let mut id = known.unwrap_or_default();
        if let Some(claim) = id.claimed {
            return Ok(claim);
        }
        let (mut chat, mut writes) = find_chat(hub, home, &new).await?;
        let claim = place(hub, home, &mut chat, &new, None, &mut id, &mut writes)?;
        id.expires_at = Some(hub.clock.now_ms() / 1000 + REQUEST_S);
        if let Stored::Done = store(hub, &id_key, id, chat, writes).await? {
            return Ok(claim);
        }
    }
    Err(contended())
}

async fn park_echo<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: NewMessage,
    id_key: Key,
) -> Result<Accepted, DbError> {
    for _ in 0..row::TRIES {
        let mut id = row::load::<IdRow>(&hub.db, &id_key)
            .await?
            .unwrap_or_default();
        if let Some(claim) = &id.claimed {
            merge::learn_alias(hub, &home.number, &claim.chat, &new.chat).await?;
            return Ok(Accepted::Duplicate);
        }
        if id.echo.is_some() {
            return Ok(Accepted::Duplicate);
        }
        let now = hub.clock.now_ms();
        let due = now + hub.settings.echo_after_ms;
        let (mut chat, mut writes) = find_chat(hub, home, &new).await?;
        chat.echoes.insert(new.remote_id.clone(), now);
        chat.set_due(Lane::Whatsapp, due);
        id.echo = Some(ParkedEcho {
            chat: chat.chat.clone(),
            at_ms: now,
            message: new.clone(),
        });
        // Whether a send is waiting for this very echo is known to the lane: it is woken for it.
        let is_awaited = chat
            .due(Lane::Whatsapp)
            .is_some_and(|earliest| earliest < due);
        let (number, chat_id) = (chat.number.clone(), chat.chat.clone());
        writes.push(row::save(keys::chat(&chat_id), &mut chat)?);
        writes.push(row::save(id_key.clone(), &mut id)?);
        match hub.db.write(writes).await {
            Ok(()) => {
                let delay = if is_awaited {
                    0
                } else {
                    hub.settings.echo_after_ms as u64
                };
                hub.wake(
                    &number,
                    &chat_id,
                    Lane::Whatsapp,
                    Duration::from_millis(delay),
                )
                .await;
                return Ok(Accepted::Parked);
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(contended())
}

/// The chat that a message belongs to, or a new one, with the writes that make it findable.
pub(super) async fn find_chat<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    new: &NewMessage,
) -> Result<(ChatRow, Vec<Write>), DbError> {
    if let Some(mut known) = chat_of_alias(&hub.db, &home.number, &new.chat).await? {
        let mut chat = living_chat(&hub.db, &known.chat)
            .await?
            .ok_or_else(|| missing("a chat"))?;
        let mut writes = Vec::new();
        // Merged meanwhile: the next message finds the survivor without the detour.
        if known.chat != chat.chat {
            known.chat = chat.chat.clone();
            chat.aliases.insert(new.chat.clone());
            writes.push(row::save(keys::alias(&home.number, &new.chat), &mut known)?);
        }
        return Ok((chat, writes));
    }
    // A person whose linked id is new, but whose phone is told, may have a chat under the phone.
    let by_phone = match (&new.phone, new.chat.kind()) {
        (Some(phone), AliasKind::Lid | AliasKind::Opaque) => {
            Some(Alias::from_phone_digits(phone.trim_start_matches('+')))
        }
        _ => None,
    };
    if let Some(by_phone) = &by_phone
        && let Some(known) = chat_of_alias(&hub.db, &home.number, by_phone).await?
    {
        let mut chat = living_chat(&hub.db, &known.chat)
            .await?
            .ok_or_else(|| missing("a chat"))?;
        let alias = new_alias(home, &new.chat, &chat.chat)?;
        chat.aliases.insert(new.chat.clone());
        return Ok((chat, vec![alias]));
    }
    let chat = ChatId::new(hub.ids.next());
    let mut row = ChatRow::new(
        home.workspace.clone(),
        home.number.clone(),
        chat.clone(),
        new.chat.clone(),
    );
    row.phone = row.phone.or_else(|| new.phone.clone());
    let mut writes = vec![new_alias(home, &new.chat, &chat)?];
    if let Some(by_phone) = by_phone {
        writes.push(new_alias(home, &by_phone, &chat)?);
        row.aliases.insert(by_phone);
    }
    Ok((row, writes))
}

fn new_alias(home: &Home, alias: &Alias, chat: &ChatId) -> Result<Write, DbError> {
    row::save(
        keys::alias(&home.number, alias),
        &mut AliasRow {
            rev: 0,
            chat: chat.clone(),
        },
    )
}

/// Gives the message the chat's next place, says what is to be done with it, and claims its id.
pub(super) fn place<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    chat: &mut ChatRow,
    new: &NewMessage,
    from_crm: Option<&CrmSend>,
    id: &mut IdRow,
    writes: &mut Vec<Write>,
) -> Result<Claim, DbError> {
    let now = hub.clock.now_ms();
    let seq = chat.seq + 1;
    let begins_here = begins_here(new.origin);
    let mut message = Message {
        workspace: home.workspace.clone(),
        number: home.number.clone(),
        chat: chat.chat.clone(),
        seq,
        rev: 0,
        direction: new.direction,
        origin: new.origin,
        at_ms: new.at_s.map_or(now, |at_s| at_s.saturating_mul(1000)),
        accepted_ms: now,
        whatsapp_id: (!begins_here).then(|| new.remote_id.clone()),
        author: new.author.clone(),
        content: new.content.clone(),
        quoted: new.quoted.clone(),
        status: if begins_here {
            Status::Queued
        } else {
            Status::Accepted
        },
        status_reason: None,
        deliveries: deliveries(home, new),
        crm: from_crm.map(|send| CrmMessage::new(&send.message_id)),
        crm_twin: None,
        steps: Vec::new(),
        marks: Marks::default(),
        changed_ms: now,
        stuck_ms: None,
        discarded: None,
        telegram: match new.origin {
            Origin::Telegram => telegram::Source::of_request(&new.remote_id),
            _ => None,
        },
    };
    if let Some(reason) = from_crm.and_then(|send| send.refused.clone()) {
        message.status = Status::Failed;
        message.status_reason = Some(reason);
        message.deliveries.clear();
    }
    let wants_copies = files::want_copies(&mut message, &hub.ids, now);
    for earlier in &id.receipts {
        receipt::apply(&mut message, 0, earlier);
    }

    chat.seq = seq;
    chat.note_message(new, now);
    if let Some(title) = title(chat, new) {
        chat.title = Some(title);
    }
    for destination in message.deliveries.keys() {
        occupy(chat, destination.lane(), seq, now);
    }
    if wants_copies {
        chat.files.insert(seq);
        chat.set_due(Lane::Media, now);
    }
    if message.untold_crm_status().is_some() {
        chat.untold.insert(seq);
        chat.set_due(Lane::CrmStatus, now);
    }

    let claim = Claim {
        chat: chat.chat.clone(),
        seq,
        part: 0,
    };
    id.claimed = Some(claim.clone());
    id.receipts.clear();
    id.expires_at = None;
    uploads::link(&message, now + hub.settings.file_retention_ms, writes)?;
    watch::note(&mut message, now, writes)?;
    writes.push(row::save(keys::message(&chat.chat, seq), &mut message)?);
    Ok(claim)
}

/// A lane that had nothing to do has nothing to do before `seq` either.
fn occupy(chat: &mut ChatRow, lane: Lane, seq: u64, now: Millis) {
    let state = chat.lanes.entry(lane).or_default();
    if state.due_ms.is_none() {
        state.cursor = seq;
    }
    chat.set_due(lane, now);
}

/// Whether a message is still to be sent, whereas everything else is on the phone already.
fn begins_here(origin: Origin) -> bool {
    matches!(
        origin,
        Origin::Ghl | Origin::Workflow | Origin::Panel | Origin::AutoReply | Origin::Telegram
    )
}

fn deliveries(home: &Home, new: &NewMessage) -> BTreeMap<Destination, Delivery> {
    let to_crm = home.location.is_some() && new.origin != Origin::Ghl;
    let mut deliveries = BTreeMap::new();
    if begins_here(new.origin) {
        deliveries.insert(Destination::Whatsapp, Delivery::to_whatsapp(&new.content));
    }
    if to_crm {
        deliveries.insert(Destination::Crm, Delivery::single());
    }
    let is_posted = home.telegram.as_ref().is_some_and(|posts| {
        // What was written there is there.
        new.direction == Direction::In || posts.outgoing && new.origin != Origin::Telegram
    });
    if is_posted {
        deliveries.insert(Destination::Telegram, Delivery::single());
    }
    deliveries
}

/// What to call the chat, if the message tells better than what is known.
fn title(chat: &ChatRow, new: &NewMessage) -> Option<String> {
    let told = match (chat.is_group(), new.direction) {
        (true, _) | (false, Direction::Out) => new.chat_name.clone(),
        (false, Direction::In) => new.author.name.clone().or_else(|| new.chat_name.clone()),
    };
    told.filter(|told| chat.title.as_ref() != Some(told))
}

/// What came of a transaction that claims an id.
pub(super) enum Stored {
    /// It is written.
    Done,
    /// Somebody had claimed the id.
    Known,
    /// Something else was written meanwhile; the id's row as it is now.
    Again(Box<IdRow>),
}

/// Writes the transaction and wakes what it made due.
async fn store<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    id_key: &Key,
    mut id: IdRow,
    mut chat: ChatRow,
    mut writes: Vec<Write>,
) -> Result<Stored, DbError> {
    chat.relist(&mut writes)?;
    writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
    writes.push(row::save(id_key.clone(), &mut id)?);
    match hub.db.write(writes).await {
        Ok(()) => {
            hub.wake_due(&chat).await;
            Ok(Stored::Done)
        }
        Err(DbError::Condition { .. } | DbError::Conflict) => met(hub, id_key).await,
        Err(error) => Err(error),
    }
}

/// Whom a transaction met that was not written.
pub(super) async fn met<D: Db, Q: Queue>(hub: &Hub<D, Q>, id_key: &Key) -> Result<Stored, DbError> {
    match row::load::<IdRow>(&hub.db, id_key).await? {
        Some(IdRow {
            claimed: Some(claim),
            ..
        }) => {
            // Whoever sends it again may have missed our answer, and we our wake-up.
            if let Some(chat) = living_chat(&hub.db, &claim.chat).await? {
                hub.wake_due(&chat).await;
            }
            Ok(Stored::Known)
        }
        Some(found) => Ok(Stored::Again(Box::new(found))),
        None => Ok(Stored::Again(Box::default())),
    }
}

fn always<T: row::Row>(key: Key, value: &T) -> Result<Write, DbError> {
    let op = crate::store::db::Op::Put(row::item(value)?);
    Ok(Write {
        key,
        op,
        only_if: crate::store::db::Cond::Always,
    })
}

fn missing(what: &'static str) -> DbError {
    DbError::Malformed {
        what,
        why: "it is referred to and is not there".into(),
    }
}

pub(super) fn contended() -> DbError {
    DbError::Unavailable {
        table: crate::store::db::Table::Chats,
        why: "others kept writing to the same chat".into(),
    }
}
