//! What became of our own copy of a file: providers' links die, and agents' links may be out of the
//! gateway's reach.

use serde::{Deserialize, Serialize};

use super::content::{Content, File};
use super::message::Message;

/// Our copy of one file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileCopy {
    /// Still to be made.
    Waiting {
        /// Where it will be kept: decided before the first attempt, so that a repeated one leaves
        /// nothing behind.
        object: String,
        /// How many attempts failed.
        attempts: u32,
        /// Not before; milliseconds since 1970.
        at_ms: i64,
        /// Since when it is wanted, milliseconds since 1970.
        since_ms: i64,
    },
    /// In our bucket.
    Kept {
        /// Where.
        object: String,
        /// The part of its address that nobody can guess.
        link: String,
        /// How large it is.
        n_bytes: u64,
    },
    /// With the gateway, to be sent from there.
    Handed {
        /// The address that the gateway gave; good for 15 days (GREEN-API contract, sending).
        url: String,
    },
    /// The gateway did not take it, and may try for itself with the address that the agent gave.
    Direct,
    /// Given up.
    Gone {
        /// When, milliseconds since 1970.
        at_ms: i64,
        /// Leads to a page on which it can be asked for again. What an agent attached has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    },
}

impl FileCopy {
    /// A copy that is wanted from `now_ms` on.
    pub fn wanted(object: String, now_ms: i64) -> Self {
        FileCopy::Waiting {
            object,
            attempts: 0,
            at_ms: now_ms,
            since_ms: now_ms,
        }
    }
}

/// What the address of a file begins with that somebody put into our bucket to be sent.
const UPLOAD: &str = "upload:";

/// The address of a file that somebody put into our bucket to be sent: where it is, and the part of
/// the address that others get which nobody can guess.
pub fn upload_url(object: &str, link: &str) -> String {
    format!("{UPLOAD}{object}#{link}")
}

impl File {
    /// Where it is in our bucket, and the part of its address, if somebody put it there to be sent.
    pub fn upload(&self) -> Option<(&str, &str)> {
        self.url.as_deref()?.strip_prefix(UPLOAD)?.split_once('#')
    }

    /// Where it is in our bucket.
    pub fn object(&self) -> Option<&str> {
        match &self.copy {
            Some(FileCopy::Kept { object, .. }) => Some(object),
            _ => self.upload().map(|(object, _)| object),
        }
    }

    /// Whether its copy is still to be made.
    pub fn is_waiting(&self) -> bool {
        matches!(self.copy, Some(FileCopy::Waiting { .. }))
    }

    /// Where the gateway can fetch it for sending.
    pub fn send_url(&self) -> Option<&str> {
        match &self.copy {
            Some(FileCopy::Handed { url }) => Some(url),
            Some(FileCopy::Gone { .. }) => None,
            // Ours alone: the gateway has to be handed it.
            _ => self.url.as_deref().filter(|_| self.upload().is_none()),
        }
    }

    /// The part of its address, or of the page where it can be asked for again.
    pub fn link(&self) -> Option<&str> {
        match &self.copy {
            Some(FileCopy::Kept { link, .. }) => Some(link),
            Some(FileCopy::Gone { link, .. }) => link.as_deref(),
            _ => None,
        }
    }

    /// The same of one that somebody put into our bucket to be sent.
    pub fn upload_link(&self) -> Option<&str> {
        self.upload().map(|(_, link)| link)
    }
}

impl Message {
    /// Its files; none if it is of another kind.
    pub fn files(&self) -> &[File] {
        match &self.content {
            Content::Files { files, .. } => files,
            _ => &[],
        }
    }

    /// One of its files, to be changed.
    pub fn file_mut(&mut self, index: usize) -> Option<&mut File> {
        match &mut self.content {
            Content::Files { files, .. } => files.get_mut(index),
            _ => None,
        }
    }
}
