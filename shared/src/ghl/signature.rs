//! Proof that a webhook is GoHighLevel's.
//!
//! Ed25519 over the raw bytes of the body, nothing mixed in, in the header `X-GHL-Signature` as
//! base64 (GHL contract, verifying webhooks). The older RSA header is not accepted: it has been
//! switched off.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use base64::Engine as _;

use crate::crypto::BASE64;

/// The header with the signature.
pub const HEADER: &str = "x-ghl-signature";

/// Bytes of an Ed25519 signature.
const SIGNATURE_LEN: usize = 64;

/// Why a body is not taken. All of them are answered 401; they differ in what a person is told to
/// look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no header, or it is GoHighLevel's `N/A` for "unsigned".
    #[error("the body is not signed")]
    Missing,
    /// The header is not 64 bytes in base64.
    #[error("the signature header is not a signature")]
    Garbled,
    /// Signed by somebody else, or changed on its way. Many of these at once mean that
    /// GoHighLevel has changed its key.
    #[error("the signature is not made with a key that we trust")]
    Wrong,
}

/// The configured keys are not Ed25519 public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of Ed25519 public keys (SPKI in base64, separated by commas)")]
pub struct NotPublicKeys;

/// The keys that are trusted: several while GoHighLevel changes its key.
#[derive(Debug)]
pub struct PublicKeys(Vec<ParsedPublicKey>);

impl PublicKeys {
    /// Reads SPKI structures in base64, separated by commas: what stands between the BEGIN and
    /// END lines of a PEM file. A list without a key is an error, since it would refuse everything.
    pub fn parse(list: &str) -> Result<Self, NotPublicKeys> {
        let keys = list
            .split(',')
            .map(|key| key.split_ascii_whitespace().collect::<String>())
            .filter(|key| !key.is_empty())
            .map(|key| {
                let spki = BASE64.decode(key).map_err(|_| NotPublicKeys)?;
                ParsedPublicKey::new(&ED25519, spki).map_err(|_| NotPublicKeys)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            Err(NotPublicKeys)
        } else {
            Ok(Self(keys))
        }
    }

    /// Checks the raw bytes of a body against the value of [`HEADER`].
    pub fn verify(&self, body: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
        let header = header.map(str::trim).unwrap_or_default();
        if header.is_empty() || header.eq_ignore_ascii_case("n/a") {
            return Err(SignatureError::Missing);
        }
        let signature = BASE64.decode(header).map_err(|_| SignatureError::Garbled)?;
        if signature.len() != SIGNATURE_LEN {
            return Err(SignatureError::Garbled);
        }
        match self
            .0
            .iter()
            .any(|key| key.verify_sig(body, &signature).is_ok())
        {
            true => Ok(()),
            false => Err(SignatureError::Wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use proptest::prelude::*;

    use super::*;

    fn new_key() -> (Ed25519KeyPair, String) {
        let pair = Ed25519KeyPair::generate().unwrap();
        let spki = pair.public_key().as_der().unwrap();
        let spki = BASE64.encode(spki.as_ref());
        (pair, spki)
    }

    fn sign(pair: &Ed25519KeyPair, body: &[u8]) -> String {
        BASE64.encode(pair.sign(body))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn only_a_signature_of_a_trusted_key_over_these_bytes_is_taken() {
        // AC 66
        let (old, old_spki) = new_key();
        let (new, new_spki) = new_key();
        let (stranger, _) = new_key();
        let keys = PublicKeys::parse(&format!(" {old_spki} ,\n{new_spki},")).unwrap();
        let body = br#"{"message":"hi", "n":1}"#;
        let check = |header: Option<&str>, body: &[u8], expect| {
            assert_eq!(keys.verify(body, header), expect, "{header:?}");
        };
        let good = sign(&new, body);
        check(Some(&good), body, Ok(()));
        check(Some(&sign(&old, body)), body, Ok(()));
        check(Some(good.trim_end_matches('=')), body, Ok(()));
        check(None, body, Err(SignatureError::Missing));
        check(Some(""), body, Err(SignatureError::Missing));
        check(Some("N/A"), body, Err(SignatureError::Missing));
        check(Some("%%%"), body, Err(SignatureError::Garbled));
        check(
            Some(&hex(new.sign(body).as_ref())),
            body,
            Err(SignatureError::Garbled),
        );
        check(Some(&good[..40]), body, Err(SignatureError::Garbled));
        check(
            Some(&sign(&stranger, body)),
            body,
            Err(SignatureError::Wrong),
        );
        check(
            Some(&good),
            br#"{"message":"ho", "n":1}"#,
            Err(SignatureError::Wrong),
        );
        check(
            Some(&good),
            br#"{"message":"hi","n":1}"#,
            Err(SignatureError::Wrong),
        );
        check(Some(&good), b"", Err(SignatureError::Wrong));
    }

    #[test]
    fn configured_keys_are_read_or_refused() {
        let (_, spki) = new_key();
        let check = |list: &str, usable: bool| {
            assert_eq!(PublicKeys::parse(list).is_ok(), usable, "{list:?}");
        };
        check(&spki, true);
        check("", false);
        check(" , ", false);
        check("MCowBQYDK2VwAyEA", false);
        check(&format!("{spki},garbage"), false);
    }

    proptest! {
        #[test]
        fn no_header_and_no_body_makes_it_panic(
            body in any::<Vec<u8>>(),
            header in proptest::option::of(any::<String>()),
            bytes in proptest::collection::vec(any::<u8>(), 64),
        ) {
            let keys = PublicKeys::parse(&new_key().1).unwrap();
            prop_assert!(keys.verify(&body, header.as_deref()).is_err());
            prop_assert_eq!(
                keys.verify(&body, Some(&BASE64.encode(bytes))),
                Err(SignatureError::Wrong)
            );
        }
    }
}
