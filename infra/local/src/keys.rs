//! The secrets of a local system, made once and kept in `secrets.json`: nothing has a default.

use std::{fs, path::Path};

use aws_lc_rs::{rand, signature::Ed25519KeyPair};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use crate::{error::Error, layout};

/// What is generated. The values of real accounts come from the environment and are not kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Keys {
    /// Of the sandbox's marketplace app.
    pub(crate) ghl_client_secret: String,
    /// Encrypts the user context that the sandbox's page hands over.
    pub(crate) ghl_shared_secret: String,
    /// 256 bits in hexadecimal, for tokens at rest.
    pub(crate) data_key_1: String,
    /// What Telegram, or the sandbox in its place, shows with each update.
    #[serde(default = "made_now")]
    pub(crate) telegram_webhook_secret: String,
    /// What the sandbox signs webhooks with: Ed25519, PKCS#8 in DER, base64.
    sandbox_signing_key: String,
}

impl Keys {
    /// Reads the file, or makes it.
    pub(crate) fn load_or_generate(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| Error::file(path)(error.into()))
            }
            Err(_) => {
                let keys = Self::generate().map_err(|()| {
                    Error::file(path)(std::io::Error::other("the system gives no random bytes"))
                })?;
                let text = serde_json::to_vec_pretty(&keys).unwrap_or_default();
                layout::write_private(path, &text)?;
                Ok(keys)
            }
        }
    }

    fn generate() -> Result<Self, ()> {
        let pair = Ed25519KeyPair::generate().map_err(|_| ())?;
        let der = pair.to_pkcs8().map_err(|_| ())?;
        Ok(Self {
            ghl_client_secret: hexadecimal()?,
            ghl_shared_secret: hexadecimal()?,
            data_key_1: hexadecimal()?,
            telegram_webhook_secret: hexadecimal()?,
            sandbox_signing_key: BASE64_STANDARD.encode(der.as_ref()),
        })
    }

    pub(crate) fn sandbox_signing_pkcs8(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(&self.sandbox_signing_key).ok()
    }
}

/// For a file from before there was one: the next start makes another, and Telegram is told.
fn made_now() -> String {
    hexadecimal().unwrap_or_default()
}

/// 32 random bytes.
pub(crate) fn hexadecimal() -> Result<String, ()> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| ())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
