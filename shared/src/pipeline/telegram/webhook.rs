//! Where Telegram tells us what happens: told to it only where it is not so already.

use secrecy::SecretString;
use url::Url;

use crate::clock::Millis;
use crate::ghl::client::endpoint;
use crate::telegram::client::{ALLOWED_UPDATES, MAX_CONNECTIONS, Telegram};
use crate::telegram::error::TelegramError;
use crate::telegram::wire::WebhookInfo;

/// How old a refusal may be that makes the secret be told anew, seconds.
const LATELY_S: i64 = 15 * 60;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was so already.
    AsBefore,
    /// It was told.
    Anew,
}

/// Sees to it that updates come to us, these kinds and with this secret. A secret cannot be read back;
/// that Telegram has another one shows in the 401 that we gave it.
///
/// # Errors
/// Telegram's.
pub async fn keep(
    bot: &Telegram,
    public_base_url: &Url,
    secret: &SecretString,
    now_ms: Millis,
) -> Result<Told, TelegramError> {
    let url = endpoint(public_base_url, &["webhooks", "telegram"]);
    let info = bot.webhook_info().await?;
    if is_so(&info, url.as_str(), now_ms) {
        return Ok(Told::AsBefore);
    }
    bot.set_webhook(url.as_str(), secret).await?;
    Ok(Told::Anew)
}

fn is_so(info: &WebhookInfo, url: &str, now_ms: Millis) -> bool {
    let mut allowed: Vec<&str> = info.allowed_updates.iter().map(String::as_str).collect();
    let mut wanted = ALLOWED_UPDATES.to_vec();
    allowed.sort_unstable();
    wanted.sort_unstable();
    let was_refused = info.last_error_date.is_some_and(|at_s| {
        let words = info.last_error_message.as_deref().unwrap_or_default();
        now_ms / 1000 - at_s < LATELY_S && words.contains("401")
    });
    info.url == url
        && allowed == wanted
        && info.max_connections == Some(MAX_CONNECTIONS)
        && !was_refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_difference_is_told() {
        let ours = || WebhookInfo {
            url: "https://hub.example/webhooks/telegram".into(),
            max_connections: Some(1),
            allowed_updates: ALLOWED_UPDATES
                .iter()
                .rev()
                .map(ToString::to_string)
                .collect(),
            ..WebhookInfo::default()
        };
        let check = |change: fn(&mut WebhookInfo), expect: bool| {
            let mut info = ours();
            change(&mut info);
            let url = "https://hub.example/webhooks/telegram";
            assert_eq!(is_so(&info, url, 1_000_000_000), expect, "{info:?}");
        };
        check(|_| {}, true);
        check(|info| info.url.clear(), false);
        check(|info| info.max_connections = Some(40), false);
        check(|info| _ = info.allowed_updates.pop(), false);
        let refused = |info: &mut WebhookInfo, at_s: i64, words: &str| {
            info.last_error_date = Some(at_s);
            info.last_error_message = Some(words.to_owned());
        };
        let mut info = ours();
        refused(
            &mut info,
            999_900,
            "Wrong response from the webhook: 401 Unauthorized",
        );
        assert!(!is_so(&info, &info.url, 1_000_000_000));
        refused(
            &mut info,
            900_000,
            "Wrong response from the webhook: 401 Unauthorized",
        );
        assert!(is_so(&info, &info.url, 1_000_000_000));
        refused(&mut info, 999_900, "Wrong response from the webhook: 500");
        assert!(is_so(&info, &info.url, 1_000_000_000));
    }
}
