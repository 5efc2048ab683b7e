//! Messages into conversations, their statuses, and what a location has of both.

use std::num::NonZeroU8;

use http::Method;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};

use crate::domain::ids::{ContactId, LocationId};
use crate::domain::message::{CrmStatus, Direction};

use super::client::{Answer, Api, Ghl};
use super::error::GhlError;
use super::wire::{attachments, id, text, time_ms};

/// A message that is to appear in a contact's conversation, without being sent anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundPost {
    /// The channel: `SMS`, whatever our provider is ticked as.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// The person.
    pub contact_id: ContactId,
    /// Our provider.
    pub conversation_provider_id: String,
    /// May be empty if there are attachments.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Addresses that anybody can fetch and that end in a file name. An empty list is left out:
    /// it would be refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// Our id of the message; kept and told again, but no protection against doubles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_id: Option<String>,
    /// Always sent: what its absence means is told in two ways.
    #[serde(serialize_with = "direction_word")]
    pub direction: Direction,
    /// When it was written ([`iso_ms`]); the time of arrival if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// A message that GoHighLevel has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// GoHighLevel's id of it.
    pub message_id: String,
    /// The conversation it is in.
    pub conversation_id: Option<String>,
}

/// What became of a message that GoHighLevel asked us to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusUpdate {
    /// The status.
    pub status: CrmStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StatusReason>,
}

/// Why a message failed. GoHighLevel wants all three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusReason {
    /// For programs.
    pub code: String,
    /// For programs.
    #[serde(rename = "type")]
    pub type_name: String,
    /// For the agent.
    pub message: String,
}

/// Which messages of a location are to be listed, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportQuery {
    /// The sub-account.
    pub location: LocationId,
    /// Only this person's.
    pub contact: Option<ContactId>,
    /// Only from here on, milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// [`ExportPage::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// At most 100 messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPage {
    /// Oldest first.
    pub messages: Vec<ExportedMessage>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// A message as a location has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedMessage {
    /// GoHighLevel's id.
    pub id: String,
    /// Our id, if it came from us.
    pub alt_id: Option<String>,
    /// `None` for what is neither (notes, activities).
    pub direction: Option<Direction>,
    /// May be empty.
    pub body: String,
    /// `pending`, `delivered` …
    pub status: Option<String>,
    /// The person.
    pub contact: Option<ContactId>,
    /// The conversation.
    pub conversation_id: Option<String>,
    /// When it was added, milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// The provider it went through.
    pub provider_id: Option<String>,
    /// `SMS`, `TYPE_CUSTOM_PROVIDER_SMS` …, or its number.
    pub message_type: Option<String>,
    /// The agent.
    pub user_id: Option<String>,
    /// Addresses.
    pub attachments: Vec<String>,
}

impl Ghl {
    /// Puts a message into the contact's conversation, the customer's as well as one that was
    /// typed on the business's phone. Only an answer with the message's id is a success.
    pub async fn post_inbound(
        &self,
        token: &SecretString,
        post: &InboundPost,
    ) -> Result<Answer<Posted>, GhlError> {
        let path = ["messages", "inbound"];
        self.call(Api::Conversations, Method::POST, &path, token, |request| {
            request.json(post)
        })
        .await?
        .try_map(|value| {
            let value = value.unwrap_or_default();
            Ok(Posted {
                message_id: id(&value, "messageId").ok_or(GhlError::NotStored)?,
                conversation_id: id(&value, "conversationId"),
            })
        })
    }

    /// Tells what became of a message. [`GhlError::NotYet`] is usual in its first seconds.
    pub async fn put_status(
        &self,
        token: &SecretString,
        message_id: &str,
        update: &StatusUpdate,
    ) -> Result<Answer<()>, GhlError> {
        let path = ["messages", message_id, "status"];
        let answer = self
            .call(Api::Conversations, Method::PUT, &path, token, |request| {
                request.json(update)
            })
            .await?;
        Ok(answer.map(|_| ()))
    }

    /// Lists messages; for looking whether a post whose answer was lost arrived after all, and for
    /// deliveries that never came.
    pub async fn export_messages(
        &self,
        token: &SecretString,
        query: &ExportQuery,
    ) -> Result<Answer<ExportPage>, GhlError> {
        let start = query.start_ms.and_then(iso_ms);
        let optional = [
            ("contactId", query.contact.as_ref().map(ContactId::as_str)),
            ("startDate", start.as_deref()),
            ("cursor", query.cursor.as_deref()),
        ];
        let mut parameters = vec![
            ("locationId", query.location.as_str()),
            ("limit", "100"),
            ("sortBy", "createdAt"),
            ("sortOrder", "asc"),
        ];
        parameters.extend(
            optional
                .iter()
                .filter_map(|&(key, value)| Some((key, value?))),
        );
        let path = ["messages", "export"];
        self.call(Api::Conversations, Method::GET, &path, token, |request| {
            request.query(&parameters)
        })
        .await?
        .try_map(|value| export_page(&value.unwrap_or_default()))
    }
}

fn export_page(value: &Value) -> Result<ExportPage, GhlError> {
    // Lists of messages have come with everything one level deeper than documented.
    let page = value
        .get("messages")
        .filter(|it| it.is_object())
        .unwrap_or(value);
    let messages = page
        .get("messages")
        .and_then(Value::as_array)
        .ok_or(GhlError::Unreadable { status: 200 })?;
    Ok(ExportPage {
        messages: messages.iter().filter_map(exported_message).collect(),
        next_cursor: text(page, "nextCursor"),
    })
}

fn exported_message(message: &Value) -> Option<ExportedMessage> {
    Some(ExportedMessage {
        id: id(message, "id")?,
        alt_id: text(message, "altId"),
        direction: match text(message, "direction").as_deref() {
            Some("inbound") => Some(Direction::In),
            Some("outbound") => Some(Direction::Out),
            _ => None,
        },
        body: text(message, "body").unwrap_or_default(),
        status: text(message, "status"),
        contact: id(message, "contactId").map(ContactId::new),
        conversation_id: id(message, "conversationId"),
        at_ms: time_ms(message, "dateAdded"),
        provider_id: id(message, "conversationProviderId"),
        message_type: text(message, "messageType").or_else(|| text(message, "type")),
        user_id: id(message, "userId"),
        attachments: attachments(message),
    })
}

/// A time in ISO 8601, UTC, to the millisecond; `None` beyond the years 0 to 9999.
pub fn iso_ms(at_ms: i64) -> Option<String> {
    const FORMAT: EncodedConfig = Config::DEFAULT
        .set_time_precision(TimePrecision::Second {
            decimal_digits: NonZeroU8::new(3),
        })
        .encode();
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000).ok()?;
    if !(0..=9999).contains(&time.year()) {
        return None;
    }
    time.format(&Iso8601::<FORMAT>).ok()
}

fn direction_word<S: serde::Serializer>(
    direction: &Direction,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match direction {
        Direction::In => "inbound",
        Direction::Out => "outbound",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond() {
        let check = |at_ms: i64, expect: Option<&str>| {
            assert_eq!(iso_ms(at_ms).as_deref(), expect, "{at_ms}");
        };
        check(0, Some("1970-01-01T00:00:00.000Z"));
        check(1_795_176_001_250, Some("2026-11-20T12:00:01.250Z"));
        check(-1, Some("1969-12-31T23:59:59.999Z"));
        check(i64::MAX, None);
        check(i64::MIN, None);
        check(-62_167_219_200_001, None);
    }

    proptest! {
        #[test]
        fn no_time_makes_it_panic(at_ms in any::<i64>()) {
            let _ = iso_ms(at_ms);
        }
    }
}
