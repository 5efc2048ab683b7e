//! Erasing a person: every conversation with them, on all numbers that somebody sees, with its files,
//! its notes and everything that leads to it.

use super::Sight;
use super::send::sisters;
use crate::account::numbers::chat_is_erased;
use crate::clock::Millis;
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::media::store::StoreError;
use crate::media::upload::Bucket;
use crate::pipeline::Hub;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::{keys, row};

/// How many messages are looked at at once.
const PAGE: usize = 100;

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many conversations there were, those that were merged into others counted.
    pub n_chats: usize,
    /// Nothing is left. Otherwise it has to be begun again, and goes on.
    pub is_done: bool,
}

/// Why not everything was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no such conversation, or not for them.
    #[error("there is no such conversation")]
    NotFound,
    /// The bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Erases the person of a conversation, until `until_ms`. The conversation that was named goes last,
/// so that what was broken off is found again by its name.
///
/// # Errors
/// [`EraseError`]; what is left is as it was.
pub async fn person<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    bucket: &dyn Bucket,
    sight: &Sight,
    id: &ChatId,
    until_ms: Millis,
) -> Result<Erased, EraseError> {
    let named = sight.chat(&hub.db, id).await?.ok_or(EraseError::NotFound)?;
    let mut all = sisters(hub, sight, &named).await?;
    all.push(named);
    let mut n_chats = 0;
    for chat in all {
        for merged in &chat.merged_from {
            let Some(merged) = row::load::<ChatRow>(&hub.db, &keys::chat(merged)).await? else {
                continue;
            };
            n_chats += 1;
            if !erased(hub, bucket, &merged, until_ms).await? {
                return Ok(Erased {
                    n_chats,
                    is_done: false,
                });
            }
        }
        n_chats += 1;
        if !erased(hub, bucket, &chat, until_ms).await? {
            return Ok(Erased {
                n_chats,
                is_done: false,
            });
        }
    }
    Ok(Erased {
        n_chats,
        is_done: true,
    })
}

/// The files first: nothing else knows where they are.
async fn erased<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    bucket: &dyn Bucket,
    chat: &ChatRow,
    until_ms: Millis,
) -> Result<bool, EraseError> {
    let mut from = None;
    loop {
        if hub.clock.now_ms() >= until_ms {
            return Ok(false);
        }
        let (pk, range) = keys::messages_between(&chat.chat, from, None);
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards: false,
            limit: PAGE,
        };
        let found = hub.db.query(&query).await?;
        let is_last = found.len() < PAGE;
        for item in found {
            let message: Message = row::read(item)?;
            from = Some(message.seq + 1);
            let mut gone = Vec::new();
            for file in message.files() {
                if let Some(object) = file.object() {
                    bucket.removes(object).await?;
                }
                let links = [file.link(), file.upload_link()];
                let links = links.into_iter().flatten();
                gone.extend(links.map(|link| keys::file_link(&chat.number, link)));
            }
            let (number, seq) = (&chat.number, message.seq);
            let stuck = message.stuck_ms;
            gone.extend(stuck.map(|at_ms| keys::stuck(number, at_ms, &chat.chat, seq)));
            for key in gone {
                let write = Write {
                    key,
                    op: Op::Delete,
                    only_if: Cond::Always,
                };
                hub.db.write(vec![write]).await?;
            }
        }
        if is_last {
            break;
        }
    }
    Ok(chat_is_erased(&hub.db, &hub.clock, chat, until_ms).await?)
}
