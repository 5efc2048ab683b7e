//! Messages with buttons (GREEN-API contract, sending).

use serde_json::{Value, json};

use super::{GreenApi, Instance};
use crate::domain::chat_id::Alias;
use crate::domain::content::{Menu, MenuAction};
use crate::green_api::error::GreenApiError;

impl GreenApi {
    /// `sendInteractiveButtons`: puts buttons that link, call or copy into the provider's queue and
    /// returns the message's WhatsApp id. At most three; the labels have 25 characters at most.
    /// Answers of the menu are none of its buttons.
    pub async fn send_interactive_buttons(
        &self,
        to: &Instance,
        chat: &Alias,
        menu: &Menu,
    ) -> Result<String, GreenApiError> {
        let body = body(chat, menu, |action| match action {
            MenuAction::Url(url) => Some(json!({ "type": "url", "url": url })),
            MenuAction::Call(phone) => Some(json!({ "type": "call", "phoneNumber": phone })),
            MenuAction::Copy(code) => Some(json!({ "type": "copy", "copyCode": code })),
            MenuAction::Reply => None,
        });
        self.send(to, "sendInteractiveButtons", &body).await
    }

    /// `sendInteractiveButtonsReply`: the same with buttons that answer with their label.
    pub async fn send_interactive_buttons_reply(
        &self,
        to: &Instance,
        chat: &Alias,
        menu: &Menu,
    ) -> Result<String, GreenApiError> {
        let body = body(chat, menu, |action| {
            matches!(action, MenuAction::Reply).then(|| json!({}))
        });
        self.send(to, "sendInteractiveButtonsReply", &body).await
    }
}

/// The buttons are numbered from "1". Empty texts are left out.
fn body(chat: &Alias, menu: &Menu, button: impl Fn(&MenuAction) -> Option<Value>) -> Value {
    let labels_and_buttons = menu
        .items
        .iter()
        .filter_map(|item| Some((&item.label, button(&item.action)?)));
    let buttons: Vec<_> = labels_and_buttons
        .enumerate()
        .map(|(n, (label, mut button))| {
            button["buttonId"] = (n + 1).to_string().into();
            button["buttonText"] = label.as_str().into();
            button
        })
        .collect();
    let mut body = json!({ "chatId": chat, "body": menu.body, "buttons": buttons });
    for (field, text) in [("header", &menu.title), ("footer", &menu.footer)] {
        if !text.is_empty() {
            body[field] = text.as_str().into();
        }
    }
    body
}
