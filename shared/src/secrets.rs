//! The app's secrets, from Secrets Manager: one JSON document, fetched once and kept for minutes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::{Clock, Millis};
use crate::error::aws_words;

/// A secret that was changed is in use everywhere by then.
const KEEP_MS: Millis = 5 * 60 * 1000;

/// When a fetch failed and there is an old one, that serves for so long.
const RETRY_MS: Millis = 30 * 1000;

/// The document. Fields that this version does not know are left alone.
#[derive(Debug, Deserialize)]
pub struct AppSecret {
    /// GoHighLevel: of the OAuth client.
    pub ghl_client_secret: SecretString,
    /// GoHighLevel: which its pages' user contexts are encrypted with.
    pub ghl_shared_secret: SecretString,
    /// What our own rows are encrypted with.
    pub data_keys: DataKeysJson,
}

/// The data keys as they stand in the document.
#[derive(Debug, Deserialize)]
pub struct DataKeysJson {
    /// The id of the key that new rows get.
    pub current: String,
    /// Every key that rows may have: id and base64 of the key.
    pub keys: BTreeMap<String, SecretString>,
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
pub struct Secrets {
    client: Client,
    id: String,
    kept: Kept,
}

impl Secrets {
    /// The secret with this name or ARN. Nothing is fetched yet.
    pub fn new(client: Client, id: impl Into<String>, clock: Clock) -> Self {
        Secrets {
            client,
            id: id.into(),
            kept: Kept::new(clock),
        }
    }

    /// The secret: fetched at the first call and when the kept one is five minutes old. Callers at
    /// the same time share one fetch. If a later fetch fails, the old one goes on serving.
    ///
    /// # Errors
    /// [`SecretsError`], while there is none yet.
    pub async fn get(&self) -> Result<Arc<AppSecret>, SecretsError> {
        self.kept.get(|| self.fetch()).await
    }

    async fn fetch(&self) -> Result<AppSecret, SecretsError> {
        let unavailable = |why: String| SecretsError::Unavailable { why };
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.id)
            .send()
            .await;
        let answer = answer.map_err(|error| unavailable(aws_words(&error)))?;
        let json = answer
            .secret_string
            .ok_or_else(|| unavailable("it is not text".to_owned()))?;
        parse(&json)
    }
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
        "data_keys": {"current": "k2", "keys": {"k1": "aHVudGVy", "k2": "aHVudGVyMg=="}},
        "of_tomorrow": true
    }"#;

    #[test]
    fn the_document_is_read_and_never_printed() {
        let secret = parse(DOCUMENT).unwrap();
        assert_eq!(secret.ghl_client_secret.expose_secret(), "hunter-1");
        assert_eq!(secret.ghl_shared_secret.expose_secret(), "hunter-2");
        assert_eq!(secret.data_keys.current, "k2");
        assert_eq!(secret.data_keys.keys["k1"].expose_secret(), "aHVudGVy");
        let printed = format!("{secret:?}");
        assert!(
            !printed.contains("hunter") && !printed.contains("aHVudGVy"),
            "{printed}"
        );
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
