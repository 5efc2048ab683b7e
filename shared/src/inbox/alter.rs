//! Changing what was sent: another wording, or no message at all.

use std::time::Duration;

use super::Sight;
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::content::Content;
use crate::domain::delivery::Destination;
use crate::domain::ids::ChatId;
use crate::domain::message::{Direction, Message};
use crate::green_api::client::{GreenApi, Instance, MAX_CAPTION_CHARS, MAX_TEXT_CHARS};
use crate::green_api::error::GreenApiError;
use crate::limiter::{lease, policy};
use crate::pipeline::settle::{self, Change};
use crate::pipeline::{Hub, whatsapp};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// For how long WhatsApp takes another wording (GREEN-API contract, service).
const EDITS_FOR_MS: Millis = 15 * 60 * 1000;

/// For how long WhatsApp deletes for everybody: two days and a half, less what clocks differ.
const DELETES_FOR_MS: Millis = 59 * 3600 * 1000;

/// How long a call waits for its turn.
const WITHIN: Duration = Duration::from_secs(3);

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration<'a> {
    /// It reads so.
    Edit(&'a str),
    /// It is gone.
    Delete,
}

/// Why a message stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum AlterError {
    /// There is none, or not for them.
    #[error("there is no such message")]
    NotFound,
    /// It is the customer's, has not gone out, is of another kind, or was deleted.
    #[error("this message cannot be changed")]
    NotThis,
    /// WhatsApp takes it no more.
    #[error("it is too late for that")]
    TooLate,
    /// Nothing is in it, or more than WhatsApp takes.
    #[error("the text is empty or too long")]
    Unfit,
    /// GREEN-API does not, in its words.
    #[error("GREEN-API refuses: {0}")]
    Refused(String),
    /// GREEN-API does not answer, or has no time. The same can be asked for again.
    #[error("GREEN-API does not answer now: {0}")]
    TryAgain(String),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Changes a message that went out from here, on the customer's phone first. To ask for it twice does
/// no harm.
///
/// # Errors
/// [`AlterError`]
pub async fn alter<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    green: &GreenApi,
    data_keys: &DataKeys,
    sight: &Sight,
    (chat, seq): (&ChatId, u64),
    what: Alteration<'_>,
) -> Result<Message, AlterError> {
    let message = row::load::<Message>(&hub.db, &keys::message(chat, seq)).await?;
    let message = message
        .filter(|it| it.workspace == sight.workspace && sight.numbers.contains(&it.number))
        .ok_or(AlterError::NotFound)?;
    let now = hub.clock.now_ms();
    let ids = may_be(&message, what, now)?;
    let living = living_chat(&hub.db, chat).await?;
    let living: ChatRow = living.ok_or(AlterError::NotFound)?;
    let number_key = keys::number(&message.workspace, &message.number);
    let number = row::load::<NumberRow>(&hub.db, &number_key).await?;
    let number = number.ok_or(AlterError::NotFound)?;
    let instance = whatsapp::instance(&number, data_keys).map_err(AlterError::Refused)?;
    for id in ids {
        let method = match what {
            Alteration::Edit(_) => "editMessage",
            Alteration::Delete => "deleteMessage",
        };
        let key = keys::green_limit(&message.number, method);
        let gcra = policy::green_api(method, green.spread().j_s());
        if !lease::depart_within(&hub.db, &hub.clock, &key, &gcra, WITHIN).await? {
            return Err(AlterError::TryAgain("others are asking".to_owned()));
        }
        call(green, &instance, &living, id, what).await?;
    }
    let changed = settle::change_message(hub, chat, seq, |message| {
        let content = match what {
            Alteration::Edit(text) => Content::Edited {
                text: text.to_owned(),
                target: None,
            },
            Alteration::Delete => Content::Deleted { target: None },
        };
        let author = message.author.clone();
        match message.marks.note(&content, Direction::Out, &author, now) {
            true => Change::Write,
            false => Change::Nothing,
        }
    });
    changed.await?.ok_or(AlterError::NotFound)
}

async fn call(
    green: &GreenApi,
    instance: &Instance,
    chat: &ChatRow,
    id: &str,
    what: Alteration<'_>,
) -> Result<(), AlterError> {
    let called = match what {
        Alteration::Edit(text) => green.edit_message(instance, &chat.address, id, text).await,
        Alteration::Delete => green.delete_message(instance, &chat.address, id).await,
    };
    called.map_err(|error| match error {
        GreenApiError::Refused { message, .. } => AlterError::Refused(message),
        error => AlterError::TryAgain(error.to_string()),
    })
}

/// WhatsApp's ids of what is to be changed: all parts to delete, the first to edit.
fn may_be<'a>(
    message: &'a Message,
    what: Alteration<'_>,
    now: Millis,
) -> Result<Vec<&'a str>, AlterError> {
    let delivery = message.deliveries.get(&Destination::Whatsapp);
    let delivery = delivery.filter(|_| message.direction == Direction::Out);
    let parts = delivery.into_iter().flat_map(|delivery| &delivery.parts);
    let mut ids: Vec<&str> = parts.filter_map(|part| part.remote_id.as_deref()).collect();
    if ids.is_empty() || message.marks.deleted_ms.is_some() {
        return Err(AlterError::NotThis);
    }
    let for_ms = match (what, &message.content) {
        (Alteration::Delete, _) => DELETES_FOR_MS,
        (Alteration::Edit(text), Content::Text { .. } | Content::Files { .. }) => {
            let most = match message.content {
                Content::Text { .. } => MAX_TEXT_CHARS,
                _ => MAX_CAPTION_CHARS,
            };
            if text.trim().is_empty() || text.chars().nth(most).is_some() {
                return Err(AlterError::Unfit);
            }
            ids.truncate(1);
            EDITS_FOR_MS
        }
        (Alteration::Edit(_), _) => return Err(AlterError::NotThis),
    };
    if now - message.accepted_ms > for_ms {
        return Err(AlterError::TooLate);
    }
    Ok(ids)
}
