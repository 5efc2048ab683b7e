//! Whether a socket's session lives, and what its person may see at this moment.

use serde::{Deserialize, Serialize};

use crate::account::session::{Caller, Who};
use crate::account::{browser, session};
use crate::clock::{Clock, Millis};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::store::db::{Db, DbError};
use crate::store::people::PersonRow;
use crate::store::{keys, row};

/// Which session a socket hangs on, by the hash of what its browser shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SessionKey {
    /// A token of GoHighLevel's page.
    Token {
        /// Its hash.
        sha256: String,
    },
    /// A cookie.
    Cookie {
        /// Its hash.
        sha256: String,
    },
}

impl SessionKey {
    /// The session of a request.
    pub fn of(caller: &Caller) -> Self {
        match &caller.who {
            Who::Ghl { session, .. } => SessionKey::Token {
                sha256: session.clone(),
            },
            Who::Person { session, .. } => SessionKey::Cookie {
                sha256: session.clone(),
            },
        }
    }
}

/// How somebody stands whose session lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What they may do.
    pub rights: Rights,
    /// When the session ends if nothing makes it longer, milliseconds since 1970.
    pub until_ms: Millis,
}

/// How a person stands in a session now. `None` if it has ended, or never was theirs, or opens
/// nothing yet.
///
/// # Errors
/// The tables.
pub async fn now(
    db: &impl Db,
    clock: &Clock,
    workspace: &WorkspaceId,
    person: &PersonId,
    session: &SessionKey,
) -> Result<Option<Standing>, DbError> {
    let caller = match session {
        SessionKey::Token { sha256 } => session::caller_of_session(db, clock, sha256).await?,
        SessionKey::Cookie { sha256 } => browser::caller_of_session(db, clock, sha256).await?,
    };
    let is_open = |caller: &Caller| match caller.who {
        Who::Ghl { .. } => true,
        Who::Person { only_enrols, .. } => !only_enrols,
    };
    Ok(caller
        .filter(|caller| caller.workspace == *workspace && caller.person() == person)
        .filter(is_open)
        .map(|caller| Standing {
            rights: caller.rights,
            until_ms: caller.until_ms,
        }))
}

/// What a person may do now; `None` if they may not come in.
///
/// # Errors
/// The tables.
pub async fn rights_of(
    db: &impl Db,
    workspace: &WorkspaceId,
    person: &PersonId,
) -> Result<Option<Rights>, DbError> {
    let row = row::load::<PersonRow>(db, &keys::person(workspace, person)).await?;
    Ok(row.filter(|row| row.is_active).map(|row| row.rights))
}
