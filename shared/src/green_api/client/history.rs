//! What a number has said before: its chats, its address book, and the messages of one chat
//! (GREEN-API contract, journals and service methods).

use serde::Deserialize;
use serde_json::json;

use super::super::error::GreenApiError;
use super::super::lenient::Text;
use super::super::wire::JournalEntry;
use super::{GreenApi, Instance, Rows};
use crate::domain::chat_id::Alias;

/// The largest answer with a chat's messages that is read: ten thousand with their thumbnails.
pub(super) const MAX_HISTORY_BYTES: usize = 64 << 20;

/// A chat, or somebody of the address book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// WhatsApp's id.
    pub chat: Alias,
    /// What the account calls it, or what it calls itself.
    pub name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListedRow {
    id: Text,
    name: Text,
    contact_name: Text,
}

impl GreenApi {
    /// `getChatHistory`: the last `count` messages of a chat, newest first.
    pub async fn chat_history(
        &self,
        to: &Instance,
        chat: &Alias,
        count: u32,
    ) -> Result<Vec<JournalEntry>, GreenApiError> {
        let body = json!({ "chatId": chat, "count": count });
        let rows: Rows<JournalEntry> = self.post(to, "getChatHistory", &body).await?;
        Ok(rows.0.0)
    }

    /// `getChats`: every chat that the phone has.
    pub async fn chats(&self, to: &Instance) -> Result<Vec<Listed>, GreenApiError> {
        self.listed(to, "getChats").await
    }

    /// `getContacts`: the address book and everybody whom the phone has seen.
    pub async fn contacts(&self, to: &Instance) -> Result<Vec<Listed>, GreenApiError> {
        self.listed(to, "getContacts").await
    }

    /// Rows without an id, or with one that is none, are left out.
    async fn listed(&self, to: &Instance, method: &str) -> Result<Vec<Listed>, GreenApiError> {
        let rows: Rows<ListedRow> = self.get(to, method, &[]).await?;
        let listed = rows.0.0.into_iter().filter_map(|row| {
            let name = row.contact_name.get().or(row.name.get());
            Some(Listed {
                chat: Alias::parse(row.id.get()?)?,
                name: name.map(str::to_owned),
            })
        });
        Ok(listed.collect())
    }
}
