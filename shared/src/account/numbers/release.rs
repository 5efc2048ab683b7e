//! Giving a number its own webhook settings back.

use url::Url;

use super::settle::{AGAIN, again_ms, is_ours};
use super::{SettleError, Settled, Settler, Unusable, instance, open};
use crate::clock::Millis;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::green_api::error::GreenApiError;
use crate::green_api::settings;
use crate::store::db::Db;
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// Why a number's settings were not given back.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestoreError {
    /// The row cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// GREEN-API refuses or does not answer.
    #[error(transparent)]
    GreenApi(#[from] GreenApiError),
}

impl<D: Db> Settler<'_, D> {
    /// The number's webhook becomes what it was before, once. Where somebody has pointed it
    /// elsewhere since then, it is not ours to change.
    pub(super) async fn restore(&self, row: &NumberRow) -> Result<(), RestoreError> {
        let to = instance(row, self.data_keys)?;
        let current = self.green.settings(&to).await?;
        let is_ours = |address: &str| is_ours(self.public_base_url, address);
        if !current.webhook_url().is_some_and(is_ours) {
            return Ok(());
        }
        let before = row.webhook_before.as_deref().map(Url::parse);
        let before = before.transpose().unwrap_or_default();
        let token = row.webhook_token_before_sealed.as_deref();
        let token = token
            .map(|sealed| open(row, self.data_keys, sealed, NumberRow::TOKEN_BEFORE))
            .transpose()
            .map_err(Unusable::from)?;
        let changes = settings::released(before.as_ref(), token.as_ref());
        Ok(self.green.set_settings(&to, &changes).await?)
    }

    /// Gives a number that stays with us its own settings back, because the app was removed from
    /// its location. If GREEN-API does not do it the number is due again, until `give_up_ms`; then
    /// and afterwards it is not due any more.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn release(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
        give_up_ms: Millis,
    ) -> Result<Settled, SettleError> {
        let key = keys::number(workspace, number);
        let Some(seen) = row::load::<NumberRow>(self.db, &key).await? else {
            return Ok(Settled::Gone);
        };
        let restored = self.restore(&seen).await;
        let now_ms = self.clock.now_ms();
        let again_ms = match &restored {
            Err(RestoreError::GreenApi(error)) if *error != GreenApiError::Deleted => {
                Some(now_ms + again_ms(error, AGAIN)).filter(|again_ms| *again_ms < give_up_ms)
            }
            _ => None,
        };
        row::change::<NumberRow>(self.db, &key, |row| {
            // The app is installed again already.
            if row.due_at != seen.due_at {
                return false;
            }
            row.configured = false;
            match again_ms {
                Some(again_ms) => row.set_due(again_ms),
                None => {
                    row.due_at = None;
                    row.due_shard = None;
                }
            }
            true
        })
        .await?;
        match restored {
            Ok(()) => {
                tracing::info!(%number, "a number has its own webhook settings back");
                Ok(Settled::Done)
            }
            Err(RestoreError::GreenApi(error)) => {
                let gives_up = again_ms.is_none();
                tracing::warn!(%number, %error, gives_up, "a number's webhook is still ours");
                Ok(Settled::NotYet(error))
            }
            Err(RestoreError::Unusable(error)) => Err(error.into()),
        }
    }
}
