//! Bringing locations and numbers over, each in one transaction, and nothing twice.
//!
//! What is here already wins, unless the older adapter has replaced a location's tokens since: the
//! pair that ends later is the newer one, and the other one is dead.

mod number;
mod outcome;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use greenhub::account::common_token::{self, Allowed, CommonToken};
use greenhub::clock::Millis;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::WorkspaceId;
use greenhub::domain::routing::Routing;
use greenhub::domain::text::Lang;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::reconcile;
use greenhub::store::agency::{MemberRow, MemberState};
use greenhub::store::db::{Db, DbError, Write};
use greenhub::store::directory::{InstallRow, InstallState, WorkspaceRow};
use greenhub::store::{keys, row};
use secrecy::ExposeSecret as _;

pub use outcome::{Brought, LocationOutcome, NumberOutcome};

use crate::plan::{Location, OldTokens, Plan};

/// How many locations are seen to at once.
const AT_ONCE: usize = 8;

/// How long an access token works: says how old a pair is.
const TOKEN_LIFE_MS: Millis = 24 * 3600 * 1000;

/// What bringing over needs.
#[derive(Debug)]
pub struct Importer<D> {
    /// The tables.
    pub db: D,
    /// Which tokens are sealed with.
    pub data_keys: DataKeys,
    /// New ids.
    pub ids: IdSource,
    /// Now.
    pub now_ms: Millis,
    /// When the older adapter was stopped: what came since then is looked for.
    pub stopped_ms: Millis,
    /// Of new workspaces.
    pub lang: Lang,
    /// Opens the locations' workflow actions for a time.
    pub common_token: Option<CommonToken>,
    /// Nothing is written.
    pub dry_run: bool,
}

impl<D: Db> Importer<D> {
    /// Everything, in the order of the plan; `progress` is told after each location how many are
    /// done.
    ///
    /// # Errors
    /// The tables. What was written stays, and it can be called again.
    pub async fn bring(
        &self,
        plan: &Plan,
        progress: impl Fn(usize) + Sync,
    ) -> Result<Vec<Brought>, DbError> {
        let (n_done, progress) = (AtomicUsize::new(0), &progress);
        stream::iter(&plan.locations)
            .map(|location| {
                let n_done = &n_done;
                async move {
                    let brought = self.location(location).await?;
                    progress(n_done.fetch_add(1, Ordering::Relaxed) + 1);
                    Ok(brought)
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn location(&self, old: &Location) -> Result<Brought, DbError> {
        let (outcome, workspace) = self.install(old).await?;
        let mut brought = Brought {
            location: old.id.clone(),
            outcome,
            common_token: None,
            numbers: Vec::new(),
        };
        if outcome == LocationOutcome::Removed {
            let ids = old.numbers.iter().map(|old| old.new.id_instance);
            brought.numbers = ids.map(|id| (id, NumberOutcome::NoApp)).collect();
            return Ok(brought);
        }
        for number in &old.numbers {
            let outcome = self.number(&workspace, &old.id, number).await?;
            brought.numbers.push((number.new.id_instance, outcome));
        }
        if let Some(token) = &self.common_token {
            brought.common_token = Some(self.open_workflows(old, token).await?);
        }
        Ok(brought)
    }

    async fn open_workflows(
        &self,
        old: &Location,
        token: &CommonToken,
    ) -> Result<Allowed, DbError> {
        match self.dry_run {
            true => common_token::would_allow(&self.db, &old.id).await,
            false => common_token::allow(&self.db, &old.id, token).await,
        }
    }

    /// The installation, and the workspace that it is linked to.
    async fn install(&self, old: &Location) -> Result<(LocationOutcome, WorkspaceId), DbError> {
        let mut tried: Option<(LocationOutcome, InstallRow)> = None;
        for _ in 0..row::TRIES {
            let key = keys::install(&old.id);
            let here = row::load::<InstallRow>(&self.db, &key).await?;
            // Somebody else was quicker, unless it was this very write, whose answer got lost.
            if let (Some((outcome, tried)), Some(here)) = (&tried, &here)
                && tried.refresh_sealed == here.refresh_sealed
            {
                return Ok((*outcome, here.workspace.clone()));
            }
            let outcome = judge(here.as_ref(), old.tokens.as_ref());
            let workspace = here.as_ref().map_or_else(
                || WorkspaceId::new(self.ids.next()),
                |here| here.workspace.clone(),
            );
            let is_written = matches!(
                outcome,
                LocationOutcome::New { .. } | LocationOutcome::Newer
            );
            if !is_written || self.dry_run {
                return Ok((outcome, workspace));
            }
            let mut install = self.install_row(old, &workspace, here.as_ref());
            let mut writes = vec![row::save(key, &mut install)?];
            writes.extend(self.workspace_write(&install).await?);
            writes.extend(self.member_write(&install).await?);
            match self.db.write(writes).await {
                Err(DbError::Condition { .. } | DbError::Conflict) => {
                    tried = Some((outcome, install));
                }
                done => return done.map(|()| (outcome, workspace)),
            }
        }
        Err(DbError::Conflict)
    }

    /// The installation with the older adapter's tokens.
    fn install_row(
        &self,
        old: &Location,
        workspace: &WorkspaceId,
        here: Option<&InstallRow>,
    ) -> InstallRow {
        let tokens = old.tokens.as_ref();
        let seal = |token: Option<&str>, field| {
            let context = InstallRow::seal_context(&old.id, field);
            self.data_keys.seal(token.unwrap_or_default(), &context)
        };
        let expires_ms = tokens.map_or(0, |tokens| tokens.expires_ms);
        let since = |here: Option<Millis>| here.unwrap_or_default().max(self.stopped_ms);
        let mut install = InstallRow {
            rev: here.map_or(0, |here| here.rev),
            location: old.id.clone(),
            workspace: workspace.clone(),
            company: here
                .and_then(|here| here.company.clone())
                .or_else(|| old.company.clone()),
            state: match tokens {
                Some(_) => InstallState::Active,
                None => InstallState::NeedsReauthorization,
            },
            access_sealed: seal(
                tokens.map(|it| it.access.expose_secret()),
                InstallRow::ACCESS,
            ),
            refresh_sealed: seal(
                tokens.map(|it| it.refresh.expose_secret()),
                InstallRow::REFRESH,
            ),
            expires_ms,
            refreshed_ms: (expires_ms - TOKEN_LIFE_MS).clamp(0, self.now_ms),
            scope: String::new(),
            // What happened before is the older adapter's.
            installed_ms: since(here.map(|here| here.installed_ms)),
            problem: None,
            sms: None,
            reconciled_ms: since(here.map(|here| here.reconciled_ms)),
            due_at: None,
            due_shard: None,
        };
        install.set_due(self.first_look(&install));
        install
    }

    /// After the numbers, whose notifications wait, and not all at once.
    fn first_look(&self, install: &InstallRow) -> Millis {
        let shard = keys::due_shard_of(install.location.as_str());
        let shard: Millis = shard.parse().unwrap_or_default();
        self.now_ms + reconcile::EVERY_MS * (shard + 1) / Millis::from(keys::DUE_SHARDS)
    }

    async fn workspace_write(&self, install: &InstallRow) -> Result<Option<Write>, DbError> {
        let key = keys::workspace(&install.workspace);
        if row::load::<WorkspaceRow>(&self.db, &key).await?.is_some() {
            return Ok(None);
        }
        let mut row = WorkspaceRow {
            rev: 0,
            workspace: install.workspace.clone(),
            // Until GoHighLevel tells another.
            name: install.location.to_string(),
            lang: self.lang,
            country: None,
            location: Some(install.location.clone()),
            routing: Routing::default(),
            created_ms: self.now_ms,
        };
        row::save(key, &mut row).map(Some)
    }

    /// The location's place among those of its agency, unless it has one: what that says is newer.
    async fn member_write(&self, install: &InstallRow) -> Result<Option<Write>, DbError> {
        let Some(company) = &install.company else {
            return Ok(None);
        };
        let key = keys::member(company, &install.location);
        if row::load::<MemberRow>(&self.db, &key).await?.is_some() {
            return Ok(None);
        }
        let state = MemberState::Done;
        let mut member = MemberRow::new(company, &install.location, state, self.now_ms);
        row::save(key, &mut member).map(Some)
    }
}

/// What is to become of a location.
fn judge(here: Option<&InstallRow>, tokens: Option<&OldTokens>) -> LocationOutcome {
    let has_tokens = tokens.is_some();
    let Some(here) = here else {
        return LocationOutcome::New { has_tokens };
    };
    if here.state == InstallState::Uninstalled {
        return LocationOutcome::Removed;
    }
    match tokens {
        Some(tokens) if tokens.expires_ms > here.expires_ms => LocationOutcome::Newer,
        _ => LocationOutcome::Here,
    }
}
