//! Who calls, and the sessions of GoHighLevel's users.
//!
//! GoHighLevel's page hands us an encrypted user context that has neither an expiry nor a signature
//! (GHL contract, user context). It is exchanged once for a token of ours that lives for a quarter
//! of an hour; the page then fetches a new context. No session is made longer, so none comes near
//! the 12 hours that are the most one may live.
//!
//! Sessions of people who sign in with a password are [`super::browser`]'s.

use base64::Engine as _;
use secrecy::SecretString;

use crate::clock::{Clock, Millis};
use crate::crypto::{self, BASE64};
use crate::domain::ids::{LocationId, PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::ghl::sso::{Role, SsoError, UserContext};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::people::PersonRow;
use crate::store::runtime::{SeenRow, SessionRow};
use crate::store::{keys, row};

use super::crm_user;

/// How long a session lives, seconds.
pub const SESSION_S: u32 = 15 * 60;

/// How long a context that did not open is remembered, seconds.
const FAILED_S: i64 = 24 * 60 * 60;

/// Of a context: `Salted__`, the salt, then blocks of the cipher (GHL contract, user context).
const SALT: std::ops::Range<usize> = 8..16;
const BLOCK: usize = 16;

/// Of a session's token, bytes.
const TOKEN_BYTES: usize = 32;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose rows it may see.
    pub workspace: WorkspaceId,
    /// Where they come from.
    pub who: Who,
    /// What others call them; may be empty.
    pub name: String,
    /// What they may do.
    pub rights: Rights,
    /// When the session ends, milliseconds since 1970.
    pub until_ms: Millis,
}

/// Where a caller comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// GoHighLevel's page.
    Ghl {
        /// Who.
        person: PersonId,
        /// The location that the page was opened in.
        location: LocationId,
        /// GoHighLevel's id of the user.
        user: String,
        /// The hash of the session's token.
        session: String,
        /// Where the installation stands; never [`InstallState::Uninstalled`].
        install: InstallState,
    },
    /// A browser, by a password.
    Person {
        /// Who.
        person: PersonId,
        /// The hash of the session's cookie.
        session: String,
        /// Nothing may be done but to set a second step up.
        only_enrols: bool,
    },
}

impl Caller {
    /// Who, for both.
    pub fn person(&self) -> &PersonId {
        match &self.who {
            Who::Ghl { person, .. } | Who::Person { person, .. } => person,
        }
    }

    /// The location that the page was opened in, if it was GoHighLevel's.
    pub fn location(&self) -> Option<&LocationId> {
        match &self.who {
            Who::Ghl { location, .. } => Some(location),
            Who::Person { .. } => None,
        }
    }
}

/// A new session.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// What the caller shows from now on.
    pub token: SecretString,
    /// Who it is.
    pub caller: Caller,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Garbage, or encrypted with another secret; which of them is not told.
    #[error("not a user context of this app")]
    BadContext,
    /// The page was opened in an agency's own area.
    #[error("the user context has no sub-account")]
    NoLocation,
    /// The app is not installed in the sub-account, or by another agency.
    #[error("the app is not installed in this sub-account")]
    NotInstalled,
    /// Somebody of the workspace has shut the user out.
    #[error("the user may not come in")]
    ShutOut,
    /// The context was exchanged before.
    #[error("the user context was used before")]
    Used,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Exchanges a user context for a session. A context is good for one presentation: it has no
/// signature either, and whoever could try a hundred altered copies of their own might find one
/// that says they are an admin.
///
/// # Errors
/// [`SessionError`].
pub async fn exchange(
    db: &impl Db,
    clock: &Clock,
    shared_secret: &SecretString,
    encrypted: &str,
) -> Result<NewSession, SessionError> {
    let now_ms = clock.now_ms();
    let mark = mark_of(encrypted).ok_or(SessionError::BadContext)?;
    let Ok(context) = UserContext::decrypt(encrypted, shared_secret) else {
        let forget_at_s = now_ms / 1000 + FAILED_S;
        return match db.write(vec![seen(&mark, Some(forget_at_s))?]).await {
            Err(error @ DbError::Unavailable { .. }) => Err(error.into()),
            _ => Err(SessionError::BadContext),
        };
    };
    let location = match context.location() {
        Ok(location) => location.clone(),
        Err(SsoError::NoLocation) => return Err(SessionError::NoLocation),
        Err(SsoError::Garbage) => return Err(SessionError::BadContext),
    };
    let install = row::load::<InstallRow>(db, &keys::install(&location))
        .await?
        .filter(|install| install.state != InstallState::Uninstalled)
        .filter(|install| {
            let theirs = install.company.as_ref();
            theirs.is_none_or(|company| *company == context.company_id)
        })
        .ok_or(SessionError::NotInstalled)?;

    let mut row = SessionRow {
        rev: 0,
        workspace: install.workspace.clone(),
        location,
        user: context.user_id,
        user_name: context.user_name,
        is_admin: context.role == Role::Admin,
        until_ms: now_ms + Millis::from(SESSION_S) * 1000,
        expires_at: 0,
    };
    row.expires_at = row.until_ms / 1000 + 1;
    let entered = crm_user::enter(db, now_ms, &row).await?;
    if !entered.is_active {
        return Err(SessionError::ShutOut);
    }
    let token = crypto::random_token(TOKEN_BYTES);
    let id = crypto::sha256_hex(&token);
    let key = keys::session(&id);
    // For good: an old context would open tomorrow as well.
    let writes = vec![seen(&mark, None)?, row::save(key, &mut row)?];
    let caller = caller(id, row, &install);
    match db.write(writes).await {
        Ok(()) => Ok(NewSession {
            token: token.into(),
            caller,
        }),
        // Two at once with the same context: one of them may go on.
        Err(DbError::Condition { .. } | DbError::Conflict) => Err(SessionError::Used),
        Err(error) => Err(error.into()),
    }
}

/// What a context is remembered by: its salt. Everything else of it can be altered a little, or
/// written in another way, and still be read; with another salt nothing can. `None` for what has
/// not even the form of a context.
fn mark_of(encrypted: &str) -> Option<String> {
    let bytes = BASE64.decode(encrypted.trim()).ok()?;
    let is_one = bytes.starts_with(b"Salted__")
        && bytes.len() > SALT.end
        && bytes.len().is_multiple_of(BLOCK);
    is_one.then(|| crypto::sha256_hex(&bytes[SALT]))
}

fn seen(mark: &str, expires_at: Option<i64>) -> Result<Write, DbError> {
    let row = SeenRow { rev: 1, expires_at };
    Ok(Write {
        key: keys::seen_context(mark),
        op: Op::Put(row::item(&row)?),
        only_if: Cond::Absent,
    })
}

fn caller(id: String, session: SessionRow, install: &InstallRow) -> Caller {
    Caller {
        who: Who::Ghl {
            person: crm_user::person_id(&session.workspace, &session.user),
            location: session.location,
            user: session.user,
            session: id,
            install: install.state,
        },
        workspace: session.workspace,
        name: session.user_name,
        rights: Rights::of_crm_user(session.is_admin),
        until_ms: session.until_ms,
    }
}

/// Ends the session of a token. Its person's row is written, so that whoever holds a connection for
/// the session looks again.
///
/// # Errors
/// The tables; it can be called again.
pub async fn end(db: &impl Db, token: &str) -> Result<(), DbError> {
    let key = keys::session(&crypto::sha256_hex(token));
    let Some(session) = row::load::<SessionRow>(db, &key).await? else {
        return Ok(());
    };
    let gone = Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    };
    db.write(vec![gone]).await?;
    let person = crm_user::person_id(&session.workspace, &session.user);
    let key = keys::person(&session.workspace, &person);
    row::change::<PersonRow>(db, &key, |_| true).await?;
    Ok(())
}

/// Whose session a token is. `None` for one that never was, has ended, or whose location has
/// removed the app.
///
/// # Errors
/// The tables.
pub async fn caller_of(
    db: &impl Db,
    clock: &Clock,
    token: &str,
) -> Result<Option<Caller>, DbError> {
    caller_of_session(db, clock, &crypto::sha256_hex(token)).await
}

/// The same by the hash of the token: for connections that live longer than a request.
///
/// # Errors
/// The tables.
pub async fn caller_of_session(
    db: &impl Db,
    clock: &Clock,
    id: &str,
) -> Result<Option<Caller>, DbError> {
    let key = keys::session(id);
    let Some(session) = row::load::<SessionRow>(db, &key).await? else {
        return Ok(None);
    };
    if session.until_ms <= clock.now_ms() {
        return Ok(None);
    }
    let install = row::load::<InstallRow>(db, &keys::install(&session.location)).await?;
    let install = install
        .filter(|install| install.state != InstallState::Uninstalled)
        .filter(|install| install.workspace == session.workspace);
    let Some(install) = install else {
        return Ok(None);
    };
    let caller = caller(id.to_owned(), session, &install);
    let key = keys::person(&caller.workspace, caller.person());
    let person = row::load::<PersonRow>(db, &key).await?;
    Ok(person.filter(|it| it.is_active).map(|_| caller))
}
