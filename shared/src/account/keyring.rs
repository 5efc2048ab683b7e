//! The app's secrets in the forms that this module needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};

use crate::crypto::{BASE64, CryptoError, DataKeys};
use crate::secrets::{AppSecret, DataKeysJson, Secrets, SecretsError};

/// The secrets, ready to be used.
#[derive(Debug)]
pub struct Keys {
    /// Of the OAuth client.
    pub ghl_client_secret: SecretString,
    /// Which the user contexts of GoHighLevel's pages are encrypted with.
    pub ghl_shared_secret: SecretString,
    /// Which our own rows are sealed with.
    pub data_keys: DataKeys,
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
        data_keys: data_keys(&secret.data_keys)?,
    })
}

/// The keys that stand in the app's secret.
///
/// # Errors
/// [`CryptoError::BadKeys`].
pub fn data_keys(json: &DataKeysJson) -> Result<DataKeys, CryptoError> {
    let read = |key: &SecretString| {
        let key = BASE64.decode(key.expose_secret()).ok()?;
        <[u8; 32]>::try_from(key).ok()
    };
    let keys = json
        .keys
        .iter()
        .map(|(id, key)| Ok((id.clone(), read(key).ok_or(CryptoError::BadKeys)?)))
        .collect::<Result<BTreeMap<_, _>, CryptoError>>()?;
    DataKeys::new(json.current.clone(), &keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_secret_seal_and_open() {
        let check = |current: &str, key: &str, expect: bool| {
            let json = DataKeysJson {
                current: current.to_owned(),
                keys: [("k1".to_owned(), SecretString::from(key))].into(),
            };
            let keys = data_keys(&json);
            assert_eq!(keys.is_ok(), expect, "{current} {key}");
            if let Ok(keys) = keys {
                let sealed = keys.seal("x", "here");
                assert_eq!(keys.open(&sealed, "here").unwrap().expose_secret(), "x");
            }
        };
        let key = BASE64.encode([7; 32]);
        check("k1", &key, true);
        check("k1", key.trim_end_matches('='), true);
        check("k2", &key, false);
        check("k1", "c2hvcnQ=", false);
        check("k1", "?", false);
    }
}
