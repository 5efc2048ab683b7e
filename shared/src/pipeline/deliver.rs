//! Delivering one message: slot, claim, call, settlement, and what to do where that broke off.

use super::Hub;
use super::accept::{self, Home};
use super::lane::Run;
use super::provider::{Looked, Prepared, Provider, Sent};
use super::settle;
use crate::clock::Millis;
use crate::domain::content::Content;
use crate::domain::delivery::{Destination, PartState};
use crate::domain::event::{IdKind, NewMessage};
use crate::domain::message::Message;
use crate::domain::retry;
use crate::domain::status::Status;
use crate::limiter::lease as limiter;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, UnsureRow};
use crate::store::db::{Cond, Db, DbError, Key, Op, Query, Table, Write};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// Slots that depart within this time are waited for; others end the run of the lane.
const SLEEP_AT_MOST_MS: Millis = 2_000;

/// How far an echo's or a journal's time may lie before our own note of the call: their clock is
/// not ours, and theirs counts in seconds.
pub const CLOCK_SKEW_MS: Millis = 5_000;

/// How it goes on with a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lane can go past the message.
    Settled,
    /// The lane waits for this message until then.
    Waits(Millis),
    /// The worker's time is up.
    OutOfTime,
    /// Somebody else has the lease.
    Stolen,
}

/// What happens next to a part.
enum Next {
    /// It is settled.
    Past,
    /// It changed: look at it anew.
    Anew,
    /// The lane stops here.
    Stop(Step),
}

/// Works one message off as far as it goes.
pub async fn message<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    run: &mut Run,
    chat: &ChatRow,
    mut message: Message,
) -> Result<Step, DbError> {
    let n_parts = message
        .deliveries
        .get(&P::DESTINATION)
        .map_or(0, |d| d.parts.len());
    for part in 0..n_parts {
        loop {
            let next = next(hub, provider, run, chat, &message, part).await?;
            match next {
                Next::Past => break,
                Next::Stop(step) => return Ok(step),
                Next::Anew => {
                    let key = keys::message(&message.chat, message.seq);
                    match row::load::<Message>(&hub.db, &key).await? {
                        Some(anew) => message = anew,
                        None => return Ok(Step::Settled),
                    }
                }
            }
        }
    }
    Ok(Step::Settled)
}

async fn next<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    run: &mut Run,
    chat: &ChatRow,
    message: &Message,
    part: usize,
) -> Result<Next, DbError> {
    let now = hub.clock.now_ms();
    let row = &message.deliveries[&P::DESTINATION].parts[part];
    match &row.state {
        PartState::Done | PartState::Dead => Ok(Next::Past),
        PartState::Unknown {
            to_person: true, ..
        } => Ok(Next::Past),
        PartState::Pending => send(hub, provider, run, chat, message, part).await,
        PartState::Retry { at_ms, .. } if *at_ms > now => Ok(Next::Stop(Step::Waits(*at_ms))),
        PartState::Retry {
            look_since_ms: None,
            ..
        } => send(hub, provider, run, chat, message, part).await,
        PartState::Retry {
            look_since_ms: Some(since_ms),
            ..
        } => match look(hub, provider, chat, message, part, *since_ms).await? {
            Looked::Found { .. } => Ok(Next::Anew),
            Looked::NotNow => Ok(Next::Stop(Step::Waits(now + look_again_ms(now, *since_ms)))),
            Looked::NotFound => send(hub, provider, run, chat, message, part).await,
        },
        // Begun by a run that is not there any more: the call may have been made.
        PartState::Sending { since_ms, .. } => {
            let since_ms = *since_ms;
            if P::DESTINATION == Destination::Whatsapp {
                settle::note_unsure(hub, message, since_ms).await?;
            }
            settle::change_part(hub, message, P::DESTINATION, part, |part| {
                if matches!(part.state, PartState::Sending { .. }) {
                    part.state = PartState::Unknown {
                        since_ms,
                        looked_ms: since_ms,
                        at_ms: now,
                        to_person: false,
                    };
                    part.error = Some("the sending was interrupted".to_owned());
                }
            })
            .await?;
            Ok(Next::Anew)
        }
        PartState::Unknown {
            at_ms, looked_ms, ..
        } if *at_ms > now && !has_new_echo(chat, *looked_ms) => Ok(Next::Stop(Step::Waits(*at_ms))),
        PartState::Unknown { since_ms, .. } => {
            unknown(hub, provider, chat, message, part, *since_ms).await
        }
    }
}

/// An echo that came since the last look may be the one that the send waits for.
fn has_new_echo(chat: &ChatRow, looked_ms: Millis) -> bool {
    chat.echoes.values().any(|came_ms| *came_ms > looked_ms)
}

/// Takes the limiter's slot, claims the part, calls, settles.
async fn send<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    run: &mut Run,
    chat: &ChatRow,
    message: &Message,
    part: usize,
) -> Result<Next, DbError> {
    // Asked before the slot is taken, so that none is taken in vain.
    match run
        .has_time_for(hub, P::LONGEST_CALL_MS + SLEEP_AT_MOST_MS)
        .await?
    {
        Some(true) => {}
        Some(false) => return Ok(Next::Stop(Step::OutOfTime)),
        None => return Ok(Next::Stop(Step::Stolen)),
    }
    let (with, at_ms) = match provider.prepare(chat, message, part).await? {
        Prepared::Ready { with, at_ms } => (with, at_ms),
        Prepared::Wait { until_ms } => return Ok(Next::Stop(Step::Waits(until_ms))),
        Prepared::Dead { reason } => {
            die(hub, message, P::DESTINATION, part, reason).await?;
            return Ok(Next::Anew);
        }
    };
    if at_ms - hub.clock.now_ms() > SLEEP_AT_MOST_MS {
        return Ok(Next::Stop(Step::Waits(at_ms)));
    }
    hub.clock.sleep_until(at_ms).await;
    let Some(claimed) = claim::<D, Q, P>(hub, run, message, part).await? else {
        return Ok(Next::Anew);
    };
    let sent = provider.send(with, chat, &claimed, part).await;
    settle_sent(hub, provider, &claimed, part, sent).await?;
    Ok(Next::Anew)
}

/// Marks the part as being sent by this run. `None` if somebody changed the message meanwhile.
async fn claim<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    run: &Run,
    message: &Message,
    part: usize,
) -> Result<Option<Message>, DbError> {
    let key = keys::message(&message.chat, message.seq);
    let since_ms = hub.clock.now_ms();
    let mut claimed = message.clone();
    let row = part_of(&mut claimed, P::DESTINATION, part);
    row.state = PartState::Sending {
        since_ms,
        by: run.id.clone(),
    };
    row.attempts += 1;
    match hub
        .db
        .write(vec![row::save(key.clone(), &mut claimed)?])
        .await
    {
        Ok(()) => Ok(Some(claimed)),
        // Somebody else's write, or our own one repeated after its answer got lost.
        Err(DbError::Condition { .. } | DbError::Conflict | DbError::Unavailable { .. }) => {
            let found = row::load::<Message>(&hub.db, &key).await?;
            Ok(found.filter(|found| *found == claimed))
        }
        Err(error) => Err(error),
    }
}

async fn settle_sent<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    message: &Message,
    part: usize,
    sent: Sent,
) -> Result<(), DbError> {
    let now = hub.clock.now_ms();
    let since_ms = match &part_ref(message, P::DESTINATION, part).state {
        PartState::Sending { since_ms, .. } => *since_ms,
        _ => now,
    };
    match sent {
        Sent::Done { remote_id } => {
            settle::sent(hub, message, P::DESTINATION, part, &remote_id).await
        }
        Sent::Dead { reason } => die(hub, message, P::DESTINATION, part, reason).await,
        Sent::Again { at_ms, reason } => {
            again(hub, provider, message, part, at_ms, None, reason).await
        }
        Sent::LookThenAgain { reason } => {
            again(hub, provider, message, part, None, Some(since_ms), reason).await
        }
        Sent::Unknown { reason } => {
            if P::DESTINATION == Destination::Whatsapp {
                settle::note_unsure(hub, message, since_ms).await?;
            }
            let at_ms = since_ms + retry::look_delay(1).as_millis() as Millis;
            settle::change_part(hub, message, P::DESTINATION, part, |part| {
                part.state = PartState::Unknown {
                    since_ms,
                    looked_ms: now,
                    at_ms,
                    to_person: false,
                };
                part.error = Some(reason.clone());
            })
            .await
        }
    }
}

async fn again<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    message: &Message,
    part: usize,
    at_ms: Option<Millis>,
    look_since_ms: Option<Millis>,
    reason: String,
) -> Result<(), DbError> {
    let now = hub.clock.now_ms();
    let row = part_ref(message, P::DESTINATION, part);
    let failing_since_ms = row.failing_since_ms.unwrap_or(now);
    if now - failing_since_ms >= provider.patience_ms() {
        return die(hub, message, P::DESTINATION, part, reason).await;
    }
    let at_ms = at_ms.unwrap_or(now + retry::delay(row.attempts).as_millis() as Millis);
    settle::change_part(hub, message, P::DESTINATION, part, |part| {
        part.state = PartState::Retry {
            at_ms,
            look_since_ms,
        };
        part.failing_since_ms = Some(failing_since_ms);
        part.error = Some(reason.clone());
    })
    .await
}

async fn die<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    destination: Destination,
    part: usize,
    reason: String,
) -> Result<(), DbError> {
    tracing::warn!(
        chat = %message.chat, seq = message.seq, part, ?destination, reason, "delivery given up"
    );
    settle::change_part(hub, message, destination, part, |part| {
        part.state = PartState::Dead;
        part.error = Some(reason.clone());
        if destination == Destination::Whatsapp {
            part.status = Some(Status::Failed);
        }
    })
    .await
}

/// Looks for the outcome of a call that nobody knows.
async fn unknown<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    chat: &ChatRow,
    message: &Message,
    part: usize,
    since_ms: Millis,
) -> Result<Next, DbError> {
    let found = look(hub, provider, chat, message, part, since_ms).await?;
    if matches!(found, Looked::Found { .. }) {
        return Ok(Next::Anew);
    }
    let now = hub.clock.now_ms();
    let age_ms = now - since_ms;
    let is_proof = P::ABSENCE_PROVES_AFTER_MS.is_some_and(|after_ms| age_ms >= after_ms);
    let gives_up = age_ms >= hub.settings.unknown_after_ms;
    let at_ms = now + look_again_ms(now, since_ms);
    settle::change_part(hub, message, P::DESTINATION, part, |part| {
        if !matches!(
            part.state,
            PartState::Unknown {
                to_person: false,
                ..
            }
        ) {
            return;
        }
        if found == Looked::NotFound && is_proof {
            part.state = PartState::Retry {
                at_ms: now,
                look_since_ms: None,
            };
        } else if gives_up {
            part.state = PartState::Unknown {
                since_ms,
                looked_ms: now,
                at_ms,
                to_person: true,
            };
            part.status = Some(Status::Unknown);
            part.error = Some("nobody knows whether it was sent; it was not sent again".to_owned());
        } else {
            part.state = PartState::Unknown {
                since_ms,
                looked_ms: now,
                at_ms,
                to_person: false,
            };
        }
    })
    .await?;
    if gives_up && !is_proof {
        tracing::error!(
            chat = %message.chat, seq = message.seq, part, destination = ?P::DESTINATION,
            "the outcome of a send stays unknown: a person has to look"
        );
    }
    Ok(Next::Anew)
}

/// As long again as it has been, so that looks get rarer.
fn look_again_ms(now: Millis, since_ms: Millis) -> Millis {
    let first = retry::look_delay(1).as_millis() as Millis;
    (now - since_ms).clamp(first, 120_000)
}

/// Looks for traces of a call, first among our own echoes; settles the part if there are any.
async fn look<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    chat: &ChatRow,
    message: &Message,
    part: usize,
    since_ms: Millis,
) -> Result<Looked, DbError> {
    if P::DESTINATION == Destination::Whatsapp
        && let Some(remote_id) = echo_of(hub, chat, message, part, since_ms).await?
    {
        settle::sent(hub, message, P::DESTINATION, part, &remote_id).await?;
        return Ok(Looked::Found {
            remote_id,
            status: None,
        });
    }
    let found = provider.look(chat, message, part, since_ms).await?;
    if let Looked::Found { remote_id, .. } = &found {
        settle::sent(hub, message, P::DESTINATION, part, remote_id).await?;
    }
    Ok(found)
}

async fn echo_of<D: Db, Q: Queue>(
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

/// What became of the echoes that wait in a chat: those of our own sends have been claimed, those
/// of other programs become messages. `None` if there are none.
pub async fn echoes<D: Db, Q: Queue>(
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
                let home = home(hub, chat).await?;
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

async fn home<D: Db, Q: Queue>(hub: &Hub<D, Q>, chat: &ChatRow) -> Result<Home, DbError> {
    let key = keys::number(&chat.workspace, &chat.number);
    let number = row::load::<NumberRow>(&hub.db, &key).await?;
    Ok(Home {
        workspace: chat.workspace.clone(),
        number: chat.number.clone(),
        location: number.and_then(|number| number.location),
    })
}

fn part_of(
    message: &mut Message,
    destination: Destination,
    part: usize,
) -> &mut crate::domain::delivery::Part {
    // The caller has read this very part of the message.
    #[expect(clippy::expect_used, reason = "the part was found before")]
    message
        .deliveries
        .get_mut(&destination)
        .and_then(|delivery| delivery.parts.get_mut(part))
        .expect("the part that is being delivered")
}

fn part_ref(
    message: &Message,
    destination: Destination,
    part: usize,
) -> &crate::domain::delivery::Part {
    &message.deliveries[&destination].parts[part]
}
