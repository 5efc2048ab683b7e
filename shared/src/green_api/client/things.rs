//! Places, cards and polls (GREEN-API contract, sending).

use serde_json::{Value, json};

use super::{GreenApi, Instance};
use crate::domain::chat_id::Alias;
use crate::domain::content::{ContactCard, Content};
use crate::green_api::error::GreenApiError;

impl GreenApi {
    /// `sendLocation`, `sendContact` or `sendPoll`, by what the content is: puts it into the
    /// provider's queue and returns its WhatsApp id. `quotes` is the id of a message of the same
    /// chat. Of several cards the first one is sent. `None` for every other content, and for a card
    /// without a phone.
    pub async fn send_thing(
        &self,
        to: &Instance,
        chat: &Alias,
        content: &Content,
        quotes: Option<&str>,
    ) -> Option<Result<String, GreenApiError>> {
        let (method, mut body) = match content {
            Content::Location {
                latitude,
                longitude,
                name,
                address,
            } => (
                "sendLocation",
                location(*latitude, *longitude, name, address),
            ),
            Content::Contacts { cards } => ("sendContact", contact(cards.first()?)?),
            Content::Poll {
                name,
                options,
                multiple,
            } => ("sendPoll", poll(name, options, *multiple)),
            _ => return None,
        };
        body["chatId"] = chat.as_str().into();
        if let Some(id) = quotes {
            body["quotedMessageId"] = id.into();
        }
        Some(self.send(to, method, &body).await)
    }
}

/// Empty texts are left out.
fn location(latitude: f64, longitude: f64, name: &str, address: &str) -> Value {
    let mut body = json!({ "latitude": latitude, "longitude": longitude });
    for (field, text) in [("nameLocation", name), ("address", address)] {
        if !text.is_empty() {
            body[field] = text.into();
        }
    }
    body
}

/// The phone is a number. What a name consists of nobody knows: it is all in one field.
fn contact(card: &ContactCard) -> Option<Value> {
    let phone = card.phone.as_deref()?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let phone: u64 = digits.parse().ok()?;
    let mut contact = json!({ "phoneContact": phone });
    if !card.name.is_empty() {
        contact["firstName"] = card.name.as_str().into();
    }
    Some(json!({ "contact": contact }))
}

fn poll(name: &str, options: &[String], multiple: bool) -> Value {
    let options: Vec<Value> = options
        .iter()
        .map(|option| json!({ "optionName": option }))
        .collect();
    json!({ "message": name, "options": options, "multipleAnswers": multiple })
}
