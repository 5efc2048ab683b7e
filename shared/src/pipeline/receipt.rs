//! What WhatsApp says about a message that was sent.

use super::Hub;
use super::line;
use super::settle::{self, Change};
use crate::domain::delivery::Destination;
use crate::domain::event::IdKind;
use crate::domain::ids::NumberId;
use crate::domain::message::Message;
use crate::domain::status::{Receipt, Status};
use crate::queue::Queue;
use crate::store::chats::{Claim, IdRow};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How many receipts wait for one message: WhatsApp has four kinds, and may repeat them.
const PARKED_CAP: usize = 16;

/// How long receipts and echoes wait for their message: as long as GREEN-API keeps what it could
/// still deliver late (24 h), and a day more.
const PARKED_FOR_S: i64 = 2 * 24 * 3600;

/// What came of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The message moved forward.
    Moved,
    /// It says nothing new.
    Old,
    /// Its message is not known yet: it waits in the id row.
    Parked,
}

/// Takes a receipt.
pub async fn accept<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    receipt: Receipt,
) -> Result<Applied, DbError> {
    let key = keys::whatsapp_id(number, IdKind::Message, &receipt.remote_id);
    for _ in 0..row::TRIES {
        let mut id = row::load::<IdRow>(&hub.db, &key).await?.unwrap_or_default();
        if let Some(claim) = id.claimed {
            return settle_receipt(hub, number, &claim, &receipt).await;
        }
        if id.receipts.contains(&receipt) || id.receipts.len() >= PARKED_CAP {
            return Ok(Applied::Parked);
        }
        id.receipts.push(receipt.clone());
        id.expires_at
            .get_or_insert(hub.clock.now_ms() / 1000 + PARKED_FOR_S);
        match hub.db.write(vec![row::save(key.clone(), &mut id)?]).await {
            Ok(()) => return Ok(Applied::Parked),
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Conflict)
}

async fn settle_receipt<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    claim: &Claim,
    receipt: &Receipt,
) -> Result<Applied, DbError> {
    let mut moved = false;
    settle::change_message(hub, &claim.chat, claim.seq, |message| {
        moved = apply(message, claim.part, receipt);
        if moved {
            Change::Write
        } else {
            Change::Nothing
        }
    })
    .await?;
    if receipt.status.has_left_the_gateway() {
        let slot = settle::slot_id(&claim.chat, claim.seq, claim.part);
        line::free(hub, number, &slot).await?;
    }
    Ok(if moved { Applied::Moved } else { Applied::Old })
}

/// Moves a message forward by a receipt for one of its parts; `false` if it says nothing new.
pub fn apply(message: &mut Message, part: usize, receipt: &Receipt) -> bool {
    let before = message.status;
    let mut part_moved = false;
    let combined = match message.deliveries.get_mut(&Destination::Whatsapp) {
        Some(delivery) => {
            if let Some(part) = delivery.parts.get_mut(part) {
                let was = part.status.unwrap_or(Status::Queued);
                let is = was.advance(receipt.status);
                part.status = Some(is);
                part_moved = is != was;
            }
            delivery.status()
        }
        // Typed on the phone: nothing was delivered by us, and the receipts are all there is.
        None => receipt.status,
    };
    message.status = before.advance(combined);
    let moved = part_moved || message.status != before;
    if moved && matches!(receipt.status, Status::Failed) {
        message.status_reason = Some(reason(receipt));
    }
    moved
}

fn reason(receipt: &Receipt) -> String {
    match (receipt.word.as_str(), &receipt.description) {
        ("noAccount", _) => "the person has no WhatsApp account".to_owned(),
        ("notInGroup", _) => "the number is not a member of the group".to_owned(),
        ("yellowCard" | "suspended", _) => "WhatsApp has restricted the number".to_owned(),
        (_, Some(description)) => description.clone(),
        (word, None) => format!("WhatsApp reports: {word}"),
    }
}
