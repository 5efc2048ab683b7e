//! People of a workspace, what they share, and their sessions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::ids::{LocationId, PersonId, WorkspaceId};
use crate::domain::rights::Rights;

/// Somebody of a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Their id.
    pub person: PersonId,
    /// Where they come from.
    pub kind: PersonKind,
    /// What others call them.
    pub name: String,
    /// What they may do. A GoHighLevel user's are those of their role, as it was last told.
    pub rights: Rights,
    /// May come in.
    pub is_active: bool,
    /// Sessions of another epoch have ended.
    #[serde(default)]
    pub epoch: u64,
    /// What they sign in with beside the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Of the link that sets a password, the SHA-256 of its secret part: no other one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// The app that makes codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<TotpRow>,
    /// The Telegram account that codes are sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<TelegramAccount>,
    /// Of the recovery codes that are left, the SHA-256.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recovery: BTreeSet<String>,
    /// Milliseconds since 1970.
    pub created_ms: Millis,
    /// When they last came in, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_ms: Option<Millis>,
}

row!(PersonRow, "a person");

/// Where somebody comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PersonKind {
    /// Signs in here.
    Local {
        /// The name that they type, as they wrote it.
        login: String,
    },
    /// Comes with GoHighLevel's user context.
    Ghl {
        /// The sub-account of their last entrance.
        location: LocationId,
        /// GoHighLevel's id of them.
        user: String,
    },
}

/// An app that makes codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotpRow {
    /// The secret, sealed.
    pub sealed: String,
    /// The step of the last code that was taken: none of it or before it is taken again.
    pub last_step: u64,
    /// Milliseconds since 1970.
    pub since_ms: Millis,
}

/// A Telegram account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TelegramAccount {
    /// Telegram's id of it, which is also that of the chat with the bot.
    pub user_id: i64,
    /// What Telegram calls it.
    pub name: String,
    /// Milliseconds since 1970.
    pub since_ms: Millis,
}

impl PersonRow {
    /// Somebody new, who cannot come in yet.
    pub fn new(
        workspace: &WorkspaceId,
        person: PersonId,
        kind: PersonKind,
        name: String,
        rights: Rights,
        now_ms: Millis,
    ) -> Self {
        PersonRow {
            rev: 0,
            workspace: workspace.clone(),
            person,
            kind,
            name,
            rights,
            is_active: true,
            epoch: 0,
            password: None,
            setup: None,
            totp: None,
            telegram: None,
            recovery: BTreeSet::new(),
            created_ms: now_ms,
            entered_ms: None,
        }
    }

    /// The field of [`TotpRow::sealed`].
    pub const TOTP: &'static str = "totp";

    /// Binds a sealed field to its row.
    pub fn seal_context(workspace: &WorkspaceId, person: &PersonId, field: &str) -> String {
        let key = keys::person(workspace, person);
        format!("{}|{}|{field}", key.pk, key.sk)
    }

    /// The name that they sign in with.
    pub fn login(&self) -> Option<&str> {
        match &self.kind {
            PersonKind::Local { login } => Some(login),
            PersonKind::Ghl { .. } => None,
        }
    }

    /// Owns the workspace and can come in.
    pub fn is_acting_owner(&self) -> bool {
        self.rights.owner && self.is_active && self.password.is_some()
    }

    /// There is a second step when they sign in.
    pub fn has_second_step(&self) -> bool {
        self.totp.is_some() || self.telegram.is_some()
    }
}

/// What the people of a workspace share. Written with every change of who owns it, so that two
/// changes at once cannot leave it without an owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeamRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The owners who can come in.
    pub owners: BTreeSet<PersonId>,
    /// Everybody who signs in here needs a second step.
    #[serde(default)]
    pub second_step_required: bool,
}

row!(TeamRow, "a team");

/// Whose a name for signing in is: there is one row for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoginRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
}

row!(LoginRow, "a login");

/// Somebody who has signed in, by the hash of their cookie; in the runtime table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignInRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
    /// The person's when it began.
    pub epoch: u64,
    /// Nothing may be done with it but to set a second step up.
    #[serde(default)]
    pub only_enrols: bool,
    /// Milliseconds since 1970.
    pub created_ms: Millis,
    /// When it was last used, to some minutes; milliseconds since 1970.
    pub seen_ms: Millis,
    /// From where, the first time.
    pub address: String,
    /// With which browser, in its own words, cut short.
    pub user_agent: String,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(SignInRow, "a sign-in");

/// That a session is a person's; in the runtime table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignInOfRow {
    /// The revision.
    pub rev: u64,
    /// The hash of its cookie.
    pub session: String,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(SignInOfRow, "a person's sign-in");

/// More people than a workspace has.
const MOST_PEOPLE: usize = 1000;

/// The people of a workspace, oldest first.
///
/// # Errors
/// The tables.
pub async fn people(db: &impl Db, workspace: &WorkspaceId) -> Result<Vec<PersonRow>, DbError> {
    let (pk, range) = keys::people(workspace);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit: MOST_PEOPLE,
    };
    let rows = db.query(&query).await?.into_iter().map(row::read);
    let mut people: Vec<PersonRow> = rows.collect::<Result<_, _>>()?;
    people.sort_by(|a, b| (a.created_ms, &a.person).cmp(&(b.created_ms, &b.person)));
    Ok(people)
}
