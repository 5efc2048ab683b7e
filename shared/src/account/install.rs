//! The app is installed in a sub-account (GHL contract, OAuth): its tokens are stored, whether a
//! person brought a code for them or its agency's tokens made them.
//!
//! The code of an installation works once, and so does every refresh token: the pair is stored
//! before anything else is tried with it.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Clock, Millis};
use crate::crypto::DataKeys;
use crate::domain::ids::{CompanyId, LocationId, NumberId, WorkspaceId};
use crate::domain::routing::Routing;
use crate::domain::text::Lang;
use crate::ghl::client::Ghl;
use crate::ghl::oauth::TokenSet;
use crate::limiter::{lease, policy};
use crate::pipeline::ids::IdSource;
use crate::pipeline::reconcile;
use crate::store::agency::{MemberRow, MemberState};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{self, InstallRow, InstallState, NumberRow, WorkspaceRow};
use crate::store::{keys, row};

use super::audit::{self, About, Action, Actor};
use super::install_state;

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
    /// GoHighLevel does not say of which sub-account the tokens are.
    #[error("the location id is missing")]
    NoLocation,
    /// The app was removed while an agency's tokens made these. A person's own installation never
    /// ends so.
    #[error("the app was removed meanwhile")]
    Removed,
    /// The tables. The tokens are lost, so the app has to be installed again.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What is stored.
struct New<'a> {
    location: &'a LocationId,
    tokens: &'a TokenSet,
    /// Of a new workspace.
    lang: Lang,
    /// Of a new workspace, until somebody tells another.
    name: Option<&'a str>,
    /// The tokens were made of an agency's, while the installation looked like this.
    made_of_agency: Option<Before>,
    /// What an owner's browser brought back, to link the location to their workspace.
    state: Option<&'a SecretString>,
}

/// The installation's revision before its tokens were asked for; 0 if there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before(pub(super) u64);

/// How often the tokens are tried to be stored while the tables do not answer: they exist nowhere
/// else.
const TRIES_UNAVAILABLE: usize = 3;

const PAUSE: Duration = Duration::from_millis(200);

/// How long a call for the location's name may wait for its turn.
const NAME_WITHIN: Duration = Duration::from_secs(2);

/// One-way latency's spread towards GoHighLevel, until it has been measured.
const J_S: f64 = 0.2;

impl<D: Db> Installer<'_, D> {
    /// Stores a sub-account's tokens, links the location to a workspace (its own, if it had one
    /// before), and gives the workspace the location's name and country if GoHighLevel tells them.
    /// `lang` is the language of a new workspace. A location without a workspace of its own is linked
    /// to the one that `state` names, if no other location is.
    ///
    /// # Errors
    /// [`InstallError`]; nothing is stored then.
    pub async fn complete(
        &self,
        tokens: &TokenSet,
        lang: Lang,
        state: Option<&SecretString>,
    ) -> Result<Installed, InstallError> {
        let location = tokens.location.as_ref().ok_or(InstallError::NoLocation)?;
        let new = New {
            location,
            tokens,
            lang,
            name: None,
            made_of_agency: None,
            state,
        };
        let (workspace, is_new) = self.store(&new).await?;
        self.bring_numbers(&workspace, location).await?;
        let name = self.dress(&workspace, location, &tokens.access).await;
        Ok(Installed {
            location: location.clone(),
            workspace,
            name,
            is_new,
        })
    }

    /// Stores the tokens that an agency's made for one of its sub-accounts, unless the app was
    /// removed from it since `before`.
    ///
    /// # Errors
    /// [`InstallError`]; nothing is stored then, and they can be made anew.
    pub(super) async fn complete_member(
        &self,
        member: &MemberRow,
        tokens: &TokenSet,
        lang: Lang,
        before: Before,
    ) -> Result<(), InstallError> {
        let new = New {
            location: &member.location,
            tokens,
            lang,
            name: member.name.as_deref(),
            made_of_agency: Some(before),
            state: None,
        };
        let (workspace, _) = self.store(&new).await?;
        Ok(self.bring_numbers(&workspace, &member.location).await?)
    }

    /// The installation, its workspace and its place among its agency's sub-accounts, in one
    /// transaction.
    async fn store(&self, new: &New<'_>) -> Result<(WorkspaceId, bool), InstallError> {
        use InstallError::Db;
        let (mut n_met, mut n_unavailable) = (0, 0);
        loop {
            match self.store_once(new).await {
                // Somebody else was there first, or a refresh: look again, these tokens are newer.
                Err(Db(DbError::Condition { .. } | DbError::Conflict)) if n_met < row::TRIES => {
                    n_met += 1;
                }
                Err(Db(DbError::Unavailable { .. })) if n_unavailable < TRIES_UNAVAILABLE => {
                    n_unavailable += 1;
                    self.clock.sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    async fn store_once(&self, new: &New<'_>) -> Result<(WorkspaceId, bool), InstallError> {
        let now_ms = self.clock.now_ms();
        let location = new.location;
        let key = keys::install(location);
        let before = row::load::<InstallRow>(self.db, &key).await?;
        let mut linked = Vec::new();
        let workspace = match &before {
            Some(row) => row.workspace.clone(),
            None => match self.asked_for(new, now_ms).await? {
                Some((workspace, writes)) => {
                    linked = writes;
                    workspace
                }
                None => WorkspaceId::new(self.ids.next()),
            },
        };
        let mut install = self.install_row(new, &workspace, now_ms);
        let mut left = None;
        if let Some(before) = before {
            if is_removed_since(&before, new.made_of_agency) {
                return Err(InstallError::Removed);
            }
            install.rev = before.rev;
            install.reconciled_ms = before.reconciled_ms;
            let same = install.company.is_none() || install.company == before.company;
            left = before.company.clone().filter(|_| !same);
            install.company = install.company.or(before.company);
        }
        let company = install.company.clone();
        let mut writes = vec![row::save(key, &mut install)?];
        if let Some(company) = &company {
            writes.push(self.member_write(company, new, now_ms).await?);
        }
        // It belongs to another agency now.
        writes.extend(left.map(|left| Write {
            key: keys::member(&left, location),
            op: Op::Delete,
            only_if: Cond::Always,
        }));
        let mut is_new = false;
        if linked.is_empty() {
            let created = self.missing_workspace(&workspace, new, now_ms).await?;
            is_new = created.is_some();
            writes.extend(created);
        }
        writes.extend(linked);
        self.db.write(writes).await?;
        tracing::info!(%location, %workspace, is_new, "the app was installed");
        Ok((workspace, is_new))
    }

    /// The workspace that an owner wants the location linked to, with the writes that do it.
    async fn asked_for(
        &self,
        new: &New<'_>,
        now_ms: Millis,
    ) -> Result<Option<(WorkspaceId, Vec<Write>)>, DbError> {
        let Some(state) = new.state else {
            return Ok(None);
        };
        let Some((asked, used)) = install_state::read(self.db, self.clock, state).await? else {
            tracing::warn!(location = %new.location, "an installation's state is nobody's");
            return Ok(None);
        };
        let key = keys::workspace(&asked.workspace);
        let row = row::load::<WorkspaceRow>(self.db, &key).await?;
        let Some(mut row) = row.filter(|row| row.location.is_none()) else {
            tracing::warn!(workspace = %asked.workspace, "the workspace has a location already");
            return Ok(None);
        };
        row.location = Some(new.location.clone());
        let actor = Actor {
            person: Some(asked.person),
            ..Actor::default()
        };
        let about = About::default().change("location", "", new.location);
        let action = Action::LocationLinked;
        let entry = audit::entry(now_ms, &asked.workspace, &actor, action, about)?;
        let writes = vec![used, row::save(key, &mut row)?, entry];
        Ok(Some((asked.workspace, writes)))
    }

    fn install_row(&self, new: &New<'_>, workspace: &WorkspaceId, now_ms: Millis) -> InstallRow {
        let New {
            location, tokens, ..
        } = new;
        let seal = |token: &SecretString, field| {
            let context = InstallRow::seal_context(location, field);
            self.data_keys.seal(token.expose_secret(), &context)
        };
        let mut install = InstallRow {
            rev: 0,
            location: (*location).clone(),
            workspace: workspace.clone(),
            company: tokens.company.clone(),
            state: InstallState::Active,
            access_sealed: seal(&tokens.access, InstallRow::ACCESS),
            refresh_sealed: seal(&tokens.refresh, InstallRow::REFRESH),
            expires_ms: now_ms.saturating_add(life_ms(tokens)),
            refreshed_ms: now_ms,
            scope: tokens.scope.clone(),
            installed_ms: now_ms,
            problem: None,
            sms: None,
            reconciled_ms: now_ms,
            due_at: None,
            due_shard: None,
        };
        install.set_due(first_look(now_ms, location));
        install
    }

    /// The sub-account's place among those of its agency.
    async fn member_write(
        &self,
        company: &CompanyId,
        new: &New<'_>,
        now_ms: Millis,
    ) -> Result<Write, InstallError> {
        let key = keys::member(company, new.location);
        let mut member = row::load::<MemberRow>(self.db, &key)
            .await?
            .unwrap_or_else(|| MemberRow::new(company, new.location, MemberState::Done, now_ms));
        if new.made_of_agency.is_some() && member.state == MemberState::Gone {
            return Err(InstallError::Removed);
        }
        member.settle(MemberState::Done, now_ms);
        Ok(row::save(key, &mut member)?)
    }

    async fn missing_workspace(
        &self,
        workspace: &WorkspaceId,
        new: &New<'_>,
        now_ms: Millis,
    ) -> Result<Option<Write>, DbError> {
        let key = keys::workspace(workspace);
        if row::load::<WorkspaceRow>(self.db, &key).await?.is_some() {
            return Ok(None);
        }
        let mut row = WorkspaceRow {
            rev: 0,
            workspace: workspace.clone(),
            name: new.name.unwrap_or(new.location.as_str()).to_owned(),
            lang: new.lang,
            country: None,
            location: Some(new.location.clone()),
            routing: Routing::default(),
            created_ms: now_ms,
        };
        row::save(key, &mut row).map(Some)
    }

    /// The numbers of the workspace belong to the location, also those that were added elsewhere;
    /// and those that were let go of when the app was removed are pointed to us again, by the
    /// sweeper.
    async fn bring_numbers(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
    ) -> Result<(), DbError> {
        let numbers = directory::numbers(self.db, workspace).await?;
        let strays = numbers
            .into_iter()
            .filter(|number| number.location.as_ref() != Some(location) || !number.configured);
        for NumberRow { number, .. } in strays {
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
        let now_ms = self.clock.now_ms();
        row::change::<NumberRow>(self.db, &key, |row| {
            row.location = Some(location.clone());
            if !row.configured {
                row.set_due(now_ms);
            }
            true
        })
        .await?;
        Ok(())
    }

    /// Asks GoHighLevel for the name and the country. The installation is complete without.
    pub async fn dress(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        access: &SecretString,
    ) -> Option<String> {
        let limit = keys::ghl_limit(location);
        let pace = policy::ghl(J_S);
        let turn = lease::reserve_within(self.db, self.clock, &limit, &pace, NAME_WITHIN).await;
        let departs_ms = turn.ok()?.ok()?.departure_us(0) / 1000 + 1;
        self.clock.sleep_until(departs_ms).await;
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

/// The app was removed while an agency's tokens made others: those must not bring it back.
fn is_removed_since(install: &InstallRow, made_of_agency: Option<Before>) -> bool {
    install.state == InstallState::Uninstalled
        && made_of_agency.is_some_and(|before| before.0 != install.rev)
}

pub(super) fn life_ms(tokens: &TokenSet) -> Millis {
    i64::try_from(tokens.expires_in_s)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000)
}

/// When a new installation is first looked at: within the usual time, and not all of an agency's at
/// once.
fn first_look(now_ms: Millis, location: &LocationId) -> Millis {
    let shard: Millis = keys::due_shard_of(location.as_str())
        .parse()
        .unwrap_or_default();
    now_ms + reconcile::EVERY_MS * (shard + 1) / Millis::from(keys::DUE_SHARDS)
}
