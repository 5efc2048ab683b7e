//! Who did what to people, rights, numbers and settings, and who signed in.
//!
//! An entry is written in the transaction that does it, wherever there is one, and never again. It
//! says what was changed in words of ours and ids, never a secret and nothing of a conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto;
use crate::domain::ids::{NumberId, PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::people::PersonRow;
use crate::store::row::row;
use crate::store::{keys, row};

use super::session::Caller;

/// How long entries are kept.
pub const KEPT_DAYS: i64 = 400;

/// The most entries at once.
pub const PAGE: usize = 100;

/// Of an entry's id, bytes.
const ID_BYTES: usize = 9;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The first owner of a workspace.
    OwnerMade,
    /// Somebody was added.
    PersonAdded,
    /// Somebody's name, rights or numbers were changed.
    PersonChanged,
    /// Somebody was removed.
    PersonRemoved,
    /// A link to set a password was made.
    SetupLinkMade,
    /// Somebody set a password.
    PasswordSet,
    /// Somebody came in.
    SignedIn,
    /// Somebody was refused after too many tries.
    SignInBlocked,
    /// One session was ended.
    SessionEnded,
    /// All of somebody's sessions, or all but one, were ended.
    SessionsEnded,
    /// An app that makes codes was set up.
    TotpLinked,
    /// A Telegram account was linked.
    TelegramLinked,
    /// A second step was taken away.
    SecondStepRemoved,
    /// New recovery codes were made.
    RecoveryCodesMade,
    /// One of them was used.
    RecoveryCodeUsed,
    /// Whether a second step is needed was changed.
    PolicyChanged,
    /// A location of GoHighLevel was linked to the workspace.
    LocationLinked,
    /// A link to install the app was made.
    InstallLinkMade,
    /// A number was added.
    NumberAdded,
    /// A number's name or settings were changed.
    NumberChanged,
    /// A number's token was replaced.
    NumberAccessReplaced,
    /// A number's phone was unlinked.
    NumberLoggedOut,
    /// A number was restarted.
    NumberRebooted,
    /// A code to link a phone by was asked for.
    NumberPairing,
    /// A number was removed.
    NumberRemoved,
    /// The workspace's settings were changed.
    WorkspaceChanged,
    /// The secret of its workflows was replaced.
    WorkflowSecretRenewed,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Nobody, if it was done by a command or by GoHighLevel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// What they were called then.
    pub name: String,
}

impl Actor {
    /// Somebody with a session.
    pub fn caller(caller: &Caller) -> Self {
        Actor {
            person: Some(caller.person().clone()),
            name: caller.name.clone(),
        }
    }

    /// Somebody who is about to have one, or whose Telegram account it was.
    pub fn person(person: &PersonRow) -> Self {
        Actor {
            person: Some(person.person.clone()),
            name: person.name.clone(),
        }
    }
}

/// What it was done to, and more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// A person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// A number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberId>,
    /// What it was called then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What changed: of each field what it was and what it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, (String, String)>,
}

impl About {
    /// A person.
    pub fn person(person: &PersonRow) -> Self {
        About {
            person: Some(person.person.clone()),
            name: Some(person.name.clone()),
            ..About::default()
        }
    }

    /// A number.
    pub fn number(number: &NumberId, name: &str) -> Self {
        About {
            number: Some(number.clone()),
            name: Some(name.to_owned()),
            ..About::default()
        }
    }

    /// With what a field was and is; nothing if that is the same.
    pub fn change(mut self, field: &str, was: impl ToString, is: impl ToString) -> Self {
        let (was, is) = (was.to_string(), is.to_string());
        if was != is {
            self.changes.insert(field.to_owned(), (was, is));
        }
        self
    }

    /// With what of somebody's rights has changed.
    pub fn rights(self, was: &Rights, is: &Rights) -> Self {
        let numbers = |rights: &Rights| {
            let ids: Vec<_> = rights.numbers.iter().map(NumberId::as_str).collect();
            ids.join(" ")
        };
        self.change("owner", was.owner, is.owner)
            .change("manageUsers", was.manage_users, is.manage_users)
            .change("manageInstances", was.manage_instances, is.manage_instances)
            .change("fullAccess", was.full_access, is.full_access)
            .change("numbers", numbers(was), numbers(is))
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// The revision; never more than 1.
    pub rev: u64,
    /// Its id among those of the same moment.
    pub id: String,
    /// When, milliseconds since 1970.
    pub at_ms: Millis,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To what.
    pub about: About,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(AuditRow, "an audit entry");

/// The write of an entry, beside what it is about.
///
/// # Errors
/// A row that cannot be written.
pub fn entry(
    now_ms: Millis,
    workspace: &WorkspaceId,
    actor: &Actor,
    action: Action,
    about: About,
) -> Result<Write, DbError> {
    let row = AuditRow {
        rev: 1,
        id: crypto::random_token(ID_BYTES),
        at_ms: now_ms,
        actor: actor.clone(),
        action,
        about,
        expires_at: now_ms / 1000 + KEPT_DAYS * 24 * 3600,
    };
    Ok(Write {
        key: keys::audit(workspace, row.at_ms, &row.id),
        op: Op::Put(row::item(&row)?),
        only_if: Cond::Absent,
    })
}

/// Writes an entry about what has been done already. That it was done is not undone because it could
/// not be noted.
pub async fn note(
    db: &impl Db,
    now_ms: Millis,
    workspace: &WorkspaceId,
    actor: &Actor,
    action: Action,
    about: About,
) {
    let noted = match entry(now_ms, workspace, actor, action, about) {
        Ok(write) => db.write(vec![write]).await,
        Err(error) => Err(error),
    };
    if let Err(error) = noted {
        tracing::error!(%workspace, ?action, %error, "an audit entry was not written");
    }
}

/// The newest entries before another one, by its time and id; the newest of all without one.
///
/// # Errors
/// The tables.
pub async fn page(
    db: &impl Db,
    workspace: &WorkspaceId,
    before: Option<(Millis, &str)>,
    limit: usize,
) -> Result<Vec<AuditRow>, DbError> {
    let (pk, range) = keys::audit_before(workspace, before);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: true,
        // The entry itself comes along.
        limit: limit.min(PAGE) + 1,
    };
    let rows = db.query(&query).await?.into_iter().map(row::read);
    let mut entries: Vec<AuditRow> = rows.collect::<Result<_, _>>()?;
    entries.retain(|entry| Some((entry.at_ms, entry.id.as_str())) != before);
    entries.truncate(limit.min(PAGE));
    Ok(entries)
}
