//! What browsers send, and what is done about it.
//!
//! A socket is for being told, so little is taken from it: a few words of a few bytes. Whoever
//! sends something else is a program that is wrong, and is told so; whoever sends what no program of
//! ours could, or far too much, is cut off.

use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::Value;

use super::connections::Connections;
use super::event::{self, Told, Word};
use super::fanout::{close, forget};
use super::presence::{self, Present, Said};
use super::socket::{self, OpenError, SocketRow};
use super::standing::{self, Standing};
use crate::clock::{Clock, Millis};
use crate::domain::ids::ChatId;
use crate::domain::rights::Rights;
use crate::limiter::window::{Admission, Window};
use crate::store::db::{Db, DbError};
use crate::store::{chats, keys};

/// The longest frame of a browser, in bytes.
const MOST_BYTES: usize = 4 * 1024;

/// The longest id, in bytes.
const MOST_ID_BYTES: usize = 64;

/// What a browser may send. Ours sends one or two in a minute, and some more while somebody writes.
const FRAMES: Window = Window {
    most: 60,
    length_ms: 60_000,
};

/// What it may send beyond that until it is cut off.
const REFUSALS: Window = Window {
    most: 20,
    length_ms: 60_000,
};

/// To how many others it is told at the same time what somebody does.
const AT_ONCE: usize = 32;

/// What a browser sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Frame {
    /// Keeps the connection alive.
    Ping,
    /// Asks who is there.
    Hello,
    /// Has a chat open.
    Viewing { chat: ChatId },
    /// Writes in a chat.
    Typing { chat: ChatId },
    /// Has no chat open any more.
    Idle,
}

/// What a browser's frame is answered with.
enum Answer {
    /// With nothing.
    Silence,
    /// With this.
    Word(Word),
    /// With this, and the connection is closed.
    CutOff(Word),
}

/// The sockets, as their browsers reach us.
#[derive(Debug)]
pub struct Sockets<D, C> {
    /// The tables.
    pub db: D,
    /// The time.
    pub clock: Clock,
    /// The connections.
    pub connections: C,
    /// Where our pages come from, in the form of the header `Origin`.
    pub origin: String,
}

/// Why a socket is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A page of somebody else's wants to open it.
    #[error("the page is not ours")]
    ForeignPage,
    /// There is no ticket.
    #[error("there is no ticket")]
    NoTicket,
    /// The ticket is none, or its session has ended.
    #[error(transparent)]
    Ticket(#[from] OpenError),
}

impl<D: Db, C: Connections> Sockets<D, C> {
    /// Opens a socket for whoever shows a ticket. `origin` is the page that a browser names.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn open(
        &self,
        connection: &str,
        origin: Option<&str>,
        ticket: Option<&str>,
    ) -> Result<(), Refusal> {
        if origin.is_some_and(|origin| origin != self.origin) {
            return Err(Refusal::ForeignPage);
        }
        let ticket = ticket.ok_or(Refusal::NoTicket)?;
        let (_, too_many) = socket::open(&self.db, &self.clock, connection, ticket).await?;
        for socket in too_many {
            tracing::info!("the oldest socket of somebody who has too many is closed");
            forget(&self.db, &socket).await;
            close(&self.connections, &socket.connection).await;
        }
        Ok(())
    }

    /// Forgets a socket that was closed, and tells the others that its person has left.
    ///
    /// # Errors
    /// The tables.
    pub async fn closed(&self, connection: &str) -> Result<(), DbError> {
        let left = presence::leave(&self.db, &self.clock, connection).await?;
        // It is gone already if it was we who closed it.
        if let Some(socket) = socket::of_connection(&self.db, connection).await? {
            socket::forget(&self.db, &socket).await?;
        }
        self.tell_others(connection, left.as_slice()).await
    }

    /// Does what a browser's frame asks for, and answers it.
    ///
    /// # Errors
    /// The tables.
    pub async fn take(&self, connection: &str, frame: &str) -> Result<(), DbError> {
        let socket = socket::of_connection(&self.db, connection).await?;
        let answer = match &socket {
            Some(socket) => self.answer(socket, frame).await?,
            // It was ended, and the connection stayed open.
            None => Answer::CutOff(Word::error("session_ended")),
        };
        let (word, is_cut_off) = match answer {
            Answer::Silence => return Ok(()),
            Answer::Word(word) => (word, false),
            Answer::CutOff(word) => (word, true),
        };
        for frame in event::frames([&Told::Word(word)]) {
            if let Err(error) = self.connections.post(connection, frame).await {
                tracing::info!(%error, "an answer did not arrive");
            }
        }
        if is_cut_off {
            if let Some(socket) = &socket {
                forget(&self.db, socket).await;
            }
            close(&self.connections, connection).await;
        }
        Ok(())
    }

    async fn answer(&self, socket: &SocketRow, frame: &str) -> Result<Answer, DbError> {
        if let Some(refused) = self.count(&socket.connection).await? {
            return Ok(refused);
        }
        let value: Value = match serde_json::from_str(frame) {
            Ok(value @ Value::Object(_)) if frame.len() <= MOST_BYTES => value,
            _ => return Ok(Answer::CutOff(Word::error("bad_frame"))),
        };
        let (db, clock) = (&self.db, &self.clock);
        let (workspace, person) = (&socket.workspace, &socket.person);
        let standing = standing::now(db, clock, workspace, person, &socket.session).await?;
        let Some(Standing { rights, .. }) = standing else {
            return Ok(Answer::CutOff(Word::error("session_ended")));
        };
        let Ok(frame) = serde_json::from_value(value) else {
            return Ok(Answer::Word(Word::error("unknown_action")));
        };
        match frame {
            Frame::Ping => Ok(Answer::Word(Word::Pong)),
            Frame::Hello => Ok(Answer::Word(Word::Hello {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                person: person.clone(),
                now_ms: clock.now_ms(),
            })),
            Frame::Viewing { chat } => self.present(socket, &rights, chat, Said::Viewing).await,
            Frame::Typing { chat } => self.present(socket, &rights, chat, Said::Typing).await,
            Frame::Idle => {
                let left = presence::leave(db, clock, &socket.connection).await?;
                self.tell_others(&socket.connection, left.as_slice())
                    .await?;
                Ok(Answer::Silence)
            }
        }
    }

    /// Counts a frame. If it is one too many: what to answer.
    async fn count(&self, connection: &str) -> Result<Option<Answer>, DbError> {
        let count = |window: Window, what| async move {
            let key = keys::request_count("socket", connection, what);
            match window.admit(&self.db, &self.clock, &key).await {
                Ok(Admission::Yes) => Ok(true),
                Ok(Admission::Wait(_)) => Ok(false),
                // So many at once that they are in each other's way.
                Err(DbError::Condition { .. } | DbError::Conflict) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if count(FRAMES, "frames").await? {
            return Ok(None);
        }
        let word = Word::error("too_many_frames");
        Ok(Some(if count(REFUSALS, "refusals").await? {
            Answer::Word(word)
        } else {
            Answer::CutOff(word)
        }))
    }

    async fn present(
        &self,
        socket: &SocketRow,
        rights: &Rights,
        chat: ChatId,
        said: Said,
    ) -> Result<Answer, DbError> {
        if chat.as_str().len() > MOST_ID_BYTES {
            return Ok(Answer::CutOff(Word::error("bad_frame")));
        }
        let found = chats::living_chat(&self.db, &chat).await?;
        let is_theirs = |chat: &chats::ChatRow| {
            chat.workspace == socket.workspace && rights.may_see(&chat.number)
        };
        // Another workspace's, and one that they do not see, is none.
        let Some(chat) = found.filter(is_theirs) else {
            return Ok(Answer::Word(Word::error("not_found")));
        };
        let place = (&chat.number, &chat.chat);
        let told = presence::note(&self.db, &self.clock, socket, place, said).await?;
        self.tell_others(&socket.connection, &told).await?;
        Ok(Answer::Silence)
    }

    /// Tells everybody else who may see the chats. What does not arrive is no loss: it ends by
    /// itself, and a socket that is gone is found by the next change of a row.
    async fn tell_others(&self, connection: &str, told: &[Present]) -> Result<(), DbError> {
        let Some(Present { workspace, .. }) = told.first() else {
            return Ok(());
        };
        let mut sockets = socket::of_workspace(&self.db, workspace).await?;
        sockets.retain(|socket| socket.connection != connection);
        stream::iter(sockets)
            .for_each_concurrent(AT_ONCE, |socket| async move {
                if let Err(error) = self.tell(&socket, told).await {
                    tracing::info!(%error, "somebody is not told what another does");
                }
            })
            .await;
        Ok(())
    }

    async fn tell(&self, socket: &SocketRow, told: &[Present]) -> Result<(), DbError> {
        if socket.until_ms <= self.clock.now_ms() {
            return Ok(());
        }
        let (workspace, person) = (&socket.workspace, &socket.person);
        let Some(rights) = standing::rights_of(&self.db, workspace, person).await? else {
            return Ok(());
        };
        let words: Vec<Told> = told
            .iter()
            .filter(|present| rights.may_see(&present.number))
            .map(|present| Told::Word(word(present)))
            .collect();
        for frame in event::frames(&words) {
            if let Err(error) = self.connections.post(&socket.connection, frame).await {
                tracing::debug!(%error, "a presence did not arrive");
            }
        }
        Ok(())
    }
}

fn word(present: &Present) -> Word {
    Word::Presence {
        chat_id: present.chat.clone(),
        inst_id: present.number.clone(),
        person: present.person.clone(),
        doing: present.doing,
        until_ms: present.until_ms,
    }
}

/// When a browser has to send something, so that the gateway leaves the connection open, in
/// milliseconds: half of the ten minutes of API Gateway's quotas.
pub const PING_EVERY_MS: Millis = 5 * 60_000;

/// When a browser opens its next socket, in milliseconds after it opened this one: some minutes
/// before the two hours of API Gateway's quotas are over.
pub const RENEW_AFTER_MS: Millis = 110 * 60_000;
