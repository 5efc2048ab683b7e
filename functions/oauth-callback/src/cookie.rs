//! The cookie that lets a browser see how an agency's installation goes on. It is in no address, so
//! it can be neither passed on nor logged by mistake.

use axum::http::{HeaderMap, HeaderValue, header};
use greenhub::account::agency::READER_S;
use secrecy::{ExposeSecret, SecretString};

const NAME: &str = "installation";

/// Ours are much shorter.
const MOST_BYTES: usize = 200;

/// The token that the browser shows.
pub(crate) fn read(headers: &HeaderMap) -> Option<SecretString> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, token)| *name == NAME && (1..=MOST_BYTES).contains(&token.len()))
        .map(|(_, token)| token.into())
}

/// Has the browser show `token` at this function's address. Over plain HTTP, which only the local
/// run has, a browser would not keep a secure one.
pub(crate) fn set(token: &SecretString, is_https: bool) -> Option<HeaderValue> {
    let secure = if is_https { "; Secure" } else { "" };
    let token = token.expose_secret();
    let cookie =
        format!("{NAME}={token}; Path=/oauth; Max-Age={READER_S}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_among_others_is_ours() {
        let check = |cookies: &[&'static str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(header::COOKIE, HeaderValue::from_static(cookie));
            }
            let token = read(&headers);
            let token = token.as_ref().map(|token| token.expose_secret());
            assert_eq!(token, expect, "{cookies:?}");
        };
        check(&["installation=abc-_1"], Some("abc-_1"));
        check(&["a=b; installation=abc; c=d"], Some("abc"));
        check(&["a=b", "installation=abc"], Some("abc"));
        check(&["xinstallation=abc; installation="], None);
        check(&["installation"], None);
        check(&[], None);
    }

    #[test]
    fn a_cookie_stays_with_this_address_and_out_of_scripts() {
        let token = SecretString::from("t0ken");
        let cookie = |is_https| set(&token, is_https).unwrap().to_str().unwrap().to_owned();
        let plain = "installation=t0ken; Path=/oauth; Max-Age=86400; HttpOnly; SameSite=Lax";
        assert_eq!(cookie(false), plain);
        assert_eq!(cookie(true), format!("{plain}; Secure"));
    }
}
