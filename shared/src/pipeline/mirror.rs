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
use crate::store::chats::{ChatRow, chats_of_contact, living_chat, messages_from};
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
        let mut chats = Vec::new();
        for known in chats_of_contact(&hub.db, location, contact).await? {
            chats.extend(living_chat(&hub.db, &known.chat).await?);
        }
        if !is_any_open(hub, &chats).await? {
            return Ok(Some(chats));
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

/// Whether the lane's message in hand goes out and may be in the CRM without our knowing its id.
/// Those behind it have not been tried.
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
        let in_hand = messages.iter().find(|message| {
            let delivery = message.deliveries.get(&Destination::Crm);
            delivery.is_some_and(|delivery| !delivery.is_settled())
        });
        match (in_hand, messages.last()) {
            (Some(message), _) => return Ok(is_open_post(message)),
            (None, Some(last)) if messages.len() == PAGE => from = last.seq + 1,
            (None, _) => return Ok(false),
        }
    }
}

fn is_open_post(message: &Message) -> bool {
    let parts = message.deliveries.get(&Destination::Crm);
    message.direction == Direction::Out
        && parts.into_iter().flat_map(|it| &it.parts).any(|part| {
            matches!(
                part.state,
                PartState::Sending { .. }
                    | PartState::Unknown { .. }
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
