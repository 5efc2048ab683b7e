//! Keeping GREEN-API set to what Greenhub needs of a number.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::add::{Before, keep_before};
use super::{Unusable, instance, webhook};
use crate::clock::{Clock, Millis};
use crate::crypto::DataKeys;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::green_api::client::{GreenApi, Instance};
use crate::green_api::error::GreenApiError;
use crate::green_api::settings::{self, Settings};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// When settings that could not be written are tried again; the first time it is at once.
pub(super) const AGAIN: Duration = Duration::from_secs(30);

/// The same when a person has to do something first.
const AGAIN_LATER: Duration = Duration::from_secs(15 * 60);

/// What settling needs.
#[derive(Clone, Copy, Debug)]
pub struct Settler<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// The gateway.
    pub green: &'a GreenApi,
    /// Which the number's secrets are sealed with.
    pub data_keys: &'a DataKeys,
    /// Where GREEN-API reaches us.
    pub public_base_url: &'a Url,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// GREEN-API has our settings, and the row says so.
    Done,
    /// GREEN-API refused or did not answer. The row says when to try again.
    NotYet(GreenApiError),
    /// The number is not there any more.
    Gone,
}

/// It could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The row cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl<D: Db> Settler<'_, D> {
    /// Reads a number's settings, writes those that differ from what we need, and notes in the row
    /// whether that worked. Safe to call at any time: nothing is written that is set already.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn settle_settings(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<Settled, SettleError> {
        let key = keys::number(workspace, number);
        let Some(row) = row::load::<NumberRow>(self.db, &key).await? else {
            return Ok(Settled::Gone);
        };
        let to = instance(&row, self.data_keys)?;
        match self.green.settings(&to).await {
            Ok(current) => self.settle(&row, &to, &current, AGAIN).await,
            Err(error) => self.note(&row, Err(error), AGAIN).await,
        }
    }

    /// The same with settings that were just read: reading is limited to once a second. `again`
    /// says when it is due once more if it fails for a moment.
    pub(super) async fn settle(
        &self,
        row: &NumberRow,
        to: &Instance,
        current: &Settings,
        again: Duration,
    ) -> Result<Settled, SettleError> {
        let (url, token) = webhook(row, self.data_keys, self.public_base_url)?;
        let wanted = settings::desired(&url, &token, row.prefs.chosen());
        let written = match settings::difference(current, &wanted) {
            Some(changes) => {
                self.keep_before(row, current).await?;
                self.green.set_settings(to, &changes).await
            }
            None => Ok(()),
        };
        let delay_ms = row.prefs.delay_ms.unwrap_or(current.delay_ms());
        self.note(row, written.map(|()| delay_ms), again).await
    }

    /// Keeps where notifications went before they come to us, and what authenticated them there, for
    /// giving both back: that may have changed while a number was not set up.
    async fn keep_before(&self, row: &NumberRow, current: &Settings) -> Result<(), DbError> {
        let before = current.webhook_url();
        if before.is_some_and(|url| is_ours(self.public_base_url, url)) {
            return Ok(());
        }
        let key = keys::number(&row.workspace, &row.number);
        row::change::<NumberRow>(self.db, &key, |row| {
            // A secret is sealed to other bytes each time: the address tells whether it is another.
            if row.webhook_before.as_deref() == before {
                return false;
            }
            let before = Before {
                url: before.map(str::to_owned),
                token: current.webhook_token().filter(|_| before.is_some()),
            };
            keep_before(row, self.data_keys, before);
            true
        })
        .await?;
        Ok(())
    }

    /// `written` tells the pause between two messages that GREEN-API keeps from now on.
    async fn note(
        &self,
        seen: &NumberRow,
        written: Result<u32, GreenApiError>,
        again: Duration,
    ) -> Result<Settled, SettleError> {
        let due_ms = written
            .as_ref()
            .err()
            .map(|error| self.clock.now_ms() + again_ms(error, again));
        let key = keys::number(&seen.workspace, &seen.number);
        let noted = row::change::<NumberRow>(self.db, &key, |row| {
            let before = row.clone();
            match &written {
                Ok(delay_ms) => {
                    row.delay_ms = *delay_ms;
                    // Somebody may want something else meanwhile: that is due already.
                    row.configured |= row.prefs.chosen() == seen.prefs.chosen();
                }
                Err(_) => row.configured = false,
            }
            if let Some(due_ms) = due_ms {
                row.set_due(due_ms);
            }
            *row != before
        })
        .await?;
        Ok(match (noted, written) {
            (None, _) => Settled::Gone,
            (Some(_), Ok(_)) => Settled::Done,
            (Some(_), Err(error)) => {
                tracing::warn!(number = %seen.number, %error, "the number's settings were not written");
                Settled::NotYet(error)
            }
        })
    }
}

pub(super) fn again_ms(error: &GreenApiError, again: Duration) -> Millis {
    let again = match error {
        GreenApiError::BadToken
        | GreenApiError::Forbidden { .. }
        | GreenApiError::Expired
        | GreenApiError::Deleted
        | GreenApiError::Quota { .. } => AGAIN_LATER,
        _ => again,
    };
    again.as_millis() as Millis
}

/// The address of a number's webhook.
pub(super) fn webhook_url(public_base_url: &Url, key: &SecretString) -> Url {
    with_path(
        public_base_url,
        &["webhooks", "green-api", key.expose_secret()],
    )
}

/// Whether notifications to this address come to us, to whichever number.
pub(super) fn is_ours(public_base_url: &Url, address: &str) -> bool {
    let ours = with_path(public_base_url, &["webhooks", "green-api"]);
    Url::parse(address).is_ok_and(|url| {
        let rest = url.path().strip_prefix(ours.path());
        url.origin() == ours.origin()
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn with_path(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // The configuration lets only web addresses through, which have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_addresses_are_known() {
        let base = Url::parse("https://hub.test/").unwrap();
        let key = SecretString::from("k-1_");
        let url = webhook_url(&base, &key);
        assert_eq!(url.as_str(), "https://hub.test/webhooks/green-api/k-1_");
        let check = |address: &str, expect: bool| {
            assert_eq!(is_ours(&base, address), expect, "{address}");
        };
        check(url.as_str(), true);
        check("https://hub.test/webhooks/green-api", true);
        check("https://hub.test/webhooks/green-api2", false);
        check("https://hub.test:8443/webhooks/green-api/k", false);
        check("https://other.test/webhooks/green-api/k", false);
        check("nonsense", false);
    }
}
