//! Keys of imports of old conversations.

use super::{key, starting_with};
use crate::domain::chat_id::Alias;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::store::db::{Key, Range, Table};

/// The import of a number's old conversations.
pub fn import(workspace: &WorkspaceId, number: &NumberId) -> Key {
    key(
        Table::Directory,
        format!("WS#{workspace}"),
        format!("{IMPORT}{number}"),
    )
}

/// The imports of all numbers of a workspace: partition and range of sort keys.
pub fn imports(workspace: &WorkspaceId) -> (String, Range) {
    (format!("WS#{workspace}"), starting_with(IMPORT))
}

const IMPORT: &str = "IMPORT#";

/// The number whose import a row of [`imports`] is.
pub(super) fn number_of_sk(sk: &str) -> Option<NumberId> {
    sk.strip_prefix(IMPORT).map(NumberId::new)
}

/// One conversation of a number's import, by WhatsApp's id of it.
pub fn imported_chat(number: &NumberId, alias: &Alias) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#IMPORT"),
        format!("C#{alias}"),
    )
}

/// The conversations of a number's import after `after`: partition and range of sort keys.
pub fn imported_chats(number: &NumberId, after: Option<&Alias>) -> (String, Range) {
    let range = Range::Text {
        // The blank is the first sign after all ids that begin with this one.
        from: after.map_or("C#".into(), |it| format!("C#{it} ")),
        to: "C#~".into(),
    };
    (format!("NUM#{number}#IMPORT"), range)
}

/// Who works on a number's import.
pub fn import_lease(number: &NumberId) -> Key {
    key(
        Table::Runtime,
        format!("LEASE#IMPORT#{number}"),
        "LEASE".into(),
    )
}
