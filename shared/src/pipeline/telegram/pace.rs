//! Telegram's limits, kept by everybody together: 30 calls a second for the bot, one a second in a
//! chat, 20 a minute in a group or channel (Telegram contract, limits).

use std::time::Duration;

use crate::clock::{Clock, Millis};
use crate::limiter::{lease, policy};
use crate::store::db::{Db, DbError};
use crate::store::keys;

/// Takes a slot for a call that puts something into a chat, if it departs within `wait`; when to
/// ask again if not, milliseconds since 1970.
///
/// # Errors
/// The tables: calls wait then.
pub async fn slot<D: Db>(
    db: &D,
    clock: &Clock,
    bot: i64,
    chat: i64,
    wait: Duration,
) -> Result<Result<Millis, Millis>, DbError> {
    let now = clock.now_ms();
    // The narrowest first: what is taken of the others then is not taken in vain. Telegram's ids
    // of people are above zero, those of groups and channels below.
    let limits = [
        ("GROUP", chat, policy::telegram_group(), chat < 0),
        ("CHAT", chat, policy::telegram_chat(), true),
        ("BOT", bot, policy::telegram_bot(), true),
    ];
    let mut at_ms = now;
    for (kind, id, gcra, applies) in limits {
        if !applies {
            continue;
        }
        let key = keys::telegram_limit(kind, id);
        match lease::reserve_within(db, clock, &key, &gcra, wait).await? {
            Ok(reserved) => {
                let departs_us = reserved.departure_us(0);
                at_ms = at_ms.max(departs_us / 1000 + i64::from(departs_us % 1000 != 0));
            }
            Err(again_ms) => return Ok(Err(again_ms)),
        }
    }
    Ok(Ok(at_ms))
}

/// After a 429: nobody writes into the chat before the time is over, and where it is repeated the
/// bot writes nowhere.
///
/// # Errors
/// The tables.
pub async fn hold<D: Db>(
    db: &D,
    clock: &Clock,
    bot: i64,
    chat: i64,
    retry_after: Duration,
    is_repeated: bool,
) -> Result<(), DbError> {
    let mut limits = vec![match chat {
        ..0 => ("GROUP", chat, policy::telegram_group()),
        _ => ("CHAT", chat, policy::telegram_chat()),
    }];
    if is_repeated {
        limits.push(("BOT", bot, policy::telegram_bot()));
    }
    for (kind, id, gcra) in limits {
        let key = keys::telegram_limit(kind, id);
        lease::penalise(db, clock, &key, &gcra, retry_after).await?;
    }
    Ok(())
}
