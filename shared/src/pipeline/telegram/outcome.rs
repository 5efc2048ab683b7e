//! Uploads, and what a refusal means.

use super::{Channels, LATER_MS, channels, pace, pieces, topics};
use crate::clock::Millis;
use crate::domain::delivery::Destination;
use crate::domain::message::Message;
use crate::media::store::FileStore;
use crate::pipeline::provider::Sent;
use crate::queue::Queue;
use crate::store::db::Db;
use crate::telegram::client::{Button, FileKind, To, Upload};
use crate::telegram::error::TelegramError;

/// Why a file was not uploaded.
#[derive(Debug)]
pub(super) enum UploadError {
    /// We have not got it; nothing was sent.
    Store(String),
    /// Telegram says so, or nothing.
    Telegram(TelegramError),
}

impl From<TelegramError> for UploadError {
    fn from(error: TelegramError) -> Self {
        UploadError::Telegram(error)
    }
}

impl<D: Db, Q: Queue, S: FileStore> Channels<'_, D, Q, S> {
    /// Uploads a file; as a document where Telegram does not take it as what it is.
    pub(super) async fn upload(
        &self,
        message: &Message,
        file: usize,
        kind: FileKind,
        to: To,
        caption: &str,
        button: Option<&Button>,
    ) -> Result<i64, UploadError> {
        let _one_of_few = self.uploads.acquire().await;
        let found = message.files().get(file);
        let (Some(file), Some(object)) = (found, found.and_then(pieces::object)) else {
            return Err(UploadError::Store("the file is gone".to_owned()));
        };
        let bytes = self.store.read(object).await;
        let bytes = bytes.map_err(|error| UploadError::Store(error.to_string()))?;
        let mut upload = Upload {
            kind,
            name: match file.name.as_str() {
                "" => "file".to_owned(),
                name => name.to_owned(),
            },
            mime: file.mime.clone(),
            bytes,
        };
        let sent = self.bot.send_file(to, &upload, caption, button).await;
        match sent {
            Err(TelegramError::Refused { .. } | TelegramError::TooLarge { .. })
                if kind != FileKind::Document =>
            {
                upload.kind = FileKind::Document;
                Ok(self.bot.send_file(to, &upload, caption, button).await?)
            }
            sent => Ok(sent?),
        }
    }

    /// What a refusal means for the message, and for the channel.
    pub(super) async fn refused(
        &self,
        channel: i64,
        message: &Message,
        part: usize,
        error: TelegramError,
    ) -> Sent {
        let hub = self.hub;
        let now = hub.clock.now_ms();
        let reason = error.to_string();
        let attempts = message.deliveries[&Destination::Telegram].parts[part].attempts;
        let again = |at_ms| Sent::Again {
            at_ms,
            reason: reason.clone(),
        };
        let noted = match &error {
            TelegramError::RateLimited { retry_after } => {
                tracing::error!(channel, ?retry_after, "Telegram answered 429");
                let bot = self.bot.bot();
                pace::hold(
                    &hub.db,
                    &hub.clock,
                    bot,
                    channel,
                    *retry_after,
                    attempts > 1,
                )
                .await
            }
            TelegramError::Forbidden { .. } | TelegramError::ChatNotFound => {
                channels::note_problem(&hub.db, channel, &reason, true).await
            }
            TelegramError::NoRights { .. } => {
                channels::note_problem(&hub.db, channel, &reason, false).await
            }
            TelegramError::Migrated { to } => channels::migrate(&hub.db, channel, *to).await,
            TelegramError::ThreadNotFound => topics::forget(&hub.db, &message.chat).await,
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(channel, %error, "what Telegram said was not noted");
        }
        match error {
            TelegramError::NotSent { .. } | TelegramError::Unavailable { .. } => again(None),
            TelegramError::RateLimited { retry_after } => {
                again(Some(now + retry_after.as_millis() as Millis))
            }
            TelegramError::Migrated { .. } | TelegramError::ThreadNotFound => again(Some(now)),
            TelegramError::BadToken => {
                tracing::error!("Telegram does not accept the bot's token");
                again(Some(now + LATER_MS))
            }
            TelegramError::Lost { .. } => Sent::Unknown { reason },
            TelegramError::Forbidden { .. }
            | TelegramError::ChatNotFound
            | TelegramError::NoRights { .. }
            | TelegramError::MessageNotFound
            | TelegramError::NotModified
            | TelegramError::ReactionInvalid
            | TelegramError::TooLarge { .. }
            | TelegramError::Refused { .. } => Sent::Dead { reason },
        }
    }
}
