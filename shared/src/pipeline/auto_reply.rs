//! A number's answer by itself, in the same transaction as the message that it answers.
//!
//! The chat's row says when the last one was, and is written by the transaction under the revision
//! that was read: of two messages that come at once, the second finds the answer to the first.

use super::Hub;
use super::accept::{self, Home};
use crate::domain::auto_reply::{AutoReply, Silent};
use crate::domain::content::Content;
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::message::{Direction, Message, Origin};
use crate::domain::status::Status;
use crate::queue::Queue;
use crate::store::chats::{AutoReplied, ChatRow, IdRow};
use crate::store::db::{Db, DbError, Write};
use crate::store::{keys, row};

/// Adds the answer to `new`, which has just got its place in `chat`, if it gets one.
pub(super) async fn add<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    chat: &mut ChatRow,
    new: &NewMessage,
    writes: &mut Vec<Write>,
) -> Result<(), DbError> {
    let Some(settings) = &home.auto_reply else {
        return Ok(());
    };
    // It may have been this very message that asked for it.
    if chat.team.opted_out.is_some() {
        return Ok(());
    }
    let Some(text) = text(hub, settings, chat, new).await? else {
        return Ok(());
    };
    let reply = NewMessage {
        kind: IdKind::Message,
        remote_id: String::new(),
        direction: Direction::Out,
        origin: Origin::AutoReply,
        api_echo: false,
        chat: chat.address.clone(),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text { text },
        quoted: None,
    };
    // It has no id of anybody's yet: settling its send claims WhatsApp's.
    let mut id = IdRow::default();
    let claim = accept::place(hub, home, chat, &reply, None, &mut id, writes)?;
    chat.auto_replied = Some(AutoReplied {
        at_ms: hub.clock.now_ms(),
        seq: claim.seq,
    });
    Ok(())
}

async fn text<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    settings: &AutoReply,
    chat: &ChatRow,
    new: &NewMessage,
) -> Result<Option<String>, DbError> {
    // The message's own id may be one of several that lead here, a group's never.
    let now_ms = hub.clock.now_ms();
    let last = chat.auto_replied.as_ref();
    let mut answer = settings.answer(new, last.map(|it| it.at_ms), now_ms);
    if let (Err(Silent::Lately), Some(last)) = (&answer, last) {
        let key = keys::message(&chat.chat, last.seq);
        let message = row::load::<Message>(&hub.db, &key).await?;
        if message.is_none_or(|it| it.status == Status::Failed) {
            answer = settings.answer(new, None, now_ms);
        }
    }
    Ok(answer.ok().map(str::to_owned))
}
