//! What GoHighLevel posts to us: messages for the provider, and the app's events.
//!
//! Nearly every field may be missing, empty or `null`, which all mean the same, and fields that
//! nobody documents come along (GHL contract, conversation provider and webhooks). So a body is
//! searched for what is needed, and nothing but broken JSON is an error.
//!
//! An id is only taken if it looks like one (letters, digits, `-`, `_`, at most 64): it ends in
//! keys and paths.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::ids::{CompanyId, ContactId, LocationId};
use crate::domain::sms::Handed;
use crate::json::{self, NotJson};

use super::id::is_id;

/// One body from GoHighLevel.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A message that we are to send to the contact.
    Delivery(Box<ProviderDelivery>),
    /// Something happened in a location, or to the app in it.
    Event(Box<AppEvent>),
    /// Neither: a type that is newer than this program, or a body without the ids that its type
    /// needs. To be kept and answered 200.
    Unknown {
        /// GoHighLevel's word for it, at most 64 characters; empty if it tells none.
        type_name: String,
    },
}

/// A message that an agent, a workflow or a bot wrote to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderDelivery {
    /// The sub-account; to be checked against our own tables.
    pub location: LocationId,
    /// GoHighLevel's id of the message; statuses are told under it.
    pub message_id: String,
    /// The channel's word: `SMS`, `Custom`, `Email` …; empty if it is not told.
    pub type_name: String,
    /// The person.
    pub contact: Option<ContactId>,
    /// The person's phone as the CRM has it.
    pub phone: Option<String>,
    /// May be empty, with attachments as well as without.
    pub message: String,
    /// Addresses, as they came.
    pub attachments: Vec<String>,
    /// The agent; workflows name somebody too, or nobody.
    pub user_id: Option<String>,
    /// The conversation.
    pub conversation_id: Option<String>,
    /// The provider that is to send it; not told when it is the location's default one.
    pub provider_id: Option<String>,
    /// The agent, in extra channels.
    pub custom_user_id: Option<String>,
    /// Our own id (`altId`) of the message that this one answers.
    pub reply_to_alt_id: Option<String>,
    /// When it was written, milliseconds since 1970; often not told.
    pub at_ms: Option<i64>,
}

impl ProviderDelivery {
    /// Whether it is meant for a text channel. `Custom` is what extra channels get, and a body
    /// without a type can only come from the one kind of provider that we are.
    pub fn is_text_channel(&self) -> bool {
        matches!(self.type_name.as_str(), "SMS" | "Custom" | "")
    }

    /// What tells to which of the app's providers it was handed. `at_default_address`: it came to
    /// the delivery URL of the default one.
    pub fn handed(&self, at_default_address: bool) -> Handed<'_> {
        Handed {
            provider_id: self.provider_id.as_deref(),
            is_marked_extra: self.type_name == "Custom" || self.custom_user_id.is_some(),
            at_default_address,
        }
    }
}

/// An event of the app or of a location that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppEvent {
    /// The app; every app's events are signed with the same key, so it has to be ours when told.
    pub app_id: Option<String>,
    /// The sub-account.
    pub location: Option<LocationId>,
    /// The agency.
    pub company: Option<CompanyId>,
    /// The same for every attempt to deliver the same event.
    pub webhook_id: Option<String>,
    /// When it happened, milliseconds since 1970; retries carry the first time.
    pub at_ms: Option<i64>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The app was installed, in [`AppEvent::location`] or, without one, in the whole agency.
    Install(Install),
    /// The app was removed, from [`AppEvent::location`] or, without one, from the whole agency.
    Uninstall,
    /// The app's version changed.
    Update,
    /// A message was written in the CRM, through us or not.
    OutboundMessage(Box<OutboundMessage>),
    /// A person was added to the address book.
    ContactCreate(Contact),
    /// A person's entry changed.
    ContactUpdate(Contact),
    /// A person was removed from the address book.
    ContactDelete(Contact),
    /// A person's tags changed.
    ContactTagUpdate(Contact),
    /// A person wishes no messages, or wishes them again.
    ContactDndUpdate(Contact),
    /// An agent read a conversation, or it got something unread.
    ConversationUnread {
        /// The conversation.
        conversation_id: String,
        /// The person.
        contact: Option<ContactId>,
        /// How many messages are unread.
        n_unread: u64,
    },
    /// Two conversations became one.
    ConversationMerged {
        /// The one that is gone.
        from: String,
        /// The one that is left.
        into: String,
    },
    /// The sub-account's own data changed.
    LocationUpdate {
        /// Its name.
        name: Option<String>,
    },
    /// Known, and nothing that we act upon (`InboundMessage` echoes our own posts).
    NotOurs(String),
}

/// An installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Who installed it; automatic installations have nobody.
    pub user_id: Option<String>,
    /// The agency's name.
    pub company_name: Option<String>,
    /// The agency's own domain, from which our page gets framed.
    pub whitelabel_domain: Option<String>,
}

/// A message that was written in the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundMessage {
    /// GoHighLevel's id of it.
    pub message_id: String,
    /// The message that an agent sent again as this one.
    pub original_message_id: Option<String>,
    /// The person.
    pub contact: Option<ContactId>,
    /// The conversation.
    pub conversation_id: Option<String>,
    /// The provider it went through; none for the default one and for notes.
    pub provider_id: Option<String>,
    /// `SMS`, `Custom`, `InternalComment` …
    pub message_type: Option<String>,
    /// `pending`, `delivered` …
    pub status: Option<String>,
    /// May be empty.
    pub body: String,
    /// Addresses, as they came.
    pub attachments: Vec<String>,
}

/// A person in the address book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The person.
    pub id: ContactId,
    /// As the CRM has it.
    pub phone: Option<String>,
    /// May be empty.
    pub tags: Vec<String>,
    /// Whether no text messages are wished; `None` if it is not told.
    pub dnd_sms: Option<bool>,
}

/// The channels that messages are delivered for.
const CHANNELS: [&str; 10] = [
    "SMS",
    "Custom",
    "RCS",
    "Email",
    "WhatsApp",
    "GMB",
    "IG",
    "FB",
    "WebChat",
    "Live_Chat",
];

/// Events that we know and do not act upon.
const NOT_OURS: [&str; 7] = [
    "InboundMessage",
    "PLAN_CHANGE",
    "EXTERNAL_AUTH_CONNECTED",
    "LocationCreate",
    "UserCreate",
    "UserUpdate",
    "UserDelete",
];

/// Reads one body. What is not an object, or lacks the ids that its type needs, is
/// [`Incoming::Unknown`].
pub fn delivery_or_event(body: &[u8]) -> Result<Incoming, NotJson> {
    let body = json::parse(body)?;
    let type_name = text(&body, "type").unwrap_or_default();
    let known = if type_name.is_empty() || CHANNELS.contains(&type_name.as_str()) {
        delivery(&body, &type_name).map(|delivery| Incoming::Delivery(Box::new(delivery)))
    } else {
        event(&body, &type_name).map(|event| Incoming::Event(Box::new(event)))
    };
    Ok(known.unwrap_or_else(|| Incoming::Unknown {
        type_name: type_name.chars().take(64).collect(),
    }))
}

fn delivery(body: &Value, type_name: &str) -> Option<ProviderDelivery> {
    Some(ProviderDelivery {
        location: LocationId::new(id(body, "locationId")?),
        message_id: id(body, "messageId")?,
        type_name: type_name.to_owned(),
        contact: id(body, "contactId").map(ContactId::new),
        phone: text(body, "phone"),
        message: text(body, "message").unwrap_or_default(),
        attachments: attachments(body),
        user_id: id(body, "userId"),
        conversation_id: id(body, "conversationId"),
        provider_id: id(body, "conversationProviderId"),
        custom_user_id: id(body, "customUserId"),
        reply_to_alt_id: text(body, "replyToAltId").filter(|id| id.len() <= 256),
        at_ms: time_ms(body, "timestamp"),
    })
}

fn event(body: &Value, type_name: &str) -> Option<AppEvent> {
    let what = match type_name {
        "INSTALL" => What::Install(Install {
            user_id: id(body, "userId"),
            company_name: text(body, "companyName"),
            whitelabel_domain: body
                .get("whitelabelDetails")
                .and_then(|it| text(it, "domain")),
        }),
        "UNINSTALL" => What::Uninstall,
        "UPDATE" => What::Update,
        "OutboundMessage" => What::OutboundMessage(Box::new(outbound_message(body)?)),
        "ContactCreate" => What::ContactCreate(contact(body)?),
        "ContactUpdate" => What::ContactUpdate(contact(body)?),
        "ContactDelete" => What::ContactDelete(contact(body)?),
        "ContactTagUpdate" => What::ContactTagUpdate(contact(body)?),
        "ContactDndUpdate" => What::ContactDndUpdate(contact(body)?),
        // The documents know this one by two names.
        "ConversationUnreadUpdate" | "ConversationUnreadWebhook" => What::ConversationUnread {
            conversation_id: id(body, "id").or_else(|| id(body, "conversationId"))?,
            contact: id(body, "contactId").map(ContactId::new),
            n_unread: body.get("unreadCount").and_then(Value::as_u64).unwrap_or(0),
        },
        "ConversationUpdate" => What::ConversationMerged {
            from: id(body, "oldConversationId")?,
            into: id(body, "newConversationId")?,
        },
        "LocationUpdate" => What::LocationUpdate {
            name: text(body, "name"),
        },
        _ if NOT_OURS.contains(&type_name) => What::NotOurs(type_name.to_owned()),
        _ => return None,
    };
    // A location's own event names it by `id`.
    let location = match what {
        What::LocationUpdate { .. } => id(body, "id").or_else(|| id(body, "locationId")),
        _ => id(body, "locationId"),
    };
    let company = id(body, "companyId");
    // An event about nobody could only be applied to the wrong one. Automatic installations do
    // come without a company, but never without their location.
    if location.is_none() && company.is_none() {
        return None;
    }
    Some(AppEvent {
        app_id: id(body, "appId"),
        location: location.map(LocationId::new),
        company: company.map(CompanyId::new),
        webhook_id: id(body, "webhookId"),
        at_ms: time_ms(body, "timestamp"),
        what,
    })
}

fn outbound_message(body: &Value) -> Option<OutboundMessage> {
    Some(OutboundMessage {
        message_id: id(body, "messageId")?,
        original_message_id: id(body, "originalMessageId"),
        contact: id(body, "contactId").map(ContactId::new),
        conversation_id: id(body, "conversationId"),
        provider_id: id(body, "conversationProviderId"),
        message_type: text(body, "messageType"),
        status: text(body, "status"),
        body: text(body, "body").unwrap_or_default(),
        attachments: attachments(body),
    })
}

fn contact(body: &Value) -> Option<Contact> {
    let sms_settings = body
        .pointer("/dndSettings/SMS")
        .and_then(|sms| text(sms, "status"));
    Some(Contact {
        id: ContactId::new(id(body, "id").or_else(|| id(body, "contactId"))?),
        phone: text(body, "phone"),
        tags: texts(body, "tags"),
        dnd_sms: match sms_settings.as_deref() {
            Some(status) => Some(status != "inactive"),
            None => body.get("dnd").and_then(Value::as_bool),
        },
    })
}

/// A text that says something: empty, `null` and missing are the same. Numbers are taken for their
/// digits.
pub(super) fn text(body: &Value, key: &str) -> Option<String> {
    match body.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text that is an id.
pub(super) fn id(body: &Value, key: &str) -> Option<String> {
    text(body, key).filter(|id| is_id(id))
}

/// The texts of a list.
pub(super) fn texts(body: &Value, key: &str) -> Vec<String> {
    let items = body.get(key).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Addresses of files: texts, or objects with a `url`.
pub(super) fn attachments(body: &Value) -> Vec<String> {
    let items = body.get("attachments").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| match item {
            Value::String(url) => Some(url.trim().to_owned()),
            _ => text(item, "url"),
        })
        .filter(|url| !url.is_empty())
        .collect()
}

/// A time in RFC 3339, in milliseconds since 1970.
pub(super) fn time_ms(body: &Value, key: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(&text(body, key)?, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
