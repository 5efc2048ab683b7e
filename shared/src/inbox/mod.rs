//! What a team sees of its conversations, and what it does with them.
//!
//! Everything here is asked for a list of numbers, those that somebody may see now: partition keys are
//! made from these alone. What comes from outside, a cursor above all, only ever says where in such a
//! partition to go on, so nothing that anybody forges leads into another workspace.
//!
//! Every list is as long as it is asked to be and takes a number of table reads that depends on how
//! many numbers somebody sees and how much they ask for, and not on how much there is.

pub mod alter;
pub mod change;
pub mod cursor;
pub mod erase;
pub mod health;
pub mod list;
pub mod messages;
pub mod notes;
pub mod send;
pub mod settings;
pub mod stuck;

use crate::domain::ids::{ChatId, NumberId, WorkspaceId};
use crate::store::chats::{ChatRow, living_chat};
use crate::store::db::{Db, DbError};

/// Whose conversations, and which of them.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The numbers.
    pub numbers: Vec<NumberId>,
}

impl Sight {
    /// Whether a conversation is among them.
    pub fn covers(&self, chat: &ChatRow) -> bool {
        chat.workspace == self.workspace && self.numbers.contains(&chat.number)
    }

    /// A conversation, or the one that it lives on in. `None` if there is none, or not for them.
    ///
    /// # Errors
    /// The tables.
    pub async fn chat(&self, db: &impl Db, id: &ChatId) -> Result<Option<ChatRow>, DbError> {
        let chat = living_chat(db, id).await?;
        Ok(chat.filter(|chat| self.covers(chat)))
    }
}

#[cfg(test)]
mod tests;
