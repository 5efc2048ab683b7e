//! Working a lane off: one chat at one destination, in order, by one run at a time.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use super::Hub;
use super::brake;
use super::calls;
use super::deliver::{self, Step};
use super::echo;
use super::line;
use super::provider::Provider;
use crate::clock::Millis;
use crate::domain::delivery::Lane;
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::domain::place;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, messages_from};
use crate::store::db::{Db, DbError};
use crate::store::runtime::Lease;
use crate::store::{keys, row};

/// How much longer a lease is than the longest call within it.
pub const LEASE_MARGIN_MS: Millis = 10_000;

/// How many messages are read at once.
const PAGE: usize = 25;

/// How long the lane of a chat waits for the lanes of the chats that were merged into it.
const MERGE_WAIT_MS: Millis = 2_000;

/// One run of a worker on one lane.
#[derive(Debug)]
pub struct Run {
    /// The lane.
    pub lane: Lane,
    /// Its name in leases and claims; no two runs share one.
    pub id: String,
    /// When the worker has to be done, milliseconds since 1970.
    pub deadline_ms: Millis,
    /// The lease.
    pub lease: Lease,
    /// How long a lease lasts.
    pub lease_ms: Millis,
}

impl Run {
    /// Whether a call that takes up to `call_ms` can still end within the worker's time; makes the
    /// lease last for it. `None` if somebody else has the lease now.
    pub async fn has_time_for<D: Db, Q: Queue>(
        &mut self,
        hub: &Hub<D, Q>,
        call_ms: Millis,
    ) -> Result<Option<bool>, DbError> {
        let now = hub.clock.now_ms();
        if now + call_ms >= self.deadline_ms {
            return Ok(Some(false));
        }
        if self.lease.until_ms - now < call_ms + LEASE_MARGIN_MS / 2
            && !self.lease.renew(&hub.db, &hub.clock, self.lease_ms).await?
        {
            return Ok(None);
        }
        Ok(Some(true))
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is left.
    Idle,
    /// The lane goes on later.
    Waits {
        /// Milliseconds since 1970.
        at_ms: Millis,
        /// No wake-up is under way for that.
        wake: bool,
    },
    /// The worker's time is up.
    OutOfTime,
    /// Somebody else has the lease.
    Stolen,
}

/// Works a lane off under its lease; does nothing if somebody else is at it.
///
/// Errors are the tables'. The lane stays due, so nothing is lost by giving up.
pub async fn with_lease<D, Q, W, F>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    lane: Lane,
    lease_ms: Millis,
    deadline_ms: Millis,
    work: W,
) -> Result<(), DbError>
where
    D: Db,
    Q: Queue,
    W: Fn(Run) -> F,
    F: Future<Output = Result<(Run, End), DbError>>,
{
    if lane != Lane::Media && brake::is_on(hub).await? {
        return Ok(());
    }
    loop {
        let id = hub.ids.next();
        let key = keys::lane_lease(chat, lane);
        let Some(lease) = Lease::take(&hub.db, &hub.clock, key, &id, lease_ms).await? else {
            return Ok(());
        };
        let (run, end) = work(Run {
            lane,
            id,
            deadline_ms,
            lease,
            lease_ms,
        })
        .await?;
        run.lease.release(&hub.db).await?;
        let Some(chat) = row::load::<ChatRow>(&hub.db, &keys::chat(chat)).await? else {
            return Ok(());
        };
        match end {
            // A wake-up that came while we had the lease went by: look once more.
            End::Idle if chat.due(lane).is_some_and(|due| due <= hub.clock.now_ms()) => {}
            End::Idle => {
                if let Some(due) = chat.due(lane) {
                    wake_at(hub, &chat, lane, due).await;
                }
                return Ok(());
            }
            End::Waits { at_ms, wake } => {
                if wake {
                    wake_at(hub, &chat, lane, at_ms).await;
                }
                return Ok(());
            }
            End::OutOfTime => {
                wake_at(hub, &chat, lane, 0).await;
                return Ok(());
            }
            End::Stolen => return Ok(()),
        }
    }
}

async fn wake_at<D: Db, Q: Queue>(hub: &Hub<D, Q>, chat: &ChatRow, lane: Lane, at_ms: Millis) {
    let wait_ms = (at_ms - hub.clock.now_ms()).max(0) as u64;
    hub.wake(
        &chat.number,
        &chat.chat,
        lane,
        Duration::from_millis(wait_ms),
    )
    .await;
}

/// Works off a lane of messages.
pub async fn work_off<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    chat: &ChatId,
    deadline_ms: Millis,
) -> Result<(), DbError> {
    let lane = P::DESTINATION.lane();
    let lease_ms = P::LONGEST_CALL_MS + LEASE_MARGIN_MS;
    with_lease(
        hub,
        chat,
        lane,
        lease_ms,
        deadline_ms,
        |mut run| async move {
            // A run holds every call of the provider's within itself: too much for a stack.
            let end = Box::pin(work(hub, provider, chat, &mut run)).await?;
            Ok((run, end))
        },
    )
    .await
}

async fn work<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    provider: &P,
    chat_id: &ChatId,
    run: &mut Run,
) -> Result<End, DbError> {
    let lane = run.lane;
    // Settled up to here by this run, whatever the row says.
    let mut cursor = 0;
    loop {
        let Some(mut chat) = row::load::<ChatRow>(&hub.db, &keys::chat(chat_id)).await? else {
            return Ok(End::Idle);
        };
        if let Some(until_ms) = wait_for_merged(hub, &mut chat, lane).await? {
            return pause(hub, chat, lane, cursor, until_ms).await;
        }
        cursor = cursor.max(chat.cursor(lane));
        let mut messages = behind(hub, &chat, lane, cursor).await?;
        let page = messages_from(&hub.db, chat_id, cursor, PAGE).await?;
        let is_last_page = page.len() < PAGE;
        messages.extend(page);
        let mut along: BTreeSet<u64> = BTreeSet::new();
        for message in messages {
            let seq = message.seq;
            // It went with an earlier one.
            if along.contains(&seq) {
                cursor = cursor.max(seq + 1);
                continue;
            }
            let step = deliver::message(hub, provider, run, &chat, message, &mut along).await?;
            match step {
                // The places of imported messages are beside those of the lane.
                Step::Settled if place::is_imported(seq) => {}
                Step::Settled => cursor = cursor.max(seq + 1),
                Step::Waits(until_ms) => return pause(hub, chat, lane, cursor, until_ms).await,
                Step::InLine { place, watch_ms } => {
                    return stand(hub, chat, lane, cursor, place, watch_ms).await;
                }
                Step::OutOfTime => return pause(hub, chat, lane, cursor, 0).await,
                Step::Stolen => return Ok(End::Stolen),
            }
        }
        if !is_last_page {
            continue;
        }
        let waiting = match lane {
            Lane::Whatsapp => echo::settle_echoes(hub, &chat).await?,
            Lane::Crm => calls::settle_ringing(hub, &chat).await?,
            Lane::CrmStatus | Lane::Media | Lane::Telegram => None,
        };
        if let Some(step) = waiting {
            match step {
                Step::Waits(until_ms) => return pause(hub, chat, lane, cursor, until_ms).await,
                _ => continue,
            }
        }
        let left = chat.line(lane).map(str::to_owned);
        let state = chat.lanes.entry(lane).or_default();
        state.cursor = cursor;
        state.line = None;
        state.behind.clear();
        chat.replace_due(lane, None);
        // Fails if anything came since the chat was read: then there is more to do.
        match hub
            .db
            .write(vec![row::save(keys::chat(chat_id), &mut chat)?])
            .await
        {
            Ok(()) => {
                if let Some(place) = left {
                    line::leave(hub, &chat, &place).await?;
                }
                return Ok(End::Idle);
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
}

/// The messages that got another part after the lane had gone past them, and the imported ones that
/// it has to deliver.
async fn behind<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    lane: Lane,
    cursor: u64,
) -> Result<Vec<Message>, DbError> {
    let mut messages = Vec::new();
    let is_behind = |seq: &u64| *seq < cursor || place::is_imported(*seq);
    for seq in chat.behind(lane).filter(is_behind) {
        messages.extend(row::load(&hub.db, &keys::message(&chat.chat, seq)).await?);
    }
    Ok(messages)
}

/// Writes down that a lane has nothing to do before `next_ms`, or nothing at all. `None` if somebody
/// wrote the chat since it was read: then there may be.
pub async fn rest<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    mut chat: ChatRow,
    lane: Lane,
    next_ms: Option<Millis>,
) -> Result<Option<End>, DbError> {
    let end = match next_ms {
        None => {
            chat.replace_due(lane, None);
            End::Idle
        }
        Some(at_ms) => {
            let wake = chat.wait_until(lane, at_ms, hub.clock.now_ms());
            End::Waits { at_ms, wake }
        }
    };
    let key = keys::chat(&chat.chat);
    match hub.db.write(vec![row::save(key, &mut chat)?]).await {
        Ok(()) => Ok(Some(end)),
        Err(DbError::Condition { .. } | DbError::Conflict) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes how far the lane has come, and that it waits to be called.
async fn stand<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: ChatRow,
    lane: Lane,
    cursor: u64,
    place: String,
    watch_ms: Millis,
) -> Result<End, DbError> {
    let wake = note(hub, &chat, lane, cursor, watch_ms, Some(place)).await?;
    Ok(End::Waits {
        at_ms: watch_ms,
        wake,
    })
}

/// Notes how far the lane has come and when it goes on. Whatever it waits for, it is not its turn
/// at the provider.
async fn pause<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: ChatRow,
    lane: Lane,
    cursor: u64,
    until_ms: Millis,
) -> Result<End, DbError> {
    let wake = note(hub, &chat, lane, cursor, until_ms, None).await?;
    if let Some(place) = chat.line(lane) {
        line::leave(hub, &chat, place).await?;
    }
    Ok(if until_ms == 0 {
        End::OutOfTime
    } else {
        End::Waits {
            at_ms: until_ms,
            wake,
        }
    })
}

/// Says whether a wake-up has to be sent.
async fn note<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    lane: Lane,
    cursor: u64,
    until_ms: Millis,
    place: Option<String>,
) -> Result<bool, DbError> {
    let mut wake = true;
    row::change::<ChatRow>(&hub.db, &keys::chat(&chat.chat), |chat| {
        let now = hub.clock.now_ms();
        let state = chat.lanes.entry(lane).or_default();
        state.cursor = state.cursor.max(cursor);
        state.line.clone_from(&place);
        wake = chat.wait_until(lane, until_ms.max(now), now);
        true
    })
    .await?;
    Ok(wake)
}

/// The lanes of chats that were merged into this one go first: their messages are older.
async fn wait_for_merged<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &mut ChatRow,
    lane: Lane,
) -> Result<Option<Millis>, DbError> {
    for id in chat.waits_for.clone() {
        let merged = row::load::<ChatRow>(&hub.db, &keys::chat(&id)).await?;
        match merged {
            Some(merged) if merged.due(lane).is_some() && merged.cursor(lane) <= merged.seq => {
                hub.wake(&merged.number, &merged.chat, lane, Duration::ZERO)
                    .await;
                return Ok(Some(hub.clock.now_ms() + MERGE_WAIT_MS));
            }
            Some(merged) if merged.due_at.is_some() => {}
            // Empty, and closed for writing: written down with the lane's next write.
            _ => {
                chat.waits_for.remove(&id);
            }
        }
    }
    Ok(None)
}
