//! Keys of what happened to numbers.

use super::{key, starting_with};
use crate::clock::Millis;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::store::db::{Key, Range, Table};

/// A change of a number's state.
pub fn state(number: &NumberId, at_ms: Millis) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#STATES"),
        format!("S#{at_ms:016}"),
    )
}

/// All changes of a number's state: partition and range of sort keys.
pub fn states(number: &NumberId) -> (String, Range) {
    (format!("NUM#{number}#STATES"), starting_with("S#"))
}

/// Something that the people of a workspace are alarmed about; `what` tells apart what happened to one
/// number at the same time.
pub fn alert(workspace: &WorkspaceId, at_ms: Millis, number: &NumberId, what: &str) -> Key {
    key(
        Table::Chats,
        format!("WS#{workspace}#ALERTS"),
        format!("A#{at_ms:016}#{number}#{what}"),
    )
}

/// All alerts of a workspace: partition and range of sort keys.
pub fn alerts(workspace: &WorkspaceId) -> (String, Range) {
    (format!("WS#{workspace}#ALERTS"), starting_with("A#"))
}

/// Who has asked for a number's state and settings lately.
pub fn refresh_lease(number: &NumberId) -> Key {
    key(
        Table::Runtime,
        format!("LEASE#REFRESH#{number}"),
        "LEASE".into(),
    )
}

/// To whom a number has written first today.
pub fn pace(number: &NumberId) -> Key {
    key(Table::Runtime, format!("PACE#{number}"), "PACE".into())
}
