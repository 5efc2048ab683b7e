//! Codes for signing in, sent to people's Telegram accounts.

use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::client::Telegram;
use super::error::TelegramError;
use crate::account::code_sender::{CodeSender, NotSent};
use crate::domain::telegram::words;

/// The bot as the sender of codes for the site at this address.
#[derive(Clone, Debug)]
pub struct Codes {
    bot: Telegram,
    site: String,
}

impl Codes {
    /// Codes for `public_base_url`, by this bot.
    pub fn new(bot: Telegram, public_base_url: &Url) -> Self {
        Codes {
            bot,
            site: public_base_url.as_str().trim_end_matches('/').to_owned(),
        }
    }
}

fn not_sent(error: TelegramError) -> NotSent {
    match error {
        TelegramError::Forbidden { .. } | TelegramError::ChatNotFound => NotSent::MayNotWrite,
        TelegramError::BadToken => NotSent::NoBot,
        error => {
            tracing::warn!(%error, "Telegram did not take a code");
            NotSent::Unavailable
        }
    }
}

impl CodeSender for Codes {
    fn send_code<'a>(
        &'a self,
        telegram_user_id: i64,
        code: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), NotSent>> {
        Box::pin(async move {
            let html = words::sign_in_code(code.expose_secret(), &self.site).html();
            let sent = self.bot.send_secret(telegram_user_id, &html).await;
            sent.map(drop).map_err(not_sent)
        })
    }

    fn bot_name(&self) -> BoxFuture<'_, Result<String, NotSent>> {
        Box::pin(async { self.bot.me().await.map(|me| me.username).map_err(not_sent) })
    }
}
