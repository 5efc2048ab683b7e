//! Erasing the conversations of a number that was removed, with their files and everything that leads
//! to them.

use futures::{StreamExt as _, TryStreamExt as _};

use crate::clock::{Clock, Millis};
use crate::domain::chat_id::Alias;
use crate::domain::content::Content;
use crate::domain::delivery::Destination;
use crate::domain::event::IdKind;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::message::Message;
use crate::domain::telegram;
use crate::media::erase::{EraseError, files_of};
use crate::media::store::FileStore;
use crate::store::chats::{ChatRow, chats_of_index};
use crate::store::db::{Cond, Db, DbError, Index, Key, Op, Query, Range, Table, Write};
use crate::store::directory::GoneNumberRow;
use crate::store::{keys, row};

/// How many rows are read at once.
const PAGE: usize = 100;

/// How many rows are deleted at once.
const AT_ONCE: usize = 16;

/// When what came in late is looked for: a webhook's function knows a number for half a minute
/// longer, and a sender may be at a message for minutes.
const LATE_MS: Millis = 10 * 60 * 1000;

/// Erases what a removed number has left, when its time has come, until `until_ms`; the row that
/// says so stays until nothing is left. Whoever finds it due goes on.
///
/// # Errors
/// [`EraseError`]; the rest is due as before.
pub async fn erase_gone(
    db: &impl Db,
    files: &impl FileStore,
    clock: &Clock,
    workspace: &WorkspaceId,
    number: &NumberId,
    until_ms: Millis,
) -> Result<(), EraseError> {
    let key = keys::gone_number(workspace, number);
    let Some(gone) = row::load::<GoneNumberRow>(db, &key).await? else {
        return Ok(());
    };
    if !erase(db, clock, number, until_ms).await? {
        return Ok(());
    }
    files_of(db, files, number).await?;
    if gone.is_erased {
        tracing::info!(%workspace, %number, "a removed number's conversations are erased");
        return Ok(db.write(vec![delete(key)]).await?);
    }
    row::change::<GoneNumberRow>(db, &key, |gone| {
        gone.is_erased = true;
        gone.due_at = clock.now_ms() + LATE_MS;
        true
    })
    .await?;
    Ok(())
}

/// Erases the conversations of a number until `until_ms`; `false` if some are left.
///
/// # Errors
/// The tables.
pub(super) async fn erase(
    db: &impl Db,
    clock: &Clock,
    number: &NumberId,
    until_ms: Millis,
) -> Result<bool, DbError> {
    loop {
        let chats = chats(db, number).await?;
        let is_last = chats.len() < PAGE;
        for chat in chats {
            if !chat_is_erased(db, clock, &chat, until_ms).await? {
                return Ok(false);
            }
        }
        if is_last {
            break;
        }
    }
    let lists = [
        keys::all_unsure(number),
        keys::quarantined(number),
        keys::all_stuck(number, None),
        keys::imported_chats(number, None),
        keys::states(number),
    ];
    for (pk, range) in lists {
        while let found = rows(db, &pk, &range).await?
            && !found.is_empty()
        {
            if clock.now_ms() >= until_ms {
                return Ok(false);
            }
            delete_all(db, found).await?;
        }
    }
    Ok(true)
}

async fn chats(db: &impl Db, number: &NumberId) -> Result<Vec<ChatRow>, DbError> {
    let query = Query {
        table: Table::Chats,
        index: Some(Index::ByNumber),
        pk: number.to_string(),
        range: Range::Number {
            from: 0,
            to: Millis::MAX,
        },
        backwards: false,
        limit: PAGE,
    };
    chats_of_index(db, &query).await
}

/// The messages first, each with its ids, then the conversation itself: what is interrupted goes on
/// from there.
pub(crate) async fn chat_is_erased(
    db: &impl Db,
    clock: &Clock,
    chat: &ChatRow,
    until_ms: Millis,
) -> Result<bool, DbError> {
    loop {
        if clock.now_ms() >= until_ms {
            return Ok(false);
        }
        let (pk, range) = keys::all_messages(&chat.chat);
        let found = query(db, &pk, &range).await?;
        if found.is_empty() {
            break;
        }
        let mut messages = Vec::new();
        let mut ids = Vec::new();
        for item in found {
            messages.extend(keys::of_item(Table::Chats, &item));
            // One that cannot be read has no ids that could be known.
            if let Ok(message) = row::read::<Message>(item) {
                ids.extend(ids_of(chat, &message));
            }
        }
        delete_all(db, ids).await?;
        delete_all(db, messages).await?;
    }
    let alias = |alias: &Alias| keys::alias(&chat.number, alias);
    let mut around: Vec<Key> = chat.aliases.iter().map(alias).collect();
    around.push(alias(&chat.address));
    around.extend(chat.phone.as_deref().map(|phone| {
        let digits = phone.trim_start_matches('+');
        alias(&Alias::from_phone_digits(digits))
    }));
    around.extend(
        chat.echoes
            .keys()
            .map(|id| whatsapp_id(chat, IdKind::Message, id)),
    );
    around.extend(
        chat.crm
            .as_ref()
            .map(|crm| keys::contact_chat(&crm.location, &crm.contact, &chat.number)),
    );
    around.extend(chat.listed_keys());
    around.extend(
        chat.topic
            .map(|topic| keys::topic(topic.channel, topic.thread)),
    );
    delete_all(db, around).await?;
    db.write(vec![delete(keys::chat(&chat.chat))]).await?;
    Ok(true)
}

/// The id rows that lead to a message.
fn ids_of(chat: &ChatRow, message: &Message) -> Vec<Key> {
    let kinds = match &message.content {
        Content::Call { event, .. } => vec![IdKind::of_call(event), IdKind::Call],
        _ => vec![IdKind::Message],
    };
    let remote_ids = |destination| {
        let delivery = message.deliveries.get(&destination);
        let parts = delivery.into_iter().flat_map(|delivery| &delivery.parts);
        parts.filter_map(|part| part.remote_id.as_deref())
    };
    let whatsapp = message.whatsapp_id.as_deref().into_iter();
    let whatsapp = whatsapp.chain(remote_ids(Destination::Whatsapp));
    let mut ids: Vec<Key> = whatsapp
        .flat_map(|id| kinds.iter().map(|kind| whatsapp_id(chat, *kind, id)))
        .collect();
    let posts = remote_ids(Destination::Telegram).filter_map(telegram::of_remote_id);
    ids.extend(posts.map(|(channel, post)| keys::post(channel, post)));
    if let Some(crm) = &chat.crm {
        let shown = message.crm_messages().map(|crm| crm.message_id.as_str());
        let in_crm = shown.chain(remote_ids(Destination::Crm));
        ids.extend(in_crm.map(|id| keys::ghl_id(&crm.location, id)));
    }
    ids
}

fn whatsapp_id(chat: &ChatRow, kind: IdKind, id: &str) -> Key {
    keys::whatsapp_id(&chat.number, kind, id)
}

async fn query(
    db: &impl Db,
    pk: &str,
    range: &Range,
) -> Result<Vec<crate::store::db::Item>, DbError> {
    let query = Query {
        table: Table::Chats,
        index: None,
        pk: pk.to_owned(),
        range: range.clone(),
        backwards: false,
        limit: PAGE,
    };
    db.query(&query).await
}

async fn rows(db: &impl Db, pk: &str, range: &Range) -> Result<Vec<Key>, DbError> {
    let found = query(db, pk, range).await?;
    let keys = found
        .iter()
        .filter_map(|item| keys::of_item(Table::Chats, item));
    Ok(keys.collect())
}

async fn delete_all(db: &impl Db, keys: Vec<Key>) -> Result<(), DbError> {
    futures::stream::iter(keys)
        .map(|key| db.write(vec![delete(key)]))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

fn delete(key: Key) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    }
}
