//! The app's secrets in the forms that this module needs.

use std::sync::Arc;

use secrecy::SecretString;

use crate::crypto::{CryptoError, DataKeys};
use crate::secrets::{AppSecret, Secrets, SecretsError};

/// The secrets, ready to be used.
#[derive(Debug)]
pub struct Keys {
    /// Of the OAuth client.
    pub ghl_client_secret: SecretString,
    /// Which the user contexts of GoHighLevel's pages are encrypted with.
    pub ghl_shared_secret: SecretString,
    /// Which our own rows are sealed with.
    pub data_keys: DataKeys,
    /// Of the Telegram bot, if there is one.
    pub telegram_bot_token: Option<SecretString>,
}

/// There are no secrets to work with. Nothing can be done until somebody has looked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// They cannot be fetched or read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The data keys among them are wrong.
    #[error(transparent)]
    DataKeys(#[from] CryptoError),
}

/// Where the secrets come from.
#[derive(Debug)]
pub struct Keyring(Source);

#[derive(Debug)]
enum Source {
    Fetched(Secrets),
    #[cfg(any(test, feature = "testing"))]
    Fixed(Arc<Keys>),
}

impl Keyring {
    /// The secrets of Secrets Manager.
    pub fn fetched(secrets: Secrets) -> Self {
        Keyring(Source::Fetched(secrets))
    }

    /// A test's own secrets.
    #[cfg(any(test, feature = "testing"))]
    pub fn fixed(keys: Arc<Keys>) -> Self {
        Keyring(Source::Fixed(keys))
    }

    /// The secrets as they are now.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn get(&self) -> Result<Arc<Keys>, KeyringError> {
        match &self.0 {
            Source::Fetched(secrets) => Ok(Arc::new(keys(secrets.get().await?.as_ref())?)),
            #[cfg(any(test, feature = "testing"))]
            Source::Fixed(keys) => Ok(Arc::clone(keys)),
        }
    }
}

fn keys(secret: &AppSecret) -> Result<Keys, CryptoError> {
    Ok(Keys {
        ghl_client_secret: secret.ghl_client_secret.clone(),
        ghl_shared_secret: secret.ghl_shared_secret.clone(),
        data_keys: secret.data_keys()?,
        telegram_bot_token: secret.telegram_bot_token.clone(),
    })
}
