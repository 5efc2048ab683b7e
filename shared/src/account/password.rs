//! Passwords: how they are kept, and which are none.
//!
//! Argon2id with 19 MiB, two passes and one lane, as OWASP's cheat sheet of password storage has it:
//! about 20 ms of a whole processor. Hashes of the older panel are bcrypt's; whoever signs in with one
//! gets a new one.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::crypto;

/// The shortest password, characters.
pub const LEAST_CHARS: usize = 10;

/// The longest one, bytes: nobody is to have us hash megabytes.
pub const MOST_BYTES: usize = 256;

/// What people take when they are asked for ten characters and more. Compared without case and
/// without what stands behind the last letter or digit.
const COMMON: &[&str] = &[
    "1234567890",
    "12345678910",
    "123456789012",
    "0123456789",
    "9876543210",
    "0987654321",
    "1111111111",
    "0000000000",
    "1122334455",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5",
    "1qaz2wsx3edc",
    "qwertyuiop",
    "qwerty12345",
    "qwerty123456",
    "qwerty1234",
    "qwertyuiop123",
    "asdfghjkl123",
    "asdfghjkl1",
    "zxcvbnm123",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "passw0rd123",
    "passw0rd1234",
    "p@ssword123",
    "p@ssw0rd123",
    "mypassword",
    "mypassword123",
    "changeme123",
    "changeme1234",
    "letmein123",
    "letmein1234",
    "welcome123",
    "welcome1234",
    "administrator",
    "admin12345",
    "admin123456",
    "adminadmin",
    "iloveyou123",
    "iloveyou12",
    "football123",
    "baseball123",
    "basketball",
    "superman123",
    "princess123",
    "sunshine123",
    "whatsapp123",
    "whatsapp1234",
    "greenhub123",
    "greenhub1234",
    "test123456",
    "testtest123",
    "abcdefghij",
    "abcdefghijk",
    "abc1234567",
    "abcd123456",
    "a1b2c3d4e5",
    "aaaaaaaaaa",
    "йцукенгшщз",
    "йцукен12345",
    "пароль12345",
    "пароль123456",
    "qazwsxedcrfv",
    "1234qwerasdf",
    "qwer1234asdf",
    "q1w2e3r4t5y6",
    "secret1234",
    "trustno1234",
    "hello12345",
    "computer123",
    "internet123",
    "november2026",
    "december2026",
    "january2027",
];

/// Why a password is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Less than [`LEAST_CHARS`] characters.
    #[error("a password has at least {LEAST_CHARS} characters")]
    Short,
    /// More than [`MOST_BYTES`] bytes.
    #[error("a password has at most {MOST_BYTES} bytes")]
    Long,
    /// The name, or with a little added.
    #[error("a password is not the name")]
    Name,
    /// One that everybody tries, or one sign over and over.
    #[error("this is one of the passwords that are tried first")]
    Common,
}

/// Whether a new password will do for somebody who signs in as `login`.
///
/// # Errors
/// Why it will not.
pub fn check(password: &SecretString, login: &str) -> Result<(), WeakPassword> {
    let password = password.expose_secret();
    if password.chars().count() < LEAST_CHARS {
        return Err(WeakPassword::Short);
    }
    if password.len() > MOST_BYTES {
        return Err(WeakPassword::Long);
    }
    let plain = password.to_lowercase();
    let bare = plain.trim_end_matches(|c: char| !c.is_alphanumeric());
    let login = login.to_lowercase();
    let account = login.split('@').next().unwrap_or_default();
    // The name with a year behind it is still the name.
    let without_digits = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    let names = [login.as_str(), account];
    if names.iter().any(|name| {
        !name.is_empty() && (plain == *name || bare == *name || without_digits == *name)
    }) {
        return Err(WeakPassword::Name);
    }
    let first = plain.chars().next();
    let is_one_sign = plain.chars().all(|c| Some(c) == first);
    if is_one_sign || COMMON.contains(&plain.as_str()) || COMMON.contains(&bare) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

/// What a password is kept as, in the PHC format.
pub fn hash(password: &SecretString) -> Option<String> {
    // 16 bytes, as text: the salt is not secret, only never the same.
    let salt = crypto::random_token(12);
    let hash = Argon2::default()
        .hash_password_with_salt(password.expose_secret().as_bytes(), salt.as_bytes());
    hash.ok().map(|hash| hash.to_string())
}

/// What comparing a password with a kept hash has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not this one.
    Wrong,
    /// This one.
    Right,
    /// This one, kept in an older way: it has to be hashed anew.
    RightButOld,
}

/// Compares a password with what was kept. Without a hash it takes as long, and is wrong.
pub fn verify(password: &SecretString, kept: Option<&str>) -> Verdict {
    let password = password.expose_secret();
    if password.len() > MOST_BYTES {
        return Verdict::Wrong;
    }
    let is_bcrypt = |hash: &&str| hash.starts_with("$2");
    if let Some(hash) = kept.filter(is_bcrypt) {
        return match bcrypt::verify(password, hash) {
            Ok(true) => Verdict::RightButOld,
            Ok(false) | Err(_) => Verdict::Wrong,
        };
    }
    let hash = kept.unwrap_or(NOBODYS);
    match Argon2::default().verify_password(password.as_bytes(), hash) {
        Ok(()) if kept.is_some() => Verdict::Right,
        Ok(()) | Err(_) => Verdict::Wrong,
    }
}

/// Of 256 random bits that were thrown away, with the same parameters as everybody's.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cy1zYWx0LTE$2PzSGsVJzpHvPdKi7Yk1i3cGkQyQXcUo4nNn5H0cC2I";

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_password_is_kept_as_a_hash_that_only_it_matches() {
        let right: SecretString = "correct horse battery".to_owned().into();
        let hash = hash(&right).unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(Some(hash.clone()), super::hash(&right));
        let check = |typed: &str, kept: Option<&str>, expect: Verdict| {
            assert_eq!(verify(&typed.to_owned().into(), kept), expect, "{typed}");
        };
        check("correct horse battery", Some(&hash), Verdict::Right);
        check("correct horse batterz", Some(&hash), Verdict::Wrong);
        check("", Some(&hash), Verdict::Wrong);
        check("correct horse battery", None, Verdict::Wrong);
        check("correct horse battery", Some("garbage"), Verdict::Wrong);
        check("correct horse battery", Some(""), Verdict::Wrong);
        // One of the older panel's.
        let old = bcrypt::hash_with_salt("correct horse battery", 4, [7; 16]).unwrap();
        let old = old.format_for_version(bcrypt::Version::TwoB);
        check("correct horse battery", Some(&old), Verdict::RightButOld);
        check("correct horse batterz", Some(&old), Verdict::Wrong);
        check("correct horse battery", Some("$2b$garbage"), Verdict::Wrong);
        let long = "x".repeat(MOST_BYTES + 1);
        let of_long = super::hash(&long.clone().into()).unwrap();
        check(&long, Some(&of_long), Verdict::Wrong);
    }

    #[test]
    fn nobodys_hash_is_one_and_takes_as_long() {
        // AC 99: an unknown name takes no less time.
        let parsed = argon2::password_hash::phc::PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(parsed.hash.unwrap().len(), 32);
        let typed: SecretString = "whatever it is".to_owned().into();
        let kept = hash(&"something else".to_owned().into()).unwrap();
        let clock = crate::clock::Clock::system();
        let time = |kept: Option<&str>| {
            let fastest = (0..3).map(|_| {
                let begin_ms = clock.now_ms();
                for _ in 0..5 {
                    assert_eq!(verify(&typed, kept), Verdict::Wrong);
                }
                clock.now_ms() - begin_ms
            });
            fastest.min().unwrap().max(1)
        };
        let (known, unknown) = (time(Some(&kept)), time(None));
        // Not hashing would take a thousandth; a busy machine may take a few times as long.
        assert!(
            unknown * 10 > known && known * 10 > unknown,
            "{known:?} {unknown:?}"
        );
    }

    #[test]
    fn what_is_tried_first_is_no_password() {
        let check_it = |typed: &str, expect: Result<(), WeakPassword>| {
            let password = typed.to_owned().into();
            assert_eq!(
                check(&password, "Anna.Karlsson@shop.example"),
                expect,
                "{typed}"
            );
        };
        check_it("correct horse", Ok(()));
        check_it("пять слов и ещё", Ok(()));
        check_it("123456789", Err(WeakPassword::Short));
        check_it("пароль", Err(WeakPassword::Short));
        check_it(&"x1".repeat(200), Err(WeakPassword::Long));
        check_it("anna.karlsson@shop.example", Err(WeakPassword::Name));
        check_it("Anna.Karlsson", Err(WeakPassword::Name));
        check_it("Anna.Karlsson2026!", Err(WeakPassword::Name));
        check_it("Password123", Err(WeakPassword::Common));
        check_it("password123!!", Err(WeakPassword::Common));
        check_it("zzzzzzzzzzzzz", Err(WeakPassword::Common));
        check_it("1234567890", Err(WeakPassword::Common));
        for common in COMMON {
            check_it(common, Err(WeakPassword::Common));
        }
    }
}
