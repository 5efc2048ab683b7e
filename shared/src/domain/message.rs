//! The canonical message: the form in which all channels meet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::{Content, Quoted};
use super::delivery::{Delivery, Destination, Part};
use super::event::Author;
use super::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use super::status::Status;
use super::telegram::Source;

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
    /// An action of ours in one of GoHighLevel's workflows; the CRM does not have it until we put
    /// it there.
    Workflow,
    /// Somebody in an interface of ours; the CRM does not have it until we put it there.
    Panel,
    /// An answer that a number gives by itself; the CRM does not have it until we put it there.
    AutoReply,
    /// Imported from before the number was added, whoever made it.
    History,
    /// Somebody who answered in the business's Telegram channel; the CRM does not have it either.
    Telegram,
}

impl Origin {
    /// Whether somebody of the business wrote it with their own hands.
    pub fn is_a_person(self) -> bool {
        matches!(
            self,
            Origin::Phone | Origin::Ghl | Origin::Panel | Origin::Telegram
        )
    }
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
    /// Its place in the conversation, from 1 without gaps; of an imported one a place of its own
    /// kind ([`super::place`]).
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
    /// The CRM's own message that this one is: when it began there, or since it was mirrored there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm: Option<CrmMessage>,
    /// The CRM's second message that this one is, where both of the app's providers were handed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_twin: Option<CrmMessage>,
    /// How its status came to be, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What later messages did to it.
    #[serde(default, skip_serializing_if = "Marks::is_none")]
    pub marks: Marks,
    /// When its row last changed in a way that people see, milliseconds since 1970.
    #[serde(default)]
    pub changed_ms: i64,
    /// Since when a person has to do something about it, milliseconds since 1970: the place of its
    /// row in the list of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck_ms: Option<i64>,
    /// Somebody decided that nothing is to be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<Discarded>,
    /// The post in Telegram that it was written as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<Source>,
}

/// A status that a message came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub status: Status,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// What later messages did to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// How it reads now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edit>,
    /// When it was deleted, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_ms: Option<i64>,
    /// At most one of each person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// How an edited message reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The text or caption.
    pub text: String,
    /// Since when, milliseconds since 1970.
    pub at_ms: i64,
}

/// Somebody's reaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// From the customer's side, or from ours.
    pub direction: Direction,
    /// Who.
    #[serde(default)]
    pub author: Author,
    /// An emoji.
    pub emoji: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// Somebody's decision that nothing is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// Whose.
    pub by: PersonId,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// How many people's reactions to a message are kept.
const REACTIONS: usize = 100;

/// How many steps of a message are kept: a message has six, and a few more for each new attempt.
const STEPS: usize = 40;

impl Marks {
    fn is_none(&self) -> bool {
        *self == Marks::default()
    }

    /// Notes what `content` says about the message, written by `author` at `at_ms`. `false` if it
    /// says nothing of that kind, or nothing new.
    pub fn note(
        &mut self,
        content: &Content,
        direction: Direction,
        author: &Author,
        at_ms: i64,
    ) -> bool {
        let before = self.clone();
        match content {
            Content::Edited { text, .. } => {
                let is_later = self.edited.as_ref().is_none_or(|edit| edit.at_ms <= at_ms);
                if is_later {
                    self.edited = Some(Edit {
                        text: text.clone(),
                        at_ms,
                    });
                }
            }
            Content::Deleted { .. } => {
                self.deleted_ms.get_or_insert(at_ms);
            }
            Content::Reaction { emoji, .. } => {
                let is_theirs = |reaction: &Reaction| {
                    reaction.direction == direction && reaction.author.id == author.id
                };
                if self
                    .reactions
                    .iter()
                    .any(|known| is_theirs(known) && known.at_ms > at_ms)
                {
                    return false;
                }
                self.reactions.retain(|known| !is_theirs(known));
                if let Some(emoji) = emoji
                    && self.reactions.len() < REACTIONS
                {
                    self.reactions.push(Reaction {
                        direction,
                        author: author.clone(),
                        emoji: emoji.clone(),
                        at_ms,
                    });
                }
            }
            _ => {}
        }
        *self != before
    }
}

/// A message that the CRM shows, and what the CRM was told about it.
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

impl CrmMessage {
    /// A message of the CRM's that nothing was told about yet.
    pub fn new(message_id: impl Into<String>) -> Self {
        CrmMessage {
            message_id: message_id.into(),
            told: None,
            attempts: 0,
            not_before_ms: 0,
            given_up: false,
        }
    }
}

impl Message {
    /// Whether a person has to do something about it.
    pub fn is_stuck(&self) -> bool {
        let has_stuck_part = || {
            self.deliveries
                .values()
                .flat_map(|delivery| &delivery.parts)
                .any(Part::is_stuck)
        };
        // What failed before we were there is nobody's to do.
        let has_failed = self.origin != Origin::History
            && matches!(self.status, Status::Failed | Status::Unknown);
        self.discarded.is_none() && (has_failed || has_stuck_part())
    }

    /// Notes the status that it has come to.
    pub fn note_step(&mut self, now_ms: i64) {
        let is_new = self
            .steps
            .last()
            .is_none_or(|last| last.status != self.status);
        if is_new && self.steps.len() < STEPS {
            self.steps.push(Step {
                status: self.status,
                at_ms: now_ms,
            });
        }
    }

    /// Our own name for it, for others to refer to it by: letters, digits and one `-`.
    pub fn reference(&self) -> String {
        reference(&self.chat, self.seq)
    }

    /// The id that the CRM keeps beside the message, and by which it is found there again. A
    /// workflow's message is mirrored before WhatsApp has an id for it, and so goes by our own.
    pub fn crm_alt_id(&self) -> Option<String> {
        match self.origin {
            Origin::Workflow => Some(self.reference()),
            _ => self.whatsapp_id.clone(),
        }
    }

    /// What the CRM ought to show for the message now.
    pub fn desired_crm_status(&self) -> CrmStatus {
        match self.status {
            Status::Queued | Status::Accepted | Status::Sent => CrmStatus::Pending,
            Status::Delivered => CrmStatus::Delivered,
            Status::Read => CrmStatus::Read,
            Status::Failed | Status::Unknown => CrmStatus::Failed,
        }
    }

    /// The CRM's messages that this one is.
    pub fn crm_messages(&self) -> impl Iterator<Item = &CrmMessage> {
        self.crm.iter().chain(&self.crm_twin)
    }

    /// The same, to be changed.
    pub fn crm_messages_mut(&mut self) -> impl Iterator<Item = &mut CrmMessage> {
        self.crm.iter_mut().chain(&mut self.crm_twin)
    }

    /// What the CRM still has to be told, if anything, and of which of its messages: of the one that
    /// may be told first. Of messages that began there, `Pending` is what it shows by itself.
    pub fn untold(&self) -> Option<(&CrmMessage, CrmStatus)> {
        let desired = self.desired_crm_status();
        let is_untold = |crm: &CrmMessage| match desired {
            _ if crm.given_up => false,
            // What was told as failed and turns out to be on its way is told again when it arrives.
            CrmStatus::Pending => self.origin == Origin::Workflow && crm.told.is_none(),
            _ => crm.told != Some(desired),
        };
        self.crm_messages()
            .filter(|crm| is_untold(crm))
            .min_by_key(|crm| crm.not_before_ms)
            .map(|crm| (crm, desired))
    }

    /// What the CRM still has to be told, if anything.
    pub fn untold_crm_status(&self) -> Option<CrmStatus> {
        self.untold().map(|(_, status)| status)
    }
}

/// The name that the message at this place has ([`Message::reference`]).
pub fn reference(chat: &ChatId, seq: u64) -> String {
    format!("{chat}-{seq}")
}

/// The place that a [`reference()`] names, if the text can be one.
pub fn of_reference(text: &str) -> Option<(ChatId, u64)> {
    let (chat, seq) = text.rsplit_once('-')?;
    let is_id = (1..=64).contains(&chat.len()) && chat.bytes().all(|b| b.is_ascii_alphanumeric());
    Some((ChatId::new(chat), seq.parse().ok().filter(|_| is_id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_back_to_its_message() {
        let check = |text: &str, expect: Option<(&str, u64)>| {
            let expect = expect.map(|(chat, seq)| (ChatId::new(chat), seq));
            assert_eq!(of_reference(text), expect, "{text}");
        };
        let chat = "5f0c0e1d2b3a49586776859403a2b1c0";
        let made = reference(&ChatId::new(chat), 12);
        check(&made, Some((chat, 12)));
        check("3EB0C767D097B7C7C030", None);
        check("derived:00-1", None);
        check("-1", None);
        check("a-", None);
        check("a-x", None);
        check("a#b-1", None);
    }
}
