//! One message of an agent's that the CRM hands to both of the app's providers, under two ids.
//!
//! A location may have the app as its default SMS provider and as an extra channel; then each may
//! bring what was written once (GHL contract, two shapes of SMS provider). Whichever comes first is
//! taken and leaves a note of itself, in the same transaction, in a row of its contact and content.
//! The one that follows finds the note, takes it away and joins the message, in one transaction as
//! well: its id is claimed, its status is told, nothing is sent. The note says which provider it
//! was, so that two equal messages of one provider stay two. Two at the same moment write the same
//! row, so one of them fails and then finds the other's note.

use super::Hub;
use super::accept::{CrmSend, Stored, met};
use super::settle;
use crate::clock::Millis;
use crate::crypto::sha256_hex;
use crate::domain::ids::LocationId;
use crate::domain::message::{CrmMessage, Message};
use crate::domain::sms::Shape;
use crate::ghl::map::FromCrm;
use crate::queue::Queue;
use crate::store::chats::{Claim, IdRow, Twin, TwinsRow};
use crate::store::db::{Db, DbError, Key, Write};
use crate::store::{keys, row};

/// Twins are written at the same moment; what is further apart was written twice.
pub const APART_MS: Millis = 10_000;

/// How long a note stays: as long as a delivery that failed may be repeated.
const KEPT_MS: Millis = 24 * 3_600_000;

/// How many notes are kept of one content: an automation may send it any number of times.
const MOST: usize = 50;

/// How a message of the CRM's came to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// To which of the app's providers it was handed.
    pub shape: Shape,
    /// When it was written, where that is told.
    pub written_ms: Option<Millis>,
    /// [`content_sha256`].
    pub content_sha256: String,
}

/// What two messages have in common if they say the same: text and files.
pub fn content_sha256(from_crm: &FromCrm, attachments: &[String]) -> String {
    let mut all = vec![from_crm.text.as_str()];
    all.extend(attachments.iter().map(String::as_str));
    // Each with its length, so that no two lists read alike.
    let all: String = all.iter().map(|it| format!("{}:{it}", it.len())).collect();
    sha256_hex(all)
}

/// The row of the message's notes.
pub(super) fn key(location: &LocationId, send: &CrmSend) -> Key {
    keys::twins(location, &send.contact, &send.delivered.content_sha256)
}

/// Takes away the note of the message that this one is the twin of.
pub(super) fn take(twins: &mut TwinsRow, delivered: &Delivered, now_ms: Millis) -> Option<Claim> {
    let place = twins.waiting.iter().position(|twin| {
        twin.shape != delivered.shape && is_near(twin, delivered.written_ms, now_ms)
    })?;
    Some(twins.waiting.remove(place).claim)
}

/// Whether they were written at one moment. Where one of the two times is not known, the other
/// message's arrival stands in for it: a delivery that was repeated arrives late.
fn is_near(twin: &Twin, written_ms: Option<Millis>, now_ms: Millis) -> bool {
    let are_near = |one: Millis, other: Millis| one.abs_diff(other) <= APART_MS as u64;
    match (twin.written_ms, written_ms) {
        (Some(one), Some(other)) => are_near(one, other),
        (None, Some(other)) if are_near(twin.arrived_ms, other) => true,
        (Some(one), None) if are_near(one, now_ms) => true,
        _ => are_near(twin.arrived_ms, now_ms),
    }
}

/// Leaves the note of a message that is taken.
pub(super) fn note(
    key: Key,
    twins: &mut TwinsRow,
    delivered: &Delivered,
    claim: &Claim,
    now_ms: Millis,
) -> Result<Write, DbError> {
    twins
        .waiting
        .retain(|twin| now_ms - twin.arrived_ms < KEPT_MS);
    let excess = (twins.waiting.len() + 1).saturating_sub(MOST);
    twins.waiting.drain(..excess);
    twins.waiting.push(Twin {
        shape: delivered.shape,
        arrived_ms: now_ms,
        written_ms: delivered.written_ms,
        claim: claim.clone(),
    });
    save(key, twins, now_ms)
}

fn save(key: Key, twins: &mut TwinsRow, now_ms: Millis) -> Result<Write, DbError> {
    twins.expires_at = (now_ms + KEPT_MS) / 1000;
    row::save(key, twins)
}

/// Makes `send` the second message of the CRM's that the message at `first` is.
pub(super) async fn join<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    location: &LocationId,
    send: &CrmSend,
    first: Claim,
    mut id: IdRow,
    mut twins: TwinsRow,
) -> Result<Stored, DbError> {
    let id_key = keys::ghl_id(location, &send.message_id);
    let message_key = keys::message(&first.chat, first.seq);
    let message = row::load::<Message>(&hub.db, &message_key).await?;
    id.claimed = Some(first);
    id.expires_at = None;
    let writes = vec![
        save(key(location, send), &mut twins, hub.clock.now_ms())?,
        row::save(id_key.clone(), &mut id)?,
    ];
    let written = match message {
        Some(mut message) => {
            message.crm_twin = Some(CrmMessage::new(&send.message_id));
            settle::save_and_tell(hub, &mut message, writes).await
        }
        // It may have been erased meanwhile, with its number.
        None => hub.db.write(writes).await,
    };
    match written {
        Ok(()) => Ok(Stored::Done),
        Err(DbError::Condition { .. } | DbError::Conflict) => met(hub, &id_key).await,
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ChatId;

    fn delivered(shape: Shape, written_ms: Option<Millis>) -> Delivered {
        Delivered {
            shape,
            written_ms,
            content_sha256: String::new(),
        }
    }

    fn claim(seq: u64) -> Claim {
        Claim {
            chat: ChatId::new("c"),
            seq,
            part: 0,
        }
    }

    fn key() -> Key {
        keys::twins(
            &LocationId::new("L"),
            &crate::domain::ids::ContactId::new("C"),
            "0",
        )
    }

    #[test]
    fn a_note_is_found_by_the_other_provider_within_ten_seconds() {
        use Shape::{DefaultProvider, ExtraChannel};
        const T: Millis = 1_763_800_000_000;
        let check = |first: (Shape, Millis, Option<Millis>),
                     second: (Shape, Millis, Option<Millis>),
                     expect: bool| {
            let mut twins = TwinsRow::default();
            let noted = delivered(first.0, first.2);
            note(key(), &mut twins, &noted, &claim(1), T + first.1).unwrap();
            let found = take(&mut twins, &delivered(second.0, second.2), T + second.1);
            assert_eq!(found.is_some(), expect, "{first:?} {second:?}");
            assert_eq!(twins.waiting.is_empty(), expect, "{first:?} {second:?}");
        };
        let (d, e) = (DefaultProvider, ExtraChannel);
        check((d, 0, None), (e, 0, None), true);
        check((e, 0, None), (d, 0, None), true);
        check((e, 0, None), (d, 10_000, None), true);
        check((e, 0, None), (d, 10_001, None), false);
        check((e, 10_000, None), (d, 0, None), true);
        check((e, 0, None), (e, 0, None), false);
        check((d, 0, None), (d, 0, None), false);
        // Repeated ten minutes later.
        check((e, 0, None), (d, 600_000, Some(T - 2_000)), true);
        check((e, 600_000, Some(T)), (d, 600_500, None), true);
        check((e, 600_000, Some(T)), (d, 1_200_000, Some(T + 1)), true);
        // Written apart, however they came.
        check((e, 0, Some(T - 60_000)), (d, 5, Some(T)), false);
        // A time that cannot be compared with ours.
        check((e, 0, Some(1)), (d, 5, None), true);
        check((e, 0, None), (d, 5, Some(i64::MIN)), true);
    }

    #[test]
    fn each_note_is_good_for_one_twin_and_the_oldest_goes_first() {
        let mut twins = TwinsRow::default();
        let first = delivered(Shape::ExtraChannel, None);
        let second = delivered(Shape::DefaultProvider, None);
        for seq in 1..=2 {
            note(key(), &mut twins, &first, &claim(seq), 1_000).unwrap();
        }
        let found: Vec<_> = (0..3)
            .map(|_| take(&mut twins, &second, 2_000).map(|claim| claim.seq))
            .collect();
        assert_eq!(found, [Some(1), Some(2), None]);
    }

    #[test]
    fn notes_do_not_pile_up() {
        let mut twins = TwinsRow::default();
        let one = delivered(Shape::ExtraChannel, None);
        for seq in 0..200 {
            note(key(), &mut twins, &one, &claim(seq), 1_000).unwrap();
        }
        assert_eq!(twins.waiting.len(), MOST);
        assert_eq!(twins.waiting[0].claim.seq, 200 - MOST as u64);
        note(key(), &mut twins, &one, &claim(200), 1_000 + KEPT_MS).unwrap();
        assert_eq!(twins.waiting.len(), 1);
    }

    #[test]
    fn other_files_or_another_text_are_another_content() {
        let content = |text: &str, attachments: &[&str]| {
            let from_crm = FromCrm {
                text: text.into(),
                files: Vec::new(),
                quoted: None,
            };
            let attachments: Vec<_> = attachments.iter().map(ToString::to_string).collect();
            content_sha256(&from_crm, &attachments)
        };
        assert_eq!(content("a", &["x", "y"]), content("a", &["x", "y"]));
        let all = [
            content("a", &[]),
            content("b", &[]),
            content("a", &["x"]),
            content("a", &["y"]),
            content("a", &["x", "y"]),
            content("a", &["y", "x"]),
            content("a", &["xy"]),
            content("a1:x", &[]),
            content("", &["a"]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
