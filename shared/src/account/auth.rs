//! Who may come in: what the routes take as their callers.
//!
//! A route without a session takes a [`Counted`], one for everybody with a session an
//! [`Authenticated`], one that changes numbers or settings an [`Admin`], one about people a
//! [`Manager`]. [`SignedIn`] also lets those in who have yet to set their second step up, and
//! [`FromCrm`] only those who come from GoHighLevel. Each counts the request, for the address or for
//! the session, and refuses the hundred and first in a minute; a request whose session is none counts
//! for its address.
//!
//! A session is shown as `Authorization: Bearer …` or, by a browser on its own, as a cookie. With the
//! cookie a request that could change something also has to carry the session's token against
//! cross-site requests.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use secrecy::{ExposeSecret, SecretString};

use super::browser;
use super::session::{self, Caller, Who};
use crate::clock::Clock;
use crate::crypto;
use crate::http::Problem;
use crate::http::address::Addresses;
use crate::limiter::window::{Admission, Window};
use crate::store::db::{Db, DbError};
use crate::store::keys;

/// Of one route.
const REQUESTS: Window = Window {
    most: 100,
    length_ms: 60_000,
};

/// State of a router that lets people in.
pub trait HasSessions: Send + Sync {
    /// The tables.
    type Db: Db;

    /// The tables.
    fn db(&self) -> &Self::Db;

    /// The time.
    fn clock(&self) -> &Clock;

    /// Where requests come from.
    fn addresses(&self) -> &Addresses;
}

/// Anybody, up to a hundred times a minute from one address; 429 then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted;

/// Anybody with a session, also one that only sets a second step up. Without a living session the
/// answer is 401, with a cookie and without its token 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn(pub Caller);

/// Anybody with a session that opens everything they have a right to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated(pub Caller);

/// A caller who may manage numbers. Anybody else who has a session gets 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin(pub Caller);

/// A caller who may manage people. Anybody else who has a session gets 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager(pub Caller);

/// A caller from GoHighLevel's page: a cookie is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromCrm(pub Caller);

impl<S: HasSessions> FromRequestParts<Arc<S>> for Counted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        count_address(parts, state.as_ref()).await?;
        Ok(Counted)
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let state = state.as_ref();
        if bearer(parts).is_some() {
            return from_crm(parts, state).await.map(SignedIn);
        }
        let Some(cookie) = cookie(parts, browser::COOKIE) else {
            count_address(parts, state).await?;
            return Err(sign_in_needed());
        };
        let caller = browser::caller_of(state.db(), state.clock(), &cookie).await;
        let caller = admitted(parts, state, cookie.expose_secret(), caller).await?;
        if !parts.method.is_safe() {
            let shown = parts.headers.get(browser::CSRF_HEADER);
            let shown = shown.map_or(&b""[..], |shown| shown.as_bytes());
            let token = browser::csrf_token(&cookie);
            if !crypto::constant_time_eq(shown, token.as_bytes()) {
                return Err(csrf_token_needed());
            }
        }
        Ok(SignedIn(caller))
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for FromCrm {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        from_crm(parts, state.as_ref()).await.map(FromCrm)
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let SignedIn(caller) = SignedIn::from_request_parts(parts, state).await?;
        match caller.who {
            Who::Person {
                only_enrols: true, ..
            } => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "second_step_needed",
                "A second step has to be set up first",
            )
            .with_detail("This workspace asks everybody for one.")),
            Who::Person { .. } | Who::Ghl { .. } => Ok(Authenticated(caller)),
        }
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        if caller.rights.may_manage_instances() {
            return Ok(Admin(caller));
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "admin_needed",
            "Only somebody who manages numbers may do this",
        ))
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for Manager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        if caller.rights.may_manage_users() {
            return Ok(Manager(caller));
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "manager_needed",
            "Only somebody who manages people may do this",
        ))
    }
}

async fn from_crm<S: HasSessions>(parts: &Parts, state: &S) -> Result<Caller, Problem> {
    let Some(token) = bearer(parts) else {
        count_address(parts, state).await?;
        return Err(sign_in_needed());
    };
    let caller = session::caller_of(state.db(), state.clock(), token).await;
    admitted(parts, state, token, caller).await
}

/// Counts the request of whoever the session is of, or of the address if it is none.
async fn admitted<S: HasSessions>(
    parts: &Parts,
    state: &S,
    token: &str,
    caller: Result<Option<Caller>, DbError>,
) -> Result<Caller, Problem> {
    match caller {
        Ok(Some(caller)) => {
            count(state, "session", &crypto::sha256_hex(token), parts).await?;
            Ok(caller)
        }
        Ok(None) => {
            count_address(parts, state).await?;
            Err(sign_in_needed())
        }
        Err(error) => {
            tracing::error!(%error, "a session could not be looked up");
            Err(Problem::try_again())
        }
    }
}

/// The value of a cookie; the first one, if a browser sends several of the name.
pub fn cookie(parts: &Parts, name: &str) -> Option<SecretString> {
    let all = parts.headers.get_all(header::COOKIE).iter();
    let mut pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find_map(|(key, value)| (key == name).then_some(value))?;
    (!value.is_empty()).then(|| value.to_owned().into())
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

async fn count_address<S: HasSessions>(parts: &Parts, state: &S) -> Result<(), Problem> {
    // Not the address itself: nobody has to be able to read who was here.
    let address = crypto::sha256_hex(state.addresses().of(parts));
    count(state, "address", &address, parts).await
}

/// Counts a request of `who`. If the table cannot count, the request goes on: what it is about has
/// checks of its own.
async fn count<S: HasSessions>(
    state: &S,
    kind: &str,
    who: &str,
    parts: &Parts,
) -> Result<(), Problem> {
    let path = parts.extensions.get::<MatchedPath>();
    let route = format!(
        "{} {}",
        parts.method,
        path.map_or("elsewhere", MatchedPath::as_str)
    );
    let key = keys::request_count(kind, who, &route);
    match REQUESTS.admit(state.db(), state.clock(), &key).await {
        Ok(Admission::Yes) => Ok(()),
        Ok(Admission::Wait(ms)) => Err(too_many(ms)),
        // Many at once of the same one: in the table they are in each other's way.
        Err(DbError::Condition { .. } | DbError::Conflict) => Err(too_many(1_000)),
        Err(error) => {
            tracing::error!(%error, "a request could not be counted");
            Ok(())
        }
    }
}

fn too_many(wait_ms: i64) -> Problem {
    let seconds = u32::try_from(wait_ms.div_euclid(1000) + 1).unwrap_or(60);
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "Too many requests in a minute",
    )
    .with_retry_after(seconds)
}

fn sign_in_needed() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "sign_in_needed",
        "There is no session, or it has ended",
    )
    .with_detail("Sign in, or open the page again inside GoHighLevel.")
}

fn csrf_token_needed() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "csrf_token_needed",
        "The session's token against cross-site requests is missing",
    )
    .with_detail("`GET /api/me` tells it; it goes into the header `X-CSRF-Token`.")
}
