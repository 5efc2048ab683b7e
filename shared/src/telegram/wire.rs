//! Telegram's JSON in answers: the fields that are used, and no others.

use serde::Deserialize;

/// The bot itself (`getMe`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// Its id, the first part of its token.
    pub id: i64,
    /// Its name in links, without `@`.
    #[serde(default)]
    pub username: String,
    /// What people read.
    #[serde(default)]
    pub first_name: String,
}

/// A message that a call made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Made {
    /// Its id in its chat: another chat has the same one.
    pub message_id: i64,
}

/// A topic that a call made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Topic {
    /// Its id in its group.
    pub message_thread_id: i64,
}

/// Where a file can be fetched (`getFile`): for an hour, and up to 20 MB.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FilePath {
    /// The last part of the address.
    #[serde(default)]
    pub file_path: Option<String>,
    /// In bytes.
    #[serde(default)]
    pub file_size: Option<u64>,
}

/// A chat (`getChat`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChatFull {
    /// `private`, `group`, `supergroup`, `channel`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What people call it.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether it has topics.
    #[serde(default)]
    pub is_forum: bool,
    /// Its public name.
    #[serde(default)]
    pub username: Option<String>,
}

/// How the delivery of updates stands (`getWebhookInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WebhookInfo {
    /// Where updates go; empty if nowhere.
    #[serde(default)]
    pub url: String,
    /// How many wait.
    #[serde(default)]
    pub pending_update_count: u64,
    /// When one was refused last, seconds since 1970.
    #[serde(default)]
    pub last_error_date: Option<i64>,
    /// Why.
    #[serde(default)]
    pub last_error_message: Option<String>,
    /// How many at once.
    #[serde(default)]
    pub max_connections: Option<u32>,
    /// Which kinds.
    #[serde(default)]
    pub allowed_updates: Vec<String>,
}
