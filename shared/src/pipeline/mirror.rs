//! What we put into the CRM ourselves, and what the CRM makes of it.
//!
//! A message that we show in the CRM as an outgoing one can come back: delivered to us as if an
//! agent had written it, to be sent to the customer a second time. It is recognised by the id that
//! the CRM gave it, which is claimed when the post is settled ([`super::settle`]), and by nothing
//! else: the CRM trims texts. Until then nobody knows the id, so a delivery that comes meanwhile
//! waits.

use std::time::Duration;

use super::Hub;
use crate::domain::delivery::{Destination, Lane, PartState};
use crate::domain::ids::{ContactId, LocationId, WorkspaceId};
use crate::domain::message::{Direction, Message, of_reference};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, chat_and_survivors, chats_of_contact, messages_from};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How often it is looked whether a post is settled, and how many times: less than a webhook may
/// take.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS: u32 = 12;

/// How many messages are read at once.
const PAGE: usize = 25;

/// Waits until none of our posts into the contact's conversations is open, and gives these as they
/// are then. `None` if one stays open for longer than a webhook can wait.
pub async fn settled_chats<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    location: &LocationId,
    contact: &ContactId,
) -> Result<Option<Vec<ChatRow>>, DbError> {
    for looks in 0..=LOOKS {
        if looks > 0 {
            hub.clock.sleep(LOOK_EVERY).await;
        }
        let mut living = Vec::new();
        let mut is_open = false;
        for known in chats_of_contact(&hub.db, location, contact).await? {
            let mut chats = chat_and_survivors(&hub.db, &known.chat).await?;
            // A chat that was merged into another finishes what it has begun.
            is_open = is_open || is_any_open(hub, &chats).await?;
            living.extend(chats.pop());
        }
        if !is_open {
            return Ok(Some(living));
        }
    }
    Ok(None)
}

async fn is_any_open<D: Db, Q: Queue>(hub: &Hub<D, Q>, chats: &[ChatRow]) -> Result<bool, DbError> {
    for chat in chats {
        // Cleared once nothing is left: the usual case costs no further read.
        if chat.due(Lane::Crm).is_some() && has_open_post(hub, chat).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a message that goes out may be in the CRM without our knowing its id. Those that the
/// lane has not come to have not been tried.
async fn has_open_post<D: Db, Q: Queue>(hub: &Hub<D, Q>, chat: &ChatRow) -> Result<bool, DbError> {
    // A message that the lane goes back for does not hide the one that it had come to before.
    for seq in chat.behind(Lane::Crm) {
        let message = row::load(&hub.db, &keys::message(&chat.chat, seq)).await?;
        if message.is_some_and(|message: Message| is_open_post(&message)) {
            return Ok(true);
        }
    }
    let mut from = chat.cursor(Lane::Crm);
    loop {
        let messages = messages_from(&hub.db, &chat.chat, from, PAGE).await?;
        for message in &messages {
            if is_open_post(message) {
                return Ok(true);
            }
            if is_ahead(message) {
                return Ok(false);
            }
        }
        match messages.last() {
            Some(last) if messages.len() == PAGE => from = last.seq + 1,
            _ => return Ok(false),
        }
    }
}

/// Whether the lane cannot have gone past the message. The row's cursor is written when a run ends,
/// so it may have gone past many; and one that it went past may have got another part since, for a
/// file whose copy was late, which says nothing about those after it.
fn is_ahead(message: &Message) -> bool {
    let delivery = message.deliveries.get(&Destination::Crm);
    let first = delivery.and_then(|delivery| delivery.parts.first());
    first.is_some_and(|part| !part.state.is_settled())
}

fn is_open_post(message: &Message) -> bool {
    let parts = message.deliveries.get(&Destination::Crm);
    message.direction == Direction::Out
        && parts.into_iter().flat_map(|it| &it.parts).any(|part| {
            matches!(
                part.state,
                PartState::Sending { .. }
                    | PartState::Unknown {
                        to_person: false,
                        ..
                    }
                    | PartState::Retry {
                        look_since_ms: Some(_),
                        ..
                    }
            )
        })
}

/// WhatsApp's id of the message that an agent answers, by the id that the CRM keeps beside it
/// ([`Message::crm_alt_id`]). `None` if WhatsApp has none: there is nothing to quote.
pub async fn whatsapp_id<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    workspace: &WorkspaceId,
    alt_id: String,
) -> Result<Option<String>, DbError> {
    let Some((chat, seq)) = of_reference(&alt_id) else {
        return Ok(Some(alt_id));
    };
    let message = row::load::<Message>(&hub.db, &keys::message(&chat, seq)).await?;
    Ok(message
        .filter(|message| message.workspace == *workspace)
        .and_then(|message| message.whatsapp_id))
}
