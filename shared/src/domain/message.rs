//! The canonical message: the form in which all channels meet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::{Content, Quoted};
use super::delivery::{Delivery, Destination};
use super::event::Author;
use super::ids::{ChatId, NumberId, WorkspaceId};
use super::status::Status;

/// Which way a message went, seen from the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the customer.
    In,
    /// To the customer.
    Out,
}

/// Who made a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The customer, or another program on the same number.
    Whatsapp,
    /// Somebody with the business's phone in their hand.
    Phone,
    /// An agent or a bot in GoHighLevel.
    Ghl,
    /// Somebody in an interface of ours.
    Panel,
}

/// One message in one chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number it went through.
    pub number: NumberId,
    /// The conversation.
    pub chat: ChatId,
    /// Its place in the conversation, from 1 without gaps.
    pub seq: u64,
    /// Bumped by every write of the row; writers name the one they saw.
    pub rev: u64,
    /// Which way it went.
    pub direction: Direction,
    /// Who made it.
    pub origin: Origin,
    /// When it was written, milliseconds since 1970; the provider's time where it tells one.
    pub at_ms: i64,
    /// When we took it, milliseconds since 1970.
    pub accepted_ms: i64,
    /// WhatsApp's id of it. Of an outgoing message of several parts: of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp_id: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
    /// How far it has come; only meaningful for outgoing messages.
    pub status: Status,
    /// Why it failed, or the gateway's remark on the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// What is to be done with it, and what became of that.
    #[serde(default)]
    pub deliveries: BTreeMap<Destination, Delivery>,
    /// The CRM's own message that this one is, when it began there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<CrmMessage>,
}

/// A message that began in the CRM, and what the CRM was told about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrmMessage {
    /// The CRM's id.
    pub message_id: String,
    /// The last status that the CRM took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<CrmStatus>,
    /// How often telling failed since it last worked.
    #[serde(default)]
    pub attempts: u32,
    /// Not before; milliseconds since 1970.
    #[serde(default)]
    pub not_before_ms: i64,
    /// The CRM will never take it (it does not know the message): stop telling.
    #[serde(default)]
    pub given_up: bool,
}

/// The words that a CRM has for a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmStatus {
    /// On its way.
    Pending,
    /// On the person's phone.
    Delivered,
    /// Opened.
    Read,
    /// Not sent, or nobody knows.
    Failed,
}

impl Message {
    /// What the CRM ought to show for the message now.
    pub fn desired_crm_status(&self) -> CrmStatus {
        match self.status {
            Status::Queued | Status::Accepted | Status::Sent => CrmStatus::Pending,
            Status::Delivered => CrmStatus::Delivered,
            Status::Read => CrmStatus::Read,
            Status::Failed | Status::Unknown => CrmStatus::Failed,
        }
    }

    /// What the CRM still has to be told, if anything. `Pending` is what it shows by itself.
    pub fn untold_crm_status(&self) -> Option<CrmStatus> {
        let crm = self.crm.as_ref().filter(|crm| !crm.given_up)?;
        let desired = self.desired_crm_status();
        // What was told as failed and turns out to be on its way is told again when it arrives.
        (desired != CrmStatus::Pending && crm.told != Some(desired)).then_some(desired)
    }
}
