//! Copying files: what came in into the bucket, what agents attached to the gateway.

mod peeked;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::peeked::Peeked;
use super::disposition::disposition;
use super::fetch::{self, Download, FetchError, Fetcher};
use super::sniff::{self, Sniffed};
use super::store::{About, FileStore, PutError, Source};
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::content::{File, FileKind};
use crate::domain::copy::FileCopy;
use crate::domain::message::Message;
use crate::green_api::client::{GreenApi, Instance, Upload};
use crate::green_api::error::GreenApiError;
use crate::limiter::{lease, policy};
use crate::pipeline::Hub;
use crate::pipeline::files::{self, Copied, Keeper};
use crate::pipeline::telegram::replies::FILE_SCHEME;
use crate::pipeline::whatsapp;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};
use crate::telegram::client::Telegram;
use crate::telegram::error::TelegramError;

/// One-way latency's spread towards GREEN-API, until it has been measured.
const J_S: f64 = 0.1;

/// How long a call waits for its turn.
const SLOT_WITHIN: Duration = Duration::from_secs(5);

/// What one file may take: two addresses, and the store or the gateway at the end.
const LONGEST: Duration = Duration::from_secs(180);

/// Copies files.
#[derive(Debug)]
pub struct Keep<'a, D, Q, S> {
    /// Tables, queues, time.
    pub hub: &'a Hub<D, Q>,
    /// The gateway; its limit for one call has to be that of a large file.
    pub green: &'a GreenApi,
    /// Which tokens are sealed with.
    pub keys: Arc<DataKeys>,
    /// Who fetches.
    pub fetcher: &'a Fetcher,
    /// Where files are kept.
    pub store: &'a S,
    /// Where what people wrote in Telegram has its files.
    pub telegram: Option<&'a Telegram>,
}

impl<D: Db, Q: Queue, S: FileStore> Keeper for Keep<'_, D, Q, S> {
    const LONGEST_CALL_MS: Millis = LONGEST.as_millis() as Millis + 10_000;

    async fn copy(
        &self,
        chat: &ChatRow,
        message: &Message,
        file: usize,
        object: &str,
    ) -> Result<Copied, DbError> {
        let Some(file) = message.files().get(file) else {
            return Ok(Copied::Dead {
                reason: "the message has no such file".into(),
            });
        };
        let copy = Box::pin(async {
            if files::hands_over(message) {
                self.hand_over(message, file).await
            } else {
                self.keep(chat, message, file, object).await
            }
        });
        match tokio::time::timeout(LONGEST, copy).await {
            Ok(copied) => copied,
            Err(_) => Ok(Copied::Failed {
                reason: "it took too long".into(),
            }),
        }
    }
}

impl<D: Db, Q: Queue, S: FileStore> Keep<'_, D, Q, S> {
    /// Into the bucket: from the address that came with the message, and where that does not help
    /// from the one that GREEN-API gives when it is asked (GREEN-API contract, media lifetimes).
    async fn keep(
        &self,
        chat: &ChatRow,
        message: &Message,
        file: &File,
        object: &str,
    ) -> Result<Copied, DbError> {
        let first = match &file.url {
            Some(url) => match self.keep_from(url, file, object).await {
                Ok(copied) => return Ok(copied),
                Err(error) => Some(error),
            },
            None => None,
        };
        let is_repeated = matches!(file.copy, Some(FileCopy::Waiting { attempts: 1.., .. }));
        let may_come_back = first.as_ref().filter(|error| !error.is_final());
        match may_come_back {
            Some(FetchError::TooLarge) => return Ok(Copied::TooLarge),
            // Before WhatsApp has to be asked.
            Some(error) if !is_repeated => return Ok(not_fetched(error)),
            _ => {}
        }
        let again = match self.asked_anew(chat, message).await? {
            Ok(url) => match self.keep_from(&url, file, object).await {
                Ok(copied) => copied,
                Err(error) => not_fetched(&error),
            },
            Err(copied) => copied,
        };
        Ok(match (may_come_back, again) {
            // Both have to say so.
            (Some(error), Copied::Dead { .. }) => not_fetched(error),
            (_, again) => again,
        })
    }

    /// From one address. What the store says is the end of it, what the address says is not.
    async fn keep_from(&self, url: &str, file: &File, object: &str) -> Result<Copied, FetchError> {
        let (source, sniffed) = self.look(self.fetcher.get(url).await?, file).await?;
        let about = About {
            disposition: disposition(sniffed.is_inline, &sniffed.name),
            mime: sniffed.mime.clone(),
        };
        match self.store.put(object, &about, source).await {
            Ok(n_bytes) => Ok(Copied::Kept {
                name: sniffed.name,
                mime: sniffed.mime,
                n_bytes,
            }),
            Err(PutError::Source(error)) => Err(error),
            Err(PutError::Store(error)) => {
                tracing::error!(%error, "a file was not kept");
                Ok(Copied::Failed {
                    reason: error.to_string(),
                })
            }
        }
    }

    /// To the gateway, which then need not reach the agent's address, and shows the file by its
    /// real ending.
    async fn hand_over(&self, message: &Message, file: &File) -> Result<Copied, DbError> {
        let Some(url) = &file.url else {
            return Ok(Copied::Dead {
                reason: "it has no address".into(),
            });
        };
        let (number, instance) = match self.instance(message).await? {
            Ok(found) => found,
            Err(copied) => return Ok(copied),
        };
        let begun = match file.upload() {
            None => match url.strip_prefix(FILE_SCHEME) {
                Some(id) => self.ask_telegram_for(id).await,
                None => self.fetcher.get(url).await,
            },
            Some((object, _)) => match self.store.address(object, LONGEST).await {
                Ok(address) => self.fetcher.get_own(&address).await,
                Err(error) => {
                    tracing::error!(%error, "no address for a file");
                    let reason = error.to_string();
                    return Ok(Copied::Failed { reason });
                }
            },
        };
        let looked = match begun {
            Ok(begun) => self.look(begun, file).await,
            Err(error) => Err(error),
        };
        let (source, sniffed) = match looked {
            Ok(looked) => looked,
            Err(error) => return Ok(not_fetched(&error)),
        };
        if let Err(until_ms) = self.slot(&number, "uploadFile").await? {
            return Ok(Copied::NotNow { until_ms });
        }
        let upload = Upload {
            name: &sniffed.name,
            mime: &sniffed.mime,
            length: source.rest.length,
        };
        let (body, ended) = source.into_body();
        let handed = self.green.upload_file(&instance, upload, body).await;
        Ok(match (handed, ended.get()) {
            (_, Some(error)) => not_fetched(&error),
            (Ok(url), None) => Copied::Handed {
                url,
                name: sniffed.name,
                mime: sniffed.mime,
            },
            (Err(GreenApiError::FileTooLarge), None) => Copied::TooLarge,
            (Err(error), None) => Copied::Failed {
                reason: error.to_string(),
            },
        })
    }

    /// Reads a file as far as it takes to see what it is.
    async fn look(&self, begun: Download, file: &File) -> Result<(Peeked, Sniffed), FetchError> {
        let said = begun.mime.clone();
        let peeked = Peeked::new(begun).await?;
        if peeked.head.is_empty() {
            return Err(FetchError::Unreachable("the file is empty"));
        }
        let is_media = !matches!(file.kind, FileKind::Document);
        if is_media && sniff::is_page(&peeked.head) {
            return Err(FetchError::Page);
        }
        let mime = match file.mime.as_str() {
            "" => &said,
            mime => mime,
        };
        let sniffed = sniff::sniff(&peeked.head, &file.name, mime, file.kind);
        Ok((peeked, sniffed))
    }

    async fn ask_telegram_for(&self, id: &str) -> Result<Download, FetchError> {
        let bot = self.telegram.ok_or(FetchError::Refused)?;
        let answer = bot.download(id).await.map_err(|error| match error {
            TelegramError::TooLarge { .. } => FetchError::TooLarge,
            TelegramError::Refused { code, .. } => FetchError::Gone(code),
            _ => FetchError::Unreachable("Telegram did not give it"),
        })?;
        fetch::begun(answer)
    }

    /// A new address from WhatsApp, or what came of asking for it.
    async fn asked_anew(
        &self,
        chat: &ChatRow,
        message: &Message,
    ) -> Result<Result<String, Copied>, DbError> {
        let Some(id) = &message.whatsapp_id else {
            return Ok(Err(Copied::Dead {
                reason: "the message has no id".into(),
            }));
        };
        let (number, instance) = match self.instance(message).await? {
            Ok(found) => found,
            Err(copied) => return Ok(Err(copied)),
        };
        if let Err(until_ms) = self.slot(&number, "downloadFile").await? {
            return Ok(Err(Copied::NotNow { until_ms }));
        }
        let asked = self.green.download_file(&instance, &chat.address, id).await;
        Ok(asked.map_err(|error| {
            let reason = error.to_string();
            match error {
                // A 500 is how it says that WhatsApp no longer has the file.
                GreenApiError::Ambiguous { .. }
                | GreenApiError::Refused { .. }
                | GreenApiError::Forbidden { .. }
                | GreenApiError::Quota { .. }
                | GreenApiError::Deleted => Copied::Dead { reason },
                GreenApiError::FileTooLarge => Copied::TooLarge,
                _ => Copied::Failed { reason },
            }
        }))
    }

    async fn instance(
        &self,
        message: &Message,
    ) -> Result<Result<(NumberRow, Instance), Copied>, DbError> {
        let key = keys::number(&message.workspace, &message.number);
        let Some(number) = row::load::<NumberRow>(&self.hub.db, &key).await? else {
            return Ok(Err(Copied::Dead {
                reason: "the number was removed".into(),
            }));
        };
        Ok(match whatsapp::instance(&number, &self.keys) {
            Ok(instance) => Ok((number, instance)),
            Err(reason) => Err(Copied::Dead { reason }),
        })
    }

    /// Waits for a method's turn; when to come again if that takes too long.
    async fn slot(&self, number: &NumberRow, method: &str) -> Result<Result<(), Millis>, DbError> {
        let hub = self.hub;
        let key = keys::green_limit(&number.number, method);
        let gcra = policy::green_api(method, J_S);
        let asked = lease::reserve_within(&hub.db, &hub.clock, &key, &gcra, SLOT_WITHIN).await?;
        Ok(match asked {
            Ok(reserved) => {
                hub.clock
                    .sleep_until(reserved.departure_us(0) / 1000 + 1)
                    .await;
                Ok(())
            }
            Err(until_ms) => Err(until_ms),
        })
    }
}

fn not_fetched(error: &FetchError) -> Copied {
    let reason = error.to_string();
    match error {
        FetchError::TooLarge => Copied::TooLarge,
        error if error.is_final() => Copied::Dead { reason },
        _ => Copied::Failed { reason },
    }
}
