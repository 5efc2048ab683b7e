//! Through which number, and to which address, a message from the CRM goes.

use std::future::Future;

use super::Hub;
use crate::domain::chat_id::Alias;
use crate::domain::ids::IdInstance;
use crate::domain::phone;
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
    /// The contact's conversations.
    pub chats: &'a [ChatRow],
    /// The tenant's numbers, oldest first.
    pub numbers: &'a [NumberRow],
    /// The numbers were read a while ago. That is good enough for a contact who has a conversation
    /// on one of them, and for nobody else.
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

/// Decides: the number of the contact's last conversation, else the one that the contact's tag
/// names, else the workspace's oldest. `tags` is asked only if it matters; `None` from it means
/// that the CRM could not tell.
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
    if chats.is_empty() && to.are_kept {
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
    if let Some((number, chat)) = last_conversation(numbers, chats) {
        return Ok(Route::Via {
            number: Box::new(number.clone()),
            address: chat.address.clone(),
            chat: Some(Box::new(chat)),
        });
    }

    if numbers.is_empty() {
        return Ok(Route::NoNumber);
    }
    let Some(address) = by_phone else {
        return Ok(Route::NoAddress);
    };
    let number = match numbers.len() {
        1 => 0,
        _ => tagged(numbers, &tags().await.unwrap_or_default()).unwrap_or(0),
    };
    Ok(Route::Via {
        number: Box::new(numbers[number].clone()),
        address,
        chat: None,
    })
}

fn last_conversation(numbers: &[NumberRow], chats: Vec<ChatRow>) -> Option<(&NumberRow, ChatRow)> {
    chats
        .into_iter()
        .filter_map(|chat| {
            let number = numbers.iter().find(|number| number.number == chat.number)?;
            Some((number, chat))
        })
        .max_by_key(|(_, chat)| (chat.last_in_ms, chat.last_at))
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
