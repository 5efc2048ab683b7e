//! The keys of what a team keeps about its conversations, and of the lists that they are in.

use super::{key, message_sk, starting_with};
use crate::domain::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use crate::store::db::{Key, Range, Table};
use crate::store::team::Stand;

/// What a workspace has set for its conversations.
pub fn inbox(workspace: &WorkspaceId) -> Key {
    key(Table::Directory, format!("WS#{workspace}"), "INBOX".into())
}

/// The list of a number's conversations that stand like this: partition of the index `by_stand`.
pub fn stand(number: &NumberId, stand: Stand) -> String {
    format!("{number}#{}", stand.as_str())
}

/// The list of a number's open conversations that somebody answers: partition of the index
/// `by_holder`.
pub fn holder(number: &NumberId, person: &PersonId) -> String {
    format!("{number}#{person}")
}

/// A conversation in the list of a label.
pub fn labelled(number: &NumberId, label: &str, at_ms: i64, chat: &ChatId) -> Key {
    key(
        Table::Chats,
        labelled_pk(number, label),
        format!("{at_ms:016}#{chat}"),
    )
}

/// A number's conversations with a label that were active at `to` at the latest, or of those that
/// were active then only the ones before a conversation: partition and range of sort keys.
pub fn all_labelled(number: &NumberId, label: &str, to: Option<(i64, &ChatId)>) -> (String, Range) {
    let range = Range::Text {
        from: "0".into(),
        // The mark sorts below everything that an id can go on with.
        to: to.map_or("~".into(), |(at_ms, chat)| format!("{at_ms:016}#{chat}")),
    };
    (labelled_pk(number, label), range)
}

/// When a conversation in the list of a label was active, and which it is.
pub fn labelled_of_sk(sk: &str) -> Option<(i64, ChatId)> {
    let (at_ms, chat) = sk.split_once('#')?;
    Some((at_ms.parse().ok()?, ChatId::new(chat)))
}

fn labelled_pk(number: &NumberId, label: &str) -> String {
    format!("NUM#{number}#LABEL#{label}")
}

/// A conversation in the list of those that are found by a word.
pub fn found(number: &NumberId, word: &str, chat: &ChatId) -> Key {
    key(Table::Chats, found_pk(number), format!("{word}#{chat}"))
}

/// A number's conversations that are found by words that begin so: partition and range of sort keys.
pub fn all_found(number: &NumberId, beginning: &str) -> (String, Range) {
    let range = Range::Text {
        from: beginning.to_owned(),
        // After all letters of all scripts.
        to: format!("{beginning}\u{10ffff}"),
    };
    (found_pk(number), range)
}

/// The conversation that a row of [`all_found`] is of.
pub fn found_of_sk(sk: &str) -> Option<ChatId> {
    sk.rsplit_once('#').map(|(_, chat)| ChatId::new(chat))
}

fn found_pk(number: &NumberId) -> String {
    format!("NUM#{number}#FIND")
}

/// A message of a number that a person has to do something about.
pub fn stuck(number: &NumberId, at_ms: i64, chat: &ChatId, seq: u64) -> Key {
    key(
        Table::Chats,
        stuck_pk(number),
        format!("{at_ms:016}#{chat}#{seq:016}"),
    )
}

/// A number's messages that a person has to do something about, up to one of them: partition and
/// range of sort keys.
pub fn all_stuck(number: &NumberId, to: Option<&str>) -> (String, Range) {
    let range = Range::Text {
        from: "0".into(),
        to: to.unwrap_or("~").to_owned(),
    };
    (stuck_pk(number), range)
}

fn stuck_pk(number: &NumberId) -> String {
    format!("NUM#{number}#STUCK")
}

/// A team's note about a conversation. It is among the messages, above all of them, and goes with
/// them.
pub fn note(chat: &ChatId, id: &str) -> Key {
    key(Table::Chats, format!("CHAT#{chat}"), format!("M#N#{id}"))
}

/// A team's notes about a conversation: partition and range of sort keys.
pub fn notes(chat: &ChatId) -> (String, Range) {
    (format!("CHAT#{chat}"), starting_with("M#N#"))
}

/// What somebody has begun to write in a conversation; goes with its messages.
pub fn draft(chat: &ChatId, person: &PersonId) -> Key {
    key(
        Table::Chats,
        format!("CHAT#{chat}"),
        format!("M#Z#{person}"),
    )
}

/// A conversation's messages in their order, imported ones first, those from one place on and up to
/// another, both of them included: partition and range of sort keys.
pub fn messages_between(chat: &ChatId, from: Option<u64>, to: Option<u64>) -> (String, Range) {
    let range = Range::Text {
        from: from.map_or("M#I#".into(), message_sk),
        to: to.map_or("M#L#~".into(), message_sk),
    };
    (format!("CHAT#{chat}"), range)
}

/// When a body of the list of those that could not be understood came, milliseconds since 1970.
pub fn quarantined_of_sk(sk: &str) -> Option<i64> {
    sk.split_once('#')?.0.parse().ok()
}

/// A file that somebody has announced.
pub fn upload(id: &str) -> Key {
    key(Table::Runtime, format!("UPLOAD#{id}"), "UPLOAD".into())
}

/// What of a number is overdue.
pub fn backlog(number: &NumberId) -> Key {
    key(
        Table::Runtime,
        format!("BACKLOG#{number}"),
        "BACKLOG".into(),
    )
}
