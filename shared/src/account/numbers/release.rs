//! Giving a number its own webhook settings back.

use url::Url;

use super::settle::is_ours;
use super::{Settler, Unusable, instance, open};
use crate::green_api::error::GreenApiError;
use crate::green_api::settings;
use crate::store::db::Db;
use crate::store::directory::NumberRow;

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
}
