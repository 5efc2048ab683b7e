//! What a row becomes that comes back from a backup.
//!
//! Nobody knows what happened to an open delivery after the backup was taken: it may have been sent
//! a second later. So none is sent by itself; a person sees it as unknown and decides (promise 3).

use crate::clock::Millis;
use crate::domain::delivery::{Destination, PartState};
use crate::domain::message::Message;
use crate::domain::status::Status;
use crate::pipeline::watch;
use crate::store::db::{Cond, DbError, Item, Key, Op, Write};
use crate::store::{keys, row};

/// What is told of a delivery that was open.
const WHY: &str =
    "open when the backup was taken; nobody knows whether it was sent, and it was not sent again";

/// What is written so that a row is there again, if there is none: the row, and where it is a message
/// that a person has to see to, its line in the list of those. Rows without open deliveries are as
/// they were.
///
/// # Errors
/// A message that this program cannot read.
pub fn writes(key: Key, item: Item, now_ms: Millis) -> Result<Vec<Write>, DbError> {
    let (mut item, mut more) = (item, Vec::new());
    if keys::is_message_sk(&key.sk) {
        let mut message: Message = row::read(item.clone())?;
        if close(&mut message) {
            watch::note(&mut message, now_ms, &mut more)?;
            let mut closed = row::item(&message)?;
            // Whatever a later version has added.
            for (name, value) in item {
                closed.entry(name).or_insert(value);
            }
            item = closed;
        }
    }
    let back = Write {
        key,
        op: Op::Put(item),
        only_if: Cond::Absent,
    };
    Ok(std::iter::once(back).chain(more).collect())
}

/// Leaves every open delivery to a person. Says whether there were any.
fn close(message: &mut Message) -> bool {
    let mut any = false;
    for (destination, delivery) in &mut message.deliveries {
        let mut is_open = false;
        for part in &mut delivery.parts {
            if part.state.is_settled() {
                continue;
            }
            is_open = true;
            part.state = PartState::Unknown {
                since_ms: message.accepted_ms,
                looked_ms: message.accepted_ms,
                at_ms: message.accepted_ms,
                to_person: true,
            };
            part.error = Some(WHY.to_owned());
            if *destination == Destination::Whatsapp {
                part.status = Some(Status::Unknown);
            }
        }
        if is_open && *destination == Destination::Whatsapp {
            message.status = delivery.status();
        }
        any |= is_open;
    }
    any
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::delivery::{Delivery, Part};
    use crate::domain::ids::ChatId;

    const NOW: Millis = 1_000_000;

    /// A message of the inbox, with these parts on their way to WhatsApp.
    fn message(states: &[PartState]) -> Item {
        let parts = states.iter().map(|state| Part {
            state: state.clone(),
            status: matches!(state, PartState::Done).then_some(Status::Delivered),
            ..Part::default()
        });
        let delivery = Delivery {
            parts: parts.collect(),
        };
        let message: Message = serde_json::from_value(json!({
            "workspace": "w", "number": "n", "chat": "c", "seq": 7, "rev": 3,
            "direction": "out", "origin": "panel", "at_ms": 1, "accepted_ms": 1,
            "content": { "kind": "text", "text": "hello" },
            "status": "delivered", "deliveries": { "whatsapp": delivery },
        }))
        .unwrap();
        row::item(&message).unwrap()
    }

    fn back(item: Item) -> (Message, usize) {
        let key = keys::message(&ChatId::new("c"), 7);
        let mut writes = writes(key.clone(), item, NOW).unwrap();
        let row = writes.remove(0);
        assert_eq!((row.key, row.only_if), (key, Cond::Absent));
        let Op::Put(item) = row.op else {
            unreachable!("it is put");
        };
        (row::read(item).unwrap(), writes.len())
    }

    // AC 159
    #[test]
    fn open_deliveries_are_left_to_a_person() {
        let check = |states: &[PartState], expect: &[bool], status: Status| {
            let (after, n_listed) = back(message(states));
            let parts = &after.deliveries[&Destination::Whatsapp].parts;
            let is_unknown = |part: &Part| {
                let to_person = true;
                matches!(part.state, PartState::Unknown { to_person: is, .. } if is == to_person)
            };
            let unknown: Vec<_> = parts.iter().map(is_unknown).collect();
            assert_eq!(unknown, expect, "{states:?}");
            assert!(parts.iter().all(|part| part.state.is_settled()));
            assert_eq!(after.status, status, "{states:?}");
            // Whoever looks for what has to be done finds it.
            let is_any = expect.iter().any(|unknown| *unknown);
            assert_eq!(n_listed, usize::from(is_any), "{states:?}");
        };
        let sending = PartState::Sending {
            since_ms: 1,
            by: "run".into(),
        };
        let retry = PartState::Retry {
            at_ms: 5,
            look_since_ms: None,
        };
        check(&[PartState::Done], &[false], Status::Delivered);
        check(&[PartState::Dead], &[false], Status::Delivered);
        check(&[PartState::Pending], &[true], Status::Unknown);
        check(&[PartState::Done, sending], &[false, true], Status::Unknown);
        check(&[retry, PartState::Done], &[true, false], Status::Unknown);
    }

    #[test]
    fn other_rows_are_as_they_were() {
        let item = message(&[PartState::Pending]);
        let key = keys::chat(&ChatId::new("c"));
        let writes = writes(key, item.clone(), NOW).unwrap();
        assert_eq!(writes.len(), 1);
        assert_eq!(writes[0].op, Op::Put(item));
    }
}
