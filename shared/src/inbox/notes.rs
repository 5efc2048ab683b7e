//! What people write beside a conversation: notes for the team, and what they have begun to write.

use crate::domain::ids::{ChatId, PersonId};
use crate::inbox::send::Writer;
use crate::pipeline::Hub;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::team::{DraftRow, NoteRow};
use crate::store::{keys, row};

/// The longest note or draft, in characters.
pub const CHARS: usize = 5_000;

/// How many notes of a conversation are shown.
pub const MOST: usize = 200;

/// Why a note stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// There is none.
    #[error("there is no such note")]
    NotFound,
    /// It is somebody else's.
    #[error("a note is changed by whoever wrote it")]
    NotTheirs,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The latest notes about a conversation and about those that were merged into it, oldest first.
///
/// # Errors
/// The tables.
pub async fn list(db: &impl Db, chat: &ChatRow) -> Result<Vec<NoteRow>, DbError> {
    let mut notes: Vec<NoteRow> = Vec::new();
    for id in std::iter::once(&chat.chat).chain(&chat.merged_from) {
        let (pk, range) = keys::notes(id);
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards: true,
            limit: MOST,
        };
        for item in db.query(&query).await? {
            notes.push(row::read(item)?);
        }
    }
    notes.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let n_older = notes.len().saturating_sub(MOST);
    notes.drain(..n_older);
    Ok(notes)
}

/// Adds a note; browsers learn of it as of every change of the conversation.
///
/// # Errors
/// The tables.
pub async fn add<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    writer: &Writer,
    text: &str,
) -> Result<NoteRow, DbError> {
    let now = hub.clock.now_ms();
    let mut note = NoteRow {
        rev: 0,
        id: format!("{now:016}-{}", hub.ids.next()),
        by: writer.person.clone(),
        by_name: writer.name.clone(),
        at_ms: now,
        changed_ms: None,
        text: text.to_owned(),
    };
    let key = keys::note(chat, &note.id);
    let write = row::save(key, &mut note)?;
    write_and_touch(hub, chat, &write).await?;
    Ok(note)
}

/// Changes a note of theirs, or removes it if there is no text.
///
/// # Errors
/// [`NoteError`]
pub async fn change<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    id: &str,
    by: &PersonId,
    text: Option<&str>,
) -> Result<NoteRow, NoteError> {
    for of in std::iter::once(&chat.chat).chain(&chat.merged_from) {
        let key = keys::note(of, id);
        let Some(mut note) = row::load::<NoteRow>(&hub.db, &key).await? else {
            continue;
        };
        if note.by != *by {
            return Err(NoteError::NotTheirs);
        }
        let write = match text {
            Some(text) => {
                note.text = text.to_owned();
                note.changed_ms = Some(hub.clock.now_ms());
                row::save(key, &mut note)?
            }
            None => Write {
                key,
                op: Op::Delete,
                only_if: Cond::Present,
            },
        };
        write_and_touch(hub, &chat.chat, &write).await?;
        return Ok(note);
    }
    Err(NoteError::NotFound)
}

/// Writes, and notes in the conversation that something has changed.
async fn write_and_touch<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    write: &Write,
) -> Result<(), DbError> {
    let key = keys::chat(chat);
    for tries in 1.. {
        let Some(mut chat) = row::load::<ChatRow>(&hub.db, &key).await? else {
            return Ok(());
        };
        chat.changed_at = hub.clock.now_ms();
        let writes = vec![write.clone(), row::save(key.clone(), &mut chat)?];
        match hub.db.write(writes).await {
            Err(DbError::Condition { .. } | DbError::Conflict) if tries < row::TRIES => {}
            done => return done,
        }
    }
    unreachable!("the loop returns");
}

/// What somebody has begun to write in a conversation.
///
/// # Errors
/// The tables.
pub async fn draft(
    db: &impl Db,
    chat: &ChatId,
    person: &PersonId,
) -> Result<Option<DraftRow>, DbError> {
    row::load(db, &keys::draft(chat, person)).await
}

/// Keeps what somebody has begun to write; nothing is kept of an empty one. The last one wins: it is
/// one person's, in two windows at most.
///
/// # Errors
/// The tables.
pub async fn keep_draft<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatId,
    person: &PersonId,
    text: &str,
) -> Result<(), DbError> {
    let op = if text.is_empty() {
        Op::Delete
    } else {
        Op::Put(row::item(&DraftRow {
            rev: 1,
            text: text.to_owned(),
            at_ms: hub.clock.now_ms(),
        })?)
    };
    hub.db
        .write(vec![Write {
            key: keys::draft(chat, person),
            op,
            only_if: Cond::Always,
        }])
        .await
}
