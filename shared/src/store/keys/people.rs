//! Keys of people and of how they come in.

use super::{key, starting_with};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Key, Range, Table};

// --- directory -----------------------------------------------------------------------------------

/// Somebody of a workspace.
pub fn person(workspace: &WorkspaceId, person: &PersonId) -> Key {
    key(
        Table::Directory,
        format!("WS#{workspace}"),
        format!("PERSON#{person}"),
    )
}

/// All people of a workspace: partition and range of sort keys.
pub fn people(workspace: &WorkspaceId) -> (String, Range) {
    (format!("WS#{workspace}"), starting_with("PERSON#"))
}

/// What the people of a workspace share.
pub fn team(workspace: &WorkspaceId) -> Key {
    key(Table::Directory, format!("WS#{workspace}"), "TEAM".into())
}

/// Whose a name for signing in is, by the hash of how it is compared.
pub fn login(login_sha256: &str) -> Key {
    key(
        Table::Directory,
        format!("LOGIN#{login_sha256}"),
        "LOGIN".into(),
    )
}

// --- runtime -------------------------------------------------------------------------------------

/// A person who has signed in, by the hash of their cookie.
pub fn sign_in(cookie_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("SIGNIN#{cookie_sha256}"),
        "SIGNIN".into(),
    )
}

/// That a session is this person's.
pub fn sign_in_of(workspace: &WorkspaceId, person: &PersonId, cookie_sha256: &str) -> Key {
    key(
        Table::Runtime,
        sign_ins_pk(workspace, person),
        format!("S#{cookie_sha256}"),
    )
}

/// All sessions of a person: partition and range of sort keys.
pub fn sign_ins_of(workspace: &WorkspaceId, person: &PersonId) -> (String, Range) {
    (sign_ins_pk(workspace, person), starting_with("S#"))
}

fn sign_ins_pk(workspace: &WorkspaceId, person: &PersonId) -> String {
    format!("SIGNINS#{workspace}#{person}")
}
