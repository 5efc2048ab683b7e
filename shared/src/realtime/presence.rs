//! Who has a chat open, and who is writing in it.
//!
//! A browser says so and goes on saying so; whatever it stops saying ends by itself. There is one
//! row for each socket that has the chat open, so that somebody with two windows is still there when
//! one of them is closed.

use serde::{Deserialize, Serialize};

use super::event::Doing;
use super::socket::SocketRow;
use crate::clock::{Clock, Millis};
use crate::domain::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Key, Op, Query, Table, Write};
use crate::store::keys;
use crate::store::row::{self, row};

/// How long somebody has a chat open after they last said so. A browser says it every half of that.
pub const VIEWING_MS: Millis = 90_000;

/// How long somebody writes after they last said so. A browser says it every half of that.
pub const TYPING_MS: Millis = 8_000;

/// The same is not told to the others again within this time.
const TOLD_EVERY_MS: Millis = 2_000;

/// More than look at one chat.
const MOST: usize = 200;

/// What a browser says that its person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Has the chat open.
    Viewing,
    /// Writes in it.
    Typing,
}

/// That a socket's person has a chat open; below the chat, and the same below the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PresenceRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// The chat.
    pub chat: ChatId,
    /// Who.
    pub person: PersonId,
    /// They have it open until then, milliseconds since 1970.
    pub viewing_until_ms: Millis,
    /// They write until then, milliseconds since 1970.
    #[serde(default)]
    pub typing_until_ms: Millis,
    /// When the others were last told, milliseconds since 1970.
    pub told_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(PresenceRow, "somebody's presence");

/// What somebody does in a chat, and until when unless they go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The chat.
    pub chat: ChatId,
    /// Its number.
    pub number: NumberId,
    /// Who.
    pub person: PersonId,
    /// What.
    pub doing: Doing,
    /// Milliseconds since 1970.
    pub until_ms: Millis,
}

impl PresenceRow {
    fn at(&self, now_ms: Millis) -> Present {
        let (doing, until_ms) = if now_ms < self.typing_until_ms {
            (Doing::Typing, self.typing_until_ms)
        } else if now_ms < self.viewing_until_ms {
            (Doing::Viewing, self.viewing_until_ms)
        } else {
            (Doing::Nothing, now_ms)
        };
        Present {
            workspace: self.workspace.clone(),
            chat: self.chat.clone(),
            number: self.number.clone(),
            person: self.person.clone(),
            doing,
            until_ms,
        }
    }

    fn gone(self, now_ms: Millis) -> Present {
        Present {
            workspace: self.workspace,
            chat: self.chat,
            number: self.number,
            person: self.person,
            doing: Doing::Nothing,
            until_ms: now_ms,
        }
    }
}

/// Notes what a socket's person does in a chat, instead of what they did elsewhere. What the others
/// have to be told is given back, the end of the old before the new.
///
/// # Errors
/// The tables.
pub async fn note(
    db: &impl Db,
    clock: &Clock,
    socket: &SocketRow,
    (number, chat): (&NumberId, &ChatId),
    said: Said,
) -> Result<Vec<Present>, DbError> {
    let now_ms = clock.now_ms();
    let at = keys::whereabouts(&socket.connection);
    let before = row::load::<PresenceRow>(db, &at).await?;
    let (here, elsewhere) = match before {
        Some(row) if row.chat == *chat => (Some(row), None),
        other => (None, other),
    };
    let known = here.as_ref().map(|row| row.at(now_ms).doing);
    let told_ms = here.as_ref().map_or(0, |row| row.told_ms);

    let mut row = PresenceRow {
        rev: 1,
        workspace: socket.workspace.clone(),
        number: number.clone(),
        chat: chat.clone(),
        person: socket.person.clone(),
        viewing_until_ms: now_ms + VIEWING_MS,
        typing_until_ms: match said {
            Said::Typing => now_ms + TYPING_MS,
            // They stopped.
            Said::Viewing => 0,
        },
        told_ms,
        expires_at: (now_ms + VIEWING_MS) / 1000 + 1,
    };
    let present = row.at(now_ms);
    let is_news = known != Some(present.doing) || now_ms >= told_ms + TOLD_EVERY_MS;
    if is_news {
        row.told_ms = now_ms;
    }
    let mut writes = vec![
        put(keys::presence(chat, &socket.connection), &row)?,
        put(at, &row)?,
    ];
    let mut told = Vec::new();
    if let Some(elsewhere) = elsewhere {
        writes.push(delete(keys::presence(&elsewhere.chat, &socket.connection)));
        told.push(elsewhere.gone(now_ms));
    }
    match db.write(writes).await {
        Ok(()) => {}
        // The browser said two things at once; one of them will do.
        Err(DbError::Conflict) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    if is_news {
        told.push(present);
    }
    Ok(told)
}

/// Notes that a socket's person does nothing any more, or that the socket is closed. What the
/// others have to be told is given back.
///
/// # Errors
/// The tables.
pub async fn leave(
    db: &impl Db,
    clock: &Clock,
    connection: &str,
) -> Result<Option<Present>, DbError> {
    let at = keys::whereabouts(connection);
    let Some(row) = row::load::<PresenceRow>(db, &at).await? else {
        return Ok(None);
    };
    let here = keys::presence(&row.chat, connection);
    db.write(vec![delete(here), delete(at)]).await?;
    Ok(Some(row.gone(clock.now_ms())))
}

/// Who is in a chat now, each once with the most that they do.
///
/// # Errors
/// The tables.
pub async fn of_chat(db: &impl Db, clock: &Clock, chat: &ChatId) -> Result<Vec<Present>, DbError> {
    let (pk, range) = keys::presences(chat);
    let query = Query {
        table: Table::Runtime,
        index: None,
        pk,
        range,
        backwards: false,
        limit: MOST,
    };
    let now_ms = clock.now_ms();
    let mut present: Vec<Present> = Vec::new();
    for item in db.query(&query).await? {
        let one = row::read::<PresenceRow>(item)?.at(now_ms);
        match present.iter_mut().find(|known| known.person == one.person) {
            _ if one.doing == Doing::Nothing => {}
            None => present.push(one),
            Some(known) if (known.doing, one.doing) == (Doing::Viewing, Doing::Typing) => {
                *known = one;
            }
            Some(known) if known.doing == one.doing => {
                known.until_ms = known.until_ms.max(one.until_ms);
            }
            Some(_) => {}
        }
    }
    Ok(present)
}

/// Written as it is: a browser's word replaces its word before, whoever was faster.
fn put(key: Key, row: &PresenceRow) -> Result<Write, DbError> {
    Ok(Write {
        key,
        op: Op::Put(row::item(row)?),
        only_if: Cond::Always,
    })
}

fn delete(key: Key) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    }
}
