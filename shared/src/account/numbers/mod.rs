//! The WhatsApp numbers of a workspace: adding, listing, renaming and removing them, and keeping
//! GREEN-API set to what Greenhub needs.

mod access;
mod add;
mod erase;
mod input;
mod link;
mod prefs;
mod release;
mod remove;
mod settle;

use secrecy::SecretString;
use url::Url;

use crate::clock::Clock;
use crate::config;
use crate::crypto::{CryptoError, DataKeys};
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::green_api::client::{GreenApi, Instance};
use crate::pipeline::ids::IdSource;
use crate::store::db::{Db, DbError};
use crate::store::directory::{self, NumberRow};
use crate::store::{keys, row};

pub use crate::pipeline::MOST_NEW_CONTACTS;
pub use access::ReplaceError;
pub use add::{AccessError, AddError, Agreed, host};
pub(crate) use erase::chat_is_erased;
pub use erase::erase_gone;
pub use input::{BadInput, NAME_CHARS, NewAccess, NewNumber, name};
pub use link::{ASK_EVERY_MS, AskError, Linking, REFRESH_EVERY_MS};
pub use prefs::{BadDelay, Change, check_delay};
pub use remove::{Conversations, RemoveError};
pub use settle::{SettleError, Settled, Settler};

/// What managing numbers needs.
#[derive(Debug)]
pub struct Numbers<D> {
    /// The tables.
    pub db: D,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: IdSource,
    /// The gateway.
    pub green: GreenApi,
    /// Which hosts may be called.
    pub hosts: config::Green,
    /// Where GREEN-API reaches us.
    pub public_base_url: Url,
}

/// A sealed field of a row, or an address in it, cannot be used: a wrong key, or somebody has
/// changed the row. A person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A secret does not open.
    #[error("a secret of the number does not open: {0}")]
    Sealed(#[from] CryptoError),
    /// An address is none.
    #[error("an address of the number cannot be read")]
    Address(#[from] url::ParseError),
}

impl<D: Db> Numbers<D> {
    /// The numbers of a workspace, newest first.
    ///
    /// # Errors
    /// The tables.
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<NumberRow>, DbError> {
        let mut numbers = directory::numbers(&self.db, workspace).await?;
        numbers.reverse();
        Ok(numbers)
    }

    /// A number. `None` if the workspace has no such number.
    ///
    /// # Errors
    /// The tables.
    pub async fn get(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<Option<NumberRow>, DbError> {
        row::load(&self.db, &keys::number(workspace, number)).await
    }

    fn settler<'a>(&'a self, data_keys: &'a DataKeys) -> Settler<'a, D> {
        Settler {
            db: &self.db,
            clock: &self.clock,
            green: &self.green,
            data_keys,
            public_base_url: &self.public_base_url,
        }
    }
}

/// What a call to GREEN-API for a number needs.
///
/// # Errors
/// [`Unusable`].
pub fn instance(row: &NumberRow, data_keys: &DataKeys) -> Result<Instance, Unusable> {
    Ok(Instance {
        id: row.id_instance,
        token: open(row, data_keys, &row.token_sealed, NumberRow::TOKEN)?,
        api_url: Url::parse(&row.api_url)?,
        media_url: row.media_url.as_deref().map(Url::parse).transpose()?,
    })
}

/// Where GREEN-API posts a number's notifications, and the bearer token that it shows.
///
/// # Errors
/// [`Unusable`].
pub fn webhook(
    row: &NumberRow,
    data_keys: &DataKeys,
    public_base_url: &Url,
) -> Result<(Url, SecretString), Unusable> {
    let key = open(row, data_keys, &row.hook_key_sealed, NumberRow::HOOK_KEY)?;
    let token = open(
        row,
        data_keys,
        &row.hook_token_sealed,
        NumberRow::HOOK_TOKEN,
    )?;
    Ok((settle::webhook_url(public_base_url, &key), token))
}

fn open(
    row: &NumberRow,
    data_keys: &DataKeys,
    sealed: &str,
    field: &str,
) -> Result<SecretString, CryptoError> {
    let context = NumberRow::seal_context(&row.workspace, &row.number, field);
    data_keys.open(sealed, &context)
}
