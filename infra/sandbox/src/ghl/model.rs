//! What GHL keeps: an agency, its sub-accounts (locations), their people, contacts and messages.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Company {
    pub(crate) id: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Location {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) timezone: String,
    pub(crate) phone: String,
    /// False while suspended.
    pub(crate) active: bool,
    /// When the app was installed; `None` if it is not.
    pub(crate) installed_at: Option<i64>,
    /// The app is an extra channel there.
    #[serde(default = "yes")]
    pub(crate) extra_channel: bool,
    /// The app is the default SMS provider there.
    #[serde(default)]
    pub(crate) default_provider: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    /// `None`: of the agency.
    pub(crate) location: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) location: String,
    /// E.164 or empty.
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) tags: BTreeSet<String>,
    /// The other fields, as they were sent.
    pub(crate) more: serde_json::Map<String, Value>,
    pub(crate) added_ms: i64,
    pub(crate) updated_ms: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) location: String,
    pub(crate) contact: String,
    pub(crate) added_ms: i64,
    pub(crate) unread: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) conversation: String,
    pub(crate) contact: String,
    pub(crate) location: String,
    pub(crate) outbound: bool,
    pub(crate) body: String,
    pub(crate) attachments: Vec<String>,
    pub(crate) status: String,
    pub(crate) alt_id: Option<String>,
    /// The date that was given, else when it came.
    pub(crate) at_ms: i64,
    pub(crate) added_ms: i64,
    pub(crate) updated_ms: i64,
    /// `TYPE_CUSTOM_PROVIDER_SMS` and so on.
    pub(crate) kind: String,
    /// The conversation provider that it belongs to, if it is the app's.
    pub(crate) provider: Option<String>,
    pub(crate) user: Option<String>,
    /// When it was posted to the delivery URL.
    pub(crate) delivered_ms: Option<i64>,
    pub(crate) error: Option<Value>,
    pub(crate) source: String,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) company: String,
    /// `None`: a company token.
    pub(crate) location: Option<String>,
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) expires_ms: i64,
    /// A used code or refresh token stays known, and refused.
    pub(crate) used: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ghl {
    pub(crate) company: Company,
    pub(crate) locations: BTreeMap<String, Location>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) contacts: BTreeMap<String, Contact>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) messages: Vec<Message>,
    pub(crate) codes: BTreeMap<String, Grant>,
    pub(crate) access: BTreeMap<String, Grant>,
    pub(crate) refresh: BTreeMap<String, Grant>,
}

impl Ghl {
    pub(crate) fn new(company: Company) -> Self {
        Self {
            company,
            locations: BTreeMap::new(),
            users: BTreeMap::new(),
            contacts: BTreeMap::new(),
            conversations: Vec::new(),
            messages: Vec::new(),
            codes: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
        }
    }

    pub(crate) fn forget_messages(&mut self) {
        self.messages.clear();
    }

    pub(crate) fn contact_in(&self, location: &str, id: &str) -> Option<&Contact> {
        self.contacts.get(id).filter(|c| c.location == location)
    }

    /// The conversation of a contact: there is one, made when it is first needed.
    pub(crate) fn conversation_of(&mut self, location: &str, contact: &str) -> String {
        let known = self.conversations.iter().find(|c| c.contact == contact);
        if let Some(conversation) = known {
            return conversation.id.clone();
        }
        let id = crate::ids::ghl_id();
        self.conversations.push(Conversation {
            id: id.clone(),
            location: location.into(),
            contact: contact.into(),
            added_ms: clock::now_ms(),
            unread: 0,
        });
        id
    }

    pub(crate) fn message(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().rev().find(|m| m.id == id)
    }

    /// The messages of a conversation in the order that GHL shows: by date.
    pub(crate) fn messages_of(&self, conversation: &str) -> Vec<&Message> {
        let mut all: Vec<&Message> = self
            .messages
            .iter()
            .filter(|m| m.conversation == conversation)
            .collect();
        all.sort_by_key(|m| m.at_ms);
        all
    }
}

impl Contact {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        let mut out = Value::Object(self.more.clone());
        let fixed = json!({
            "id": self.id,
            "locationId": self.location,
            "name": self.name(),
            "contactName": self.name(),
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "tags": self.tags,
            "type": "lead",
            "dateAdded": clock::iso(self.added_ms),
            "dateUpdated": clock::iso(self.updated_ms),
        });
        if let (Value::Object(out), Value::Object(fixed)) = (&mut out, fixed) {
            out.extend(fixed);
        }
        out
    }
}

impl Message {
    /// As the message endpoints give it; `altId` comes back (GHL contract, inbound).
    pub(crate) fn json(&self) -> Value {
        let number = match self.kind.as_str() {
            "TYPE_CUSTOM_SMS" => 20,
            "TYPE_CUSTOM_PROVIDER_SMS" => 22,
            "TYPE_INTERNAL_COMMENT" => 28,
            _ => 2,
        };
        let mut out = json!({
            "id": self.id,
            "type": number,
            "messageType": self.kind,
            "locationId": self.location,
            "contactId": self.contact,
            "conversationId": self.conversation,
            "dateAdded": clock::iso(self.at_ms),
            "dateUpdated": clock::iso(self.updated_ms),
            "body": self.body,
            "direction": if self.outbound { "outbound" } else { "inbound" },
            "status": self.status,
            "contentType": "text/plain",
            "attachments": self.attachments,
            "source": self.source,
        });
        let optional = [
            ("altId", &self.alt_id),
            ("conversationProviderId", &self.provider),
            ("userId", &self.user),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                out[key] = value.clone().into();
            }
        }
        out
    }
}
