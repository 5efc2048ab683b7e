//! GREEN-API's JSON as it comes (GREEN-API contract, webhooks and journals).
//!
//! Nothing is required and nothing of an inner object can fail ([`super::lenient`]). The only error
//! is a body that is no JSON at all.

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::Value;

use super::lenient::{Flag, Float, Int, List, Maybe, Text, Time};
use crate::json::{self, NotJson};

/// One notification.
#[derive(Clone, Debug, Default)]
pub struct Notification {
    /// The number that it is about.
    pub id_instance: Option<u64>,
    /// The provider's word for what it is; empty if it tells none.
    pub type_webhook: String,
    /// Stands in for a message id that is missing: the same for the same body.
    pub(super) derived_id: Option<String>,
    pub(super) frame: Frame,
    pub(super) message: Option<MessageData>,
}

/// Reads the body of a webhook, or of an entry of the notification queue
/// (`{"receiptId", "body"}`).
///
/// Invalid UTF-8, half of a surrogate pair, numbers out of range and excessive depth are replaced
/// instead of refused.
pub fn envelope(body: &[u8]) -> Result<Notification, NotJson> {
    let value = json::parse(body)?;
    let value = match value {
        Value::Object(mut entry) if entry.contains_key("receiptId") => match entry.remove("body") {
            Some(inner @ Value::Object(_)) => inner,
            _ => Value::Object(entry),
        },
        other => other,
    };
    Ok(Notification::new(value))
}

impl Notification {
    fn new(mut value: Value) -> Self {
        let Some(root) = value.as_object_mut() else {
            return Self::default();
        };
        let has_id = matches!(root.get("idMessage"), Some(Value::String(id)) if !id.trim().is_empty())
            || matches!(root.get("idMessage"), Some(Value::Number(_)));
        let derived_id = (!has_id).then(|| derived_id(&Value::Object(root.clone())));
        let message = match root.remove("messageData") {
            // Something that quotes may have the quoted message beside it instead of inside.
            Some(Value::Object(mut data)) => {
                if let (false, Some(quoted)) = (
                    data.contains_key("quotedMessage"),
                    root.remove("quotedMessage"),
                ) {
                    data.insert("quotedMessage".into(), quoted);
                }
                MessageData::deserialize(Value::Object(data)).ok()
            }
            // The shape of 2023: what belongs into the object lies beside it.
            _ if root.contains_key("typeMessage") => MessageData::deserialize(&value).ok(),
            _ => None,
        };
        let frame = Frame::deserialize(value).unwrap_or_default();
        let id_instance = frame
            .instance_data
            .0
            .as_ref()
            .and_then(|data| data.id_instance.0)
            .and_then(|id| u64::try_from(id).ok());
        let type_webhook = frame.type_webhook.trimmed();
        Self {
            id_instance,
            type_webhook,
            derived_id,
            frame,
            message,
        }
    }
}

fn derived_id(value: &Value) -> String {
    let hash = digest::digest(&digest::SHA256, value.to_string().as_bytes());
    let hex: String = hash.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("derived:{hex}")
}

/// What surrounds a message, and what notifications without a message say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Frame {
    pub(super) type_webhook: Text,
    pub(super) instance_data: Maybe<InstanceData>,
    pub(super) timestamp: Time,
    pub(super) id_message: Text,
    pub(super) sender_data: Maybe<SenderData>,
    pub(super) chat_id: Text,
    pub(super) status: Text,
    pub(super) description: Text,
    pub(super) state_instance: Text,
    pub(super) from: Text,
    pub(super) is_video: Flag,
    pub(super) participants: List<Participant>,
    pub(super) quota_data: Maybe<serde_json::Map<String, Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InstanceData {
    pub(super) id_instance: Int,
    pub(super) wid: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SenderData {
    pub(super) chat_id: Text,
    pub(super) chat_name: Text,
    pub(super) sender: Text,
    pub(super) sender_name: Text,
    pub(super) sender_contact_name: Text,
    /// A sibling network's; 0 when it is hidden.
    pub(super) sender_phone_number: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Participant {
    pub(super) id: Text,
}

/// The content of a message in all its shapes: inside a webhook, flat in a journal, and quoted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MessageData {
    pub(super) type_message: Text,
    /// Of what is quoted: which message it is, and whose.
    pub(super) stanza_id: Text,
    pub(super) participant: Text,
    /// Not read further down than one level, however deep a body is.
    pub(super) quoted_message: Option<Value>,

    pub(super) text_message_data: Maybe<TextMessageData>,
    pub(super) extended_text_message_data: Maybe<ExtendedText>,
    pub(super) extended_text_message: Maybe<ExtendedText>,
    pub(super) text_message: Text,

    pub(super) file_message_data: Maybe<FileData>,
    pub(super) download_url: Option<Text>,
    pub(super) caption: Text,
    pub(super) file_name: Text,
    pub(super) mime_type: Text,

    pub(super) location_message_data: Maybe<Location>,
    pub(super) location: Maybe<Location>,
    pub(super) contact_message_data: Maybe<Contact>,
    pub(super) contact: Maybe<Contact>,
    pub(super) message_data: Maybe<Contacts>,
    pub(super) contacts: List<Contact>,
    pub(super) poll_message_data: Maybe<Poll>,
    pub(super) poll_creation_message: Maybe<Poll>,

    pub(super) edited_message_data: Maybe<Edited>,
    pub(super) deleted_message_data: Maybe<Deleted>,
    pub(super) edited_message_id: Text,
    pub(super) deleted_message_id: Text,

    pub(super) interactive_buttons: Maybe<Menu>,
    pub(super) interactive_buttons_reply: Maybe<Menu>,
    pub(super) buttons_message: Maybe<Menu>,
    pub(super) list_message: Maybe<Menu>,
    pub(super) template_message: Maybe<Menu>,
    pub(super) buttons_response_message: Maybe<Choice>,
    pub(super) list_response_message: Maybe<Choice>,
    pub(super) template_button_reply_message: Maybe<Choice>,
    pub(super) template_buttons_reply_message: Maybe<Choice>,
    pub(super) interactive_buttons_response: Maybe<Choice>,
    pub(super) group_invite_message_data: Maybe<GroupInvite>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TextMessageData {
    pub(super) text_message: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtendedText {
    pub(super) text: Text,
    pub(super) title: Text,
    pub(super) stanza_id: Text,
    pub(super) participant: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FileData {
    pub(super) download_url: Text,
    pub(super) caption: Text,
    pub(super) file_name: Text,
    pub(super) mime_type: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Location {
    pub(super) name_location: Text,
    pub(super) address: Text,
    pub(super) latitude: Float,
    pub(super) longitude: Float,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Contact {
    pub(super) display_name: Text,
    pub(super) vcard: Text,
    /// The parts that `sendContact` takes, as they stand in the queue of what is to be sent.
    pub(super) phone_contact: Text,
    pub(super) first_name: Text,
    pub(super) middle_name: Text,
    pub(super) last_name: Text,
    pub(super) company: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Contacts {
    pub(super) contacts: List<Contact>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Poll {
    pub(super) name: Text,
    pub(super) options: List<PollOption>,
    pub(super) multiple_answers: Flag,
    /// The shape of 2023; 0 stands for any number.
    pub(super) selectable_options_count: Int,
    pub(super) stanza_id: Text,
    pub(super) votes: List<PollOption>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PollOption {
    pub(super) option_name: Text,
    pub(super) option_voters: List<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Edited {
    pub(super) text_message: Text,
    pub(super) caption: Text,
    pub(super) stanza_id: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Deleted {
    pub(super) stanza_id: Text,
}

/// Everything that has something to press.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Menu {
    pub(super) title_text: Text,
    pub(super) title: Text,
    pub(super) content_text: Text,
    pub(super) footer_text: Text,
    pub(super) footer: Text,
    /// What opens a list.
    pub(super) button_text: Text,
    pub(super) buttons: List<Button>,
    pub(super) sections: List<Section>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Button {
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) button_text: Text,
    pub(super) copy_code: Text,
    pub(super) phone_number: Text,
    pub(super) url: Text,
    /// A template's three.
    pub(super) url_button: Maybe<TemplateButton>,
    pub(super) call_button: Maybe<TemplateButton>,
    pub(super) quick_reply_button: Maybe<TemplateButton>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TemplateButton {
    pub(super) display_text: Text,
    pub(super) url: Text,
    pub(super) phone_number: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Section {
    pub(super) title: Text,
    pub(super) rows: List<Row>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Row {
    pub(super) title: Text,
    pub(super) description: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Choice {
    pub(super) stanza_id: Text,
    pub(super) selected_display_text: Text,
    pub(super) selected_button_text: Text,
    pub(super) title: Text,
    pub(super) selected_id: Text,
    pub(super) selected_button_id: Text,
    pub(super) single_select_reply: Maybe<SelectedRow>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SelectedRow {
    pub(super) selected_row_id: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroupInvite {
    pub(super) group_name: Text,
    pub(super) caption: Text,
}

/// One row of `lastIncomingMessages`, `lastOutgoingMessages` or `getChatHistory`: flat.
#[derive(Clone, Debug, Default)]
pub struct JournalEntry {
    pub(super) head: JournalHead,
    pub(super) message: MessageData,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JournalHead {
    #[serde(rename = "type")]
    pub(super) direction: Text,
    pub(super) id_message: Text,
    pub(super) timestamp: Time,
    pub(super) chat_id: Text,
    pub(super) sender_id: Text,
    pub(super) sender_name: Text,
    pub(super) sender_contact_name: Text,
    pub(super) status_message: Text,
    pub(super) send_by_api: Flag,
    /// Of calls.
    pub(super) status: Text,
    pub(super) is_video: Flag,
}

impl<'de> Deserialize<'de> for JournalEntry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let row = Value::deserialize(deserializer)?;
        Ok(Self {
            head: JournalHead::deserialize(&row).unwrap_or_default(),
            message: MessageData::deserialize(row).unwrap_or_default(),
        })
    }
}

/// One entry of `showMessagesQueue`: what the gateway has taken and not yet sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueuedEntry {
    #[serde(rename = "messageID")]
    pub(super) message_id: Text,
    /// A forward has several.
    #[serde(rename = "messagesIDs")]
    pub(super) messages_ids: List<Text>,
    #[serde(rename = "type")]
    pub(super) method: Text,
    pub(super) body: Maybe<QueuedBody>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QueuedBody {
    pub(super) chat_id: Text,
    pub(super) message: Text,
    pub(super) quoted_message_id: Text,
    pub(super) url_file: Text,
    pub(super) file_name: Text,
    pub(super) caption: Text,
    pub(super) options: List<PollOption>,
    pub(super) multiple_answers: Flag,
    pub(super) latitude: Float,
    pub(super) longitude: Float,
    pub(super) name_location: Text,
    pub(super) address: Text,
    pub(super) contact: Maybe<Contact>,
    pub(super) url_link: Text,
    pub(super) header: Text,
    #[serde(rename = "body")]
    pub(super) text: Text,
    pub(super) footer: Text,
    pub(super) buttons: List<Button>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_whatever_its_shape() {
        let check = |body: &[u8], expect: Result<(Option<u64>, &str), NotJson>| {
            let read = envelope(body).map(|n| (n.id_instance, n.type_webhook));
            let read = read
                .as_ref()
                .map(|(id, word)| (*id, word.as_str()))
                .map_err(|e| *e);
            assert_eq!(read, expect, "{}", String::from_utf8_lossy(body));
        };
        check(
            br#"{"typeWebhook":"x","instanceData":{"idInstance":710722725742}}"#,
            Ok((Some(710_722_725_742), "x")),
        );
        check(
            br#"{"typeWebhook":"x","instanceData":{"idInstance":" 1101000001 "}}"#,
            Ok((Some(1_101_000_001), "x")),
        );
        check(
            br#"{"receiptId":1,"body":{"typeWebhook":"x"}}"#,
            Ok((None, "x")),
        );
        check(
            br#"{"receiptId":1,"typeWebhook":"x","body":7}"#,
            Ok((None, "x")),
        );
        check(
            br#"{"typeWebhook":"x","typeWebhook":"y","instanceData":{"idInstance":-1}}"#,
            Ok((None, "y")),
        );
        check(
            br#"{"typeWebhook":["x"],"instanceData":"1"}"#,
            Ok((None, "")),
        );
        check(b"\xef\xbb\xbf{\"typeWebhook\":\"x\"}", Ok((None, "x")));
        check(b"{\"typeWebhook\":\"x\xff\"}", Ok((None, "x\u{fffd}")));
        check(b"null", Ok((None, "")));
        check(b"[1]", Ok((None, "")));
        check(b"", Err(NotJson));
        check(b"<html>", Err(NotJson));
    }
}
