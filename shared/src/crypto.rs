//! Secrets at rest, random ids, digests and comparisons that take the same time for every input.
//!
//! Everything here is AWS-LC's; this module only fixes the formats.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// Base64 as people paste it: the padding may be missing.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The format's version, the first part of every sealed text.
const VERSION: &str = "v1";

/// Why a sealed text did not open, or why the keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Not something that [`DataKeys::seal`] made: cut short, another version, not base64.
    #[error("not a sealed text")]
    Malformed,
    /// Sealed with a key that is not among ours any more.
    #[error("sealed with a key that is not known")]
    UnknownKey,
    /// Changed, or moved here from another row or field.
    #[error("the sealed text does not belong here or was changed")]
    NotAuthentic,
    /// The keys of the app secret are not usable: an id with other signs than letters, digits, `-`
    /// and `_`, a text that is too short to be a secret, or no key for the current id.
    #[error("the data keys of the app secret are not usable")]
    BadKeys,
}

/// The keys that seal secrets in the tables, by their ids. New texts are sealed with the current
/// one; older ones still open, so that keys can be changed in place.
pub struct DataKeys {
    current: String,
    /// The key of `current`, so that sealing has nothing to look up.
    current_key: LessSafeKey,
    keys: BTreeMap<String, LessSafeKey>,
}

impl DataKeys {
    /// Takes the keys by their ids; `current` has to be among them.
    pub fn new(current: String, keys: &BTreeMap<String, [u8; 32]>) -> Result<Self, CryptoError> {
        let load = |key: &[u8; 32]| {
            UnboundKey::new(&AES_256_GCM, key)
                .map(LessSafeKey::new)
                .map_err(|Unspecified| CryptoError::BadKeys)
        };
        let current_key = load(keys.get(&current).ok_or(CryptoError::BadKeys)?)?;
        let keys = keys
            .iter()
            .map(|(id, key)| match is_key_id(id) {
                true => Ok((id.clone(), load(key)?)),
                false => Err(CryptoError::BadKeys),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            current,
            current_key,
            keys,
        })
    }

    /// Encrypts with AES-256-GCM under a random nonce:
    /// `v1.<key id>.<base64url(nonce ‖ ciphertext ‖ tag)>`.
    ///
    /// `aad` says where the text belongs, the row's key and the field's name: a text that somebody
    /// copies into another row does not open there.
    pub fn seal(&self, plaintext: &str, aad: &str) -> String {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = plaintext.as_bytes().to_vec();
        // Only a text of 64 GiB is refused.
        expect_works(self.current_key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad.as_bytes()),
            &mut sealed,
        ));
        sealed.splice(0..0, nonce);
        format!(
            "{VERSION}.{}.{}",
            self.current,
            URL_SAFE_NO_PAD.encode(sealed)
        )
    }

    /// Decrypts what [`DataKeys::seal`] made for the same `aad`.
    pub fn open(&self, sealed: &str, aad: &str) -> Result<SecretString, CryptoError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(data), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(CryptoError::Malformed);
        };
        let data = URL_SAFE_NO_PAD
            .decode(data)
            .map_err(|_| CryptoError::Malformed)?;
        let (nonce, ciphertext) = data
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(CryptoError::Malformed)?;
        if ciphertext.len() < AES_256_GCM.tag_len() {
            return Err(CryptoError::Malformed);
        }
        let key = self.keys.get(id).ok_or(CryptoError::UnknownKey)?;
        let mut plaintext = ciphertext.to_vec();
        let plaintext = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad.as_bytes()),
                &mut plaintext,
            )
            .map_err(|Unspecified| CryptoError::NotAuthentic)?;
        std::str::from_utf8(plaintext)
            .map(SecretString::from)
            .map_err(|_| CryptoError::NotAuthentic)
    }
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKeys")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

fn is_key_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A token of `n_bytes` random bytes, in base64url without padding.
pub fn random_token(n_bytes: usize) -> String {
    let mut bytes = vec![0; n_bytes];
    expect_works(rand::fill(&mut bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A random id of 128 bits: 32 lower-case hexadecimal digits.
pub fn random_id() -> String {
    hex(&random_bytes::<16>())
}

/// The SHA-256 of `bytes`.
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes.as_ref()).as_ref());
    out
}

/// The SHA-256 of `bytes`: 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha256(bytes))
}

/// Whether both are the same, in a time that tells nothing but their lengths.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Whether an `Authorization` header carries `secret`: exactly `Bearer <secret>`, or the secret
/// as it stands if it has a scheme word of its own (`Basic abc`; GREEN-API contract,
/// authentication of webhooks).
///
/// A secret that is empty or nothing but a scheme word matches nothing: a number without a token
/// is closed, not open.
pub fn bearer_matches(header: Option<&str>, secret: &str) -> bool {
    let Some(header) = header else { return false };
    let has_scheme = match secret.split_once(' ') {
        Some((_, rest)) if rest.trim().is_empty() => return false,
        Some(("", _)) => return false,
        Some(_) => true,
        None => false,
    };
    if secret.is_empty() {
        return false;
    }
    let after_bearer = header
        .strip_prefix("Bearer ")
        .is_some_and(|s| constant_time_eq(s.as_bytes(), secret.as_bytes()));
    let as_it_stands = has_scheme && constant_time_eq(header.as_bytes(), secret.as_bytes());
    after_bearer | as_it_stands
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    expect_works(rand::fill(&mut bytes));
    bytes
}

/// AWS-LC ends the process itself when the system has no random bytes, so its errors here would
/// be an error of this program.
fn expect_works<T>(result: Result<T, Unspecified>) -> T {
    result.expect("AWS-LC neither runs out of random bytes nor refuses a small text")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
#[path = "crypto_tests.rs"]
mod tests;
