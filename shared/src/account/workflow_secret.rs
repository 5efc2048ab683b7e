//! What a workflow's action shows to prove that it is its location's.
//!
//! GoHighLevel signs no action (GHL contract, workflow modules), so each location has a secret of
//! its own: who learns it can send as that location and as no other. It is 256 random bits, checked
//! by its SHA-256, and sealed beside that, so that an admin can look at it again. Until a location has
//! one, the [`common_token`] may stand in.

use secrecy::{ExposeSecret, SecretString};

use super::common_token;
use crate::clock::{Clock, Millis};
use crate::crypto::{self, CryptoError, DataKeys};
use crate::domain::ids::LocationId;
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState, WorkflowSecretRow};
use crate::store::{keys, row};

/// Of a secret, bytes.
const SECRET_BYTES: usize = 32;

/// A location's secret.
#[derive(Clone, Debug)]
pub struct WorkflowSecret {
    /// In base64url without padding.
    pub secret: SecretString,
    /// When it was made, milliseconds since 1970.
    pub created_ms: Millis,
}

/// Why there is no secret to show.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowSecretError {
    /// It does not open: a key is missing, or somebody has changed the row. A new one helps.
    #[error("the workflow secret does not open: {0}")]
    Sealed(#[from] CryptoError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The location's secret; `None` if none was made yet.
///
/// # Errors
/// [`WorkflowSecretError`].
pub async fn get(
    db: &impl Db,
    data_keys: &DataKeys,
    location: &LocationId,
) -> Result<Option<WorkflowSecret>, WorkflowSecretError> {
    let key = keys::workflow_secret(location);
    let Some(row) = row::load::<WorkflowSecretRow>(db, &key).await? else {
        return Ok(None);
    };
    let secret = data_keys.open(&row.sealed, &WorkflowSecretRow::seal_context(location))?;
    Ok(Some(WorkflowSecret {
        secret,
        created_ms: row.created_ms,
    }))
}

/// Makes a new secret for the location. The one before is worth nothing from here on, and neither
/// is the [`common_token`].
///
/// # Errors
/// The tables.
pub async fn renew(
    db: &impl Db,
    clock: &Clock,
    data_keys: &DataKeys,
    location: &LocationId,
) -> Result<WorkflowSecret, DbError> {
    let key = keys::workflow_secret(location);
    let secret = crypto::random_token(SECRET_BYTES);
    let created_ms = clock.now_ms();
    for _ in 0..row::TRIES {
        let before = row::load::<WorkflowSecretRow>(db, &key).await?;
        let mut row = WorkflowSecretRow {
            rev: before.map_or(0, |before| before.rev),
            location: location.clone(),
            sha256: crypto::sha256_hex(&secret),
            sealed: data_keys.seal(&secret, &WorkflowSecretRow::seal_context(location)),
            created_ms,
        };
        let writes = vec![
            row::save(key.clone(), &mut row)?,
            common_token::closing(location),
        ];
        match db.write(writes).await {
            Ok(()) => {
                tracing::info!(%location, "a new workflow secret");
                return Ok(WorkflowSecret {
                    secret: secret.into(),
                    created_ms,
                });
            }
            // Two admins at once: the later one's secret counts.
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Conflict)
}

/// The location's installation if `shown` is its secret, or the [`common_token`] while that stands
/// in, and the app is installed there. A location without a secret is closed, not open.
///
/// # Errors
/// The tables.
pub async fn installation(
    db: &impl Db,
    clock: &Clock,
    location: &LocationId,
    shown: &SecretString,
) -> Result<Option<InstallRow>, DbError> {
    let key = keys::workflow_secret(location);
    let row = row::load::<WorkflowSecretRow>(db, &key).await?;
    let expect = row.as_ref().map_or("", |row| row.sha256.as_str());
    let shown = crypto::sha256_hex(shown.expose_secret());
    let is_own = crypto::constant_time_eq(shown.as_bytes(), expect.as_bytes());
    if !is_own && !common_token::opens(db, clock.now_ms(), location, &shown).await? {
        return Ok(None);
    }
    let install = row::load::<InstallRow>(db, &keys::install(location)).await?;
    Ok(install.filter(|install| install.state != InstallState::Uninstalled))
}
