//! Agencies: their tokens stay fresh, and their sub-accounts get their own.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use greenhub::account::agency::{Agency, Listed, Provided};
use greenhub::account::uninstall;
use greenhub::clock::Millis;
use greenhub::domain::ids::{CompanyId, LocationId};
use greenhub::media::store::FileStore;
use greenhub::pipeline::tokens::{TokenError, Tokens};
use greenhub::queue::Queue;
use greenhub::store::agency::{CompanyRow, Listing};
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::InstallState;
use greenhub::store::{keys, row};
use secrecy::SecretString;

use crate::{Report, Sweeper};

/// How often an agency is looked at.
const EVERY_MS: Millis = 60 * 60 * 1000;

/// When something of an agency that was not finished is gone on with.
const SOON_MS: Millis = 60_000;

/// How many sub-accounts are seen to at once. The agency's pace is shared with the callback.
const AT_ONCE: usize = 6;

impl<D: Db, Q: Queue, S: FileStore> Sweeper<D, Q, S> {
    pub(crate) fn agency<'a>(&'a self) -> Agency<'a, D> {
        Agency {
            db: &self.hub.db,
            clock: &self.hub.clock,
            ids: &self.hub.ids,
            data_keys: &self.data_keys,
            ghl: &self.ghl,
            app_id: self.oauth.app_id(),
        }
    }

    pub(crate) fn tokens(&self) -> Tokens<'_, D, Q> {
        Tokens::new(&self.hub, &self.oauth, Arc::clone(&self.data_keys))
    }

    /// Keeps an agency's tokens fresh and reads on in the list of its sub-accounts; or takes the
    /// app from them, if the agency has removed it.
    pub(crate) async fn company(
        &self,
        company: &CompanyId,
        until_ms: Millis,
    ) -> Result<(), DbError> {
        let key = keys::company(company);
        let Some(before) = row::load::<CompanyRow>(&self.hub.db, &key).await? else {
            return Ok(());
        };
        let is_removed = before.state == InstallState::Uninstalled;
        let again_ms = if is_removed {
            let (db, clock) = (&self.hub.db, &self.hub.clock);
            let is_whole = uninstall::members(db, clock, &before, until_ms).await?;
            (!is_whole).then_some(SOON_MS)
        } else {
            self.installed_company(&before, until_ms).await?
        };
        let now_ms = self.hub.clock.now_ms();
        row::change::<CompanyRow>(&self.hub.db, &key, |row| {
            // Installed or removed meanwhile: it is due for that.
            let is_same = row.installed_ms == before.installed_ms
                && (row.state == InstallState::Uninstalled) == is_removed
                && (!is_removed || row.refreshed_ms == before.refreshed_ms);
            if is_same {
                let soon_ms = row.listing.map(|_| SOON_MS);
                let again_ms = again_ms.map(|again_ms| soon_ms.unwrap_or(again_ms).min(again_ms));
                row.set_due(again_ms.map(|again_ms| now_ms + again_ms));
            }
            is_same
        })
        .await?;
        Ok(())
    }

    /// Gives when it is due again, milliseconds from now.
    async fn installed_company(
        &self,
        before: &CompanyRow,
        until_ms: Millis,
    ) -> Result<Option<Millis>, DbError> {
        let company = &before.company;
        let token = match self.tokens().agency_kept_fresh(company).await {
            Ok(token) => token,
            Err(TokenError::Db(error)) => return Err(error),
            Err(error @ (TokenError::NotNow(_) | TokenError::Suspended)) => {
                tracing::warn!(%company, %error, "an agency is left to another time");
                return Ok(Some(SOON_MS * 5));
            }
            Err(error) => {
                tracing::warn!(%company, %error, "an agency's tokens do not work any more");
                return Ok(None);
            }
        };
        let is_reading = self.look_daily(before).await?;
        let agency = self.agency();
        let listed = agency.list(company, &token, until_ms).await?;
        if is_reading {
            agency.provide_all(before, &token, until_ms).await?;
        }
        Ok(match listed {
            Listed::Whole => Some(EVERY_MS),
            Listed::InPart | Listed::Failed(_) => Some(SOON_MS),
        })
    }

    /// With every new pair of tokens the list is read again: news of installations get lost. Says
    /// whether it is being read.
    async fn look_daily(&self, before: &CompanyRow) -> Result<bool, DbError> {
        let key = keys::company(&before.company);
        let row = row::change::<CompanyRow>(&self.hub.db, &key, |row| {
            let is_time = row.refreshed_ms != before.refreshed_ms && row.listing.is_none();
            if is_time {
                row.listing = Some(Listing::new(false));
            }
            is_time
        });
        Ok(row.await?.is_some_and(|row| row.listing.is_some()))
    }

    /// Sees to the sub-accounts that wait for tokens.
    pub(crate) async fn members(
        &self,
        due: Vec<(CompanyId, LocationId)>,
        until_ms: Millis,
        report: &mut Report,
    ) {
        let seen_to = stream::iter(due)
            .map(|(company, location)| async move {
                let provided = Box::pin(self.member(&company, &location, until_ms)).await;
                (location, provided)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for (location, provided) in seen_to {
            match provided {
                Ok(Provided::Yes) => report.members += 1,
                Ok(_) => {}
                Err(error) => {
                    report.failures += 1;
                    tracing::error!(%location, %error, "left to the next run");
                }
            }
        }
    }

    async fn member(
        &self,
        company: &CompanyId,
        location: &LocationId,
        until_ms: Millis,
    ) -> Result<Provided, DbError> {
        if until_ms <= self.hub.clock.now_ms() {
            return Ok(Provided::NoTime);
        }
        let row = row::load::<CompanyRow>(&self.hub.db, &keys::company(company)).await?;
        let lang = row.map(|row| row.lang).unwrap_or_default();
        let agency = self.agency();
        let mut token = match self.usable(self.tokens().agency(company).await)? {
            Ok(token) => token,
            Err(TokenError::NotNow(_)) => return Ok(Provided::NoTime),
            Err(_) => {
                agency.note_no_agency(company, location).await?;
                return Ok(Provided::No);
            }
        };
        // One refusal of the token is answered with another token, once.
        for _ in 0..2 {
            let provided = agency
                .provide(company, location, lang, &token, until_ms)
                .await?;
            if provided != Provided::TokenRefused {
                return Ok(provided);
            }
            let other = self.tokens().agency_other_than(company, &token).await;
            match self.usable(other)? {
                Ok(other) => token = other,
                Err(_) => break,
            }
        }
        agency.note_no_agency(company, location).await?;
        Ok(Provided::No)
    }

    /// Tells the tables' failures from the tokens'.
    pub(crate) fn usable(
        &self,
        token: Result<SecretString, TokenError>,
    ) -> Result<Result<SecretString, TokenError>, DbError> {
        match token {
            Err(TokenError::Db(error)) => Err(error),
            token => Ok(token),
        }
    }
}
