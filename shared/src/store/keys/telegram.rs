//! Channels and groups in Telegram, and people there.

use super::{key, starting_with};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Key, Range, Table};

/// A channel or group in Telegram.
pub fn channel(channel: i64) -> Key {
    key(Table::Directory, format!("TG#{channel}"), "CHANNEL".into())
}

/// That a workspace may see a channel.
pub fn seen_channel(workspace: &WorkspaceId, channel: i64) -> Key {
    key(
        Table::Directory,
        format!("WS#{workspace}"),
        format!("TGCHAN#{channel}"),
    )
}

/// All channels that a workspace may see: partition and range of sort keys.
pub fn seen_channels(workspace: &WorkspaceId) -> (String, Range) {
    (format!("WS#{workspace}"), starting_with("TGCHAN#"))
}

/// What a post in a channel is of.
pub fn post(channel: i64, message: i64) -> Key {
    key(
        Table::Chats,
        format!("TG#{channel}#POST#{message}"),
        "POST".into(),
    )
}

/// Whose a topic is.
pub fn topic(channel: i64, thread: i64) -> Key {
    key(
        Table::Chats,
        format!("TG#{channel}#TOPIC#{thread}"),
        "TOPIC".into(),
    )
}

/// The code that was posted in a channel, by its hash.
pub fn channel_code(sha256: &str) -> Key {
    key(Table::Runtime, format!("TGCODE#{sha256}"), "CODE".into())
}

/// An update that was worked off.
pub fn telegram_update(bot: i64, update: i64) -> Key {
    key(
        Table::Runtime,
        format!("TGUPDATE#{bot}#{update}"),
        "UPDATE".into(),
    )
}

/// The pace of calls for one chat of Telegram's: of its own, or as one of the groups (`GROUP`).
pub fn telegram_limit(kind: &str, chat: i64) -> Key {
    key(
        Table::Runtime,
        format!("LIMIT#TG#{kind}#{chat}"),
        "LIMIT".into(),
    )
}

/// That somebody with this Telegram account is this person.
pub fn telegram_person(user: i64, workspace: &WorkspaceId, person: &PersonId) -> Key {
    key(
        Table::Directory,
        telegram_people_pk(user),
        format!("P#{workspace}#{person}"),
    )
}

/// All people with this Telegram account: partition and range of sort keys.
pub fn telegram_people(user: i64) -> (String, Range) {
    (telegram_people_pk(user), starting_with("P#"))
}

fn telegram_people_pk(user: i64) -> String {
    format!("TGUSER#{user}")
}
