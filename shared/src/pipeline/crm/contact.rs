//! A chat's contact in the CRM: made once, named and tagged then, found again when it is gone.

use secrecy::SecretString;

use super::{Crm, Obstacle};
use crate::domain::chat_id::AliasKind;
use crate::domain::ids::{ContactId, LocationId};
use crate::domain::text;
use crate::ghl::error::GhlError;
use crate::pipeline::route::NUMBER_TAG;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, ContactChatRow, CrmContact};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{NumberRow, WorkspaceRow};
use crate::store::{keys, row};

impl<D: Db, Q: Queue> Crm<'_, D, Q> {
    /// The chat's contact: from the row, or made, named and tagged now.
    pub(super) async fn contact(
        &self,
        chat: &ChatRow,
        workspace: &WorkspaceRow,
        location: &LocationId,
        token: &mut SecretString,
    ) -> Result<Result<ContactId, Obstacle>, DbError> {
        let known = chat.crm.as_ref().filter(|crm| crm.location == *location);
        if let Some(crm) = known
            && crm.dressed
            && !crm.phone_to_tell
        {
            return Ok(Ok(crm.contact.clone()));
        }
        let stand_in = format!("+{}", chat.address.digits());
        let phone = chat.phone.as_deref().unwrap_or(&stand_in);
        let ghl = self.ghl;
        let found = match known {
            Some(crm) => {
                let contact = &crm.contact;
                if crm.phone_to_tell {
                    let told = self
                        .call(location, token, |token| async move {
                            ghl.update_contact_phone(&token, contact, phone).await
                        })
                        .await?;
                    if let Err(error) = told {
                        return Ok(Err(self.obstacle(&error)));
                    }
                }
                self.call(location, token, |token| async move {
                    ghl.get_contact(&token, contact).await
                })
                .await?
            }
            None => {
                let country = workspace.country.as_deref();
                self.call(location, token, |token| async move {
                    ghl.upsert_contact(&token, location, phone, country).await
                })
                .await?
                .map(|upserted| upserted.contact)
            }
        };
        let contact = match found {
            Ok(contact) => contact,
            Err(GhlError::Gone(_)) if known.is_some() => {
                self.forget_contact(chat).await?;
                return Ok(Err(Obstacle::Wait(self.hub.clock.now_ms())));
            }
            Err(error) => return Ok(Err(self.obstacle(&error))),
        };
        // Replies have to find the chat from here on, whatever happens to the rest.
        self.remember(chat, location, &contact.id, false).await?;

        let name = text::contact_name(&chat.address, chat.title.as_deref(), None, workspace.lang);
        let (contact_id, name) = (&contact.id, name.as_str());
        if !contact.has_name {
            let named = self
                .call(location, token, |token| async move {
                    ghl.set_contact_name(&token, contact_id, name).await
                })
                .await?;
            if let Err(error) = named {
                return Ok(Err(self.obstacle(&error)));
            }
        }
        let tags = self.tags(chat).await?;
        let missing: Vec<&str> = tags
            .iter()
            .filter(|tag| !contact.tags.contains(tag))
            .map(String::as_str)
            .collect();
        let missing = missing.as_slice();
        if !missing.is_empty() {
            let tagged = self
                .call(location, token, |token| async move {
                    ghl.add_tags(&token, contact_id, missing).await
                })
                .await?;
            if let Err(error) = tagged {
                return Ok(Err(self.obstacle(&error)));
            }
        }
        self.remember(chat, location, &contact.id, true).await?;
        Ok(Ok(contact.id))
    }

    /// The tags that tell agents and workflows which number the contact belongs to.
    async fn tags(&self, chat: &ChatRow) -> Result<Vec<String>, DbError> {
        let key = keys::number(&chat.workspace, &chat.number);
        let number = row::load::<NumberRow>(&self.hub.db, &key).await?;
        let mut tags: Vec<String> = number
            .map(|number| format!("{NUMBER_TAG}{}", number.id_instance))
            .into_iter()
            .collect();
        match chat.address.kind() {
            AliasKind::Group => tags.push("whatsapp-group".to_owned()),
            AliasKind::Lid if chat.phone.is_none() => tags.push("whatsapp-lid".to_owned()),
            _ => {}
        }
        Ok(tags)
    }

    /// Keeps the contact with the chat, and the chat with the contact.
    async fn remember(
        &self,
        chat: &ChatRow,
        location: &LocationId,
        contact: &ContactId,
        dressed: bool,
    ) -> Result<(), DbError> {
        let crm = CrmContact {
            location: location.clone(),
            contact: contact.clone(),
            dressed,
            phone_to_tell: false,
        };
        if chat
            .crm
            .as_ref()
            .is_none_or(|known| known.contact != *contact)
        {
            let back = ContactChatRow {
                rev: 1,
                number: chat.number.clone(),
                chat: chat.chat.clone(),
            };
            let key = keys::contact_chat(location, contact, &chat.number);
            let write = Write {
                key,
                op: Op::Put(row::item(&back)?),
                only_if: Cond::Always,
            };
            self.hub.db.write(vec![write]).await?;
        }
        row::change::<ChatRow>(&self.hub.db, &keys::chat(&chat.chat), |chat| {
            if chat.crm.as_ref() == Some(&crm) {
                return false;
            }
            chat.crm = Some(crm.clone());
            true
        })
        .await?;
        Ok(())
    }

    /// The contact was deleted in the CRM: the next attempt makes a new one.
    pub(super) async fn forget_contact(&self, chat: &ChatRow) -> Result<(), DbError> {
        row::change::<ChatRow>(&self.hub.db, &keys::chat(&chat.chat), |chat| {
            chat.crm.take().is_some()
        })
        .await?;
        Ok(())
    }
}
