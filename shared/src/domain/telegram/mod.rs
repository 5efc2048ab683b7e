//! What people read in Telegram, and how a number and a channel belong together.

pub mod rich;
pub mod words;

use serde::{Deserialize, Serialize};

/// Where a number's messages are posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The channel or group.
    pub channel: i64,
    /// What of its messages.
    #[serde(default)]
    pub posts: Posts,
    /// What happened to the number up to then is told, or is from before it was linked, milliseconds
    /// since 1970.
    #[serde(default)]
    pub alerted_ms: i64,
}

/// What is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Posts {
    /// Each conversation has a topic of its own, where the group has topics.
    pub topics: bool,
    /// What the business writes, too.
    pub outgoing: bool,
    /// Failed sends, and that the number is connected or not.
    pub system: bool,
}

impl Default for Posts {
    fn default() -> Self {
        Posts {
            topics: true,
            outgoing: false,
            system: true,
        }
    }
}

/// The post in Telegram that a message of ours was written as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The channel or group.
    pub channel: i64,
    /// The post's id there.
    pub message: i64,
}

impl Source {
    /// The name of the request that a post is: the same post again is the same message.
    pub fn request(&self) -> String {
        format!("telegram:{}", remote_id(self.channel, self.message))
    }

    /// The post that a [`Source::request`] names.
    pub fn of_request(request: &str) -> Option<Self> {
        let (channel, message) = of_remote_id(request.strip_prefix("telegram:")?)?;
        Some(Source { channel, message })
    }
}

/// The topic of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// The group that it is in.
    pub channel: i64,
    /// Its id there.
    pub thread: i64,
}

/// What a call to Telegram does for a message, if it does not post it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "does")]
pub enum Aside {
    /// Tells under the post that the message was written as whether WhatsApp took it.
    React {
        /// It did.
        good: bool,
    },
    /// Tells that it could not be sent, and why.
    Report,
}

/// The name that a post has in a delivery: message ids repeat from channel to channel.
pub fn remote_id(channel: i64, message: i64) -> String {
    format!("{channel}/{message}")
}

/// The channel and the message of a [`remote_id`].
pub fn of_remote_id(text: &str) -> Option<(i64, i64)> {
    let (channel, message) = text.split_once('/')?;
    Some((channel.parse().ok()?, message.parse().ok()?))
}
