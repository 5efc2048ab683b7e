//! Who may come in: what the routes take as their callers.
//!
//! A route without a session takes a [`Counted`], one for everybody with a session an
//! [`Authenticated`], one that changes something an [`Admin`]. Each counts the request, for the
//! address or for the session, and refuses the hundred and first in a minute; a request whose
//! session is none counts for its address.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

use super::session::{self, Caller};
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

/// A route's caller, from `Authorization: Bearer …`. Without a living session the answer is 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated(pub Caller);

/// A caller who may change things. Anybody else who has a session gets 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin(pub Caller);

impl<S: HasSessions> FromRequestParts<Arc<S>> for Counted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        count_address(parts, state.as_ref()).await?;
        Ok(Counted)
    }
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let state = state.as_ref();
        let Some(token) = bearer(parts) else {
            count_address(parts, state).await?;
            return Err(sign_in_needed());
        };
        match session::caller_of(state.db(), state.clock(), token).await {
            Ok(Some(caller)) => {
                count(state, "session", &crypto::sha256_hex(token), parts).await?;
                Ok(Authenticated(caller))
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
}

impl<S: HasSessions> FromRequestParts<Arc<S>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        if caller.is_admin {
            return Ok(Admin(caller));
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "admin_needed",
            "Only an admin of the sub-account may do this",
        ))
    }
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
    .with_detail("Open the page again inside GoHighLevel.")
}
