//! What people see of a message beside its content: how its status came to be, and whether somebody
//! has to do something about it.
//!
//! Messages that nobody can do without a person are listed by rows of their own, one for a message,
//! written and removed in the same transaction as the message, so that nothing has to be looked
//! through to find them. They are listed by number, because whoever looks may see some numbers and
//! not others.

use std::collections::BTreeSet;

use crate::clock::Millis;
use crate::domain::delivery::{Part, PartState};
use crate::domain::message::Message;
use crate::store::db::{Cond, DbError, Op, Write};
use crate::store::team::StuckRow;
use crate::store::{keys, row};

/// How long a row of the list is kept, seconds: somebody has looked by then, or never will.
const KEPT_S: i64 = 90 * 24 * 3600;

/// Goes before every write of a message that changed for people: notes the time and the status, and
/// adds what the list of stuck messages needs to `writes`.
///
/// # Errors
/// A bug.
pub fn note(message: &mut Message, now: Millis, writes: &mut Vec<Write>) -> Result<(), DbError> {
    message.changed_ms = now;
    message.note_step(now);
    for delivery in message.deliveries.values_mut() {
        for part in &mut delivery.parts {
            part.note_error(now);
            if part.state == PartState::Done {
                part.done_ms.get_or_insert(now);
            }
        }
    }
    match (message.is_stuck(), message.stuck_ms) {
        (true, at_ms) => {
            let at_ms = at_ms.unwrap_or(now);
            message.stuck_ms = Some(at_ms);
            // What is listed already may read otherwise now.
            let stuck = stuck(message, now);
            writes.push(Write {
                key: keys::stuck(&message.number, at_ms, &message.chat, message.seq),
                op: Op::Put(row::item(&stuck)?),
                only_if: Cond::Always,
            });
        }
        (false, Some(at_ms)) => {
            message.stuck_ms = None;
            writes.push(Write {
                key: keys::stuck(&message.number, at_ms, &message.chat, message.seq),
                op: Op::Delete,
                only_if: Cond::Always,
            });
        }
        (false, None) => {}
    }
    Ok(())
}

fn stuck(message: &Message, now: Millis) -> StuckRow {
    let parts = || {
        let deliveries = message.deliveries.iter();
        deliveries.flat_map(|(destination, delivery)| {
            let stuck = delivery.parts.iter().filter(|part| part.is_stuck());
            stuck.map(move |part| (*destination, part))
        })
    };
    let is_unclear = |part: &Part| matches!(part.state, PartState::Unknown { .. });
    StuckRow {
        rev: 1,
        workspace: message.workspace.clone(),
        number: message.number.clone(),
        chat: message.chat.clone(),
        seq: message.seq,
        direction: message.direction,
        at: parts()
            .map(|(destination, _)| destination)
            .collect::<BTreeSet<_>>(),
        is_unclear: parts().any(|(_, part)| is_unclear(part)),
        error: message
            .status_reason
            .clone()
            .or_else(|| parts().find_map(|(_, part)| part.error.clone())),
        expires_at: now / 1000 + KEPT_S,
    }
}
