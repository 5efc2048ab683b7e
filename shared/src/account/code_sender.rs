//! The way on which codes for signing in reach people: a port that Telegram is behind.

use std::fmt;

use futures::future::BoxFuture;
use secrecy::SecretString;

/// Why a code did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The person has not started the bot, or has blocked it: the bot may not write to them.
    #[error("the bot may not write to this person")]
    MayNotWrite,
    /// No bot is set up.
    #[error("there is no bot")]
    NoBot,
    /// It does not answer now.
    #[error("Telegram does not answer")]
    Unavailable,
}

/// Sends codes.
pub trait CodeSender: fmt::Debug + Send + Sync {
    /// Writes a code to a Telegram account. The message says of which site it is and that it is
    /// good for ten minutes, and cannot be forwarded.
    ///
    /// # Errors
    /// [`NotSent`].
    fn send_code<'a>(
        &'a self,
        telegram_user_id: i64,
        code: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), NotSent>>;

    /// The bot's name without `@`, for links to it.
    ///
    /// # Errors
    /// [`NotSent`], but for [`NotSent::MayNotWrite`].
    fn bot_name(&self) -> BoxFuture<'_, Result<String, NotSent>>;
}

/// Where no bot is set up.
#[derive(Clone, Copy, Debug)]
pub struct NoBot;

impl CodeSender for NoBot {
    fn send_code<'a>(&'a self, _: i64, _: &'a SecretString) -> BoxFuture<'a, Result<(), NotSent>> {
        Box::pin(async { Err(NotSent::NoBot) })
    }

    fn bot_name(&self) -> BoxFuture<'_, Result<String, NotSent>> {
        Box::pin(async { Err(NotSent::NoBot) })
    }
}
