//! What it takes to open the list of conversations and one of them, in a workspace where there are many
//! and in one where there are few.

use std::io;

use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::Author;
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Marks, Message, Origin};
use greenhub::domain::status::Status;
use greenhub::inbox::list::Filter;
use greenhub::inbox::{Sight, list, messages};
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Db, DbError};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};

use crate::counted::{Counted, Counter};
use crate::table::Row;

/// How many conversations and messages a browser asks for at once.
const CHATS: usize = 30;
const MESSAGES: usize = 50;

/// When the first message came, milliseconds since 1970.
const FIRST_MS: i64 = 1_790_000_000_000;

/// The numbers of the workspace.
const NUMBERS: usize = 3;

/// What was read to open the list, and to open a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reads {
    list: u64,
    chat: u64,
}

/// The list of 10,000 conversations and one of 100,000 messages, beside a hundredth of that.
pub(crate) async fn rows() -> io::Result<Vec<Row>> {
    let few = reads(100, 1_000).await.map_err(io::Error::other)?;
    let many = reads(10_000, 100_000).await.map_err(io::Error::other)?;
    let row = |what: &str, few: u64, many: u64| {
        let goal = format!("{few}, as where there is a hundredth of it");
        Row::goal(what, goal, many.to_string(), few == many)
    };
    Ok(vec![
        row(
            "the first 30 of 10,000 conversations on 3 numbers: reads",
            few.list,
            many.list,
        ),
        row(
            "the last 50 of 100,000 messages of a conversation: reads",
            few.chat,
            many.chat,
        ),
    ])
}

async fn reads(n_chats: usize, n_messages: usize) -> Result<Reads, DbError> {
    let tables = MemoryDb::new();
    let workspace = WorkspaceId::new("w");
    let numbers: Vec<NumberId> = (0..NUMBERS)
        .map(|n| NumberId::new(format!("n{n}")))
        .collect();
    for n in 0..n_chats {
        let n_messages = if n + 1 == n_chats { n_messages } else { 1 };
        let number = &numbers[n % NUMBERS];
        fill(&tables, &workspace, number, n, n_messages).await?;
    }
    let counter = Counter::default();
    let db = Counted::new(tables, &counter);
    let sight = Sight { workspace, numbers };
    let page = list::page(&db, &sight, &Filter::Open, None, CHATS).await?;
    let list = counter.so_far().reads();
    let first = page.entries.into_iter().next().map(|entry| entry.chat);
    let chat = first.ok_or(DbError::Conflict)?;
    messages::page(&db, &chat, None, MESSAGES).await?;
    Ok(Reads {
        list,
        chat: counter.so_far().reads() - list,
    })
}

/// A conversation with so many texts; every third one is closed.
async fn fill(
    db: &MemoryDb,
    workspace: &WorkspaceId,
    number: &NumberId,
    n: usize,
    n_messages: usize,
) -> Result<(), DbError> {
    let id = ChatId::new(format!("{n:032x}"));
    let alias = Alias::from_phone_digits(&(79_000_000_000 + n).to_string());
    let mut chat = ChatRow::new(workspace.clone(), number.clone(), id.clone(), alias);
    chat.seq = n_messages as u64;
    chat.last_at = FIRST_MS + n as i64;
    chat.changed_at = chat.last_at;
    chat.team.is_closed = n % 3 == 1;
    for seq in 1..=n_messages as u64 {
        let mut message = Message {
            workspace: workspace.clone(),
            number: number.clone(),
            chat: id.clone(),
            seq,
            rev: 0,
            direction: Direction::In,
            origin: Origin::Whatsapp,
            at_ms: FIRST_MS,
            accepted_ms: FIRST_MS,
            whatsapp_id: None,
            author: Author::default(),
            content: Content::Text {
                text: "Is the blue one still there?".to_owned(),
            },
            quoted: None,
            status: Status::Accepted,
            status_reason: None,
            deliveries: Default::default(),
            crm: None,
            crm_twin: None,
            steps: Vec::new(),
            marks: Marks::default(),
            changed_ms: FIRST_MS,
            stuck_ms: None,
            discarded: None,
            telegram: None,
        };
        let write = row::save(keys::message(&id, seq), &mut message)?;
        db.write(vec![write]).await?;
    }
    db.write(vec![row::save(keys::chat(&id), &mut chat)?]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lists_take_as_many_reads_however_much_there_is() {
        // AC 153
        let few = reads(60, 60).await;
        let more = reads(600, 600).await;
        assert_eq!(few.ok(), more.ok());
    }
}
