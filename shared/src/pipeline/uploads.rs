//! The addresses of files that people here attach to a message: for the CRM, which shows them as well.

use crate::clock::Millis;
use crate::domain::message::Message;
use crate::store::chats::FileLinkRow;
use crate::store::db::{Cond, DbError, Op, Write};
use crate::store::{keys, row};

/// Adds to `writes` where the addresses of a new message's files lead. The same file sent once more has
/// the same address, and it leads to the later message then.
pub(super) fn link(
    message: &Message,
    until_ms: Millis,
    writes: &mut Vec<Write>,
) -> Result<(), DbError> {
    for (index, file) in message.files().iter().enumerate() {
        let Some(link) = file.upload_link() else {
            continue;
        };
        let row = FileLinkRow {
            rev: 1,
            chat: message.chat.clone(),
            seq: message.seq,
            file: index,
            until_ms,
            expires_at: until_ms / 1000,
        };
        writes.push(Write {
            key: keys::file_link(&message.number, link),
            op: Op::Put(row::item(&row)?),
            only_if: Cond::Always,
        });
    }
    Ok(())
}
