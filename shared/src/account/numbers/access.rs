//! Another token for a number, or another host.

use secrecy::SecretString;

use super::add::{seal, wid_of};
use super::{AccessError, NewAccess, Numbers, Unusable, instance};
use crate::crypto::DataKeys;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::pipeline::whatsapp;
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// Why a number's access was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The workspace has no such number.
    #[error("there is no such number")]
    NotFound,
    /// GREEN-API does not accept it.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The row cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl<D: Db> Numbers<D> {
    /// Replaces the token that a number is used with, and its hosts where others are told, after
    /// GREEN-API has accepted them. A pause for the old token's sake ends.
    ///
    /// # Errors
    /// [`ReplaceError`]; nothing is changed then.
    pub async fn replace_access(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
        new: &NewAccess,
    ) -> Result<NumberRow, ReplaceError> {
        let row = self.get(workspace, number).await?;
        let row = row.ok_or(ReplaceError::NotFound)?;
        let mut to = instance(&row, data_keys)?;
        to.token.clone_from(&new.token);
        if let Some(url) = &new.api_url {
            to.api_url.clone_from(url);
        }
        if let Some(url) = &new.media_url {
            to.media_url = Some(url.clone());
        }
        let account = self.account(&to).await.map_err(AccessError::from)?;

        let now_ms = self.clock.now_ms();
        let token = sealed(data_keys, &row, &new.token);
        let wid = wid_of(&account);
        row::change::<NumberRow>(&self.db, &keys::number(workspace, number), |row| {
            row.token_sealed.clone_from(&token);
            row.api_url = to.api_url.to_string();
            row.media_url = to.media_url.as_ref().map(ToString::to_string);
            row.pause = None;
            whatsapp::note_state(row, account.state.clone(), wid.clone(), now_ms);
            row.configured = false;
            row.set_due(now_ms);
            true
        })
        .await?
        .ok_or(ReplaceError::NotFound)?;
        tracing::info!(%workspace, %number, "a number has another token");
        let settled = self.settled(data_keys, workspace, number).await?;
        settled.ok_or(ReplaceError::NotFound)
    }
}

fn sealed(data_keys: &DataKeys, row: &NumberRow, token: &SecretString) -> String {
    seal(
        data_keys,
        &row.workspace,
        &row.number,
        token,
        NumberRow::TOKEN,
    )
}
