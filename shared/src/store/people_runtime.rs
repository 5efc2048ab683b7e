//! What is on its way while people come in: in the runtime table, and forgotten without harm.

use serde::{Deserialize, Serialize};

use super::row::row;
use crate::clock::Millis;
use crate::domain::ids::{PersonId, WorkspaceId};

/// A person who is to be linked to a Telegram account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TelegramLinkRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
    /// The session that it was asked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Until when it works, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(TelegramLinkRow, "a link to Telegram");

/// Somebody who has shown the right password and now has to show a code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
    /// The person's epoch then: a new password ends challenges as well.
    pub epoch: u64,
    /// The SHA-256 of the code that was sent by Telegram, with the challenge's own hash before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sha256: Option<String>,
    /// When that was sent, milliseconds since 1970.
    #[serde(default)]
    pub sent_ms: Millis,
    /// How many codes have been sent.
    #[serde(default)]
    pub n_sent: u32,
    /// How often a code may still be wrong.
    pub tries_left: u32,
    /// Until when it counts, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(ChallengeRow, "a challenge");

/// What a link that is sent to somebody is good for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Whose password it sets; nobody's yet where it makes the first owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Until when it works, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(SetupRow, "a setup link");

/// Which workspace an installation of the app is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstallStateRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who asked for it.
    pub person: PersonId,
    /// Until when it works, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(InstallStateRow, "an installation's state");

/// A secret for codes that its person has yet to prove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewTotpRow {
    /// The revision.
    pub rev: u64,
    /// The secret, sealed.
    pub sealed: String,
    /// Until when it can be proved, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(NewTotpRow, "a new secret for codes");
