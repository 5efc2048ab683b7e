//! Open sockets and the tickets that open them.
//!
//! A browser can send neither our header nor a body when it opens a socket, and a cookie would be
//! sent for whatever page asks. So it fetches a ticket first, over HTTP and with its session, and
//! shows that in the address: good once, for a minute, and of no use to whoever reads it in a log
//! afterwards. The tables have its hash.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::standing::{self, SessionKey, Standing};
use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::keys;
use crate::store::row::{self, row};

/// How long a ticket opens a socket, milliseconds.
pub const TICKET_MS: Millis = 60_000;

/// Of a ticket, bytes.
const TICKET_BYTES: usize = 32;

/// API Gateway closes a connection after so long (its quotas), and we forget it a little later.
const LONGEST_MS: Millis = 2 * 3_600_000;
const FORGOTTEN_AFTER_MS: Millis = LONGEST_MS + 10 * 60_000;

/// How many sockets a person can have: several windows on several devices. Of more, the oldest are
/// closed: each costs as much as a person.
pub const MOST_OF_PERSON: usize = 20;

/// More sockets than the people of a workspace have open.
const MOST_OF_WORKSPACE: usize = 2_000;

/// What opens one socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who asked for it.
    pub person: PersonId,
    /// In which session.
    pub session: SessionKey,
    /// When it ends, milliseconds since 1970: checked when it is shown.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(TicketRow, "a socket's ticket");

/// An open socket; kept by its connection, and the same in its workspace's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketRow {
    /// The revision.
    pub rev: u64,
    /// The gateway's id of the connection.
    pub connection: String,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub person: PersonId,
    /// The session that it hangs on.
    pub session: SessionKey,
    /// When it was opened, milliseconds since 1970.
    pub opened_ms: Millis,
    /// When the session ends if nothing makes it longer, milliseconds since 1970: checked on every
    /// read.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(SocketRow, "a socket");

/// Why a socket is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No ticket of ours, one that was used, or one whose minute is over; which of them is not told.
    #[error("the ticket does not open a socket")]
    BadTicket,
    /// The session that asked for the ticket has ended since.
    #[error("the session has ended")]
    SessionEnded,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes a ticket for somebody's session.
///
/// # Errors
/// The tables.
pub async fn ticket(
    db: &impl Db,
    clock: &Clock,
    workspace: &WorkspaceId,
    person: &PersonId,
    session: SessionKey,
) -> Result<SecretString, DbError> {
    let ticket = crypto::random_token(TICKET_BYTES);
    let until_ms = clock.now_ms() + TICKET_MS;
    let mut row = TicketRow {
        rev: 0,
        workspace: workspace.clone(),
        person: person.clone(),
        session,
        until_ms,
        expires_at: until_ms / 1000 + 1,
    };
    let key = keys::socket_ticket(&crypto::sha256_hex(&ticket));
    db.write(vec![row::save(key, &mut row)?]).await?;
    Ok(ticket.into())
}

/// Opens a socket for whoever shows the ticket, and uses the ticket up. The sockets that are too
/// many for its person are given back, to be closed.
///
/// # Errors
/// [`OpenError`].
pub async fn open(
    db: &impl Db,
    clock: &Clock,
    connection: &str,
    ticket: &str,
) -> Result<(SocketRow, Vec<SocketRow>), OpenError> {
    let now_ms = clock.now_ms();
    let ticket_key = keys::socket_ticket(&crypto::sha256_hex(ticket));
    let ticket = row::load::<TicketRow>(db, &ticket_key)
        .await?
        .filter(|ticket| now_ms < ticket.until_ms)
        .ok_or(OpenError::BadTicket)?;
    let TicketRow {
        workspace,
        person,
        session,
        ..
    } = ticket;
    let Some(Standing { until_ms, .. }) =
        standing::now(db, clock, &workspace, &person, &session).await?
    else {
        return Err(OpenError::SessionEnded);
    };
    let socket = SocketRow {
        rev: 1,
        connection: connection.to_owned(),
        workspace,
        person,
        session,
        opened_ms: now_ms,
        until_ms,
        expires_at: (now_ms + FORGOTTEN_AFTER_MS) / 1000,
    };
    let used = Write {
        key: ticket_key,
        op: Op::Delete,
        only_if: Cond::Present,
    };
    let mut writes = vec![used];
    for key in keys_of(&socket) {
        let op = Op::Put(row::item(&socket)?);
        let only_if = Cond::Absent;
        writes.push(Write { key, op, only_if });
    }
    match db.write(writes).await {
        Ok(()) => {}
        // Two at once with the same ticket: one of them may go on.
        Err(DbError::Condition { .. } | DbError::Conflict) => return Err(OpenError::BadTicket),
        Err(error) => return Err(error.into()),
    }
    let mut theirs = of_person(db, &socket.workspace, &socket.person).await?;
    theirs.sort_by_key(|socket| socket.opened_ms);
    theirs.retain(|known| known.connection != socket.connection);
    let n_too_many = (theirs.len() + 1).saturating_sub(MOST_OF_PERSON);
    theirs.truncate(n_too_many);
    Ok((socket, theirs))
}

/// The socket of a connection.
///
/// # Errors
/// The tables.
pub async fn of_connection(db: &impl Db, connection: &str) -> Result<Option<SocketRow>, DbError> {
    row::load(db, &keys::socket(connection)).await
}

/// The open sockets of a workspace. It is read as it is now: whoever opened a socket before a row
/// was written is told of that row, and whoever opened one after it has read the row.
///
/// # Errors
/// The tables.
pub async fn of_workspace(
    db: &impl Db,
    workspace: &WorkspaceId,
) -> Result<Vec<SocketRow>, DbError> {
    listed(db, keys::sockets(workspace), MOST_OF_WORKSPACE).await
}

/// A person's open sockets.
///
/// # Errors
/// The tables.
pub async fn of_person(
    db: &impl Db,
    workspace: &WorkspaceId,
    person: &PersonId,
) -> Result<Vec<SocketRow>, DbError> {
    let most = MOST_OF_WORKSPACE;
    listed(db, keys::sockets_of(workspace, person), most).await
}

async fn listed(
    db: &impl Db,
    (pk, range): (String, crate::store::db::Range),
    limit: usize,
) -> Result<Vec<SocketRow>, DbError> {
    let query = Query {
        table: Table::Runtime,
        index: None,
        pk,
        range,
        backwards: false,
        limit,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}

/// Forgets a socket.
///
/// # Errors
/// The tables.
pub async fn forget(db: &impl Db, socket: &SocketRow) -> Result<(), DbError> {
    let gone = |key| Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    };
    db.write(keys_of(socket).map(gone).into()).await
}

fn keys_of(socket: &SocketRow) -> [crate::store::db::Key; 2] {
    [
        keys::socket(&socket.connection),
        keys::listed_socket(&socket.workspace, &socket.person, &socket.connection),
    ]
}
