//! The app's secrets, from Secrets Manager: one JSON document, fetched once and kept for minutes.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use tokio::sync::Mutex;

use crate::clock::{Clock, Millis};
use crate::crypto::{self, CryptoError, DataKeys};
use crate::error::aws_words;

/// A secret that was changed is in use everywhere by then.
const KEEP_MS: Millis = 5 * 60 * 1000;

/// When a fetch failed and there is an old one, that serves for so long.
const RETRY_MS: Millis = 30 * 1000;

/// The beginning of the names of data keys; a number follows.
const DATA_KEY: &str = "data_key_";

/// Fewer characters than this are no key: 128 bits in hexadecimal.
const SHORTEST_DATA_KEY: usize = 32;

/// The document: flat, so that it can be kept up by hand. Fields that this version does not know
/// are left alone.
#[derive(Debug)]
pub struct AppSecret {
    /// GoHighLevel: of the OAuth client.
    pub ghl_client_secret: SecretString,
    /// GoHighLevel: which its pages' user contexts are encrypted with.
    pub ghl_shared_secret: SecretString,
    /// Telegram: of the bot; without it nothing goes there or comes from there.
    pub telegram_bot_token: Option<SecretString>,
    /// Telegram: what proves that an update is Telegram's. We choose it.
    pub telegram_webhook_secret: Option<SecretString>,
    /// What our own rows are encrypted with: the texts of `data_key_1`, `data_key_2` … by their
    /// numbers. The highest is for new rows, the others open the old ones.
    pub data_key_texts: BTreeMap<u32, SecretString>,
}

impl AppSecret {
    /// The data keys: each is the SHA-256 of its text, and its number is its id.
    ///
    /// # Errors
    /// [`CryptoError::BadKeys`] if there is none, or one that anybody could guess.
    pub fn data_keys(&self) -> Result<DataKeys, CryptoError> {
        let (current, _) = self
            .data_key_texts
            .last_key_value()
            .ok_or(CryptoError::BadKeys)?;
        let keys = self
            .data_key_texts
            .iter()
            .map(|(number, text)| match text.expose_secret() {
                text if text.len() < SHORTEST_DATA_KEY => Err(CryptoError::BadKeys),
                text => Ok((number.to_string(), crypto::sha256(text))),
            })
            .collect::<Result<_, _>>()?;
        DataKeys::new(current.to_string(), &keys)
    }
}

impl<'de> Deserialize<'de> for AppSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

/// Reads the fields one by one, so that no secret is ever held by a type that prints it.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = AppSecret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AppSecret, A::Error> {
        let (mut client, mut shared) = (None, None);
        let (mut bot_token, mut webhook_secret) = (None, None);
        let mut data_key_texts = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let number = name.strip_prefix(DATA_KEY).and_then(|n| n.parse().ok());
            match (name.as_str(), number) {
                ("ghl_client_secret", _) => client = Some(map.next_value()?),
                ("ghl_shared_secret", _) => shared = Some(map.next_value()?),
                ("telegram_bot_token", _) => bot_token = Some(map.next_value()?),
                ("telegram_webhook_secret", _) => webhook_secret = Some(map.next_value()?),
                (_, Some(number)) => {
                    data_key_texts.insert(number, map.next_value()?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(AppSecret {
            ghl_client_secret: client.ok_or_else(|| missing("ghl_client_secret"))?,
            ghl_shared_secret: shared.ok_or_else(|| missing("ghl_shared_secret"))?,
            // The template makes room for them: an empty one is none.
            telegram_bot_token: filled(bot_token),
            telegram_webhook_secret: filled(webhook_secret),
            data_key_texts,
        })
    }
}

fn filled(secret: Option<SecretString>) -> Option<SecretString> {
    secret.filter(|secret| !secret.expose_secret().is_empty())
}

fn missing<E: serde::de::Error>(field: &'static str) -> E {
    E::missing_field(field)
}

/// There is no secret to work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager refuses or does not answer.
    #[error("the app's secret cannot be fetched: {why}")]
    Unavailable {
        /// The service's words.
        why: String,
    },
    /// The document is not what it should be. Its text is never told.
    #[error("the app's secret is {what} at line {line}, column {column}")]
    Malformed {
        /// What is wrong, in general.
        what: &'static str,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
}

/// The secret, kept in memory.
#[derive(Debug)]
pub struct Secrets(Source);

#[derive(Debug)]
enum Source {
    Fetched {
        client: Client,
        id: String,
        kept: Kept,
    },
    #[cfg(any(test, feature = "testing"))]
    Fixed(Arc<AppSecret>),
}

impl Secrets {
    /// The secret with this name or ARN. Nothing is fetched yet.
    pub fn new(client: Client, id: impl Into<String>, clock: Clock) -> Self {
        Secrets(Source::Fetched {
            client,
            id: id.into(),
            kept: Kept::new(clock),
        })
    }

    /// A test's own secret.
    #[cfg(any(test, feature = "testing"))]
    pub fn fixed(secret: AppSecret) -> Self {
        Secrets(Source::Fixed(Arc::new(secret)))
    }

    /// The secret: fetched at the first call and when the kept one is five minutes old. Callers at
    /// the same time share one fetch. If a later fetch fails, the old one goes on serving.
    ///
    /// # Errors
    /// [`SecretsError`], while there is none yet.
    pub async fn get(&self) -> Result<Arc<AppSecret>, SecretsError> {
        match &self.0 {
            Source::Fetched { client, id, kept } => kept.get(|| fetch(client, id)).await,
            #[cfg(any(test, feature = "testing"))]
            Source::Fixed(secret) => Ok(Arc::clone(secret)),
        }
    }
}

async fn fetch(client: &Client, id: &str) -> Result<AppSecret, SecretsError> {
    let unavailable = |why: String| SecretsError::Unavailable { why };
    let answer = client.get_secret_value().secret_id(id).send().await;
    let answer = answer.map_err(|error| unavailable(aws_words(&error)))?;
    let json = answer
        .secret_string
        .ok_or_else(|| unavailable("it is not text".to_owned()))?;
    parse(&json)
}

fn parse(json: &str) -> Result<AppSecret, SecretsError> {
    use serde_json::error::Category;
    serde_json::from_str(json).map_err(|error| SecretsError::Malformed {
        // The error's own words can quote the document.
        what: match error.classify() {
            Category::Data => "without a field or with a wrong one",
            Category::Io | Category::Syntax | Category::Eof => "no JSON",
        },
        line: error.line(),
        column: error.column(),
    })
}

#[derive(Debug)]
struct Kept {
    clock: Clock,
    last: Mutex<Option<(Arc<AppSecret>, Millis)>>,
}

impl Kept {
    fn new(clock: Clock) -> Self {
        Kept {
            clock,
            last: Mutex::new(None),
        }
    }

    async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Result<Arc<AppSecret>, SecretsError>
    where
        F: Future<Output = Result<AppSecret, SecretsError>>,
    {
        // Held while fetching, so that others wait for this fetch and make none of their own.
        let mut last = self.last.lock().await;
        let now_ms = self.clock.now_ms();
        if let Some((secret, _)) = last.as_ref().filter(|(_, until_ms)| now_ms < *until_ms) {
            return Ok(Arc::clone(secret));
        }
        let (secret, until_ms) = match (fetch().await, last.take()) {
            (Ok(secret), _) => (Arc::new(secret), now_ms + KEEP_MS),
            (Err(error), Some((old, _))) => {
                tracing::warn!(%error, "the secret that was fetched before goes on serving");
                (old, now_ms + RETRY_MS)
            }
            (Err(error), None) => return Err(error),
        };
        *last = Some((Arc::clone(&secret), until_ms));
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use secrecy::ExposeSecret;

    use super::*;

    const DOCUMENT: &str = r#"{
        "ghl_client_secret": "hunter-1",
        "ghl_shared_secret": "hunter-2",
        "data_key_1": "hunter-3-hunter-3-hunter-3-hunter-3",
        "data_key_10": "hunter-4-hunter-4-hunter-4-hunter-4",
        "data_key_2": "hunter-5-hunter-5-hunter-5-hunter-5",
        "data_key_old": 7,
        "of_tomorrow": true
    }"#;

    #[test]
    fn the_document_is_read_and_never_printed() {
        let secret = parse(DOCUMENT).unwrap();
        assert_eq!(secret.ghl_client_secret.expose_secret(), "hunter-1");
        assert_eq!(secret.ghl_shared_secret.expose_secret(), "hunter-2");
        let printed = format!("{secret:?}{:?}", secret.data_keys());
        assert!(!printed.contains("hunter"), "{printed}");
    }

    #[test]
    fn the_highest_data_key_seals_and_the_others_still_open() {
        let secret = parse(DOCUMENT).unwrap();
        let keys = secret.data_keys().unwrap();
        let sealed = keys.seal("x", "here");
        assert!(sealed.starts_with("v1.10."), "{sealed}");
        let mut older = secret;
        older.data_key_texts.remove(&10);
        let of_before = older.data_keys().unwrap().seal("y", "here");
        assert!(of_before.starts_with("v1.2."), "{of_before}");
        assert_eq!(keys.open(&of_before, "here").unwrap().expose_secret(), "y");
    }

    #[test]
    fn data_keys_that_anybody_could_guess_are_refused() {
        let check = |texts: &[(u32, &str)], expect: bool| {
            let secret = AppSecret {
                ghl_client_secret: "".into(),
                telegram_bot_token: None,
                telegram_webhook_secret: None,
                ghl_shared_secret: "".into(),
                data_key_texts: texts
                    .iter()
                    .map(|(number, text)| (*number, SecretString::from(*text)))
                    .collect(),
            };
            assert_eq!(secret.data_keys().is_ok(), expect, "{texts:?}");
        };
        let good = "0123456789abcdef0123456789abcdef";
        check(&[(1, good)], true);
        check(&[], false);
        check(&[(1, "")], false);
        check(&[(1, good), (2, "short")], false);
    }

    #[test]
    fn a_wrong_document_is_told_without_its_text() {
        let check = |json: &str, expect: &str| {
            assert_eq!(parse(json).unwrap_err().to_string(), expect, "{json}");
        };
        check("hunter", "the app's secret is no JSON at line 1, column 1");
        check(
            r#""hunter""#,
            "the app's secret is without a field or with a wrong one at line 1, column 8",
        );
        check(
            "{}",
            "the app's secret is without a field or with a wrong one at line 1, column 2",
        );
        check(
            r#"{"ghl_client_secret": 7}"#,
            "the app's secret is without a field or with a wrong one at line 1, column 23",
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_fetched_when_it_is_old_and_kept_when_that_fails() {
        let clock = Clock::paused(0);
        let kept = Kept::new(clock.clone());
        let n_fetched = AtomicU32::new(0);
        let check = async |wait_s: u64, works: bool, expect_ok: bool, expect_fetched: u32| {
            clock.sleep(Duration::from_secs(wait_s)).await;
            let fetch = || async {
                n_fetched.fetch_add(1, Ordering::Relaxed);
                let down = SecretsError::Unavailable {
                    why: "down".to_owned(),
                };
                if works { parse(DOCUMENT) } else { Err(down) }
            };
            assert_eq!(kept.get(fetch).await.is_ok(), expect_ok);
            assert_eq!(n_fetched.load(Ordering::Relaxed), expect_fetched);
        };
        check(0, false, false, 1).await;
        check(0, true, true, 2).await;
        check(299, false, true, 2).await;
        check(1, false, true, 3).await;
        check(29, false, true, 3).await;
        check(1, true, true, 4).await;
        check(299, true, true, 4).await;
        check(1, true, true, 5).await;
    }

    #[tokio::test(start_paused = true)]
    async fn callers_at_the_same_time_share_a_fetch() {
        let clock = Clock::paused(0);
        let kept = Kept::new(clock.clone());
        let n_fetched = AtomicU32::new(0);
        let fetch = || async {
            n_fetched.fetch_add(1, Ordering::Relaxed);
            clock.sleep(Duration::from_secs(1)).await;
            parse(DOCUMENT)
        };
        let (a, b) = tokio::join!(kept.get(fetch), kept.get(fetch));
        assert!(Arc::ptr_eq(&a.unwrap(), &b.unwrap()));
        assert_eq!(n_fetched.load(Ordering::Relaxed), 1);
    }
}
