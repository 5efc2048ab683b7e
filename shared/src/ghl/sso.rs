//! Who opened our page inside GoHighLevel.
//!
//! The page gets an encrypted user context from the frame around it and hands it to us:
//! base64 of `Salted__`, 8 bytes of salt and AES-256-CBC ciphertext with PKCS#7 padding; key and
//! IV by OpenSSL's MD5 derivation from the app's shared secret (GHL contract, user context).
//!
//! The context has no MAC, no nonce and no expiry: whoever has it can present it again. It is
//! exchanged for a session of ours once, and everything it says is checked against our own tables.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use crate::crypto::BASE64;
use crate::domain::ids::{CompanyId, LocationId};

use super::id::is_id;

/// Longest context that is looked at, in bytes of base64; real ones have about 600.
const MAX_LEN: usize = 16 * 1024;

const AES_256_KEY_LEN: usize = 32;
const IV_LEN: usize = 16;

/// Why there is no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SsoError {
    /// Not a user context of this app: garbage, or encrypted with another secret. Which of the two
    /// is not told, so that the answer is no oracle for the padding.
    #[error("not a user context of this app")]
    Garbage,
    /// A true context, but of an agency's own page: the app has to be opened in a sub-account.
    #[error("the user context has no sub-account")]
    NoLocation,
}

/// A person in front of our page, as GoHighLevel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserContext {
    /// GoHighLevel's id of the person.
    pub user_id: String,
    /// The agency.
    pub company_id: CompanyId,
    /// What the person may do in GoHighLevel.
    pub role: Role,
    /// Where the person belongs; agency people can open every sub-account.
    pub user_type: UserType,
    /// The sub-account that is open; `None` on an agency's own pages.
    pub active_location: Option<LocationId>,
    /// May be empty.
    pub user_name: String,
    /// May be empty.
    pub email: String,
    /// The agency's owner; their role says `admin` too.
    pub is_agency_owner: bool,
}

/// What a person may do in GoHighLevel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Changes settings.
    Admin,
    /// Everybody else, also with a role that we do not know.
    User,
}

/// Where a person belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserType {
    /// To the agency.
    Agency,
    /// To one or more sub-accounts; also what we take an unknown word for.
    Location,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plaintext {
    user_id: String,
    company_id: String,
    #[serde(default, deserialize_with = "or_empty")]
    role: String,
    #[serde(default, rename = "type", deserialize_with = "or_empty")]
    user_type: String,
    #[serde(default, deserialize_with = "or_empty")]
    active_location: String,
    #[serde(default, deserialize_with = "or_empty")]
    user_name: String,
    #[serde(default, deserialize_with = "or_empty")]
    email: String,
    #[serde(default)]
    is_agency_owner: Option<bool>,
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl UserContext {
    /// Decrypts the context with the app's shared secret.
    pub fn decrypt(encrypted: &str, secret: &SecretString) -> Result<Self, SsoError> {
        // An unset secret would make everybody's own encryption a valid one.
        if secret.expose_secret().is_empty() || encrypted.len() > MAX_LEN {
            return Err(SsoError::Garbage);
        }
        let plaintext = decrypt(encrypted, secret.expose_secret()).ok_or(SsoError::Garbage)?;
        let context: Plaintext =
            serde_json::from_slice(&plaintext).map_err(|_| SsoError::Garbage)?;
        let location_is_sane =
            context.active_location.is_empty() || is_id(&context.active_location);
        if !is_id(&context.user_id) || !is_id(&context.company_id) || !location_is_sane {
            return Err(SsoError::Garbage);
        }
        Ok(Self {
            user_id: context.user_id,
            company_id: CompanyId::new(context.company_id),
            role: if context.role == "admin" {
                Role::Admin
            } else {
                Role::User
            },
            user_type: match context.user_type.as_str() {
                "agency" => UserType::Agency,
                _ => UserType::Location,
            },
            active_location: (!context.active_location.is_empty())
                .then(|| LocationId::new(context.active_location)),
            user_name: context.user_name,
            email: context.email,
            is_agency_owner: context.is_agency_owner.unwrap_or(false),
        })
    }

    /// The sub-account that is open.
    pub fn location(&self) -> Result<&LocationId, SsoError> {
        self.active_location.as_ref().ok_or(SsoError::NoLocation)
    }
}

fn decrypt(encrypted: &str, secret: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(encrypted.trim()).ok()?;
    let (salt, ciphertext) = bytes.strip_prefix(b"Salted__")?.split_first_chunk::<8>()?;
    let (key, iv) = derive(secret.as_bytes(), *salt);
    let key = UnboundCipherKey::new(&AES_256, &key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut buffer = ciphertext.to_vec();
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    Some(key.decrypt(&mut buffer, context).ok()?.to_vec())
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one iteration.
fn derive(secret: &[u8], salt: [u8; 8]) -> ([u8; AES_256_KEY_LEN], [u8; IV_LEN]) {
    let mut out = [0; AES_256_KEY_LEN + IV_LEN];
    let mut last: Option<[u8; 16]> = None;
    for chunk in out.chunks_exact_mut(16) {
        let mut md5 = Md5::new();
        if let Some(last) = last {
            md5.update(last);
        }
        md5.update(secret);
        md5.update(salt);
        let block: [u8; 16] = md5.finalize().into();
        chunk.copy_from_slice(&block);
        last = Some(block);
    }
    let mut key = [0; AES_256_KEY_LEN];
    let mut iv = [0; IV_LEN];
    key.copy_from_slice(&out[..AES_256_KEY_LEN]);
    iv.copy_from_slice(&out[AES_256_KEY_LEN..]);
    (key, iv)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a shared secret";

    fn encrypt(plaintext: &[u8], secret: &str) -> String {
        let salt = *b"01234567";
        let (key, iv) = derive(secret.as_bytes(), salt);
        let key = UnboundCipherKey::new(&AES_256, &key).unwrap();
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
        let mut buffer = plaintext.to_vec();
        key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(FixedLength::from(iv)))
            .unwrap();
        BASE64.encode([b"Salted__".as_slice(), &salt, &buffer].concat())
    }

    fn decrypt_with(encrypted: &str, secret: &str) -> Result<UserContext, SsoError> {
        UserContext::decrypt(encrypted, &SecretString::from(secret))
    }

    fn whole() -> Value {
        json!({
            "userId": "u", "companyId": "C1", "role": "admin", "type": "agency",
            "activeLocation": "L1", "userName": "N", "email": "e@x",
        })
    }

    #[test]
    fn a_context_is_read() {
        // AC 18
        let context =
            decrypt_with(&encrypt(whole().to_string().as_bytes(), SECRET), SECRET).unwrap();
        assert_eq!(
            context,
            UserContext {
                user_id: "u".into(),
                company_id: CompanyId::new("C1"),
                role: Role::Admin,
                user_type: UserType::Agency,
                active_location: Some(LocationId::new("L1")),
                user_name: "N".into(),
                email: "e@x".into(),
                is_agency_owner: false,
            }
        );
        assert_eq!(context.location(), Ok(&LocationId::new("L1")));
    }

    #[test]
    fn openssl_made_this_one() {
        // `openssl enc -aes-256-cbc -md md5 -a -A -pass 'pass:a shared secret'`, so that the
        // derivation is not checked against itself alone.
        let encrypted = concat!(
            "U2FsdGVkX19A4IS7uDPSXcQUP36FVcz6x0g+Q+/GIBP5dmFy1XjxTPDSLILXRFa96mwwvgXBC7q3WeJm",
            "czEibTv+lsN8/QtMtjV/GpCHXiM=",
        );
        assert_eq!(
            decrypt_with(encrypted, SECRET).unwrap().location(),
            Ok(&LocationId::new("L1"))
        );
    }

    #[test]
    fn what_is_missing_is_told_from_what_is_garbage() {
        // AC 19, AC 20
        let check = |plaintext: Value, expect: Result<&str, SsoError>| {
            let context = decrypt_with(&encrypt(plaintext.to_string().as_bytes(), SECRET), SECRET);
            let location = context.and_then(|context| context.location().cloned());
            assert_eq!(
                location.as_ref().map(LocationId::as_str),
                expect.as_ref().copied(),
                "{plaintext}"
            );
        };
        let with = |key: &str, value: Value| {
            let mut context = whole();
            context[key] = value;
            context
        };
        let without = |key: &str| {
            let mut context = whole();
            context.as_object_mut().unwrap().remove(key);
            context
        };
        check(whole(), Ok("L1"));
        check(without("activeLocation"), Err(SsoError::NoLocation));
        check(with("activeLocation", json!("")), Err(SsoError::NoLocation));
        check(
            with("activeLocation", Value::Null),
            Err(SsoError::NoLocation),
        );
        check(
            with("activeLocation", json!("../L2")),
            Err(SsoError::Garbage),
        );
        check(with("activeLocation", json!(7)), Err(SsoError::Garbage));
        check(without("companyId"), Err(SsoError::Garbage));
        check(with("companyId", json!("")), Err(SsoError::Garbage));
        check(without("userId"), Err(SsoError::Garbage));
        check(without("userName"), Ok("L1"));
        check(
            with("whitelabelDetails", json!({"domain": "app.example.com"})),
            Ok("L1"),
        );
        check(json!("text"), Err(SsoError::Garbage));
        check(json!([]), Err(SsoError::Garbage));
    }

    #[test]
    fn only_an_admin_is_an_admin() {
        let check = |role: Value, expect: Role| {
            let mut context = whole();
            context["role"] = role;
            let encrypted = encrypt(context.to_string().as_bytes(), SECRET);
            assert_eq!(decrypt_with(&encrypted, SECRET).unwrap().role, expect);
        };
        check(json!("admin"), Role::Admin);
        check(json!("user"), Role::User);
        check(json!("superuser"), Role::User);
        check(Value::Null, Role::User);
    }

    #[test]
    fn anything_but_our_own_encryption_is_garbage() {
        // AC 19
        let good = encrypt(whole().to_string().as_bytes(), SECRET);
        let check = |encrypted: &str, secret: &str| {
            assert_eq!(
                decrypt_with(encrypted, secret),
                Err(SsoError::Garbage),
                "{encrypted:?}"
            );
        };
        check(&good, "another secret");
        check(&encrypt(whole().to_string().as_bytes(), ""), "");
        check("", SECRET);
        check("garbage", SECRET);
        check(&good[..good.len() / 2], SECRET);
        check(&BASE64.encode(b"Salted__"), SECRET);
        check(&BASE64.encode(b"Salted__12345678"), SECRET);
        check(&BASE64.encode(&BASE64.decode(&good).unwrap()[8..]), SECRET);
        check(&"A".repeat(MAX_LEN + 4), SECRET);
        check(&encrypt(b"\xff\xfe", SECRET), SECRET);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            prop_assert_eq!(decrypt_with(&text, SECRET), Err(SsoError::Garbage));
        }

        #[test]
        fn no_ciphertext_makes_it_panic(rest in any::<Vec<u8>>()) {
            let encrypted = BASE64.encode([b"Salted__".as_slice(), &rest].concat());
            prop_assert_eq!(decrypt_with(&encrypted, SECRET), Err(SsoError::Garbage));
        }

        #[test]
        fn no_plaintext_makes_it_panic(plaintext in any::<Vec<u8>>()) {
            let encrypted = encrypt(&plaintext, SECRET);
            prop_assert_eq!(decrypt_with(&encrypted, SECRET), Err(SsoError::Garbage));
        }
    }
}
