//! Sessions of GoHighLevel's users.
//!
//! GoHighLevel's page hands us an encrypted user context that has neither an expiry nor a signature
//! (GHL contract, user context). It is exchanged once for a token of ours that lives for a quarter
//! of an hour; the page then fetches a new context.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use base64::Engine as _;
use secrecy::SecretString;

use crate::clock::{Clock, Millis};
use crate::crypto::{self, BASE64};
use crate::domain::ids::{LocationId, WorkspaceId};
use crate::ghl::sso::{Role, SsoError, UserContext};
use crate::http::Problem;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::runtime::{SeenRow, SessionRow};
use crate::store::{keys, row};

/// How long a session lives, seconds.
pub const SESSION_S: u32 = 15 * 60;

/// How long a context that was exchanged is remembered, seconds.
const SEEN_S: i64 = 24 * 60 * 60;

/// Of a session's token, bytes.
const TOKEN_BYTES: usize = 32;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant whose rows it may see.
    pub workspace: WorkspaceId,
    /// The location that the page was opened in.
    pub location: LocationId,
    /// GoHighLevel's id of the user.
    pub user: String,
    /// May change things, not only read them.
    pub is_admin: bool,
    /// Where the installation stands; never [`InstallState::Uninstalled`].
    pub install: InstallState,
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
    /// The context was exchanged before.
    #[error("the user context was used before")]
    Used,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Exchanges a user context for a session.
///
/// # Errors
/// [`SessionError`].
pub async fn exchange(
    db: &impl Db,
    clock: &Clock,
    shared_secret: &SecretString,
    encrypted: &str,
) -> Result<NewSession, SessionError> {
    let context =
        UserContext::decrypt(encrypted, shared_secret).map_err(|_| SessionError::BadContext)?;
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

    let caller = Caller {
        workspace: install.workspace,
        location,
        user: context.user_id,
        is_admin: context.role == Role::Admin,
        install: install.state,
    };
    let token = crypto::random_token(TOKEN_BYTES);
    let mark = mark_of(encrypted).ok_or(SessionError::BadContext)?;
    let now_ms = clock.now_ms();
    let writes = vec![
        seen(&mark, now_ms)?,
        session(&token, &caller, now_ms + Millis::from(SESSION_S) * 1000)?,
    ];
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
/// written in another way, and still be read; with another salt nothing can.
fn mark_of(encrypted: &str) -> Option<String> {
    let bytes = BASE64.decode(encrypted.trim()).ok()?;
    Some(crypto::sha256_hex(bytes.get(8..16)?))
}

fn seen(mark: &str, now_ms: Millis) -> Result<Write, DbError> {
    let now_s = now_ms / 1000;
    let row = SeenRow {
        rev: 1,
        expires_at: now_s + SEEN_S,
    };
    Ok(Write {
        key: keys::seen_context(mark),
        op: Op::Put(row::item(&row)?),
        // The table forgets late.
        only_if: Cond::AbsentOrBefore("expires_at", now_s),
    })
}

fn session(token: &str, caller: &Caller, until_ms: Millis) -> Result<Write, DbError> {
    let mut row = SessionRow {
        rev: 0,
        workspace: caller.workspace.clone(),
        location: caller.location.clone(),
        user: caller.user.clone(),
        is_admin: caller.is_admin,
        until_ms,
        expires_at: until_ms / 1000 + 1,
    };
    row::save(keys::session(&crypto::sha256_hex(token)), &mut row)
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
    let key = keys::session(&crypto::sha256_hex(token));
    let Some(session) = row::load::<SessionRow>(db, &key).await? else {
        return Ok(None);
    };
    if session.until_ms <= clock.now_ms() {
        return Ok(None);
    }
    let install = row::load::<InstallRow>(db, &keys::install(&session.location)).await?;
    Ok(install
        .filter(|install| install.state != InstallState::Uninstalled)
        .filter(|install| install.workspace == session.workspace)
        .map(|install| Caller {
            workspace: session.workspace,
            location: session.location,
            user: session.user,
            is_admin: session.is_admin,
            install: install.state,
        }))
}

/// State of a router whose routes need sessions.
pub trait HasSessions: Send + Sync {
    /// The tables.
    type Db: Db;

    /// The tables.
    fn db(&self) -> &Self::Db;

    /// The time.
    fn clock(&self) -> &Clock;
}

/// A route's caller, from `Authorization: Bearer …`. Without a living session the answer is 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated(pub Caller);

impl<S: HasSessions> FromRequestParts<std::sync::Arc<S>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &std::sync::Arc<S>,
    ) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or_else(sign_in_needed)?;
        match caller_of(state.db(), state.clock(), token).await {
            Ok(Some(caller)) => Ok(Authenticated(caller)),
            Ok(None) => Err(sign_in_needed()),
            Err(error) => {
                tracing::error!(%error, "a session could not be looked up");
                Err(Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "try_again",
                    "Try again in a moment",
                ))
            }
        }
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn sign_in_needed() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "sign_in_needed",
        "There is no session, or it has ended",
    )
    .with_detail("Open the page again inside GoHighLevel.")
}
