//! The app is installed in a sub-account (GHL contract, OAuth).
//!
//! The code of an installation works once, and so does every refresh token: the pair is stored
//! before anything else is tried with it.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Clock, Millis};
use crate::crypto::{self, DataKeys};
use crate::domain::ids::{LocationId, NumberId, WorkspaceId};
use crate::domain::routing::Routing;
use crate::domain::text::Lang;
use crate::ghl::client::Ghl;
use crate::ghl::oauth::{TokenSet, UserType};
use crate::pipeline::ids::IdSource;
use crate::store::db::{Db, DbError, Write};
use crate::store::directory::{self, InstallRow, InstallState, NumberRow, WorkspaceRow};
use crate::store::{keys, row};

/// What an installation needs.
#[derive(Clone, Copy, Debug)]
pub struct Installer<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// New ids.
    pub ids: &'a IdSource,
    /// Which the tokens are sealed with.
    pub data_keys: &'a DataKeys,
    /// For the location's name and country.
    pub ghl: &'a Ghl,
}

/// An installation that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The location.
    pub location: LocationId,
    /// The workspace that it is linked to.
    pub workspace: WorkspaceId,
    /// The location's name, if GoHighLevel told it.
    pub name: Option<String>,
    /// The workspace did not exist before.
    pub is_new: bool,
}

/// Why there is no installation.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The tokens are an agency's. They are of no use until sub-accounts' tokens are made of them.
    #[error("the tokens are an agency's, without a location id")]
    Agency,
    /// The tokens are a sub-account's, but GoHighLevel does not say of which.
    #[error("the location id is missing")]
    NoLocation,
    /// The tables. The tokens are lost, so the app has to be installed again.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How often the tokens are tried to be stored while the tables do not answer: they exist nowhere
/// else.
const TRIES_UNAVAILABLE: usize = 3;

const PAUSE: Duration = Duration::from_millis(200);

impl<D: Db> Installer<'_, D> {
    /// Stores a sub-account's tokens, links the location to a workspace (its own, if it had one
    /// before), and gives the workspace the location's name and country if GoHighLevel tells them.
    /// `lang` is the language of a new workspace.
    ///
    /// # Errors
    /// [`InstallError`]; nothing is stored then.
    pub async fn complete(&self, tokens: &TokenSet, lang: Lang) -> Result<Installed, InstallError> {
        if tokens.user_type == UserType::Company {
            return Err(InstallError::Agency);
        }
        let location = match &tokens.location {
            Some(location) => location.clone(),
            None if tokens.is_bulk => return Err(InstallError::Agency),
            None => return Err(InstallError::NoLocation),
        };
        let (workspace, is_new) = self.store(&location, tokens, lang).await?;
        tracing::info!(%location, %workspace, is_new, "the app was installed");

        self.bring_numbers(&workspace, &location).await?;
        let name = self.dress(&workspace, &location, &tokens.access).await;
        Ok(Installed {
            location,
            workspace,
            name,
            is_new,
        })
    }

    /// The installation and its workspace, in one transaction.
    async fn store(
        &self,
        location: &LocationId,
        tokens: &TokenSet,
        lang: Lang,
    ) -> Result<(WorkspaceId, bool), DbError> {
        let (mut n_met, mut n_unavailable) = (0, 0);
        loop {
            match self.store_once(location, tokens, lang).await {
                // Somebody else was there first, or a refresh: look again, these tokens are newer.
                Err(DbError::Condition { .. } | DbError::Conflict) if n_met < row::TRIES => {
                    n_met += 1;
                }
                Err(DbError::Unavailable { .. }) if n_unavailable < TRIES_UNAVAILABLE => {
                    n_unavailable += 1;
                    self.clock.sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    async fn store_once(
        &self,
        location: &LocationId,
        tokens: &TokenSet,
        lang: Lang,
    ) -> Result<(WorkspaceId, bool), DbError> {
        let now_ms = self.clock.now_ms();
        let key = keys::install(location);
        let before = row::load::<InstallRow>(self.db, &key).await?;
        let workspace = before.as_ref().map_or_else(
            || WorkspaceId::new(self.ids.next()),
            |row| row.workspace.clone(),
        );
        let mut install = self.install_row(location, &workspace, tokens, now_ms);
        if let Some(before) = before {
            install.rev = before.rev;
            install.company = install.company.or(before.company);
            install.reconciled_ms = before.reconciled_ms;
        }
        let mut writes = vec![row::save(key, &mut install)?];
        let created = self
            .missing_workspace(&workspace, location, lang, now_ms)
            .await?;
        let is_new = created.is_some();
        writes.extend(created);
        self.db.write(writes).await?;
        Ok((workspace, is_new))
    }

    fn install_row(
        &self,
        location: &LocationId,
        workspace: &WorkspaceId,
        tokens: &TokenSet,
        now_ms: Millis,
    ) -> InstallRow {
        let seal = |token: &SecretString, field| {
            let context = InstallRow::seal_context(location, field);
            self.data_keys.seal(token.expose_secret(), &context)
        };
        let life_ms = life_ms(tokens.expires_in_s);
        let mut install = InstallRow {
            rev: 0,
            location: location.clone(),
            workspace: workspace.clone(),
            company: tokens.company.clone(),
            state: InstallState::Active,
            access_sealed: seal(&tokens.access, InstallRow::ACCESS),
            refresh_sealed: seal(&tokens.refresh, InstallRow::REFRESH),
            expires_ms: now_ms.saturating_add(life_ms),
            refreshed_ms: now_ms,
            scope: tokens.scope.clone(),
            installed_ms: now_ms,
            problem: None,
            reconciled_ms: now_ms,
            due_at: None,
            due_shard: None,
        };
        install.set_due(refresh_at(now_ms, tokens.expires_in_s));
        install
    }

    async fn missing_workspace(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        lang: Lang,
        now_ms: Millis,
    ) -> Result<Option<Write>, DbError> {
        let key = keys::workspace(workspace);
        if row::load::<WorkspaceRow>(self.db, &key).await?.is_some() {
            return Ok(None);
        }
        let mut row = WorkspaceRow {
            rev: 0,
            workspace: workspace.clone(),
            name: location.to_string(),
            lang,
            country: None,
            location: Some(location.clone()),
            routing: Routing::default(),
            created_ms: now_ms,
        };
        row::save(key, &mut row).map(Some)
    }

    /// The numbers of the workspace belong to the location, also those that were added elsewhere.
    async fn bring_numbers(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
    ) -> Result<(), DbError> {
        let numbers = directory::numbers(self.db, workspace).await?;
        let strangers = numbers
            .into_iter()
            .filter(|number| number.location.as_ref() != Some(location));
        for NumberRow { number, .. } in strangers {
            self.bring_number(workspace, location, &number).await?;
        }
        Ok(())
    }

    async fn bring_number(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        number: &NumberId,
    ) -> Result<(), DbError> {
        let key = keys::number(workspace, number);
        row::change::<NumberRow>(self.db, &key, |row| {
            row.location = Some(location.clone());
            true
        })
        .await?;
        Ok(())
    }

    /// Asks GoHighLevel for the name and the country. The installation is complete without.
    async fn dress(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        access: &SecretString,
    ) -> Option<String> {
        let told = match self.ghl.get_location(access, location).await {
            Ok(answer) => answer.value,
            Err(error) => {
                tracing::warn!(%location, %error, "the location's name is not known");
                return None;
            }
        };
        let key = keys::workspace(workspace);
        let dressed = row::change::<WorkspaceRow>(self.db, &key, |row| {
            let before = row.clone();
            // A name that people gave stays.
            if row.name == location.as_str() {
                row.name = told.name.clone().unwrap_or_else(|| location.to_string());
            }
            row.country = row.country.take().or_else(|| told.country.clone());
            *row != before
        });
        if let Err(error) = dressed.await {
            tracing::warn!(%workspace, %error, "the workspace's name was not stored");
        }
        told.name
    }
}

fn life_ms(expires_in_s: u64) -> Millis {
    i64::try_from(expires_in_s)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000)
}

/// When tokens that were obtained at `now_ms` and live `expires_in_s` are to be refreshed: somewhere
/// between half and four fifths of their life, so that hours are left if it fails, and so that
/// locations that were installed together do not refresh together.
pub fn refresh_at(now_ms: Millis, expires_in_s: u64) -> Millis {
    let random = crypto::random_id();
    let random = i64::from_str_radix(&random[..4], 16).unwrap_or_default();
    // 500 to 800 of a thousand.
    let share = 500 + random * 300 / 0xffff;
    now_ms.saturating_add(life_ms(expires_in_s) / 1000 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_refreshed_in_the_middle_of_their_life() {
        let at: Vec<_> = (0..200).map(|_| refresh_at(1_000, 86_399)).collect();
        let (first, last) = (at.iter().min().unwrap(), at.iter().max().unwrap());
        assert!(*first >= 1_000 + 86_399 * 500, "{first}");
        assert!(*last <= 1_000 + 86_399 * 800, "{last}");
        assert!(last - first > 86_399 * 100, "{first} {last}");
        assert_eq!(refresh_at(5, 0), 5);
        assert!(refresh_at(5, u64::MAX) > 5);
    }
}
