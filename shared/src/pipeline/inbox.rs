//! Taking what an agent wrote in GoHighLevel, whether it was delivered to us or found in the
//! location's journal.

use super::Hub;
use super::accept::{self, Accepted, CrmSend, Home};
use super::route::{self, Route, To};
use crate::domain::chat_id::Alias;
use crate::domain::content::{Content, Quoted, QuotedExcerpt};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::{ContactId, NumberId, WorkspaceId};
use crate::domain::message::{Direction, Origin};
use crate::ghl::map;
use crate::ghl::wire::ProviderDelivery;
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState, WorkspaceRow};
use crate::store::{keys, row};

/// A longer text is cut before it is kept: WhatsApp takes less, and a row has 400 kB.
const MOST_TEXT_BYTES: usize = 100_000;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in a chat, on its way or failed with a reason that the CRM is told.
    Accepted(Accepted),
    /// Not for us, and why.
    Ignored(&'static str),
}

/// Takes a delivery for the conversation provider `provider_id`. `tags` reads the contact's tags,
/// and is asked only if they decide about the number.
pub async fn delivery<D: Db, Q: Queue, F>(
    hub: &Hub<D, Q>,
    install: &InstallRow,
    provider_id: &str,
    delivery: &ProviderDelivery,
    tags: impl FnOnce(ContactId) -> F + Send,
) -> Result<Taken, DbError>
where
    F: Future<Output = Option<Vec<String>>> + Send,
{
    if install.state == InstallState::Uninstalled {
        return Ok(Taken::Ignored("the app was uninstalled"));
    }
    // A location's default provider is not named; another app's provider is (GHL contract, two
    // shapes of SMS provider).
    if delivery
        .provider_id
        .as_deref()
        .is_some_and(|id| id != provider_id)
    {
        return Ok(Taken::Ignored("it is another provider's"));
    }
    if !delivery.is_text_channel() {
        return Ok(Taken::Ignored("it is not a text channel's"));
    }
    let Some(contact) = delivery.contact.clone() else {
        return Ok(Taken::Ignored("it names no contact"));
    };
    let from_crm = map::from_delivery(delivery);
    let quoted = from_crm.quoted.clone().map(|remote_id| Quoted {
        remote_id: Some(remote_id),
        author: None,
        excerpt: QuotedExcerpt::None,
    });
    let Some(content) = from_crm.into_content() else {
        return Ok(Taken::Ignored("it is empty"));
    };
    let key = keys::workspace(&install.workspace);
    let workspace = row::load::<WorkspaceRow>(&hub.db, &key).await?;
    let (country, routing) = workspace
        .map(|workspace| (workspace.country, workspace.routing))
        .unwrap_or_default();
    let to = To {
        workspace: &install.workspace,
        location: &install.location,
        contact: &contact,
        phone: delivery.phone.as_deref(),
        country: country.as_deref(),
        routing: &routing,
    };
    let asked = contact.clone();
    let (content, too_long) = cut(content);
    let (number, address, refused) = match route::route(hub, to, || tags(asked)).await? {
        Route::Via { number, address } => (number.number, address, too_long),
        Route::NoNumber => (
            none(&install.workspace),
            nowhere(&contact),
            Some("no WhatsApp number is connected to this location"),
        ),
        Route::NoAddress => (
            none(&install.workspace),
            nowhere(&contact),
            Some("the contact has no phone number that WhatsApp knows"),
        ),
    };
    let home = Home {
        workspace: install.workspace.clone(),
        number,
        location: Some(install.location.clone()),
    };
    let send = CrmSend {
        message_id: delivery.message_id.clone(),
        contact,
        message: message(&delivery.message_id, address, content, quoted),
        refused: refused.map(str::to_owned),
    };
    let accepted = accept::crm_message(hub, &home, &install.location, send).await?;
    Ok(Taken::Accepted(accepted))
}

fn message(id: &str, chat: Alias, content: Content, quoted: Option<Quoted>) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: id.to_owned(),
        direction: Direction::Out,
        origin: Origin::Ghl,
        api_echo: false,
        chat,
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content,
        quoted,
    }
}

/// The number of messages that no number can send: they are kept, with the reason, all the same.
/// Chats are found by number and address, so each workspace has one of its own.
fn none(workspace: &WorkspaceId) -> NumberId {
    NumberId::new(format!("none-{workspace}"))
}

/// A text that no row can hold is cut, and refused.
fn cut(mut content: Content) -> (Content, Option<&'static str>) {
    let text = match &mut content {
        Content::Text { text } => text,
        Content::Files { caption, .. } => caption,
        _ => return (content, None),
    };
    if text.len() <= MOST_TEXT_BYTES {
        return (content, None);
    }
    text.truncate(text.floor_char_boundary(MOST_TEXT_BYTES));
    (content, Some("the message is longer than WhatsApp takes"))
}

/// The chat of a contact whom no number can reach.
fn nowhere(contact: &ContactId) -> Alias {
    Alias::parse(&format!("{contact}@ghl")).unwrap_or_else(|| Alias::from_phone_digits("0"))
}
