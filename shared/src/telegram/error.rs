//! What can become of a call to Telegram (Telegram contract, limits and errors).

use std::time::Duration;

use serde_json::Value;

/// One variant for each thing that a caller does differently. No text in it contains the token or
/// an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    /// The request never left: no connection, no TLS, no such host. Calling again is safe.
    #[error("Telegram could not be reached: {why}")]
    NotSent {
        /// What failed, without the address.
        why: String,
    },
    /// Too many calls (429). Nothing was taken; nobody may call before the time is over.
    #[error("Telegram asks to wait {} s", retry_after.as_secs())]
    RateLimited {
        /// For so long.
        retry_after: Duration,
    },
    /// The bot was removed from the chat or blocked by the person (403).
    #[error("the bot may not write there: {why}")]
    Forbidden {
        /// Telegram's words.
        why: String,
    },
    /// There is no such chat, or the bot does not know it (400).
    #[error("Telegram does not know the chat")]
    ChatNotFound,
    /// The group became a supergroup and has another id (400 with `migrate_to_chat_id`).
    #[error("the group has another id now")]
    Migrated {
        /// The new one.
        to: i64,
    },
    /// The topic was deleted (400).
    #[error("the topic is gone")]
    ThreadNotFound,
    /// The message that was to be answered, edited or reacted to is gone (400).
    #[error("the message is gone")]
    MessageNotFound,
    /// An edit changes nothing (400): what was wanted is there.
    #[error("the message reads like that already")]
    NotModified,
    /// The bot lacks a right in the chat (400).
    #[error("the bot lacks a right: {why}")]
    NoRights {
        /// Telegram's words.
        why: String,
    },
    /// The text, the caption or the file is too long (400, 413).
    #[error("Telegram takes nothing that large: {why}")]
    TooLarge {
        /// Telegram's words.
        why: String,
    },
    /// The chat does not allow this reaction (400).
    #[error("the reaction is not allowed there")]
    ReactionInvalid,
    /// The token is wrong (401, 404). Nothing will work until a person corrects it.
    #[error("Telegram does not accept the bot's token")]
    BadToken,
    /// Refused for good (any other 4xx): what was asked for is wrong.
    #[error("Telegram refuses the call ({code}): {why}")]
    Refused {
        /// Its code.
        code: u16,
        /// Telegram's words.
        why: String,
    },
    /// Telegram itself says that it could not do it (a 5xx in its own words). Nothing was done.
    #[error("Telegram could not do it ({code})")]
    Unavailable {
        /// Its code.
        code: u16,
    },
    /// The request left and nobody knows whether it was carried out: a timeout, a cut connection,
    /// somebody else's 5xx, or an answer that cannot be read.
    #[error("nobody knows whether Telegram did it: {why}")]
    Lost {
        /// What happened.
        why: String,
    },
}

/// Longer pauses are a slip of somebody's pen.
const LONGEST_PAUSE_S: u64 = 24 * 3600;

impl TelegramError {
    /// What an answer that is no success means. `body` is its JSON, if it is JSON at all.
    pub(super) fn from_answer(status: u16, body: Option<&Value>) -> Self {
        let told = body.filter(|body| body["ok"] == false);
        let Some(told) = told else {
            return match status {
                401 | 404 => TelegramError::BadToken,
                413 => TelegramError::TooLarge {
                    why: "request entity too large".to_owned(),
                },
                _ => TelegramError::Lost {
                    why: format!("an answer with status {status} that is not Telegram's"),
                },
            };
        };
        let code = told["error_code"]
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .unwrap_or(status);
        let why = words(told["description"].as_str().unwrap_or_default());
        let lower = why.to_lowercase();
        let says = |part: &str| lower.contains(part);
        let parameters = &told["parameters"];
        match code {
            401 | 404 => TelegramError::BadToken,
            403 => TelegramError::Forbidden { why },
            413 => TelegramError::TooLarge { why },
            429 => {
                let told = parameters["retry_after"].as_u64().unwrap_or(1);
                TelegramError::RateLimited {
                    retry_after: Duration::from_secs(told.clamp(1, LONGEST_PAUSE_S)),
                }
            }
            500.. => TelegramError::Unavailable { code },
            _ => match parameters["migrate_to_chat_id"].as_i64() {
                Some(to) => TelegramError::Migrated { to },
                None if says("message is not modified") => TelegramError::NotModified,
                None if says("thread not found")
                    || says("topic_deleted")
                    || says("topic_closed") =>
                {
                    TelegramError::ThreadNotFound
                }
                None if says("message to be replied not found")
                    || says("message to reply not found")
                    || says("message to edit not found")
                    || says("message to react not found")
                    || says("message_id_invalid")
                    || says("message can't be edited") =>
                {
                    TelegramError::MessageNotFound
                }
                None if says("chat not found") || says("peer_id_invalid") => {
                    TelegramError::ChatNotFound
                }
                None if says("reaction_invalid") || says("reactions_too_many") => {
                    TelegramError::ReactionInvalid
                }
                None if says("not enough rights")
                    || says("need administrator rights")
                    || says("chat_admin_required")
                    || says("have no rights")
                    || says("chat_write_forbidden") =>
                {
                    TelegramError::NoRights { why }
                }
                None if says("too long") || says("too big") || says("too large") => {
                    TelegramError::TooLarge { why }
                }
                None => TelegramError::Refused { code, why },
            },
        }
    }
}

/// How much of an answer is repeated, in characters.
const WORDS_CHARS: usize = 200;

fn words(description: &str) -> String {
    description.chars().take(WORDS_CHARS).collect()
}
