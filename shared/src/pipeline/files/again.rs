//! Where the addresses of files lead, and asking for a file again that was given up.

use std::time::Duration;

use crate::clock::Millis;
use crate::domain::content::File;
use crate::domain::copy::FileCopy;
use crate::domain::delivery::{Destination, Lane};
use crate::domain::ids::NumberId;
use crate::domain::message::Message;
use crate::pipeline::{Hub, settle};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, FileLinkRow};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How long a file that was given up cannot be asked for again.
pub const AGAIN_AFTER_MS: Millis = 60_000;

/// Each time that a file is asked for in vain is told in the conversation: not for ever.
const MOST_PARTS: usize = 10;

/// The file that an address leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    /// As the message has it now.
    pub file: File,
    row: FileLinkRow,
}

/// The file that an address of a number leads to; `None` if it leads nowhere, or does not any more.
pub async fn linked(
    db: &impl Db,
    number: &NumberId,
    link: &str,
    now: Millis,
) -> Result<Option<Linked>, DbError> {
    let key = keys::file_link(number, link);
    let Some(row) = row::load::<FileLinkRow>(db, &key).await? else {
        return Ok(None);
    };
    if row.until_ms <= now {
        return Ok(None);
    }
    let message = row::load::<Message>(db, &keys::message(&row.chat, row.seq)).await?;
    let file = message.and_then(|message| message.files().get(row.file).cloned());
    Ok(file.map(|file| Linked { file, row }))
}

/// Asks for a file again that was given up. Whoever asks too often, or for one that is there, has
/// asked in vain.
pub async fn fetch_again<D: Db, Q: Queue>(hub: &Hub<D, Q>, linked: &Linked) -> Result<(), DbError> {
    for tries in 1.. {
        match fetch_again_once(hub, &linked.row).await {
            Err(error) if !settle::may_pass(&error) || tries >= settle::TRIES => return Err(error),
            Err(_) => settle::pause(hub, tries).await,
            Ok(()) => return Ok(()),
        }
    }
    unreachable!("the loop returns");
}

async fn fetch_again_once<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    of: &FileLinkRow,
) -> Result<(), DbError> {
    let now = hub.clock.now_ms();
    let (key, chat_key) = (keys::message(&of.chat, of.seq), keys::chat(&of.chat));
    let Some(mut chat) = row::load::<ChatRow>(&hub.db, &chat_key).await? else {
        return Ok(());
    };
    let Some(mut message) = row::load::<Message>(&hub.db, &key).await? else {
        return Ok(());
    };
    let object = keys::object(&message.number, &hub.ids.next());
    let shown = message.deliveries.get(&Destination::Crm);
    if shown.is_some_and(|delivery| delivery.parts.len() >= MOST_PARTS) {
        return Ok(());
    }
    let Some(file) = message.file_mut(of.file) else {
        return Ok(());
    };
    match &file.copy {
        Some(FileCopy::Gone {
            at_ms,
            link: Some(_),
        }) if now - at_ms >= AGAIN_AFTER_MS => {}
        _ => return Ok(()),
    }
    file.missing = None;
    file.copy = Some(FileCopy::wanted(object, now));
    chat.files.insert(of.seq);
    chat.set_due(Lane::Media, now);
    let writes = vec![
        row::save(key, &mut message)?,
        row::save(chat_key, &mut chat)?,
    ];
    hub.db.write(writes).await?;
    hub.wake(&chat.number, &chat.chat, Lane::Media, Duration::ZERO)
        .await;
    Ok(())
}
