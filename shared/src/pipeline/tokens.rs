//! GoHighLevel's tokens: one refresh, whoever asks.
//!
//! A refresh token works once. Whoever refreshes has a lease; everybody else waits and reads what
//! the holder wrote. The new pair is written before anything else is done with it.

mod holder;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use self::holder::{Holder, Pair};
use super::Hub;
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::ids::{CompanyId, LocationId};
use crate::domain::sms::Active;
use crate::ghl::error::GhlError;
use crate::ghl::oauth::{OAuth, TokenSet};
use crate::queue::Queue;
use crate::store::agency::{self, CompanyRow};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::runtime::Lease;
use crate::store::{keys, row};

/// Tokens that end sooner are refreshed before they are used.
pub const REFRESH_BEFORE_MS: Millis = 5 * 60 * 1000;

/// Longer than the longest refresh (GHL contract, hazards: 30 s and no repetition).
const LEASE_MS: Millis = 45_000;

/// How long others wait for whoever refreshes, and how often they look.
const WAIT_MS: Millis = 40_000;
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A paused location is asked for again after this time.
pub const SUSPENDED_RETRY_MS: Millis = 60 * 60 * 1000;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The app is not installed in the location (any more).
    #[error("the app is not installed in the location")]
    NotInstalled,
    /// Somebody has to install the app again; what waits is kept.
    #[error("the location has to authorise the app again")]
    NeedsReauthorization,
    /// The location is paused in GoHighLevel; its tokens work again when it is not.
    #[error("the location is paused in GoHighLevel")]
    Suspended,
    /// GoHighLevel does not answer, or another worker is refreshing; soon.
    #[error("no token at the moment: {0}")]
    NotNow(String),
    /// The tables do not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Gives out access tokens.
#[derive(Debug)]
pub struct Tokens<'a, D, Q> {
    hub: &'a Hub<D, Q>,
    oauth: &'a OAuth,
    keys: Arc<DataKeys>,
}

impl<'a, D: Db, Q: Queue> Tokens<'a, D, Q> {
    /// The tokens in `hub`'s tables, sealed with `keys`.
    pub fn new(hub: &'a Hub<D, Q>, oauth: &'a OAuth, keys: Arc<DataKeys>) -> Self {
        Tokens { hub, oauth, keys }
    }

    /// A token of the location's that works for the next minutes.
    pub async fn access(&self, location: &LocationId) -> Result<SecretString, TokenError> {
        self.usable(self.load::<InstallRow>(location).await?).await
    }

    /// As [`access`](Self::access), and which of the app's SMS providers the location has.
    pub async fn for_posts(
        &self,
        location: &LocationId,
    ) -> Result<(SecretString, Option<Active>), TokenError> {
        let row = self.load::<InstallRow>(location).await?;
        let active = row.sms;
        Ok((self.usable(row).await?, active))
    }

    /// As [`access`](Self::access), and replaced when its time has come, so that hours are left if
    /// that fails.
    pub async fn kept_fresh(&self, location: &LocationId) -> Result<SecretString, TokenError> {
        self.fresh(self.load::<InstallRow>(location).await?).await
    }

    /// A token of the location's other than `used`, which GoHighLevel refused.
    pub async fn other_than(
        &self,
        location: &LocationId,
        used: &SecretString,
    ) -> Result<SecretString, TokenError> {
        self.other(self.load::<InstallRow>(location).await?, used)
            .await
    }

    /// A token of the agency's that works for the next minutes.
    pub async fn agency(&self, company: &CompanyId) -> Result<SecretString, TokenError> {
        self.usable(self.load::<CompanyRow>(company).await?).await
    }

    /// As [`kept_fresh`](Self::kept_fresh), of the agency.
    pub async fn agency_kept_fresh(&self, company: &CompanyId) -> Result<SecretString, TokenError> {
        self.fresh(self.load::<CompanyRow>(company).await?).await
    }

    /// A token of the agency's other than `used`, which GoHighLevel refused.
    pub async fn agency_other_than(
        &self,
        company: &CompanyId,
        used: &SecretString,
    ) -> Result<SecretString, TokenError> {
        self.other(self.load::<CompanyRow>(company).await?, used)
            .await
    }

    async fn usable<R: Holder>(&self, row: R) -> Result<SecretString, TokenError> {
        let pair = row.pair();
        let now = self.hub.clock.now_ms();
        match pair.state {
            InstallState::Active if pair.expires_ms - now > REFRESH_BEFORE_MS => {
                self.open::<R>(row.id(), InstallRow::ACCESS, &pair.access_sealed)
            }
            InstallState::Active => self.renew(row).await,
            InstallState::Suspended if now - pair.refreshed_ms < SUSPENDED_RETRY_MS => {
                Err(TokenError::Suspended)
            }
            InstallState::Suspended => self.renew(row).await,
            InstallState::NeedsReauthorization => Err(TokenError::NeedsReauthorization),
            InstallState::Uninstalled => Err(TokenError::NotInstalled),
        }
    }

    async fn fresh<R: Holder>(&self, row: R) -> Result<SecretString, TokenError> {
        let pair = row.pair();
        let life_ms = pair.expires_ms - pair.refreshed_ms;
        let refresh_at = pair.refreshed_ms + refresh_after_ms(life_ms, row.id());
        if pair.state == InstallState::Active && refresh_at <= self.hub.clock.now_ms() {
            return self.renew(row).await;
        }
        self.usable(row).await
    }

    async fn other<R: Holder>(
        &self,
        row: R,
        used: &SecretString,
    ) -> Result<SecretString, TokenError> {
        let pair = row.pair();
        if pair.state == InstallState::Uninstalled {
            return Err(TokenError::NotInstalled);
        }
        let stored = self.open::<R>(row.id(), InstallRow::ACCESS, &pair.access_sealed)?;
        if stored.expose_secret() != used.expose_secret() {
            return Ok(stored);
        }
        // There is nothing left to renew it with.
        if pair.state == InstallState::NeedsReauthorization {
            return Err(TokenError::NeedsReauthorization);
        }
        self.renew(row).await
    }

    /// Refreshes if nobody else does; waits for them if they do.
    async fn renew<R: Holder>(&self, seen: R) -> Result<SecretString, TokenError> {
        let hub = self.hub;
        let (id, seen) = (seen.id().clone(), seen.pair());
        let until = hub.clock.now_ms() + WAIT_MS;
        let owner = hub.ids.next();
        loop {
            let key = R::lease_key(&id);
            if let Some(lease) = Lease::take(&hub.db, &hub.clock, key, &owner, LEASE_MS).await? {
                // Somebody may have refreshed between our reading and our lease.
                let now = self.load::<R>(&id).await?;
                let access_sealed = now.pair().access_sealed;
                let renewed = if access_sealed == seen.access_sealed {
                    self.refresh(now).await
                } else {
                    self.open::<R>(&id, InstallRow::ACCESS, &access_sealed)
                };
                lease.release(&hub.db).await?;
                return renewed;
            }
            hub.clock.sleep(LOOK_EVERY).await;
            let now = self.load::<R>(&id).await?.pair();
            if now.access_sealed != seen.access_sealed {
                return self.open::<R>(&id, InstallRow::ACCESS, &now.access_sealed);
            }
            match now.state {
                InstallState::NeedsReauthorization => return Err(TokenError::NeedsReauthorization),
                InstallState::Uninstalled => return Err(TokenError::NotInstalled),
                _ if hub.clock.now_ms() > until => {
                    return Err(TokenError::NotNow("another worker is refreshing".into()));
                }
                _ => {}
            }
        }
    }

    /// The one call that uses the refresh token up.
    async fn refresh<R: Holder>(&self, row: R) -> Result<SecretString, TokenError> {
        let (id, pair) = (row.id(), row.pair());
        let refresh = self.open::<R>(id, InstallRow::REFRESH, &pair.refresh_sealed)?;
        match self.oauth.refresh(&refresh, R::USER_TYPE).await {
            Ok(tokens) => {
                self.save::<R>(id, &tokens).await?;
                Ok(tokens.access)
            }
            Err(GhlError::InvalidGrant) => {
                let (state, problem) = (InstallState::NeedsReauthorization, "invalid_grant");
                if let Some(newer) = self.mark(&row, state, problem).await? {
                    return self.open::<R>(id, InstallRow::ACCESS, &newer.access_sealed);
                }
                tracing::error!(of = %id, "the app has to be authorised again");
                self.ask_agency(&row).await?;
                Err(TokenError::NeedsReauthorization)
            }
            Err(GhlError::LocationInactive) => {
                let (state, problem) = (InstallState::Suspended, "the location is paused");
                self.mark(&row, state, problem).await?;
                Err(TokenError::Suspended)
            }
            Err(error) => Err(TokenError::NotNow(error.to_string())),
        }
    }

    /// Where an agency has installed the app, its tokens can make others: the sweeper sees to it
    /// (GHL contract, hazards, lost response).
    async fn ask_agency<R: Holder>(&self, row: &R) -> Result<(), DbError> {
        let Some((company, location)) = row.agency() else {
            return Ok(());
        };
        let db = &self.hub.db;
        let installed = row::load::<CompanyRow>(db, &keys::company(company)).await?;
        if installed.is_some_and(|installed| installed.state != InstallState::Uninstalled) {
            let now = self.hub.clock.now_ms();
            agency::want_tokens(db, company, location, now, now).await?;
        }
        Ok(())
    }

    /// The old refresh token is dead: the new pair is written down whatever it takes.
    async fn save<R: Holder>(&self, id: &R::Id, tokens: &TokenSet) -> Result<(), TokenError> {
        let now = self.hub.clock.now_ms();
        let seal = |field, secret: &SecretString| {
            self.keys
                .seal(secret.expose_secret(), &R::context(id, field))
        };
        let life_ms = tokens.expires_in_s as Millis * 1000;
        let pair = Pair {
            state: InstallState::Active,
            access_sealed: seal(InstallRow::ACCESS, &tokens.access),
            refresh_sealed: seal(InstallRow::REFRESH, &tokens.refresh),
            expires_ms: now + life_ms,
            refreshed_ms: now,
            problem: None,
        };
        let key = R::row_key(id);
        for tries in 0.. {
            let saved = row::change::<R>(&self.hub.db, &key, |row| {
                // Uninstalled meanwhile: tokens stay wiped.
                if row.pair().state == InstallState::Uninstalled {
                    return false;
                }
                row.set_pair(pair.clone());
                row.due_by(now + refresh_after_ms(life_ms, id));
                true
            })
            .await;
            match saved {
                Ok(_) => return Ok(()),
                Err(error) if tries >= 10 => return Err(error.into()),
                Err(error) => {
                    tracing::error!(of = %id, %error, "new tokens are not written down yet");
                    self.hub
                        .clock
                        .sleep(Duration::from_millis(200 * (tries + 1)))
                        .await;
                }
            }
        }
        Ok(())
    }

    /// Notes what is wrong with the tokens of `seen`; if others are stored by now nothing is, and
    /// they are given.
    async fn mark<R: Holder>(
        &self,
        seen: &R,
        state: InstallState,
        problem: &str,
    ) -> Result<Option<Pair>, DbError> {
        let now = self.hub.clock.now_ms();
        let seen_pair = seen.pair();
        let mut newer = None;
        row::change::<R>(&self.hub.db, &R::row_key(seen.id()), |row| {
            let mut pair = row.pair();
            // A new installation in between is not to be marked with the old one's trouble.
            newer = (pair.refresh_sealed != seen_pair.refresh_sealed).then(|| pair.clone());
            if newer.is_some() {
                return false;
            }
            pair.state = state;
            pair.problem = Some(problem.to_owned());
            pair.refreshed_ms = now;
            row.set_pair(pair);
            true
        })
        .await?;
        Ok(newer.filter(|pair| pair.state == InstallState::Active))
    }

    async fn load<R: Holder>(&self, id: &R::Id) -> Result<R, TokenError> {
        row::load(&self.hub.db, &R::row_key(id))
            .await?
            .ok_or(TokenError::NotInstalled)
    }

    fn open<R: Holder>(
        &self,
        id: &R::Id,
        field: &str,
        sealed: &str,
    ) -> Result<SecretString, TokenError> {
        self.keys
            .open(sealed, &R::context(id, field))
            .map_err(|error| TokenError::NotNow(format!("a stored token does not open: {error}")))
    }
}

/// When tokens are refreshed without being asked for: after half to four fifths of their life,
/// spread by whose they are so that not all come at once.
fn refresh_after_ms(life_ms: Millis, id: &impl std::fmt::Display) -> Millis {
    let shard: Millis = keys::due_shard_of(&id.to_string())
        .parse()
        .unwrap_or_default();
    life_ms / 2 + life_ms * 3 / 10 * shard / Millis::from(keys::DUE_SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_refreshed_in_the_middle_of_their_life() {
        let life_ms = 86_399_000;
        let at: Vec<_> = (0..200)
            .map(|n| refresh_after_ms(life_ms, &LocationId::new(format!("L{n}"))))
            .collect();
        let (first, last) = (at.iter().min().unwrap(), at.iter().max().unwrap());
        assert!(*first >= life_ms / 2, "{first}");
        assert!(*last <= life_ms * 4 / 5, "{last}");
        assert!(last - first > life_ms / 5, "{first} {last}");
    }
}
