//! Through which number, and to which address, a message from the CRM goes.

use std::future::Future;

use super::Hub;
use crate::clock::Millis;
use crate::domain::chat_id::Alias;
use crate::domain::ids::IdInstance;
use crate::domain::phone;
use crate::domain::routing::{Routing, Rule};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, chat_of_alias, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;

/// The beginning of the tag that ties a contact to a number; GREEN-API's id of it follows.
pub const NUMBER_TAG: &str = "whatsapp-instance-";

/// Who a message from the CRM is for.
#[derive(Clone, Debug)]
pub struct To<'a> {
    /// The contact's phone as the CRM has it; for groups and people without a phone a stand-in.
    pub phone: Option<&'a str>,
    /// ISO 3166 two letters, for phones without a country code.
    pub country: Option<&'a str>,
    /// How the workspace chooses a number.
    pub routing: &'a Routing,
    /// The contact's conversations.
    pub chats: &'a [ChatRow],
    /// The tenant's numbers, oldest first.
    pub numbers: &'a [NumberRow],
    /// The numbers were read a while ago. That is good enough for a contact who has a conversation
    /// on one of them, where conversations decide first, and for nobody else.
    pub are_kept: bool,
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// Through this number to this address.
    Via {
        /// The number.
        number: Box<NumberRow>,
        /// The address.
        address: Alias,
        /// The conversation, if there is one.
        chat: Option<Box<ChatRow>>,
    },
    /// The numbers that were kept do not decide it: they have to be read again.
    Outdated,
    /// The workspace has no number.
    NoNumber,
    /// The contact has nothing that WhatsApp could be reached by.
    NoAddress,
}

/// Decides by the rules of the workspace, in their order: the number of the contact's last
/// conversation, the one that the contact's tag names, the default one, which is the oldest if
/// nobody has chosen. `tags` is asked only if it matters; `None` from it means that the CRM could
/// not tell.
pub async fn route<D: Db, Q: Queue, F>(
    hub: &Hub<D, Q>,
    to: To<'_>,
    tags: impl FnOnce() -> F + Send,
) -> Result<Route, DbError>
where
    F: Future<Output = Option<Vec<String>>> + Send,
{
    let numbers = to.numbers;
    let by_phone = to
        .phone
        .and_then(|text| phone::crm_phone_to_alias(text, to.country));

    // A number that was removed, or never was, leads nowhere.
    let leads = |chat: &&ChatRow| numbers.iter().any(|number| number.number == chat.number);
    let mut chats: Vec<ChatRow> = to.chats.iter().filter(leads).cloned().collect();
    let decides = to.routing.order.first() == Some(&Rule::LastConversation);
    if to.are_kept && (chats.is_empty() || !decides) {
        return Ok(Route::Outdated);
    }
    if chats.is_empty()
        && let Some(alias) = &by_phone
    {
        for number in numbers {
            if let Some(known) = chat_of_alias(&hub.db, &number.number, alias).await? {
                chats.extend(living_chat(&hub.db, &known.chat).await?);
            }
        }
    }
    if numbers.is_empty() {
        return Ok(Route::NoNumber);
    }

    let mut tags = Some(tags);
    for rule in &to.routing.order {
        let number = match rule {
            Rule::LastConversation => last_conversation(numbers, &chats),
            // With one number there is nothing to ask for.
            Rule::Tag if numbers.len() > 1 => match tags.take() {
                Some(tags) => tagged(numbers, &tags().await.unwrap_or_default()),
                None => None,
            },
            Rule::Tag => None,
            Rule::Default => Some(default_number(numbers, to.routing)),
        };
        let Some(number) = number.map(|place| &numbers[place]) else {
            continue;
        };
        // Where the contact can be reached through it.
        let of_number = chats.iter().filter(|chat| chat.number == number.number);
        let chat = of_number.max_by_key(|chat| recency(chat));
        let address = chat.map(|chat| &chat.address).or(by_phone.as_ref());
        if let Some(address) = address {
            return Ok(Route::Via {
                number: Box::new(number.clone()),
                address: address.clone(),
                chat: chat.cloned().map(Box::new),
            });
        }
    }
    Ok(Route::NoAddress)
}

fn recency(chat: &ChatRow) -> (Millis, Millis) {
    (chat.last_in_ms, chat.last_at)
}

fn last_conversation(numbers: &[NumberRow], chats: &[ChatRow]) -> Option<usize> {
    let last = chats.iter().max_by_key(|chat| recency(chat))?;
    numbers
        .iter()
        .position(|number| number.number == last.number)
}

/// The place of the number that was chosen, or of the oldest: they are in that order.
pub fn default_number(numbers: &[NumberRow], routing: &Routing) -> usize {
    let chosen = routing.default.as_ref();
    chosen
        .and_then(|id| numbers.iter().position(|number| number.number == *id))
        .unwrap_or(0)
}

/// The number that a tag names. Only the workspace's own numbers count, whatever the tag says.
fn tagged(numbers: &[NumberRow], tags: &[String]) -> Option<usize> {
    let mut named = tags.iter().filter_map(|tag| tag.strip_prefix(NUMBER_TAG));
    let found = named.find_map(|id| {
        let id: IdInstance = id.parse().ok()?;
        numbers.iter().position(|number| number.id_instance == id)
    });
    if found.is_none() && tags.iter().any(|tag| tag.starts_with(NUMBER_TAG)) {
        tracing::warn!("a contact's number tag names none of the workspace's numbers");
    }
    found
}
