//! GoHighLevel's tokens: one refresh, whoever asks.
//!
//! A refresh token works once. Whoever refreshes has a lease; everybody else waits and reads what
//! the holder wrote. The new pair is written before anything else is done with it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Hub;
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::ids::LocationId;
use crate::ghl::error::GhlError;
use crate::ghl::oauth::{OAuth, TokenSet, UserType};
use crate::queue::Queue;
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
const SUSPENDED_RETRY_MS: Millis = 60 * 60 * 1000;

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

    /// A token that works for the next minutes.
    pub async fn access(&self, location: &LocationId) -> Result<SecretString, TokenError> {
        let install = self.install(location).await?;
        let now = self.hub.clock.now_ms();
        match install.state {
            InstallState::Active if install.expires_ms - now > REFRESH_BEFORE_MS => {
                self.open(&install, InstallRow::ACCESS, &install.access_sealed)
            }
            InstallState::Active => self.renew(install).await,
            InstallState::Suspended if now - install.refreshed_ms < SUSPENDED_RETRY_MS => {
                Err(TokenError::Suspended)
            }
            InstallState::Suspended => self.renew(install).await,
            InstallState::NeedsReauthorization => Err(TokenError::NeedsReauthorization),
            InstallState::Uninstalled => Err(TokenError::NotInstalled),
        }
    }

    /// A token other than `used`, which GoHighLevel refused.
    pub async fn other_than(
        &self,
        location: &LocationId,
        used: &SecretString,
    ) -> Result<SecretString, TokenError> {
        let install = self.install(location).await?;
        let stored = self.open(&install, InstallRow::ACCESS, &install.access_sealed)?;
        if stored.expose_secret() != used.expose_secret() {
            return Ok(stored);
        }
        self.renew(install).await
    }

    /// Refreshes if nobody else does; waits for them if they do.
    async fn renew(&self, seen: InstallRow) -> Result<SecretString, TokenError> {
        let hub = self.hub;
        let until = hub.clock.now_ms() + WAIT_MS;
        let owner = hub.ids.next();
        loop {
            let key = keys::token_lease(&seen.location);
            if let Some(lease) = Lease::take(&hub.db, &hub.clock, key, &owner, LEASE_MS).await? {
                // Somebody may have refreshed between our reading and our lease.
                let now = self.install(&seen.location).await?;
                let renewed = if now.access_sealed == seen.access_sealed {
                    self.refresh(now).await
                } else {
                    self.open(&now, InstallRow::ACCESS, &now.access_sealed)
                };
                lease.release(&hub.db).await?;
                return renewed;
            }
            hub.clock.sleep(LOOK_EVERY).await;
            let now = self.install(&seen.location).await?;
            if now.access_sealed != seen.access_sealed {
                return self.open(&now, InstallRow::ACCESS, &now.access_sealed);
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
    async fn refresh(&self, install: InstallRow) -> Result<SecretString, TokenError> {
        let refresh = self.open(&install, InstallRow::REFRESH, &install.refresh_sealed)?;
        match self.oauth.refresh(&refresh, UserType::Location).await {
            Ok(tokens) => {
                self.save(&install, &tokens).await?;
                Ok(tokens.access)
            }
            Err(GhlError::InvalidGrant) => {
                self.mark(
                    &install,
                    InstallState::NeedsReauthorization,
                    "invalid_grant",
                )
                .await?;
                tracing::error!(location = %install.location, "the location has to authorise again");
                Err(TokenError::NeedsReauthorization)
            }
            Err(GhlError::LocationInactive) => {
                self.mark(&install, InstallState::Suspended, "the location is paused")
                    .await?;
                Err(TokenError::Suspended)
            }
            Err(error) => Err(TokenError::NotNow(error.to_string())),
        }
    }

    /// The old refresh token is dead: the new pair is written down whatever it takes.
    async fn save(&self, install: &InstallRow, tokens: &TokenSet) -> Result<(), TokenError> {
        let location = &install.location;
        let now = self.hub.clock.now_ms();
        let seal = |field, secret: &SecretString| {
            self.keys.seal(
                secret.expose_secret(),
                &InstallRow::seal_context(location, field),
            )
        };
        let access_sealed = seal(InstallRow::ACCESS, &tokens.access);
        let refresh_sealed = seal(InstallRow::REFRESH, &tokens.refresh);
        let life_ms = tokens.expires_in_s as Millis * 1000;
        let key = keys::install(location);
        for tries in 0.. {
            let saved = row::change::<InstallRow>(&self.hub.db, &key, |install| {
                // Uninstalled meanwhile: tokens stay wiped.
                if install.state == InstallState::Uninstalled {
                    return false;
                }
                install.state = InstallState::Active;
                install.problem = None;
                install.access_sealed.clone_from(&access_sealed);
                install.refresh_sealed.clone_from(&refresh_sealed);
                install.expires_ms = now + life_ms;
                install.refreshed_ms = now;
                install.set_due(now + refresh_after_ms(life_ms, location));
                true
            })
            .await;
            match saved {
                Ok(_) => return Ok(()),
                Err(error) if tries >= 10 => return Err(error.into()),
                Err(error) => {
                    tracing::error!(%location, %error, "new tokens are not written down yet");
                    self.hub
                        .clock
                        .sleep(Duration::from_millis(200 * (tries + 1)))
                        .await;
                }
            }
        }
        Ok(())
    }

    async fn mark(
        &self,
        seen: &InstallRow,
        state: InstallState,
        problem: &str,
    ) -> Result<(), DbError> {
        let now = self.hub.clock.now_ms();
        let key = keys::install(&seen.location);
        row::change::<InstallRow>(&self.hub.db, &key, |install| {
            // A new installation in between is not to be marked with the old one's trouble.
            if install.refresh_sealed != seen.refresh_sealed {
                return false;
            }
            install.state = state;
            install.problem = Some(problem.to_owned());
            install.refreshed_ms = now;
            true
        })
        .await?;
        Ok(())
    }

    async fn install(&self, location: &LocationId) -> Result<InstallRow, TokenError> {
        row::load(&self.hub.db, &keys::install(location))
            .await?
            .ok_or(TokenError::NotInstalled)
    }

    fn open(
        &self,
        install: &InstallRow,
        field: &str,
        sealed: &str,
    ) -> Result<SecretString, TokenError> {
        self.keys
            .open(sealed, &InstallRow::seal_context(&install.location, field))
            .map_err(|error| TokenError::NotNow(format!("a stored token does not open: {error}")))
    }
}

/// When tokens are refreshed without being asked for: after half to four fifths of their life,
/// spread by the location so that not all come at once.
pub fn refresh_after_ms(life_ms: Millis, location: &LocationId) -> Millis {
    let shard: Millis = keys::due_shard_of(location.as_str())
        .parse()
        .unwrap_or_default();
    life_ms / 2 + life_ms * 3 / 10 * shard / Millis::from(keys::DUE_SHARDS)
}
