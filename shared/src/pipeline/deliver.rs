//! Delivering one message: slot, claim, call, settlement, and what to do where that broke off.

use std::collections::BTreeSet;

use super::Hub;
use super::echo;
use super::files::{self, Before};
use super::lane::Run;
use super::provider::{Looked, Prepared, Provider, Sent};
use super::settle;
use crate::clock::Millis;
use crate::domain::delivery::{Destination, PartState};
use crate::domain::message::Message;
use crate::domain::retry;
use crate::domain::status::Status;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// Slots that depart within this time are waited for; others end the run of the lane.
const SLEEP_AT_MOST_MS: Millis = 2_000;

/// How it goes on with a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lane can go past the message.
    Settled,
    /// The lane waits for this message until then.
    Waits(Millis),
    /// The lane stands in the line for the provider's queue.
    InLine {
        /// Its place.
        place: String,
        /// When to look in any case, milliseconds since 1970.
        watch_ms: Millis,
    },
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

/// Works one message off as far as it goes. Later ones that were settled with it are added to
/// `along`.
pub async fn message<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    run: &mut Run,
    chat: &ChatRow,
    mut message: Message,
    along: &mut BTreeSet<u64>,
) -> Result<Step, DbError> {
    // It can get more parts on the way.
    for part in 0.. {
        let delivery = message.deliveries.get(&P::DESTINATION);
        if delivery.is_none_or(|delivery| delivery.parts.len() <= part) {
            break;
        }
        loop {
            let next = next(hub, provider, run, chat, &message, part, along).await?;
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
    along: &mut BTreeSet<u64>,
) -> Result<Next, DbError> {
    let now = hub.clock.now_ms();
    let row = &message.deliveries[&P::DESTINATION].parts[part];
    match &row.state {
        PartState::Done | PartState::Dead => Ok(Next::Past),
        PartState::Unknown {
            to_person: true, ..
        } => Ok(Next::Past),
        PartState::Pending => send(hub, provider, run, chat, message, part, along).await,
        PartState::Retry { at_ms, .. } if *at_ms > now => Ok(Next::Stop(Step::Waits(*at_ms))),
        PartState::Retry {
            look_since_ms: None,
            ..
        } => send(hub, provider, run, chat, message, part, along).await,
        PartState::Retry {
            look_since_ms: Some(since_ms),
            ..
        } => match look(hub, provider, chat, message, part, *since_ms).await? {
            Looked::Found { .. } => Ok(Next::Anew),
            Looked::NotNow => Ok(Next::Stop(Step::Waits(now + look_again_ms(now, *since_ms)))),
            Looked::NotFound => send(hub, provider, run, chat, message, part, along).await,
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
    along: &mut BTreeSet<u64>,
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
    match files::before_sending(hub, message, P::DESTINATION, part).await? {
        Before::Go => {}
        Before::Wait(until_ms) => return Ok(Next::Stop(Step::Waits(until_ms))),
        Before::Anew => return Ok(Next::Anew),
        Before::Dead(reason) => {
            die(hub, message, P::DESTINATION, part, reason.to_owned()).await?;
            return Ok(Next::Anew);
        }
    }
    let (mut with, at_ms) = match provider.prepare(chat, message, part).await? {
        Prepared::Ready { with, at_ms } => (with, at_ms),
        Prepared::Anew => return Ok(Next::Anew),
        Prepared::Wait { until_ms } => return Ok(Next::Stop(Step::Waits(until_ms))),
        Prepared::InLine { place, watch_ms } => {
            return Ok(Next::Stop(Step::InLine { place, watch_ms }));
        }
        Prepared::Dead { reason } => {
            die(hub, message, P::DESTINATION, part, reason).await?;
            return Ok(Next::Anew);
        }
    };
    if at_ms - hub.clock.now_ms() > SLEEP_AT_MOST_MS {
        return Ok(Next::Stop(Step::Waits(at_ms)));
    }
    hub.clock.sleep_until(at_ms).await;
    let others = provider.along(&mut with, message, part).await?;
    let claims = claim::<D, Q, P>(hub, run, message, part, &others).await?;
    let Some((claimed, others)) = claims else {
        return Ok(Next::Anew);
    };
    let sent = provider.send(with, chat, &claimed, part).await;
    let is_done = matches!(sent, Sent::Done { .. });
    settle_sent(hub, provider, &claimed, part, sent.clone()).await?;
    for other in others {
        settle_sent(hub, provider, &other, 0, sent.clone()).await?;
        if is_done {
            along.insert(other.seq);
        }
    }
    // Nothing is left of the message that would have to be looked at.
    let is_last = claimed.deliveries[&P::DESTINATION].parts.len() == part + 1;
    Ok(if is_done && is_last {
        Next::Past
    } else {
        Next::Anew
    })
}

/// Marks the part as being sent by this run, and with it the first one of each message that goes along.
/// `None` if somebody changed one of them meanwhile.
async fn claim<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    run: &Run,
    message: &Message,
    part: usize,
    others: &[Message],
) -> Result<Option<(Message, Vec<Message>)>, DbError> {
    let since_ms = hub.clock.now_ms();
    let mut claimed = vec![(message.clone(), part)];
    claimed.extend(others.iter().map(|other| (other.clone(), 0)));
    let mut writes = Vec::new();
    for (message, part) in &mut claimed {
        let row = part_of(message, P::DESTINATION, *part);
        row.state = PartState::Sending {
            since_ms,
            by: run.id.clone(),
        };
        row.attempts += 1;
        let key = keys::message(&message.chat, message.seq);
        writes.push(row::save(key, message)?);
    }
    let claimed: Vec<Message> = claimed.into_iter().map(|(message, _)| message).collect();
    match hub.db.write(writes).await {
        Ok(()) => {}
        // Somebody else's write, or our own one repeated after its answer got lost.
        Err(DbError::Condition { .. } | DbError::Conflict | DbError::Unavailable { .. }) => {
            for message in &claimed {
                let key = keys::message(&message.chat, message.seq);
                let found = row::load::<Message>(&hub.db, &key).await?;
                if found.as_ref() != Some(message) {
                    return Ok(None);
                }
            }
        }
        Err(error) => return Err(error),
    }
    let mut claimed = claimed.into_iter();
    Ok(claimed.next().map(|first| (first, claimed.collect())))
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
            let at_ms = match P::CAN_LOOK {
                true => since_ms + retry::look_delay(1).as_millis() as Millis,
                false => now,
            };
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
    let gives_up = !P::CAN_LOOK || age_ms >= hub.settings.unknown_after_ms;
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
        && let Some(remote_id) = echo::echo_of(hub, chat, message, part, since_ms).await?
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
