//! Messages that nobody can do without a person: listing them, sending them once more, letting them
//! be.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Sight;
use super::cursor;
use crate::domain::delivery::{Destination, Part, PartState};
use crate::domain::ids::{ChatId, NumberId, PersonId};
use crate::domain::message::{Discarded, Message};
use crate::pipeline::{Hub, watch};
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::team::StuckRow;
use crate::store::{keys, row};

/// The most messages of a page, and of what is done at once.
pub const MOST: usize = 100;

/// Which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One number's.
    pub number: Option<NumberId>,
    /// Those that did not reach this destination.
    pub at: Option<Destination>,
    /// One conversation's.
    pub chat: Option<ChatId>,
}

impl Filter {
    fn takes(&self, row: &StuckRow) -> bool {
        self.at.is_none_or(|at| row.at.contains(&at))
            && self.chat.as_ref().is_none_or(|chat| row.chat == *chat)
    }
}

/// A place in the list: a row's sort key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// The sort key of the row.
    #[serde(rename = "k")]
    pub sk: String,
}

impl cursor::Place for At {
    const KIND: char = 'S';

    fn is_sound(&self) -> bool {
        (1..=128).contains(&self.sk.len())
            && self
                .sk
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'-'))
    }
}

/// A part of the list, the latest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The messages.
    pub rows: Vec<StuckRow>,
    /// Where it goes on, if it does. A page may be shorter than asked for all the same.
    pub next: Option<At>,
}

/// A page of the list.
///
/// # Errors
/// The tables.
pub async fn page(
    db: &impl Db,
    sight: &Sight,
    filter: &Filter,
    after: Option<&At>,
    limit: usize,
) -> Result<Page, DbError> {
    let limit = limit.clamp(1, MOST);
    let numbers = sight.numbers.iter();
    let numbers = numbers.filter(|number| filter.number.as_ref().is_none_or(|it| it == *number));
    let parts = numbers.map(async |number| {
        let (pk, range) = keys::all_stuck(number, after.map(|after| after.sk.as_str()));
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards: true,
            // The last one of the page before is among them.
            limit: limit + 2,
        };
        db.query(&query).await
    });
    let mut found = Vec::new();
    for item in try_join_all(parts).await?.into_iter().flatten() {
        let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
        let Some(sk) = sk.filter(|sk| after.is_none_or(|after| *sk < after.sk)) else {
            continue;
        };
        found.push((sk, row::read::<StuckRow>(item)?));
    }
    found.sort_unstable_by(|a, b| b.0.cmp(&a.0));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more);
    let next = next.map(|(sk, _)| At { sk: sk.clone() });
    let rows = found.into_iter().map(|(_, row)| row);
    Ok(Page {
        rows: rows.filter(|row| filter.takes(row)).collect(),
        next,
    })
}

/// Why a message is not sent once more, or not let be.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is none, or not for them.
    #[error("there is no such message")]
    NotFound,
    /// It waits for nobody.
    #[error("nothing of the message has failed")]
    NotStuck,
    /// It may have arrived: somebody has to say that they want it all the same.
    #[error("nobody knows whether it arrived; it may be there twice then")]
    Unclear,
    /// The person asked not to be written to.
    #[error("the person asked not to be written to")]
    OptedOut,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What sending once more began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retried {
    /// Where.
    pub chat: ChatId,
    /// Which message.
    pub seq: u64,
    /// To which destinations.
    pub to: BTreeSet<Destination>,
}

/// Has a message sent once more, where it failed: the parts that died, and, if somebody says that
/// they want it `even_if_twice`, those of which nobody knows.
///
/// The message goes with what its conversation's lane has gone past, in the order of the messages,
/// and before all that is still to be sent.
///
/// # Errors
/// [`RetryError`]
pub async fn retry<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    (chat, seq): (&ChatId, u64),
    even_if_twice: bool,
) -> Result<Retried, RetryError> {
    for tries in 1.. {
        match retry_once(hub, sight, chat, seq, even_if_twice).await {
            Err(RetryError::Db(DbError::Condition { .. } | DbError::Conflict))
                if tries < row::TRIES => {}
            done => return done,
        }
    }
    unreachable!("the loop returns");
}

async fn retry_once<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    chat: &ChatId,
    seq: u64,
    even_if_twice: bool,
) -> Result<Retried, RetryError> {
    let (mut chat, mut message) = load(&hub.db, sight, chat, seq).await?;
    let now = hub.clock.now_ms();
    let mut to = BTreeSet::new();
    for (destination, delivery) in &mut message.deliveries {
        for part in delivery.parts.iter_mut().filter(|part| part.is_stuck()) {
            if matches!(part.state, PartState::Unknown { .. }) && !even_if_twice {
                return Err(RetryError::Unclear);
            }
            *part = anew(part);
            to.insert(*destination);
        }
    }
    if to.is_empty() {
        return Err(RetryError::NotStuck);
    }
    let mut writes = Vec::new();
    if to.contains(&Destination::Whatsapp) {
        // What is merged lives on in another, and that one knows whom it may write to.
        let living = sight.chat(&hub.db, &chat.chat).await?;
        if living.is_some_and(|living| living.team.opted_out.is_some()) {
            return Err(RetryError::OptedOut);
        }
        let delivery = &message.deliveries[&Destination::Whatsapp];
        message.status = delivery.status();
        message.status_reason = None;
        message.whatsapp_id = delivery.parts[0].remote_id.clone();
        writes.push(Write {
            key: keys::unsure(&message.number, &message.chat, seq),
            op: Op::Delete,
            only_if: Cond::Always,
        });
    }
    message.discarded = None;
    for destination in &to {
        let lane = destination.lane();
        let state = chat.lanes.entry(lane).or_default();
        if state.cursor > seq {
            state.behind.insert(seq);
        }
        chat.set_due(lane, now);
    }
    chat.changed_at = now;
    watch::note(&mut message, now, &mut writes)?;
    writes.push(row::save(keys::message(&chat.chat, seq), &mut message)?);
    writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
    hub.db.write(writes).await?;
    hub.wake_due(&chat).await;
    Ok(Retried {
        chat: chat.chat,
        seq,
        to,
    })
}

/// The part as it is before its next call. How often it was tried and what went wrong is remembered.
fn anew(part: &Part) -> Part {
    Part {
        state: PartState::Pending,
        attempts: part.attempts,
        errors: part.errors.clone(),
        files: part.files.clone(),
        ..Part::default()
    }
}

/// Notes that nothing is to be done about a message.
///
/// # Errors
/// [`RetryError`], but [`RetryError::Unclear`] and [`RetryError::OptedOut`].
pub async fn discard<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    (chat, seq): (&ChatId, u64),
    by: &PersonId,
    reason: &str,
) -> Result<Message, RetryError> {
    for tries in 1.. {
        let (_, mut message) = load(&hub.db, sight, chat, seq).await?;
        if !message.is_stuck() {
            return Err(RetryError::NotStuck);
        }
        let now = hub.clock.now_ms();
        message.discarded = Some(Discarded {
            by: by.clone(),
            at_ms: now,
            reason: reason.to_owned(),
        });
        let mut writes = Vec::new();
        watch::note(&mut message, now, &mut writes)?;
        writes.push(row::save(keys::message(chat, seq), &mut message)?);
        match hub.db.write(writes).await {
            Err(DbError::Condition { .. } | DbError::Conflict) if tries < row::TRIES => {}
            done => return done.map(|()| message).map_err(RetryError::Db),
        }
    }
    unreachable!("the loop returns");
}

async fn load(
    db: &impl Db,
    sight: &Sight,
    chat: &ChatId,
    seq: u64,
) -> Result<(ChatRow, Message), RetryError> {
    // The conversation that the message is in, whether or not it lives on in another.
    let chat = row::load::<ChatRow>(db, &keys::chat(chat)).await?;
    let chat = chat.filter(|chat| sight.covers(chat));
    let chat = chat.ok_or(RetryError::NotFound)?;
    let message = row::load::<Message>(db, &keys::message(&chat.chat, seq)).await?;
    Ok((chat, message.ok_or(RetryError::NotFound)?))
}
