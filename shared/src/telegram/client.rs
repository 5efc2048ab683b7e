//! The calls to Telegram's bot API (Telegram contract).
//!
//! No call is repeated here and none waits for its turn: that is for those who know what an answer
//! means. The token is part of every address, so no address ever gets into an error.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::error::TelegramError;
use super::multipart::{Form, form};
use super::wire::{ChatFull, FilePath, Made, Me, Topic, WebhookInfo};
use crate::http::read_capped;

/// Where Telegram is.
pub const BASE: &str = "https://api.telegram.org";

/// The longest text of a message, and of a caption, in UTF-16 units once entities are read.
pub const MAX_TEXT_UNITS: usize = 4096;
/// The longest caption.
pub const MAX_CAPTION_UNITS: usize = 1024;

/// The largest file that a bot may upload, and the largest picture.
pub const MAX_UPLOAD_BYTES: u64 = 50 * 1000 * 1000;
/// The largest picture that is shown as one.
pub const MAX_PHOTO_BYTES: u64 = 10 * 1000 * 1000;

/// The largest file that a bot may fetch.
pub const MAX_DOWNLOAD_BYTES: u64 = 20 * 1000 * 1000;

/// The kinds of updates that are asked for.
pub const ALLOWED_UPDATES: [&str; 5] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "my_chat_member",
];

/// One at a time, so that they come in their order.
pub const MAX_CONNECTIONS: u32 = 1;

/// What a call without a file may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What an upload may take.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(90);

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The bot. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Telegram {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    bot: i64,
}

/// The token is none: it begins with the bot's id and a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bot's token is not one: it begins with the bot's id and a colon")]
pub struct BadBotToken;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct To {
    /// The chat.
    pub chat: i64,
    /// The topic in it.
    pub thread: Option<i64>,
    /// The message that it answers, if that is still there.
    pub reply_to: Option<i64>,
}

impl To {
    /// The chat as a whole.
    pub fn chat(chat: i64) -> Self {
        To {
            chat,
            thread: None,
            reply_to: None,
        }
    }

    fn body(self) -> Value {
        let mut body = json!({ "chat_id": self.chat });
        if let Some(thread) = self.thread {
            body["message_thread_id"] = thread.into();
        }
        if let Some(message) = self.reply_to {
            body["reply_parameters"] =
                json!({ "message_id": message, "allow_sending_without_reply": true });
        }
        body
    }
}

/// A button with a link under a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

impl Button {
    fn markup(&self) -> Value {
        json!({ "inline_keyboard": [[{ "text": self.label, "url": self.url }]] })
    }
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture.
    Photo,
    /// A film.
    Video,
    /// Music.
    Audio,
    /// Speech.
    Voice,
    /// Anything.
    Document,
    /// A sticker, which has no caption.
    Sticker,
}

impl FileKind {
    fn method(self) -> &'static str {
        match self {
            FileKind::Photo => "sendPhoto",
            FileKind::Video => "sendVideo",
            FileKind::Audio => "sendAudio",
            FileKind::Voice => "sendVoice",
            FileKind::Document => "sendDocument",
            FileKind::Sticker => "sendSticker",
        }
    }

    fn field(self) -> &'static str {
        match self {
            FileKind::Photo => "photo",
            FileKind::Video => "video",
            FileKind::Audio => "audio",
            FileKind::Voice => "voice",
            FileKind::Document => "document",
            FileKind::Sticker => "sticker",
        }
    }
}

/// A file to be uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    /// How it is shown.
    pub kind: FileKind,
    /// With its ending.
    pub name: String,
    /// By its content.
    pub mime: String,
    /// Its content.
    pub bytes: Bytes,
}

impl Telegram {
    /// The bot with this token, at `base` ([`BASE`], or the sandbox). `http` follows no redirects.
    ///
    /// # Errors
    /// [`BadBotToken`].
    pub fn new(http: reqwest::Client, base: Url, token: SecretString) -> Result<Self, BadBotToken> {
        let text = token.expose_secret();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let (bot, secret) = text.split_once(':').ok_or(BadBotToken)?;
        if secret.is_empty() || !secret.chars().all(fits) {
            return Err(BadBotToken);
        }
        let bot = bot.parse().map_err(|_| BadBotToken)?;
        Ok(Telegram {
            http,
            base,
            token,
            bot,
        })
    }

    /// The bot's id.
    pub fn bot(&self) -> i64 {
        self.bot
    }

    /// `getMe`.
    pub async fn me(&self) -> Result<Me, TelegramError> {
        self.call("getMe", &json!({})).await
    }

    /// `setWebhook`: updates go to `url` from now on, and carry `secret`.
    pub async fn set_webhook(&self, url: &str, secret: &SecretString) -> Result<(), TelegramError> {
        let body = json!({
            "url": url,
            "secret_token": secret.expose_secret(),
            "allowed_updates": ALLOWED_UPDATES,
            "max_connections": MAX_CONNECTIONS,
        });
        self.call::<Value>("setWebhook", &body).await.map(drop)
    }

    /// `getWebhookInfo`.
    pub async fn webhook_info(&self) -> Result<WebhookInfo, TelegramError> {
        self.call("getWebhookInfo", &json!({})).await
    }

    /// `sendMessage` with HTML; gives the message's id.
    pub async fn send_text(
        &self,
        to: To,
        html: &str,
        button: Option<&Button>,
    ) -> Result<i64, TelegramError> {
        let mut body = to.body();
        body["text"] = html.into();
        body["parse_mode"] = "HTML".into();
        body["link_preview_options"] = json!({ "is_disabled": true });
        if let Some(button) = button {
            body["reply_markup"] = button.markup();
        }
        self.call::<Made>("sendMessage", &body)
            .await
            .map(|made| made.message_id)
    }

    /// `sendMessage` of what nobody may pass on: a code for signing in.
    pub async fn send_secret(&self, chat: i64, html: &str) -> Result<i64, TelegramError> {
        let body = json!({
            "chat_id": chat, "text": html, "parse_mode": "HTML", "protect_content": true,
        });
        self.call::<Made>("sendMessage", &body)
            .await
            .map(|made| made.message_id)
    }

    /// `sendPhoto`, `sendVideo` and their like; gives the message's id.
    pub async fn send_file(
        &self,
        to: To,
        file: &Upload,
        caption_html: &str,
        button: Option<&Button>,
    ) -> Result<i64, TelegramError> {
        let mut body = to.body();
        if !caption_html.is_empty() && file.kind != FileKind::Sticker {
            body["caption"] = caption_html.into();
            body["parse_mode"] = "HTML".into();
        }
        if file.kind == FileKind::Video {
            body["supports_streaming"] = true.into();
        }
        if let Some(button) = button {
            body["reply_markup"] = button.markup();
        }
        let Form { content_type, body } = form(
            &body,
            file.kind.field(),
            &file.name,
            &file.mime,
            &file.bytes,
        );
        let request = self
            .http
            .post(self.address(false, &[file.kind.method()])?)
            .header(CONTENT_TYPE, content_type)
            .timeout(UPLOAD_TIMEOUT)
            .body(body);
        self.answer::<Made>(request)
            .await
            .map(|made| made.message_id)
    }

    /// `editMessageText`.
    pub async fn edit_text(
        &self,
        chat: i64,
        message: i64,
        html: &str,
        button: Option<&Button>,
    ) -> Result<(), TelegramError> {
        let mut body = json!({
            "chat_id": chat, "message_id": message, "text": html, "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(button) = button {
            body["reply_markup"] = button.markup();
        }
        self.call::<Value>("editMessageText", &body).await.map(drop)
    }

    /// `setMessageReaction`: this emoji and no other of the bot's.
    pub async fn react(&self, chat: i64, message: i64, emoji: &str) -> Result<(), TelegramError> {
        let body = json!({
            "chat_id": chat, "message_id": message,
            "reaction": [{ "type": "emoji", "emoji": emoji }],
        });
        self.call::<Value>("setMessageReaction", &body)
            .await
            .map(drop)
    }

    /// `createForumTopic`; gives the topic's id. The name has at most 128 characters.
    pub async fn create_topic(&self, chat: i64, name: &str) -> Result<i64, TelegramError> {
        let name: String = name.chars().take(128).collect();
        let body = json!({ "chat_id": chat, "name": name });
        self.call::<Topic>("createForumTopic", &body)
            .await
            .map(|topic| topic.message_thread_id)
    }

    /// `getChat`.
    pub async fn chat(&self, chat: i64) -> Result<ChatFull, TelegramError> {
        self.call("getChat", &json!({ "chat_id": chat })).await
    }

    /// `createChatInviteLink`: a further one, which does not end the chat's own.
    pub async fn invite_link(&self, chat: i64) -> Result<String, TelegramError> {
        let made: Value = self
            .call("createChatInviteLink", &json!({ "chat_id": chat }))
            .await?;
        let link = made["invite_link"].as_str();
        link.map(str::to_owned).ok_or_else(unreadable)
    }

    /// `deleteMessage`.
    pub async fn delete(&self, chat: i64, message: i64) -> Result<(), TelegramError> {
        let body = json!({ "chat_id": chat, "message_id": message });
        self.call::<Value>("deleteMessage", &body).await.map(drop)
    }

    /// `getFile` and the beginning of the file behind it.
    pub async fn download(&self, file: &str) -> Result<reqwest::Response, TelegramError> {
        let found: FilePath = self.call("getFile", &json!({ "file_id": file })).await?;
        let too_large = TelegramError::TooLarge {
            why: "the file has more than 20 MB".to_owned(),
        };
        if found.file_size.is_some_and(|n| n > MAX_DOWNLOAD_BYTES) {
            return Err(too_large);
        }
        let path = found.file_path.ok_or(too_large)?;
        // Telegram's own path, but what comes from outside stays below its place.
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        if steps.is_empty() || steps.iter().any(|step| matches!(*step, "." | "..")) {
            return Err(unreadable());
        }
        let request = self
            .http
            .get(self.address(true, &steps)?)
            .timeout(UPLOAD_TIMEOUT);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            429 => Err(TelegramError::RateLimited {
                retry_after: Duration::from_secs(5),
            }),
            code @ 400..=499 => Err(TelegramError::Refused {
                code,
                why: "the file is gone".to_owned(),
            }),
            code => Err(TelegramError::Unavailable { code }),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        body: &Value,
    ) -> Result<T, TelegramError> {
        let request = self
            .http
            .post(self.address(false, &[method])?)
            .timeout(TIMEOUT)
            .json(body);
        self.answer(request).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, TelegramError> {
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = read_capped(answer, MAX_ANSWER_BYTES).await;
        let body = body.map_err(|error| TelegramError::Lost {
            why: error.to_string(),
        })?;
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        if !status.is_success() || json.as_ref().is_none_or(|json| json["ok"] != true) {
            return Err(TelegramError::from_answer(status.as_u16(), json.as_ref()));
        }
        let result = json
            .map(|mut json| json["result"].take())
            .unwrap_or_default();
        serde_json::from_value(result).map_err(|_| unreadable())
    }

    /// `/bot{token}/{steps}`, or `/file/bot{token}/{steps}`.
    fn address(&self, is_file: bool, steps: &[&str]) -> Result<Url, TelegramError> {
        let mut url = self.base.clone();
        {
            let mut path = url
                .path_segments_mut()
                .map_err(|()| TelegramError::NotSent {
                    why: "the address of Telegram is none".to_owned(),
                })?;
            path.pop_if_empty();
            path.extend(is_file.then_some("file"));
            path.push(&format!("bot{}", self.token.expose_secret()));
            path.extend(steps);
        }
        Ok(url)
    }
}

fn unreadable() -> TelegramError {
    TelegramError::Lost {
        why: "an answer that cannot be read".to_owned(),
    }
}

/// Without the address, which holds the token.
fn failed(error: &reqwest::Error) -> TelegramError {
    let why = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection was cut"
    };
    let why = why.to_owned();
    if error.is_connect() {
        TelegramError::NotSent { why }
    } else {
        TelegramError::Lost { why }
    }
}
