//! Keys of open sockets and of what hangs on them, and what a row of a stream is by its key.

use super::{Key, key, starting_with};
use crate::domain::ids::{ChatId, LocationId, NumberId, PersonId, WorkspaceId};
use crate::store::db::{Range, Table};

/// An open socket, by the gateway's id of its connection.
pub fn socket(connection: &str) -> Key {
    key(Table::Runtime, socket_pk(connection), "SOCKET".into())
}

/// The same socket in its workspace's list.
pub fn listed_socket(workspace: &WorkspaceId, person: &PersonId, connection: &str) -> Key {
    key(
        Table::Runtime,
        sockets_pk(workspace),
        format!("S#{person}#{connection}"),
    )
}

/// All open sockets of a workspace: partition and range of sort keys.
pub fn sockets(workspace: &WorkspaceId) -> (String, Range) {
    (sockets_pk(workspace), starting_with("S#"))
}

/// A person's open sockets: partition and range of sort keys.
pub fn sockets_of(workspace: &WorkspaceId, person: &PersonId) -> (String, Range) {
    (
        sockets_pk(workspace),
        starting_with(&format!("S#{person}#")),
    )
}

/// Which chat a socket's person has open.
pub fn whereabouts(connection: &str) -> Key {
    key(Table::Runtime, socket_pk(connection), "AT".into())
}

/// That the person of a socket has a chat open.
pub fn presence(chat: &ChatId, connection: &str) -> Key {
    key(
        Table::Runtime,
        format!("PRESENCE#{chat}"),
        format!("P#{connection}"),
    )
}

/// Who has a chat open: partition and range of sort keys.
pub fn presences(chat: &ChatId) -> (String, Range) {
    (format!("PRESENCE#{chat}"), starting_with("P#"))
}

/// What opens a socket once, by the hash of the ticket.
pub fn socket_ticket(ticket_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("TICKET#{ticket_sha256}"),
        "TICKET".into(),
    )
}

fn socket_pk(connection: &str) -> String {
    format!("SOCKET#{connection}")
}

fn sockets_pk(workspace: &WorkspaceId) -> String {
    format!("WS#{workspace}#SOCKETS")
}

/// What a row of the streams is, as far as browsers are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamRow {
    /// A conversation.
    Chat(ChatId),
    /// A message that came or went while we looked on.
    Message(ChatId),
    /// A number.
    Number(WorkspaceId, NumberId),
    /// Somebody of a workspace.
    Person(WorkspaceId, PersonId),
    /// An import of a number's old conversations.
    Import(WorkspaceId, NumberId),
    /// An installation in a location.
    Install(LocationId),
}

/// What a row is, by its key. Imported messages are not told one by one: their chat is.
pub fn stream_row(pk: &str, sk: &str) -> Option<StreamRow> {
    if let Some(chat) = pk.strip_prefix("CHAT#").map(ChatId::new) {
        return match sk {
            "CHAT" => Some(StreamRow::Chat(chat)),
            _ => sk.starts_with("M#L#").then_some(StreamRow::Message(chat)),
        };
    }
    if let Some(location) = pk.strip_prefix("LOC#").map(LocationId::new) {
        return (sk == "INSTALL").then_some(StreamRow::Install(location));
    }
    let workspace = WorkspaceId::new(pk.strip_prefix("WS#")?);
    let (kind, id) = sk.split_once('#')?;
    match kind {
        "NUM" => Some(StreamRow::Number(workspace, NumberId::new(id))),
        "PERSON" => Some(StreamRow::Person(workspace, PersonId::new(id))),
        "IMPORT" => Some(StreamRow::Import(workspace, NumberId::new(id))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys;

    #[test]
    fn a_row_of_a_stream_is_known_by_its_key() {
        let check = |key: Key, expect: Option<StreamRow>| {
            assert_eq!(stream_row(&key.pk, &key.sk), expect, "{key:?}");
        };
        let (workspace, number) = (WorkspaceId::new("w"), NumberId::new("n"));
        let (chat, person) = (ChatId::new("c"), PersonId::new("p"));
        check(keys::chat(&chat), Some(StreamRow::Chat(chat.clone())));
        check(
            keys::message(&chat, 7),
            Some(StreamRow::Message(chat.clone())),
        );
        check(
            keys::number(&workspace, &number),
            Some(StreamRow::Number(workspace.clone(), number.clone())),
        );
        check(
            keys::person(&workspace, &person),
            Some(StreamRow::Person(workspace.clone(), person)),
        );
        check(
            keys::import(&workspace, &number),
            Some(StreamRow::Import(workspace.clone(), number.clone())),
        );
        let location = LocationId::new("L");
        check(
            keys::install(&location),
            Some(StreamRow::Install(location.clone())),
        );
        check(keys::workspace(&workspace), None);
        check(keys::gone_number(&workspace, &number), None);
        check(keys::workflow_secret(&location), None);
        check(keys::hook("h"), None);
        let imported = Key {
            sk: "M#I#0001700000000000#x".into(),
            ..keys::chat(&chat)
        };
        check(imported, None);
    }

    #[test]
    fn a_persons_sockets_are_theirs_alone() {
        let workspace = WorkspaceId::new("w");
        let listed = |person: &str| {
            let person = PersonId::new(person);
            keys::listed_socket(&workspace, &person, "k=").sk
        };
        let Range::Text { from, to } = sockets_of(&workspace, &PersonId::new("p1")).1 else {
            return;
        };
        let is_in = |sk: String| from <= sk && sk <= to;
        assert!(is_in(listed("p1")));
        assert!(!is_in(listed("p10")) && !is_in(listed("p")) && !is_in(listed("p2")));
    }
}
