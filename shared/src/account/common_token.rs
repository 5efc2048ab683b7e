//! The one workflow token that all locations of the adapter before this program had in common.
//!
//! Who learns it can send as every location that it still opens, so none is opened but by whoever
//! operates the program, for a time, and a location's own secret closes it: `workflow_secret`
//! removes it in the same write. It is kept as its SHA-256 alone, and nobody can look at it here.

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Millis;
use crate::crypto;
use crate::domain::ids::LocationId;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{CommonTokenRow, WorkflowSecretRow};
use crate::store::{keys, row};

/// The shortest token that is taken, in bytes: what is shorter can be guessed.
pub const SHORTEST: usize = 16;

/// The token as it is kept, and until when it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonToken {
    sha256: String,
    until_ms: Millis,
}

impl CommonToken {
    /// `None` if anybody could guess it.
    pub fn new(token: &SecretString, until_ms: Millis) -> Option<Self> {
        let token = token.expose_secret();
        (token.len() >= SHORTEST).then(|| CommonToken {
            sha256: crypto::sha256_hex(token),
            until_ms,
        })
    }
}

/// What became of it in a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It opens from now on.
    Now,
    /// It did before, until a time that stays as it was.
    Before,
    /// The location has a secret of its own.
    HasOwn,
}

/// What [`allow`] would do.
///
/// # Errors
/// The tables.
pub async fn would_allow(db: &impl Db, location: &LocationId) -> Result<Allowed, DbError> {
    let own = row::load::<WorkflowSecretRow>(db, &keys::workflow_secret(location)).await?;
    if own.is_some() {
        return Ok(Allowed::HasOwn);
    }
    let before = row::load::<CommonTokenRow>(db, &keys::common_token(location)).await?;
    Ok(match before {
        Some(_) => Allowed::Before,
        None => Allowed::Now,
    })
}

/// Has the token open a location that has no secret of its own.
///
/// # Errors
/// The tables.
pub async fn allow(
    db: &impl Db,
    location: &LocationId,
    token: &CommonToken,
) -> Result<Allowed, DbError> {
    for _ in 0..row::TRIES {
        let allowed = would_allow(db, location).await?;
        if allowed != Allowed::Now {
            return Ok(allowed);
        }
        let mut row = CommonTokenRow {
            rev: 0,
            location: location.clone(),
            sha256: token.sha256.clone(),
            until_ms: token.until_ms,
        };
        let no_own = Write {
            key: keys::workflow_secret(location),
            op: Op::Check,
            only_if: Cond::Absent,
        };
        let opens = row::save(keys::common_token(location), &mut row)?;
        match db.write(vec![opens, no_own]).await {
            // Somebody makes the location's own at this moment, or it was this very write.
            Err(DbError::Condition { .. } | DbError::Conflict) => {}
            done => return done.map(|()| Allowed::Now),
        }
    }
    Err(DbError::Conflict)
}

/// Whether `shown_sha256` opens the location.
pub(super) async fn opens(
    db: &impl Db,
    now_ms: Millis,
    location: &LocationId,
    shown_sha256: &str,
) -> Result<bool, DbError> {
    let row = row::load::<CommonTokenRow>(db, &keys::common_token(location)).await?;
    Ok(row.is_some_and(|row| {
        let is_it = crypto::constant_time_eq(shown_sha256.as_bytes(), row.sha256.as_bytes());
        is_it && now_ms < row.until_ms
    }))
}

/// The write that closes it.
pub(super) fn closing(location: &LocationId) -> Write {
    Write {
        key: keys::common_token(location),
        op: Op::Delete,
        only_if: Cond::Always,
    }
}
