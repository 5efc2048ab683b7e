//! Changing what was sent (GREEN-API contract, service).

use serde_json::{Value, json};

use super::{GreenApi, Instance};
use crate::domain::chat_id::Alias;
use crate::green_api::error::GreenApiError;

impl GreenApi {
    /// `editMessage`: gives a text, or a file's text, that this number sent another wording. WhatsApp
    /// takes that for about a quarter of an hour.
    pub async fn edit_message(
        &self,
        to: &Instance,
        chat: &Alias,
        id: &str,
        text: &str,
    ) -> Result<(), GreenApiError> {
        let body = json!({ "chatId": chat, "idMessage": id, "message": text });
        self.send(to, "editMessage", &body).await.map(|_| ())
    }

    /// `deleteMessage`: deletes what this number sent for everybody.
    pub async fn delete_message(
        &self,
        to: &Instance,
        chat: &Alias,
        id: &str,
    ) -> Result<(), GreenApiError> {
        let body = json!({ "chatId": chat, "idMessage": id });
        // There is nothing in the answer.
        self.post::<Value>(to, "deleteMessage", &body).await?;
        Ok(())
    }
}
