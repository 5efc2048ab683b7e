//! What people type when they add or rename a number.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config;
use crate::domain::ids::IdInstance;
use crate::green_api::client::{default_api_url, guard_url};

/// The longest name, in characters.
pub const NAME_CHARS: usize = 100;

/// The longest API token that is taken, in bytes; real ones have 50.
const TOKEN_BYTES: usize = 256;

/// A number to be added, as far as it can be checked without asking anybody.
#[derive(Clone, Debug)]
pub struct NewNumber {
    /// GREEN-API's id.
    pub id_instance: IdInstance,
    /// Its API token.
    pub token: SecretString,
    /// What people call it.
    pub name: String,
    /// Where GREEN-API serves it.
    pub api_url: Url,
    /// Where GREEN-API takes its files.
    pub media_url: Option<Url>,
}

/// What a number is to be used with from now on.
#[derive(Clone, Debug)]
pub struct NewAccess {
    /// Its API token.
    pub token: SecretString,
    /// Where GREEN-API serves it; `None` leaves it as it is.
    pub api_url: Option<Url>,
    /// Where GREEN-API takes its files; `None` leaves it as it is.
    pub media_url: Option<Url>,
}

/// What was typed cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// The instance's id is not a number.
    #[error("the instance id has to be digits only")]
    IdInstance,
    /// There is no token, or it has signs that no token has.
    #[error("the API token is missing or has signs that no token has")]
    Token,
    /// Empty, too long, or with control characters.
    #[error("a name has 1 to {NAME_CHARS} characters and no control characters")]
    Name,
    /// Not GREEN-API's.
    #[error("the address is not an https address of GREEN-API")]
    Address,
}

impl NewNumber {
    /// Checks what was typed. What is empty counts as missing; without an address the number's
    /// default one is taken, without a name "WhatsApp" and its id.
    ///
    /// # Errors
    /// [`BadInput`].
    pub fn read(
        id_instance: &str,
        token: &SecretString,
        typed_name: Option<&str>,
        api_url: Option<&str>,
        media_url: Option<&str>,
        hosts: &config::Green,
    ) -> Result<Self, BadInput> {
        let id_instance = id_instance
            .parse::<IdInstance>()
            .map_err(|_| BadInput::IdInstance)?;
        let access = NewAccess::read(token, api_url, media_url, hosts)?;
        let api_url = match (access.api_url, &hosts.default_base) {
            (Some(url), _) => url,
            (None, Some(base)) => base.clone(),
            (None, None) => default_api_url(id_instance).map_err(|_| BadInput::Address)?,
        };
        Ok(NewNumber {
            id_instance,
            token: access.token,
            name: match filled(typed_name) {
                Some(typed) => name(typed)?,
                None => format!("WhatsApp {id_instance}"),
            },
            api_url,
            media_url: access.media_url,
        })
    }
}

impl NewAccess {
    /// Checks what was typed. What is empty counts as missing.
    ///
    /// # Errors
    /// [`BadInput`].
    pub fn read(
        token: &SecretString,
        api_url: Option<&str>,
        media_url: Option<&str>,
        hosts: &config::Green,
    ) -> Result<Self, BadInput> {
        let token = token.expose_secret().trim();
        // The token is a part of every address.
        let is_plain = token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if token.is_empty() || token.len() > TOKEN_BYTES || !is_plain {
            return Err(BadInput::Token);
        }
        let guarded = |text: Option<&str>| {
            filled(text)
                .map(|text| guard_url(text, &hosts.allowed_local_hosts))
                .transpose()
                .map_err(|_| BadInput::Address)
        };
        Ok(NewAccess {
            token: token.into(),
            api_url: guarded(api_url)?,
            media_url: guarded(media_url)?,
        })
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A name for a number: blanks around it do not count.
///
/// # Errors
/// [`BadInput::Name`].
pub fn name(typed: &str) -> Result<String, BadInput> {
    let name = typed.trim();
    let n_chars = name.chars().count();
    if !(1..=NAME_CHARS).contains(&n_chars) || name.chars().any(char::is_control) {
        return Err(BadInput::Name);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let check = |typed: &str, expect: Option<&str>| {
            assert_eq!(name(typed).ok().as_deref(), expect, "{typed:?}");
        };
        check("Shop", Some("Shop"));
        check("  Магазин №1 \n", Some("Магазин №1"));
        // AC 27: kept as it is; whoever shows it shows text.
        check(
            "<script>alert(1)</script>",
            Some("<script>alert(1)</script>"),
        );
        check(&"я".repeat(100), Some(&"я".repeat(100)));
        check(&"я".repeat(101), None);
        check("a\nb", None);
        check("a\u{0}b", None);
        check("a\u{9b}b", None);
        check(" ", None);
        check("", None);
    }

    #[test]
    fn what_is_typed_is_checked() {
        let read = |id: &str, token: &str, url: Option<&str>| {
            let token = SecretString::from(token);
            NewNumber::read(id, &token, None, url, None, &config::Green::default())
        };
        let check = |id: &str, token: &str, url: Option<&str>, expect: Result<&str, BadInput>| {
            let got = read(id, token, url).map(|new| new.api_url.to_string());
            assert_eq!(
                got.as_deref().map_err(|error| *error),
                expect,
                "{id} {url:?}"
            );
        };
        check(
            "1101000001",
            "t0ken",
            None,
            Ok("https://1101.api.greenapi.com/"),
        );
        let own = "https://7107.api.greenapi.com";
        check(
            " 1101000001 ",
            " t0ken ",
            Some(own),
            Ok("https://7107.api.greenapi.com/"),
        );
        check(
            "1101000001",
            "t0ken",
            Some(" "),
            Ok("https://1101.api.greenapi.com/"),
        );
        // AC 26
        check("12ab", "t0ken", None, Err(BadInput::IdInstance));
        check("", "t0ken", None, Err(BadInput::IdInstance));
        check("1", " ", None, Err(BadInput::Token));
        check("1", "a/../b", None, Err(BadInput::Token));
        check("1", &"a".repeat(257), None, Err(BadInput::Token));
        check(
            "1",
            "t0ken",
            Some("http://169.254.169.254"),
            Err(BadInput::Address),
        );

        let new = read("7105000001", " t0ken ", None).unwrap();
        // AC 33: the name of a number without one.
        assert_eq!(new.name, "WhatsApp 7105000001");
        assert_eq!(new.token.expose_secret(), "t0ken");
    }
}
