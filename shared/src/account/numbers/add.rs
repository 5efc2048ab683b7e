//! Adding a number.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::settle::is_ours;
use super::{NewNumber, Numbers, SettleError, Settled, Unusable};
use crate::clock::Millis;
use crate::crypto::{self, DataKeys};
use crate::domain::chat_id::Alias;
use crate::domain::ids::{LocationId, NumberId, WorkspaceId};
use crate::domain::status::InstanceState;
use crate::green_api::client::{Account, Instance};
use crate::green_api::error::GreenApiError;
use crate::green_api::settings::Settings;
use crate::store::db::{Db, DbError};
use crate::store::directory::{
    HookRow, InstallRow, InstallState, NumberPrefs, NumberRow, OwnerRow,
};
use crate::store::{keys, row};

/// Of the part of a webhook's address that nobody can guess, bytes.
const HOOK_KEY_BYTES: usize = 24;

/// Of the webhook's bearer token, bytes.
const HOOK_TOKEN_BYTES: usize = 32;

/// When the sweeper first looks at a new number: also if this run ends before it is set up.
const FIRST_LOOK: Duration = Duration::from_secs(60);

/// Why a number was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The location has no working installation: somebody has to install the app (again).
    #[error("the app has to be authorised in this location first")]
    NotAuthorised,
    /// Somebody has it already, in this workspace or in another one.
    #[error("the instance was added before")]
    Taken,
    /// GREEN-API does not know the id with this token.
    #[error("GREEN-API does not accept the id with this token")]
    Credentials,
    /// The instance is not paid for.
    #[error("the instance is not paid for")]
    Expired,
    /// The instance was deleted at GREEN-API.
    #[error("the instance was deleted at GREEN-API")]
    Deleted,
    /// GREEN-API refuses for another reason.
    #[error("GREEN-API refuses: {0}")]
    Refused(String),
    /// GREEN-API has no time for us, or does not answer. Nothing is wrong with what was typed.
    #[error("GREEN-API does not answer now: {0}")]
    TryAgain(GreenApiError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What was just made cannot be used: a bug.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl From<GreenApiError> for AddError {
    fn from(error: GreenApiError) -> Self {
        match error {
            GreenApiError::BadToken | GreenApiError::Forbidden { .. } => AddError::Credentials,
            GreenApiError::Expired => AddError::Expired,
            GreenApiError::Deleted => AddError::Deleted,
            GreenApiError::Refused { message, .. } => AddError::Refused(message),
            GreenApiError::Quota { description } => AddError::Refused(description),
            GreenApiError::NotSent { .. }
            | GreenApiError::RateLimited
            | GreenApiError::Starting
            | GreenApiError::NotAuthorized
            | GreenApiError::FileTooLarge
            | GreenApiError::Ambiguous { .. } => AddError::TryAgain(error),
        }
    }
}

/// The secrets of a new webhook.
struct Hook {
    key: SecretString,
    token: SecretString,
}

impl<D: Db> Numbers<D> {
    /// Adds a number to a workspace: asks GREEN-API whether the credentials are right, stores it,
    /// and points its webhook to us. If only the last step fails, the number is there with
    /// `configured` false, and the sweeper tries again.
    ///
    /// # Errors
    /// [`AddError`]; nothing is stored then.
    pub async fn add(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        location: &LocationId,
        new: NewNumber,
    ) -> Result<NumberRow, AddError> {
        self.refuse_without_install(location).await?;
        let owner = keys::instance_owner(new.id_instance);
        let owned = row::load::<OwnerRow>(&self.db, &owner).await?;
        // Whether somebody else has it is told only to who has its token, further down.
        if owned.is_some_and(|owner| owner.workspace == *workspace) {
            return Err(AddError::Taken);
        }
        let to = Instance {
            id: new.id_instance,
            token: new.token.clone(),
            api_url: new.api_url.clone(),
            media_url: new.media_url.clone(),
        };
        let account = self.account(&to).await?;
        let current = self.green.settings(&to).await?;

        let hook = Hook {
            key: crypto::random_token(HOOK_KEY_BYTES).into(),
            token: crypto::random_token(HOOK_TOKEN_BYTES).into(),
        };
        let mut row = self.new_row(data_keys, workspace, new, &account, &current, &hook);
        row.location = Some(location.clone());
        self.store(&mut row, &hook).await?;
        tracing::info!(%workspace, number = %row.number, "a number was added");

        let settler = self.settler(data_keys);
        match settler.settle(&row, &to, &current, Duration::ZERO).await {
            Ok(Settled::Done | Settled::NotYet(_) | Settled::Gone) => {}
            // The number is stored and due: the sweeper goes on where this stopped.
            Err(SettleError::Db(error)) => {
                tracing::warn!(%error, "the settings are left to the sweeper")
            }
            Err(SettleError::Unusable(error)) => return Err(error.into()),
        }
        let key = keys::number(workspace, &row.number);
        Ok(row::load(&self.db, &key)
            .await
            .ok()
            .flatten()
            .unwrap_or(row))
    }

    async fn refuse_without_install(&self, location: &LocationId) -> Result<(), AddError> {
        let install = row::load::<InstallRow>(&self.db, &keys::install(location)).await?;
        match install.map(|install| install.state) {
            Some(InstallState::Active | InstallState::Suspended) => Ok(()),
            Some(InstallState::NeedsReauthorization | InstallState::Uninstalled) | None => {
                Err(AddError::NotAuthorised)
            }
        }
    }

    async fn account(&self, to: &Instance) -> Result<Account, AddError> {
        match self.green.account(to).await {
            // That is an answer, too, and the token was right.
            Err(GreenApiError::NotAuthorized) => Ok(Account {
                state: InstanceState::NotAuthorized,
                phone: None,
                lid: None,
                suspended_until: None,
            }),
            answer => Ok(answer?),
        }
    }

    fn new_row(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        new: NewNumber,
        account: &Account,
        current: &Settings,
        hook: &Hook,
    ) -> NumberRow {
        let now_ms = self.clock.now_ms();
        let number = NumberId::new(self.ids.next());
        let seal = |secret: &SecretString, field| {
            let context = NumberRow::seal_context(workspace, &number, field);
            data_keys.seal(secret.expose_secret(), &context)
        };
        let phone = account.phone.as_ref();
        let wid = phone.map(|phone| Alias::from_phone_digits(phone.digits()).to_string());
        let mut row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: new.id_instance,
            name: new.name,
            created_ms: now_ms,
            location: None,
            state: account.state.clone(),
            state_since_ms: now_ms,
            wid: wid.or_else(|| current.wid().map(str::to_owned)),
            api_url: new.api_url.to_string(),
            media_url: new.media_url.map(String::from),
            token_sealed: seal(&new.token, NumberRow::TOKEN),
            hook_key_sealed: seal(&hook.key, NumberRow::HOOK_KEY),
            hook_token_sha256: crypto::sha256_hex(hook.token.expose_secret()),
            hook_token_sealed: seal(&hook.token, NumberRow::HOOK_TOKEN),
            webhook_before: current
                .webhook_url()
                .filter(|url| !is_ours(&self.public_base_url, url))
                .map(str::to_owned),
            configured: false,
            delay_ms: current.delay_ms(),
            prefs: NumberPrefs::default(),
            pause: None,
            checked_ms: now_ms,
            reconciled_ms: now_ms,
            due_at: None,
            due_shard: None,
        };
        row.set_due(now_ms + FIRST_LOOK.as_millis() as Millis);
        row
    }

    /// The number, its webhook and its ownership: all or nothing.
    async fn store(&self, row: &mut NumberRow, hook: &Hook) -> Result<(), AddError> {
        let owner = keys::instance_owner(row.id_instance);
        let mut owner_row = OwnerRow {
            rev: 0,
            workspace: row.workspace.clone(),
            number: row.number.clone(),
        };
        let mut hook_row = HookRow {
            rev: 0,
            workspace: row.workspace.clone(),
            number: row.number.clone(),
        };
        let hook_key = keys::hook(&crypto::sha256_hex(hook.key.expose_secret()));
        let writes = vec![
            row::save(owner.clone(), &mut owner_row)?,
            row::save(hook_key, &mut hook_row)?,
            row::save(keys::number(&row.workspace, &row.number), row)?,
        ];
        let Err(error) = self.db.write(writes).await else {
            return Ok(());
        };
        // Somebody else was quicker, unless it was this very write, whose answer got lost.
        match row::load::<OwnerRow>(&self.db, &owner).await? {
            Some(owner) if owner.number == row.number => Ok(()),
            Some(_) => Err(AddError::Taken),
            None => Err(error.into()),
        }
    }
}
