//! To how many people a number writes first in a day: WhatsApp restricts numbers that write to many who
//! do not know them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Hub;
use crate::clock::Millis;
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::keys;
use crate::store::row::{self, row};

/// A day of UTC.
const DAY_MS: Millis = 24 * 3600 * 1000;

/// The most that can be set: all of a day are in one row.
pub const MOST: u32 = 1_000;

/// To whom a number has written first today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PaceRow {
    rev: u64,
    /// Days since 1970.
    day: i64,
    chats: BTreeSet<ChatId>,
    /// When the row may be cleaned up, seconds since 1970.
    expires_at: i64,
}

row!(PaceRow, "a number's new contacts");

/// When the first message to somebody may go, if not now. One that may go has its place of today, and
/// keeps it however often it is tried.
///
/// # Errors
/// The tables.
pub(super) async fn waits_until<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    chat: &ChatRow,
    message: &Message,
) -> Result<Option<Millis>, DbError> {
    let Some(most) = number.prefs.new_contacts_per_day else {
        return Ok(None);
    };
    if chat.last_in_ms > 0 || chat.is_group() || message.seq > 1 {
        return Ok(None);
    }
    let day = hub.clock.now_ms().div_euclid(DAY_MS);
    let make = || PaceRow {
        rev: 0,
        day,
        chats: BTreeSet::new(),
        expires_at: (day + 2) * DAY_MS / 1000,
    };
    let pace = row::change_or_make(
        &hub.db,
        &keys::pace(&number.number),
        make,
        |pace: &mut PaceRow| {
            if pace.day != day {
                *pace = PaceRow {
                    rev: pace.rev,
                    ..make()
                };
            }
            let has_room = pace.chats.len() < most.min(MOST) as usize;
            has_room && pace.chats.insert(chat.chat.clone())
        },
    )
    .await?;
    let may_go = pace.day == day && pace.chats.contains(&chat.chat);
    Ok((!may_go).then_some((day + 1) * DAY_MS))
}
