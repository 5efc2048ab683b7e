//! Places in GREEN-API's own queue, and the line of those who wait for one.
//!
//! A number can have hundreds of chats with something to send and takes one message at a time. A
//! lane without a place stands in a line, in the order in which they came, and is woken when a place
//! is free. Asking again and again would cost a run of the function each time, for every chat that
//! waits. The row of the number's drain and the line are changed together, in one transaction.
//!
//! A lane that is called and does not come, because its wake-up got lost or its run died, loses its
//! turn after [`KEPT_MS`](crate::limiter::drain::KEPT_MS). It looks again by itself at its watch
//! time, and that is also when somebody finds out that the `sent` receipts, which free the places,
//! stopped coming.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Hub;
use crate::clock::Millis;
use crate::domain::delivery::Lane;
use crate::domain::ids::{ChatId, NumberId};
use crate::limiter::drain::DrainRow;
use crate::limiter::lease::pauses;
use crate::limiter::policy::DrainPace;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::keys;
use crate::store::row::{self, row};

/// How long after it was due a drained message may go unreported before the provider is asked.
const GRACE_MS: Millis = 5_000;

/// A place in the line is forgotten after a day: whoever had it has asked again by then.
const KEEP_S: i64 = 24 * 3600;

/// One who waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LineRow {
    rev: u64,
    chat: ChatId,
    /// When the row may be cleaned up, seconds since 1970.
    expires_at: i64,
}

row!(LineRow, "a place in the line");

/// What came of asking for a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The call may depart at this time, milliseconds since 1970.
    At(Millis),
    /// The lane stands in the line and is woken when it is its turn.
    InLine {
        /// Its place, to be kept with the lane.
        place: String,
        /// When to look in any case, milliseconds since 1970.
        watch_ms: Millis,
        /// The places have been taken for so long that their `sent` receipts are overdue: the
        /// provider should be asked how many it holds.
        is_overdue: bool,
    },
}

/// Takes a place for a message of `chat`, or one in the line.
///
/// # Errors
/// [`DbError::Unavailable`] also when others were quicker twenty times.
pub async fn take<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    slot: &str,
    pace: DrainPace,
) -> Result<Place, DbError> {
    let standing = match chat.line(Lane::Whatsapp) {
        Some(place) if stands(hub, &chat.number, place).await? => Some(place.to_owned()),
        _ => None,
    };
    change(hub, &chat.number, |row, now| {
        if let Some(at_ms) = row.take(pace, &chat.chat, slot, now) {
            // Whoever is called has left the line; who gets in without that, finds it empty.
            let left = standing.iter().map(|place| leave_write(chat, place));
            return Ok((Place::At(at_ms), left.collect()));
        }
        let late_ms = 3 * pace.delay_ms() + GRACE_MS;
        let is_overdue = row
            .oldest_ms()
            .is_some_and(|oldest_ms| now - oldest_ms > late_ms);
        let (place, joins) = match &standing {
            Some(place) => (place.clone(), Vec::new()),
            None => {
                row.waiting += 1;
                let place = keys::place_in_line(now, &chat.chat);
                let joins = vec![join_write(chat, &place, now)?];
                (place, joins)
            }
        };
        let ahead = i64::try_from(row.waiting).unwrap_or(i64::MAX / 1_000_000_000);
        let in_line = Place::InLine {
            place,
            watch_ms: now + late_ms + ahead * pace.delay_ms(),
            is_overdue,
        };
        Ok((in_line, joins))
    })
    .await
}

/// GREEN-API sent a message on, or never took it. Once is enough, and twice does no harm.
///
/// # Errors
/// As [`take`].
pub async fn free<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    slot: &str,
) -> Result<(), DbError> {
    change(hub, number, |row, _| {
        row.free(slot);
        Ok(((), Vec::new()))
    })
    .await
}

/// GREEN-API said at `asked_ms` that it holds `count` messages.
///
/// # Errors
/// As [`take`].
pub async fn recount<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    count: usize,
    asked_ms: Millis,
) -> Result<(), DbError> {
    change(hub, number, |row, _| {
        row.recount(count, asked_ms);
        Ok(((), Vec::new()))
    })
    .await
}

/// After a refusal: nothing of the number departs within `penalty`.
///
/// # Errors
/// As [`take`].
pub async fn penalise<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    pace: DrainPace,
    penalty: Duration,
) -> Result<(), DbError> {
    change(hub, number, |row, now| {
        row.penalise(pace, now, penalty.as_millis() as Millis);
        Ok(((), Vec::new()))
    })
    .await
}

/// A lane has nothing to send any more: its place, in the line or kept for it, goes to the next.
///
/// # Errors
/// As [`take`].
pub async fn leave<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    place: &str,
) -> Result<(), DbError> {
    let stands = stands(hub, &chat.number, place).await?;
    change(hub, &chat.number, |row, _| {
        if row.decline(&chat.chat) || !stands {
            return Ok(((), Vec::new()));
        }
        row.waiting = row.waiting.saturating_sub(1);
        Ok(((), vec![leave_write(chat, place)]))
    })
    .await
}

async fn stands<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    place: &str,
) -> Result<bool, DbError> {
    Ok(hub.db.get(&keys::line(number, place)).await?.is_some())
}

fn join_write(chat: &ChatRow, place: &str, now: Millis) -> Result<Write, DbError> {
    let mut row = LineRow {
        rev: 0,
        chat: chat.chat.clone(),
        expires_at: now / 1000 + KEEP_S,
    };
    row::save(keys::line(&chat.number, place), &mut row)
}

fn leave_write(chat: &ChatRow, place: &str) -> Write {
    Write {
        key: keys::line(&chat.number, place),
        op: Op::Delete,
        only_if: Cond::Always,
    }
}

/// Changes the row, calls as many of the line as there are places for, and writes both; all of it
/// again when somebody else wrote meanwhile. Wakes whoever was called.
async fn change<D: Db, Q: Queue, T>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    mut edit: impl FnMut(&mut DrainRow, Millis) -> Result<(T, Vec<Write>), DbError>,
) -> Result<T, DbError> {
    let key = keys::drain(number);
    let mut pauses = pauses();
    loop {
        let before = row::load::<DrainRow>(&hub.db, &key)
            .await?
            .unwrap_or_default();
        let mut row = before.clone();
        let now = hub.clock.now_ms();
        let (answer, mut writes) = edit(&mut row, now)?;
        let called = call(hub, number, &mut row, now, &mut writes).await?;
        if row == before && writes.is_empty() {
            return Ok(answer);
        }
        row.settle_expiry();
        writes.push(row::save(key.clone(), &mut row)?);
        match hub.db.write(writes).await {
            Ok(()) => {
                for chat in called {
                    hub.wake(number, &chat, Lane::Whatsapp, Duration::ZERO)
                        .await;
                }
                return Ok(answer);
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => (),
            Err(error) => return Err(error),
        }
        let Some(pause) = pauses.next() else {
            return Err(DbError::Unavailable {
                table: Table::Runtime,
                why: "others were quicker every time".to_owned(),
            });
        };
        hub.clock.sleep(pause).await;
    }
}

/// Calls the first of the line, as many as there are places for.
async fn call<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    row: &mut DrainRow,
    now: Millis,
    writes: &mut Vec<Write>,
) -> Result<Vec<ChatId>, DbError> {
    let n_places = row.n_to_call(now);
    if n_places == 0 {
        return Ok(Vec::new());
    }
    let (pk, range) = keys::all_in_line(number);
    let query = Query {
        table: Table::Runtime,
        index: None,
        pk,
        range,
        backwards: false,
        limit: n_places,
    };
    let mut called = Vec::new();
    for item in hub.db.query(&query).await? {
        let Some(place) = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned() else {
            continue;
        };
        let waiting: LineRow = row::read(item)?;
        writes.push(Write {
            key: keys::line(number, &place),
            op: Op::Delete,
            only_if: Cond::Always,
        });
        row.call(waiting.chat.clone(), now);
        called.push(waiting.chat);
    }
    // The line is shorter than it was thought to be: the table cleaned up.
    if called.len() < n_places {
        row.waiting = 0;
    }
    Ok(called)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::chat_id::Alias;
    use crate::domain::ids::WorkspaceId;
    use crate::limiter::drain::KEPT_MS;
    use crate::pipeline::Settings;
    use crate::pipeline::ids::IdSource;
    use crate::queue::WakeUp;
    use crate::queue::memory::MemoryQueue;
    use crate::store::memory::MemoryDb;

    type TestHub = Hub<MemoryDb, MemoryQueue>;

    fn hub() -> TestHub {
        let clock = Clock::paused(1_700_000_000_000);
        Hub {
            db: MemoryDb::new(),
            queue: MemoryQueue::new(clock.clone()),
            clock,
            ids: IdSource::counted(),
            settings: Settings::default(),
        }
    }

    fn number() -> NumberId {
        NumberId::new("n")
    }

    fn chat(name: &str) -> ChatRow {
        let alias = Alias::from_phone_digits("79001234567");
        ChatRow::new(WorkspaceId::new("ws"), number(), ChatId::new(name), alias)
    }

    /// Asks for a place for the chat of this name, as a lane that keeps its place does.
    async fn ask(hub: &TestHub, chat: &mut ChatRow) -> Place {
        let slot = chat.chat.to_string();
        let asked = take(hub, chat, &slot, DrainPace::new(500)).await.unwrap();
        let state = chat.lanes.entry(Lane::Whatsapp).or_default();
        state.line = match &asked {
            Place::At(_) => None,
            Place::InLine { place, .. } => Some(place.clone()),
        };
        hub.clock.sleep(Duration::from_millis(1)).await;
        asked
    }

    fn called(hub: &TestHub) -> Vec<String> {
        let woken = hub.queue.take_visible(&mut StdRng::seed_from_u64(1));
        let chats = woken.into_iter().map(|WakeUp::LaneV1 { chat, .. }| chat);
        chats.map(|chat| chat.to_string()).collect()
    }

    /// Three have the places, two stand in the line.
    async fn rush(hub: &TestHub) -> Vec<ChatRow> {
        let mut chats: Vec<_> = ["a", "b", "c", "d", "e"].map(chat).into();
        for (n, chat) in chats.iter_mut().enumerate() {
            let asked = ask(hub, chat).await;
            assert_eq!(matches!(asked, Place::At(_)), n < 3, "{asked:?}");
        }
        assert_eq!(called(hub), [""; 0]);
        chats
    }

    #[tokio::test(start_paused = true)]
    async fn the_line_is_called_in_its_order() {
        let hub = hub();
        let mut chats = rush(&hub).await;
        free(&hub, &number(), "b").await.unwrap();
        assert_eq!(called(&hub), ["d"]);
        let mut late = chat("late");
        assert!(matches!(ask(&hub, &mut late).await, Place::InLine { .. }));
        assert!(matches!(
            ask(&hub, &mut chats[4]).await,
            Place::InLine { .. }
        ));
        assert!(matches!(ask(&hub, &mut chats[3]).await, Place::At(_)));
        free(&hub, &number(), "a").await.unwrap();
        assert_eq!(called(&hub), ["e"]);
        free(&hub, &number(), "a").await.unwrap();
        assert_eq!(called(&hub), [""; 0], "a place is free once");
        assert!(matches!(ask(&hub, &mut chats[4]).await, Place::At(_)));
        recount(&hub, &number(), 0, hub.clock.now_ms() + 60_000)
            .await
            .unwrap();
        assert_eq!(called(&hub), ["late"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_makes_room_for_the_next() {
        let hub = hub();
        let chats = rush(&hub).await;
        let place = |chat: &ChatRow| chat.line(Lane::Whatsapp).unwrap().to_owned();
        free(&hub, &number(), "a").await.unwrap();
        assert_eq!(called(&hub), ["d"]);
        leave(&hub, &chats[3], &place(&chats[3])).await.unwrap();
        assert_eq!(called(&hub), ["e"], "the place that was kept");
        leave(&hub, &chats[4], &place(&chats[4])).await.unwrap();
        assert!(matches!(ask(&hub, &mut chat("f")).await, Place::At(_)));
        let mut g = chat("g");
        ask(&hub, &mut g).await;
        leave(&hub, &g, &place(&g)).await.unwrap();
        leave(&hub, &g, &place(&g)).await.unwrap();
        free(&hub, &number(), "b").await.unwrap();
        assert_eq!(called(&hub), [""; 0], "nobody stands there any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_nobody_hears_is_repeated_for_others() {
        let hub = hub();
        let mut chats = rush(&hub).await;
        free(&hub, &number(), "a").await.unwrap();
        assert_eq!(called(&hub), ["d"]);
        hub.clock.sleep(Duration::from_millis(KEPT_MS as u64)).await;
        // Whoever looks, at its watch time at the latest, has the next one called.
        assert!(matches!(
            ask(&hub, &mut chats[4]).await,
            Place::InLine { .. }
        ));
        assert_eq!(called(&hub), ["e"]);
        // The one that did not hear stands behind the others now.
        assert!(matches!(
            ask(&hub, &mut chats[3]).await,
            Place::InLine { .. }
        ));
        assert!(matches!(ask(&hub, &mut chats[4]).await, Place::At(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn overdue_receipts_are_noticed_at_the_watch_time() {
        let hub = hub();
        let mut chats = rush(&hub).await;
        let Place::InLine {
            watch_ms,
            is_overdue,
            place,
        } = ask(&hub, &mut chats[3]).await
        else {
            panic!("the places are taken");
        };
        assert!(!is_overdue);
        hub.clock.sleep_until(watch_ms).await;
        let again = ask(&hub, &mut chats[3]).await;
        let Place::InLine {
            is_overdue: true,
            place: same,
            ..
        } = again
        else {
            panic!("{again:?}");
        };
        assert_eq!(same, place, "looking costs nobody's turn");
    }
}
