//! Echoes: what the gateway reports of messages that went out through its API, ours and those of
//! other programs on the same number.

use super::Hub;
use super::accept::{self, Home};
use super::deliver::Step;
use super::settle;
use crate::clock::Millis;
use crate::domain::content::Content;
use crate::domain::delivery::{Destination, PartState};
use crate::domain::event::{IdKind, NewMessage};
use crate::domain::message::Message;
use crate::limiter::lease as limiter;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, UnsureRow};
use crate::store::db::{Cond, Db, DbError, Key, Op, Query, Table, Write};
use crate::store::{keys, row};

/// How far an echo's or a journal's time may lie before our own note of the call: their clock is
/// not ours, and theirs counts in seconds.
pub const CLOCK_SKEW_MS: Millis = 5_000;

/// What became of the echoes that wait in a chat: those of our own sends have been claimed, those
/// of other programs become messages. `None` if there are none.
pub async fn settle_echoes<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
) -> Result<Option<Step>, DbError> {
    let now = hub.clock.now_ms();
    let mut next_ms: Option<Millis> = None;
    for (remote_id, came_ms) in &chat.echoes {
        let due = came_ms + hub.settings.echo_after_ms;
        let key = keys::whatsapp_id(&chat.number, IdKind::Message, remote_id);
        let Some(id) = row::load::<IdRow>(&hub.db, &key).await? else {
            forget_echo(hub, chat, remote_id).await?;
            return Ok(Some(Step::Settled));
        };
        let Some(echo) = id.echo.as_ref().filter(|_| id.claimed.is_none()) else {
            forget_echo(hub, chat, remote_id).await?;
            return Ok(Some(Step::Settled));
        };
        if due > now {
            next_ms = Some(next_ms.map_or(due, |next| next.min(due)));
            continue;
        }
        match owner(hub, chat, &echo.message).await? {
            Owner::Ours(message, part) => {
                let id = echo.message.remote_id.clone();
                settle::sent(hub, &message, Destination::Whatsapp, part, &id).await?;
            }
            Owner::MaybeOurs => {
                let later = now + hub.settings.echo_after_ms / 2;
                next_ms = Some(next_ms.map_or(later, |next| next.min(later)));
                continue;
            }
            Owner::Stranger => {
                let home = Home::of_chat(hub, chat).await?;
                accept::unclaimed_echo(hub, &home, chat.clone(), id).await?;
            }
        }
        return Ok(Some(Step::Settled));
    }
    Ok(next_ms.map(Step::Waits))
}

enum Owner {
    /// A send of unknown outcome, and which part of it.
    Ours(Box<Message>, usize),
    /// There is a send of unknown outcome that is still being looked for.
    MaybeOurs,
    /// Another program.
    Stranger,
}

/// Who sent what an unclaimed echo shows. WhatsApp may write the person otherwise in the echo than
/// we did in the send, so all unsure sends of the number are asked.
async fn owner<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    echo: &NewMessage,
) -> Result<Owner, DbError> {
    let (pk, range) = keys::all_unsure(&chat.number);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk: pk.clone(),
        range,
        backwards: false,
        limit: 100,
    };
    let mut is_open = false;
    for item in hub.db.query(&query).await? {
        let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
        let Some((unsure_chat, seq)) = sk.and_then(|sk| keys::unsure_of_sk(sk)) else {
            continue;
        };
        let unsure: UnsureRow = row::read(item)?;
        let key = keys::message(&unsure_chat, seq);
        let Some(message) = row::load::<Message>(&hub.db, &key).await? else {
            continue;
        };
        let Some(delivery) = message.deliveries.get(&Destination::Whatsapp) else {
            continue;
        };
        let mut is_unknown = false;
        for (part, row) in delivery.parts.iter().enumerate() {
            if let PartState::Unknown {
                since_ms,
                to_person,
                ..
            } = row.state
            {
                if is_echo_of(echo, &message, part, since_ms) {
                    return Ok(Owner::Ours(Box::new(message), part));
                }
                is_unknown = true;
                is_open |= !to_person;
            }
        }
        if !is_unknown && unsure.since_ms + hub.settings.unknown_after_ms < hub.clock.now_ms() {
            let gone = keys::unsure(&chat.number, &unsure_chat, seq);
            hub.db
                .write(vec![Write {
                    key: gone,
                    op: Op::Delete,
                    only_if: Cond::Always,
                }])
                .await?;
        }
    }
    // A run that died between the provider's answer and its own note of it is found only when its
    // lease has ended; till then the place that it took tells of it.
    is_open |= is_any_sending(&hub.db, &keys::drain(&chat.number)).await?;
    Ok(if is_open {
        Owner::MaybeOurs
    } else {
        Owner::Stranger
    })
}

/// Whether any of the sends that hold a place at the provider has been begun and not been settled.
pub async fn is_any_sending(db: &impl Db, drain: &Key) -> Result<bool, DbError> {
    for slot in limiter::undrained(db, drain).await? {
        let Some((chat, seq, part)) = settle::part_of_slot(&slot) else {
            continue;
        };
        let Some(message) = row::load::<Message>(db, &keys::message(&chat, seq)).await? else {
            continue;
        };
        let delivery = message.deliveries.get(&Destination::Whatsapp);
        let state = delivery
            .and_then(|delivery| delivery.parts.get(part))
            .map(|part| &part.state);
        if matches!(state, Some(PartState::Sending { .. })) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn forget_echo<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    remote_id: &str,
) -> Result<(), DbError> {
    row::change::<ChatRow>(&hub.db, &keys::chat(&chat.chat), |chat| {
        chat.echoes.remove(remote_id).is_some()
    })
    .await?;
    Ok(())
}

/// The id of the echo in the chat that is of this part, if there is one.
pub async fn echo_of<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    message: &Message,
    part: usize,
    since_ms: Millis,
) -> Result<Option<String>, DbError> {
    for remote_id in chat.echoes.keys() {
        let key = keys::whatsapp_id(&chat.number, IdKind::Message, remote_id);
        if let Some(IdRow {
            claimed: None,
            echo: Some(echo),
            ..
        }) = row::load::<IdRow>(&hub.db, &key).await?
            && is_echo_of(&echo.message, message, part, since_ms)
        {
            return Ok(Some(remote_id.clone()));
        }
    }
    Ok(None)
}

/// Whether an echo, or a journal's entry, is of this part: made since, and of the same content.
pub fn is_echo_of(echo: &NewMessage, message: &Message, part: usize, since_ms: Millis) -> bool {
    let is_since = echo
        .at_s
        .is_none_or(|at_s| at_s * 1000 + 999 >= since_ms - CLOCK_SKEW_MS);
    is_since && has_same_content(&echo.content, &message.content, part)
}

fn has_same_content(echo: &Content, sent: &Content, part: usize) -> bool {
    match (echo, sent) {
        (Content::Text { text: echo }, Content::Text { text: sent }) => echo.trim() == sent.trim(),
        (
            Content::Files {
                files: echo,
                caption: echo_caption,
            },
            Content::Files {
                files: sent,
                caption,
            },
        ) => {
            let caption = if part == 0 { caption.trim() } else { "" };
            let same_name = match (echo.first(), sent.get(part)) {
                (Some(echo), Some(sent)) => {
                    echo.name.is_empty() || sent.name.is_empty() || echo.name == sent.name
                }
                _ => false,
            };
            same_name && (echo_caption.is_empty() || echo_caption.trim() == caption)
        }
        (echo, sent) => echo == sent,
    }
}
