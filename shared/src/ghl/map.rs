//! Between the domain's words and GoHighLevel's.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::content::{Content, File, FileKind, FileMissing};
use crate::domain::ids::ContactId;
use crate::domain::message::{CrmStatus, Message};

use super::messages::{InboundPost, StatusReason, StatusUpdate, iso_ms};
use super::wire::ProviderDelivery;

/// The longest file name that is kept, in characters, its extension included.
const MAX_NAME: usize = 120;

/// The longest reason that an agent is shown, in characters.
const MAX_REASON: usize = 500;

/// Between WhatsApp's id of a message and the number of a later part, in the id that the CRM keeps
/// of it. WhatsApp's ids are letters and digits.
const PART: char = '~';

/// The id that the CRM keeps of a part of a message: the message's own ([`Message::crm_alt_id`]) of
/// the first one.
pub fn alt_id(message: &Message, part: usize) -> Option<String> {
    let id = message.crm_alt_id()?;
    Some(match part {
        0 => id,
        part => format!("{id}{PART}{part}"),
    })
}

/// WhatsApp's id of the message that an id of [`alt_id`] is of.
fn whatsapp_id(alt_id: &str) -> &str {
    match alt_id.rsplit_once(PART) {
        Some((id, part)) if part.parse::<usize>().is_ok() => id,
        _ => alt_id,
    }
}

/// A part of a message as it is put into the contact's conversation: `text` is what agents read for
/// it, `attachments` are the addresses of its files.
pub fn inbound_post(
    message: &Message,
    part: usize,
    text: &str,
    attachments: Vec<String>,
    contact: &ContactId,
    provider_id: &str,
) -> InboundPost {
    InboundPost {
        type_name: "SMS",
        contact_id: contact.clone(),
        conversation_provider_id: provider_id.to_owned(),
        message: text.to_owned(),
        attachments,
        alt_id: alt_id(message, part),
        direction: message.direction,
        date: iso_ms(message.at_ms),
    }
}

/// What the CRM is told. `reason` is for the agent, in their language; only a failure has one.
pub fn status_update(status: CrmStatus, reason: Option<&str>) -> StatusUpdate {
    let error = (status == CrmStatus::Failed).then(|| StatusReason {
        code: "1".to_owned(),
        type_name: "delivery_failed".to_owned(),
        message: match reason.map(str::trim) {
            None | Some("") => "The message could not be delivered.".to_owned(),
            Some(reason) => reason.chars().take(MAX_REASON).collect(),
        },
    });
    StatusUpdate { status, error }
}

/// What an agent wants to have sent.
#[derive(Clone, Debug, PartialEq)]
pub struct FromCrm {
    /// Outer white space removed; may be empty.
    pub text: String,
    /// In their order. One whose address cannot be fetched is there as a missing one, so that
    /// nobody loses it silently.
    pub files: Vec<File>,
    /// WhatsApp's id of the message that it answers.
    pub quoted: Option<String>,
}

impl FromCrm {
    /// As a message's content; `None` if there is nothing to send.
    pub fn into_content(self) -> Option<Content> {
        match (self.files.is_empty(), self.text.is_empty()) {
            (true, true) => None,
            (true, false) => Some(Content::Text { text: self.text }),
            (false, _) => Some(Content::Files {
                files: self.files,
                caption: self.text,
            }),
        }
    }
}

/// Reads what a delivery wants to have sent.
pub fn from_delivery(delivery: &ProviderDelivery) -> FromCrm {
    FromCrm {
        text: delivery.message.trim().to_owned(),
        files: delivery.attachments.iter().map(|url| file(url)).collect(),
        quoted: delivery
            .reply_to_alt_id
            .as_deref()
            .map(|id| whatsapp_id(id).to_owned()),
    }
}

/// GoHighLevel tells the address and nothing else, so name and kind are read from its path.
fn file(address: &str) -> File {
    let url = Url::parse(address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let name = url.as_ref().map(file_name).unwrap_or_default();
    File {
        kind: kind(&name),
        missing: url.is_none().then_some(FileMissing::NoLink),
        url: url.map(String::from),
        name,
        mime: String::new(),
        copy: None,
    }
}

/// The last part of the path. Some stores put a whole encoded path into it.
pub(super) fn file_name(url: &Url) -> String {
    let segment = url
        .path_segments()
        .and_then(|mut segments| segments.next_back());
    let decoded = percent_decode_str(segment.unwrap_or_default()).decode_utf8_lossy();
    tidy_name(&decoded)
}

/// A name without a path, signs that cannot be seen, and dots at its ends.
pub(super) fn tidy_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '.');
    let excess = name.chars().count().saturating_sub(MAX_NAME);
    // Shortened at the front, so that the extension stays.
    name.chars().skip(excess).collect()
}

/// How a file of this name is shown.
pub(super) fn kind(name: &str) -> FileKind {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "png" | "gif" | "webp" => FileKind::Image,
        "mp4" | "mpeg" | "mpg" | "mov" | "3gp" => FileKind::Video,
        "mp3" | "wav" | "ogg" | "oga" | "opus" | "aac" | "m4a" | "amr" => FileKind::Audio,
        _ => FileKind::Document,
    }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
