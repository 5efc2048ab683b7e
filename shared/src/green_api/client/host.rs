//! Which hosts a number may be at.

use url::Url;

use crate::domain::ids::IdInstance;

/// The provider's domains (GREEN-API contract, addressing).
const DOMAINS: [&str; 4] = [
    "green-api.com",
    "greenapi.com",
    "green-api.com.kz",
    "green-api.org.il",
];

/// The address is not one of GREEN-API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an https address of GREEN-API")]
pub struct BadHost;

/// The address that a number has if its owner tells no other.
pub fn default_api_url(id: IdInstance) -> Result<Url, BadHost> {
    let id = id.to_string();
    let pool = id.get(..4).unwrap_or(&id);
    Url::parse(&format!("https://{pool}.api.greenapi.com")).map_err(|_| BadHost)
}

/// The host that takes files of numbers at `api_url`, if their owner tells no other: `media` for
/// `api` (GREEN-API contract, addressing). A host without an `api` takes its files itself.
pub fn media_url(api_url: &Url) -> Url {
    let mut url = api_url.clone();
    let labels: Option<Vec<&str>> = api_url.domain().map(|host| host.split('.').collect());
    if let Some(mut labels) = labels
        && let Some(api) = labels.iter_mut().find(|label| **label == "api")
    {
        *api = "media";
        // A host of the same form: it cannot be refused.
        let _ = url.set_host(Some(&labels.join(".")));
    }
    url
}

/// Reads an address that a person typed. Only https on its own port to the provider's domains
/// passes, so that nobody makes us call somebody else; `allowed_local` are further origins
/// (`http://localhost:3100`) that a local run may name.
pub fn guard_url(text: &str, allowed_local: &[String]) -> Result<Url, BadHost> {
    let mut url = Url::parse(text.trim()).map_err(|_| BadHost)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadHost);
    }
    url.set_query(None);
    url.set_fragment(None);
    let origin = url.origin().ascii_serialization();
    if allowed_local
        .iter()
        .any(|allowed| allowed.trim_end_matches('/') == origin)
    {
        return Ok(url);
    }
    let host = url.domain().unwrap_or_default();
    let is_theirs = DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|under| under.is_empty() || under.ends_with('.'))
    });
    (url.scheme() == "https" && url.port().is_none() && is_theirs)
        .then_some(url)
        .ok_or(BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_providers_hosts_pass() {
        let local = ["http://localhost:3100".to_owned()];
        let check = |text: &str, expect: Option<&str>| {
            let url = guard_url(text, &local).ok().map(|url| url.to_string());
            assert_eq!(url.as_deref(), expect, "{text}");
        };
        check(
            " https://7105.api.greenapi.com ",
            Some("https://7105.api.greenapi.com/"),
        );
        check(
            "https://api.green-api.com:443/v3?x=1#y",
            Some("https://api.green-api.com/v3"),
        );
        check("https://GREEN-API.com", Some("https://green-api.com/"));
        check(
            "https://a.green-api.com.kz",
            Some("https://a.green-api.com.kz/"),
        );
        check(
            "https://a.green-api.org.il",
            Some("https://a.green-api.org.il/"),
        );
        check("http://localhost:3100", Some("http://localhost:3100/"));
        check("http://localhost:3101", None);
        check("https://localhost:3100", None);
        check("http://7105.api.greenapi.com", None);
        check("https://api.green-api.com:8443", None);
        check("https://evilgreen-api.com", None);
        check("https://green-api.com.evil.test", None);
        check("https://green-api.com@evil.test", None);
        check("https://u:p@green-api.com", None);
        check("https://169.254.169.254", None);
        check("https://[::1]/", None);
        check("file:///etc/passwd", None);
        check("green-api.com", None);
        check("", None);
        assert_eq!(guard_url("http://localhost:3100", &[]), Err(BadHost));
    }

    #[test]
    fn files_are_taken_by_the_host_beside() {
        let check = |api: &str, expect: &str| {
            let api = Url::parse(api).unwrap();
            assert_eq!(media_url(&api).as_str(), expect);
        };
        check(
            "https://7105.api.greenapi.com",
            "https://7105.media.greenapi.com/",
        );
        check(
            "https://api.green-api.com/v3",
            "https://media.green-api.com/v3",
        );
        check("http://localhost:3100", "http://localhost:3100/");
        check("http://127.0.0.1:3100", "http://127.0.0.1:3100/");
    }

    #[test]
    fn a_number_is_at_the_host_of_its_pool() {
        let check = |id: u64, expect: &str| {
            assert_eq!(
                default_api_url(IdInstance(id)).map(String::from),
                Ok(expect.to_owned())
            );
        };
        check(7_105_000_001, "https://7105.api.greenapi.com/");
        check(710_722_725_742, "https://7107.api.greenapi.com/");
        check(12, "https://12.api.greenapi.com/");
    }
}
