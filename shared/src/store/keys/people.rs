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

/// Something that somebody did to people, rights, numbers or settings.
pub fn audit(workspace: &WorkspaceId, at_ms: i64, id: &str) -> Key {
    key(Table::Directory, audit_pk(workspace), audit_sk(at_ms, id))
}

/// What was done up to an entry, that one included, or all of it: partition and range of sort keys.
pub fn audit_before(workspace: &WorkspaceId, before: Option<(i64, &str)>) -> (String, Range) {
    let to = before.map_or("A#~".to_owned(), |(at_ms, id)| audit_sk(at_ms, id));
    let from = "A#".to_owned();
    (audit_pk(workspace), Range::Text { from, to })
}

fn audit_pk(workspace: &WorkspaceId) -> String {
    format!("WS#{workspace}#AUDIT")
}

fn audit_sk(at_ms: i64, id: &str) -> String {
    format!("A#{at_ms:016}#{id}")
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

/// Who is to be linked to the Telegram account that shows this to the bot, by its hash.
pub fn telegram_link(nonce_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("TGLINK#{nonce_sha256}"),
        "TGLINK".into(),
    )
}

/// Somebody who has shown the right password and now has to show a code, by the hash of their cookie.
pub fn challenge(cookie_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("CHALLENGE#{cookie_sha256}"),
        "CHALLENGE".into(),
    )
}

/// What a link that is sent to somebody is good for, by the hash of its secret part.
pub fn setup(token_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("SETUP#{token_sha256}"),
        "SETUP".into(),
    )
}

/// Which workspace an installation of the app is for, by the hash of what GoHighLevel gives back.
pub fn install_state(state_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("STATE#{state_sha256}"),
        "STATE".into(),
    )
}

/// A secret for codes that its person has yet to prove.
pub fn new_totp(workspace: &WorkspaceId, person: &PersonId) -> Key {
    key(
        Table::Runtime,
        format!("NEWTOTP#{workspace}#{person}"),
        "NEWTOTP".into(),
    )
}
