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
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

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
    /// and `_`, a key that is not 32 bytes in base64, or no key for the current id.
    #[error("the data keys of the app secret are not usable")]
    BadKeys,
}

/// The keys that seal secrets in the tables, by their ids. New texts are sealed with the current
/// one; older ones still open, so that keys can be changed in place.
///
/// In the app secret: `{"current": "2026-11", "keys": {"2026-11": "<32 bytes in base64>"}}`.
#[derive(Deserialize)]
#[serde(try_from = "DataKeysText")]
pub struct DataKeys {
    current: String,
    /// The key of `current`, so that sealing has nothing to look up.
    current_key: LessSafeKey,
    keys: BTreeMap<String, LessSafeKey>,
}

#[derive(Deserialize)]
struct DataKeysText {
    current: String,
    keys: BTreeMap<String, SecretString>,
}

impl TryFrom<DataKeysText> for DataKeys {
    type Error = CryptoError;

    fn try_from(text: DataKeysText) -> Result<Self, CryptoError> {
        let mut keys = BTreeMap::new();
        for (id, key) in text.keys {
            let key = BASE64
                .decode(key.expose_secret())
                .map_err(|_| CryptoError::BadKeys)?;
            keys.insert(id, key.try_into().map_err(|_| CryptoError::BadKeys)?);
        }
        Self::new(text.current, &keys)
    }
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

/// The SHA-256 of `bytes`: 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(digest::digest(&digest::SHA256, bytes.as_ref()).as_ref())
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

fn random_bytes<const N: usize>() -> [u8; N] {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(current: &str, ids: &[(&str, u8)]) -> DataKeys {
        let keys = ids
            .iter()
            .map(|&(id, byte)| (id.to_owned(), [byte; 32]))
            .collect();
        DataKeys::new(current.to_owned(), &keys).unwrap()
    }

    fn open(keys: &DataKeys, sealed: &str, aad: &str) -> Result<String, CryptoError> {
        keys.open(sealed, aad)
            .map(|plain| plain.expose_secret().to_owned())
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_in_its_place_only(
            text in any::<String>(),
            aad in any::<String>(),
            other_aad in any::<String>(),
        ) {
            let ours = keys("a", &[("a", 1)]);
            let sealed = ours.seal(&text, &aad);
            prop_assert_eq!(open(&ours, &sealed, &aad), Ok(text));
            if aad != other_aad {
                prop_assert_eq!(open(&ours, &sealed, &other_aad), Err(CryptoError::NotAuthentic));
            }
            let other_key = keys("a", &[("a", 2)]);
            prop_assert_eq!(open(&other_key, &sealed, &aad), Err(CryptoError::NotAuthentic));
            let key_gone = keys("b", &[("b", 1)]);
            prop_assert_eq!(open(&key_gone, &sealed, &aad), Err(CryptoError::UnknownKey));
        }

        #[test]
        fn no_part_of_a_sealed_text_opens(text in ".{0,40}") {
            let ours = keys("a", &[("a", 1)]);
            let sealed = ours.seal(&text, "row");
            for end in 0..sealed.len() {
                prop_assert!(ours.open(&sealed[..end], "row").is_err(), "{end} of {}", sealed.len());
            }
        }

        #[test]
        fn no_bit_can_be_flipped(text in ".{0,40}", at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let ours = keys("a", &[("a", 1)]);
            let sealed = ours.seal(&text, "row");
            let (head, data) = sealed.rsplit_once('.').unwrap();
            let mut data = URL_SAFE_NO_PAD.decode(data).unwrap();
            let at = at.index(data.len());
            data[at] ^= 1_u8 << bit;
            let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(data));
            prop_assert_eq!(open(&ours, &changed, "row"), Err(CryptoError::NotAuthentic));
        }

        #[test]
        fn any_text_at_all_is_an_error_and_no_panic(text in any::<String>()) {
            prop_assert!(keys("a", &[("a", 1)]).open(&text, "row").is_err());
        }
    }

    #[test]
    fn old_keys_still_open() {
        let before = keys("old", &[("old", 1)]);
        let after = keys("new", &[("old", 1), ("new", 2)]);
        let sealed = before.seal("token", "row");
        assert_eq!(open(&after, &sealed, "row").as_deref(), Ok("token"));
        assert!(after.seal("token", "row").starts_with("v1.new."));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let ours = keys("a", &[("a", 1)]);
        assert_ne!(ours.seal("token", "row"), ours.seal("token", "row"));
    }

    #[test]
    fn malformed_texts_are_told_from_forged_ones() {
        let ours = keys("a", &[("a", 1)]);
        let check = |sealed: &str, expect| {
            assert_eq!(open(&ours, sealed, "row"), Err(expect), "{sealed:?}")
        };
        check("", CryptoError::Malformed);
        check("v1.a.", CryptoError::Malformed);
        check("v1.a.AAAA", CryptoError::Malformed);
        check("v1.a.!!!!", CryptoError::Malformed);
        check(
            "v2.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            CryptoError::Malformed,
        );
        check(
            "v1.b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            CryptoError::UnknownKey,
        );
        check(
            "v1.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            CryptoError::NotAuthentic,
        );
        check(
            "v1.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.x",
            CryptoError::Malformed,
        );
    }

    #[test]
    fn keys_come_from_the_app_secret() {
        let key = BASE64.encode([7; 32]);
        let check = |json: String, usable: bool| {
            assert_eq!(
                serde_json::from_str::<DataKeys>(&json).is_ok(),
                usable,
                "{json}"
            );
        };
        check(
            format!(r#"{{"current":"k1","keys":{{"k1":"{key}"}}}}"#),
            true,
        );
        check(
            format!(
                r#"{{"current":"k1","keys":{{"k1":"{}"}}}}"#,
                key.trim_end_matches('=')
            ),
            true,
        );
        check(
            format!(r#"{{"current":"k2","keys":{{"k1":"{key}"}}}}"#),
            false,
        );
        check(
            format!(r#"{{"current":"k.1","keys":{{"k.1":"{key}"}}}}"#),
            false,
        );
        check(
            r#"{"current":"k1","keys":{"k1":"c2hvcnQ="}}"#.to_owned(),
            false,
        );
        check(
            r#"{"current":"k1","keys":{"k1":"not base64"}}"#.to_owned(),
            false,
        );
    }

    #[test]
    fn keys_do_not_print() {
        let printed = format!("{:?}", keys("a", &[("a", 0x41)]));
        assert_eq!(printed, r#"DataKeys { current: "a", .. }"#);
    }

    #[test]
    fn a_header_matches_only_its_secret() {
        // AC 42, AC 43
        let check = |header: Option<&str>, secret: &str, expect: bool| {
            assert_eq!(
                bearer_matches(header, secret),
                expect,
                "{header:?} {secret:?}"
            );
        };
        check(Some("Bearer s3cret"), "s3cret", true);
        check(Some("bearer s3cret"), "s3cret", false);
        check(Some("Bearer  s3cret"), "s3cret", false);
        check(Some("Bearer s3cre"), "s3cret", false);
        check(Some("Bearer s3crets"), "s3cret", false);
        check(Some("s3cret"), "s3cret", false);
        check(Some("Basic s3cret"), "s3cret", false);
        check(Some("Basic s3cret"), "Basic s3cret", true);
        check(Some("Bearer s3cret"), "Bearer s3cret", true);
        check(Some("Bearer Basic s3cret"), "Basic s3cret", true);
        check(Some("s3cret"), "Basic s3cret", false);
        check(None, "s3cret", false);
        check(Some(""), "s3cret", false);
        check(None, "", false);
        check(Some(""), "", false);
        check(Some("Bearer "), "", false);
        check(Some("Bearer"), "", false);
        check(Some("anything"), "", false);
        check(Some(" "), " ", false);
        check(Some("Bearer  "), " ", false);
        check(Some("Bearer "), "Bearer ", false);
    }

    #[test]
    fn ids_and_tokens_have_their_lengths_and_differ() {
        assert_eq!(random_id().len(), 32);
        assert_ne!(random_id(), random_id());
        assert_eq!(random_token(24).len(), 32);
        assert_ne!(random_token(24), random_token(24));
    }

    #[test]
    fn sha256_is_the_well_known_one() {
        assert_eq!(
            sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
