//! People who ask not to be written to, by a word that a workspace has agreed on.

use super::Hub;
use super::accept::Home;
use crate::domain::content::Content;
use crate::domain::event::NewMessage;
use crate::domain::message::Direction;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::team::{Decided, InboxRow, OptedOut};
use crate::store::{find, keys, row};

/// Why nothing is sent to them.
pub const REASON: &str = "the person asked not to be written to";

/// Notes in the chat that the person asked for it, if that is what the message says. The words are
/// looked up only for a text that can be one.
pub(super) async fn note<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    chat: &mut ChatRow,
    new: &NewMessage,
) -> Result<(), DbError> {
    let Content::Text { text } = &new.content else {
        return Ok(());
    };
    let is_asked = new.direction == Direction::In
        && !chat.is_group()
        && chat.team.opted_out.is_none()
        && find::may_opt_out(text);
    if !is_asked {
        return Ok(());
    }
    let inbox = row::load::<InboxRow>(&hub.db, &keys::inbox(&home.workspace)).await?;
    let own = inbox.and_then(|inbox| inbox.opt_out);
    let word = match &own {
        Some(words) => find::opt_out_word(text, words.iter().map(String::as_str)),
        None => find::opt_out_word(text, find::OPT_OUT),
    };
    if let Some(word) = word {
        let at_ms = hub.clock.now_ms();
        chat.team.opted_out = Some(OptedOut {
            at_ms,
            word: Some(word.to_owned()),
            by: None,
        });
        chat.team.note(Decided::OptedOut, None, at_ms);
    }
    Ok(())
}
