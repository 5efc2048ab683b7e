//! Adding a number, also one that another workspace has.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::remove::{forgetting, leaving_history};
use super::settle::is_ours;
use super::{NewNumber, Numbers, SettleError, Settled, Unusable, open};
use crate::clock::Millis;
use crate::crypto::{self, CryptoError, DataKeys};
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

/// What the person was asked and has agreed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Another system gets no notifications any more.
    pub take_over: bool,
    /// The number leaves the workspace that has it.
    pub transfer: bool,
}

/// Why a number was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The location has no working installation: somebody has to install the app (again).
    #[error("the app has to be authorised in this location first")]
    NotAuthorised,
    /// This workspace has it already.
    #[error("the instance was added before")]
    Taken {
        /// As this number.
        number: NumberId,
    },
    /// Another workspace has it. Who has its token may have it transferred.
    #[error("the instance belongs to another workspace")]
    Elsewhere,
    /// Its notifications go to another system. They may be taken over.
    #[error("the instance's notifications go to {host}")]
    WebhookElsewhere {
        /// Of that system's address: the rest may hold a secret.
        host: String,
    },
    /// GREEN-API does not accept the instance.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What was just made cannot be used, or what the other workspace has: a bug.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// Why an instance cannot be used with the credentials that were typed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
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
}

impl From<GreenApiError> for AccessError {
    fn from(error: GreenApiError) -> Self {
        match error {
            GreenApiError::BadToken | GreenApiError::Forbidden { .. } => AccessError::Credentials,
            GreenApiError::Expired => AccessError::Expired,
            GreenApiError::Deleted => AccessError::Deleted,
            GreenApiError::Refused { message, .. } => AccessError::Refused(message),
            GreenApiError::Quota { description } => AccessError::Refused(description),
            GreenApiError::NotSent { .. }
            | GreenApiError::RateLimited
            | GreenApiError::Starting
            | GreenApiError::NotAuthorized
            | GreenApiError::FileTooLarge
            | GreenApiError::Ambiguous { .. } => AccessError::TryAgain(error),
        }
    }
}

/// The secrets of a new webhook.
struct Hook {
    key: SecretString,
    token: SecretString,
}

/// The webhook that a number had before.
#[derive(Default)]
pub(super) struct Before {
    pub(super) url: Option<String>,
    pub(super) token: Option<SecretString>,
}

impl<D: Db> Numbers<D> {
    /// Adds a number to a workspace: asks GREEN-API whether the credentials are right, stores it,
    /// and points its webhook to us. If only the last step fails, the number is there with
    /// `configured` false, and the sweeper tries again.
    ///
    /// What somebody else has with the number is told only to who has its token: that another
    /// workspace has it (it is a new number here then, without a history), and that another system
    /// gets its notifications. Either is taken only if the person has agreed.
    ///
    /// A workspace without a `location` has no CRM: its people answer in the panel.
    ///
    /// # Errors
    /// [`AddError`]; nothing is stored then.
    pub async fn add(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        location: Option<&LocationId>,
        new: NewNumber,
        agreed: Agreed,
    ) -> Result<NumberRow, AddError> {
        if let Some(location) = location {
            self.refuse_without_install(location).await?;
        }
        let owner = keys::instance_owner(new.id_instance);
        let owner = row::load::<OwnerRow>(&self.db, &owner).await?;
        if let Some(owner) = owner.as_ref().filter(|owner| owner.workspace == *workspace) {
            let number = owner.number.clone();
            return Err(AddError::Taken { number });
        }
        let to = Instance {
            id: new.id_instance,
            token: new.token.clone(),
            api_url: new.api_url.clone(),
            media_url: new.media_url.clone(),
        };
        let account = self.account(&to).await.map_err(AccessError::from)?;
        let current = self.green.settings(&to).await.map_err(AccessError::from)?;
        if owner.is_some() && !agreed.transfer {
            return Err(AddError::Elsewhere);
        }
        let is_foreign = |url: &&str| !is_ours(&self.public_base_url, url);
        if let Some(url) = current.webhook_url().filter(is_foreign)
            && !agreed.take_over
        {
            let host = host(url);
            return Err(AddError::WebhookElsewhere { host });
        }

        let hook = Hook {
            key: crypto::random_token(HOOK_KEY_BYTES).into(),
            token: crypto::random_token(HOOK_TOKEN_BYTES).into(),
        };
        let theirs = match &owner {
            Some(owner) => {
                row::load::<NumberRow>(&self.db, &keys::number(&owner.workspace, &owner.number))
                    .await?
            }
            None => None,
        };
        let before = self
            .before(data_keys, &current, theirs.as_ref())
            .map_err(Unusable::from)?;
        let mut row = self.new_row(data_keys, workspace, new, &account, &current, &hook);
        row.location = location.cloned();
        keep_before(&mut row, data_keys, before);
        self.store(data_keys, &mut row, &hook, owner, theirs)
            .await?;
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

    /// What GREEN-API tells of the account, where "no phone is linked" is an answer, too: the token
    /// was right.
    pub(super) async fn account(&self, to: &Instance) -> Result<Account, GreenApiError> {
        match self.green.account(to).await {
            Err(GreenApiError::NotAuthorized) => Ok(Account {
                state: InstanceState::NotAuthorized,
                phone: None,
                lid: None,
                suspended_until: None,
            }),
            answer => answer,
        }
    }

    /// What is to be restored one day: another system's webhook, or what the workspace that has the
    /// number kept of one.
    fn before(
        &self,
        data_keys: &DataKeys,
        current: &Settings,
        theirs: Option<&NumberRow>,
    ) -> Result<Before, CryptoError> {
        let url = current.webhook_url();
        if let Some(url) = url.filter(|url| !is_ours(&self.public_base_url, url)) {
            return Ok(Before {
                url: Some(url.to_owned()),
                token: current.webhook_token(),
            });
        }
        let Some(theirs) = theirs else {
            return Ok(Before::default());
        };
        let token = theirs.webhook_token_before_sealed.as_deref();
        Ok(Before {
            url: theirs.webhook_before.clone(),
            token: token
                .map(|sealed| open(theirs, data_keys, sealed, NumberRow::TOKEN_BEFORE))
                .transpose()?,
        })
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
        let seal =
            |secret: &SecretString, field| seal(data_keys, workspace, &number, secret, field);
        let wid = wid_of(account).or_else(|| current.wid().map(str::to_owned));
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
            wid,
            api_url: new.api_url.to_string(),
            media_url: new.media_url.map(String::from),
            token_sealed: seal(&new.token, NumberRow::TOKEN),
            hook_key_sealed: seal(&hook.key, NumberRow::HOOK_KEY),
            hook_token_sha256: crypto::sha256_hex(hook.token.expose_secret()),
            hook_token_sealed: seal(&hook.token, NumberRow::HOOK_TOKEN),
            webhook_before: None,
            webhook_token_before_sealed: None,
            configured: false,
            delay_ms: current.delay_ms(),
            prefs: NumberPrefs::default(),
            pause: None,
            checked_ms: now_ms,
            changes: Vec::new(),
            alarmed: false,
            reconciled_ms: now_ms,
            due_at: None,
            due_shard: None,
        };
        row.set_due(now_ms + FIRST_LOOK.as_millis() as Millis);
        row
    }

    /// The number, its webhook and its ownership, and the end of what another workspace had: all or
    /// nothing.
    async fn store(
        &self,
        data_keys: &DataKeys,
        row: &mut NumberRow,
        hook: &Hook,
        owner: Option<OwnerRow>,
        theirs: Option<NumberRow>,
    ) -> Result<(), AddError> {
        let owner_key = keys::instance_owner(row.id_instance);
        let mut owner_row = OwnerRow {
            rev: owner.map_or(0, |owner| owner.rev),
            workspace: row.workspace.clone(),
            number: row.number.clone(),
        };
        let mut hook_row = HookRow {
            rev: 0,
            workspace: row.workspace.clone(),
            number: row.number.clone(),
        };
        let hook_key = keys::hook(&crypto::sha256_hex(hook.key.expose_secret()));
        let mut writes = vec![
            row::save(owner_key.clone(), &mut owner_row)?,
            row::save(hook_key, &mut hook_row)?,
            row::save(keys::number(&row.workspace, &row.number), row)?,
        ];
        if let Some(theirs) = &theirs {
            tracing::info!(workspace = %theirs.workspace, number = %theirs.number, "a number leaves");
            writes.extend(forgetting(data_keys, theirs));
            writes.push(leaving_history(theirs, self.clock.now_ms())?);
        }
        let Err(error) = self.db.write(writes).await else {
            return Ok(());
        };
        // Somebody else was quicker, unless it was this very write, whose answer got lost.
        match row::load::<OwnerRow>(&self.db, &owner_key).await? {
            Some(owner) if owner.number == row.number => Ok(()),
            Some(owner) if owner.workspace == row.workspace => Err(AddError::Taken {
                number: owner.number,
            }),
            // Their number may only have been written to meanwhile: the person asks again.
            Some(_) if theirs.is_some() => Err(error.into()),
            Some(_) => Err(AddError::Elsewhere),
            None => Err(error.into()),
        }
    }
}

/// The account's own chat id, while a phone is linked.
pub(super) fn wid_of(account: &Account) -> Option<String> {
    let phone = account.phone.as_ref()?;
    Some(Alias::from_phone_digits(phone.digits()).to_string())
}

pub(super) fn seal(
    data_keys: &DataKeys,
    workspace: &WorkspaceId,
    number: &NumberId,
    secret: &SecretString,
    field: &str,
) -> String {
    let context = NumberRow::seal_context(workspace, number, field);
    data_keys.seal(secret.expose_secret(), &context)
}

pub(super) fn keep_before(row: &mut NumberRow, data_keys: &DataKeys, before: Before) {
    row.webhook_before = before.url;
    row.webhook_token_before_sealed = before.token.map(|token| {
        let field = NumberRow::TOKEN_BEFORE;
        seal(data_keys, &row.workspace, &row.number, &token, field)
    });
}

/// The host of a webhook's address.
pub fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or("another address").to_owned()
}
