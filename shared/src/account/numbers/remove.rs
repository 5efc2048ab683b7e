//! Removing a number.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Numbers, open};
use crate::clock::Millis;
use crate::crypto::{self, DataKeys};
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// If the number could not be removed after GREEN-API was released, the sweeper takes it back then.
const TAKE_BACK: Duration = Duration::from_secs(5 * 60);

/// Why a number was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The workspace has no such number.
    #[error("there is no such number")]
    NotFound,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl<D: Db> Numbers<D> {
    /// Lets go of a number: its webhook becomes what it was before, if GREEN-API can be reached,
    /// and the number, its webhook's address and its ownership are forgotten. Its conversations
    /// stay.
    ///
    /// # Errors
    /// [`RemoveError`].
    pub async fn remove(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<(), RemoveError> {
        let key = keys::number(workspace, number);
        let due_ms = self.clock.now_ms() + TAKE_BACK.as_millis() as Millis;
        let row = row::change::<NumberRow>(&self.db, &key, |row| {
            row.configured = false;
            row.set_due(due_ms);
            true
        })
        .await?
        .ok_or(RemoveError::NotFound)?;

        // Best effort: a number whose token has changed, or that is gone, can be removed as well.
        if let Err(error) = self.settler(data_keys).restore(&row).await {
            tracing::warn!(%number, %error, "the number's webhook stays set at GREEN-API");
        }
        self.forget(data_keys, row).await?;
        tracing::info!(%workspace, %number, "a number was removed");
        Ok(())
    }

    async fn forget(&self, data_keys: &DataKeys, mut row: NumberRow) -> Result<(), RemoveError> {
        let key = keys::number(&row.workspace, &row.number);
        for _ in 1..row::TRIES {
            match self.db.write(forgetting(data_keys, &row)).await {
                Err(DbError::Condition { .. } | DbError::Conflict) => {}
                done => return Ok(done?),
            }
            match row::load::<NumberRow>(&self.db, &key).await? {
                Some(newer) => row = newer,
                // Somebody else has removed it meanwhile.
                None => return Ok(()),
            }
        }
        Ok(self.db.write(forgetting(data_keys, &row)).await?)
    }
}

fn forgetting(data_keys: &DataKeys, row: &NumberRow) -> Vec<Write> {
    let delete = |key, only_if| Write {
        key,
        op: Op::Delete,
        only_if,
    };
    let mut writes = vec![
        delete(
            keys::number(&row.workspace, &row.number),
            Cond::Rev(row.rev),
        ),
        delete(
            keys::instance_owner(row.id_instance),
            Cond::Is("number", row.number.to_string()),
        ),
    ];
    match open(row, data_keys, &row.hook_key_sealed, NumberRow::HOOK_KEY) {
        Ok(key) => {
            let hash = crypto::sha256_hex(key.expose_secret());
            writes.push(delete(keys::hook(&hash), Cond::Always));
        }
        // A webhook's address without its number leads nowhere.
        Err(error) => {
            tracing::warn!(number = %row.number, %error, "a webhook's address is left over")
        }
    }
    writes
}
