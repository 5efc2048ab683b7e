//! Taking what an agent wrote in GoHighLevel, whether it was delivered to us or found in the
//! location's journal.

use super::Hub;
use super::accept::{self, Accepted, CrmSend, Home};
use super::mirror;
use super::route::{self, Route, To};
use super::twins::{self, Delivered};
use crate::domain::chat_id::Alias;
use crate::domain::content::{Content, Quoted, QuotedExcerpt};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::{ContactId, NumberId, WorkspaceId};
use crate::domain::message::{Direction, Origin};
use crate::domain::routing::Routing;
use crate::domain::sms::Shape;
use crate::ghl::map;
use crate::ghl::wire::ProviderDelivery;
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::directory::{self, InstallRow, InstallState, NumberRow, WorkspaceRow};
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
    /// Whether it is for us cannot be told yet: it has to come again.
    Later(&'static str),
    /// What was kept of the tenant does not decide it: it has to be read again.
    Outdated,
}

/// Whom a location's deliveries belong to. It may be kept for a while, by whoever reads it again
/// when it turns out to be [`Taken::Outdated`].
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The installation that links the location to a workspace.
    pub install: InstallRow,
    country: Option<String>,
    routing: Routing,
    numbers: Vec<NumberRow>,
}

impl Tenant {
    /// Reads what belongs to an installation.
    ///
    /// # Errors
    /// The tables'.
    pub async fn of(db: &impl Db, install: InstallRow) -> Result<Self, DbError> {
        let key = keys::workspace(&install.workspace);
        let workspace = row::load::<WorkspaceRow>(db, &key).await?;
        let (country, routing) = workspace
            .map(|workspace| (workspace.country, workspace.routing))
            .unwrap_or_default();
        Ok(Tenant {
            country,
            routing,
            numbers: directory::numbers(db, &install.workspace).await?,
            install,
        })
    }
}

/// Takes a delivery that was handed to `shape`, one of the app's providers, if to any. `tags` reads the contact's tags,
/// and is asked only if they decide about the number. `is_kept` says that `tenant` was read for
/// something else, earlier.
pub async fn delivery<D: Db, Q: Queue, F>(
    hub: &Hub<D, Q>,
    tenant: &Tenant,
    is_kept: bool,
    shape: Option<Shape>,
    delivery: &ProviderDelivery,
    tags: impl FnOnce(ContactId) -> F + Send,
) -> Result<Taken, DbError>
where
    F: Future<Output = Option<Vec<String>>> + Send,
{
    let install = &tenant.install;
    if install.state == InstallState::Uninstalled {
        return Ok(Taken::Ignored("the app was uninstalled"));
    }
    let Some(shape) = shape else {
        return Ok(Taken::Ignored("it is another provider's"));
    };
    if !delivery.is_text_channel() {
        return Ok(Taken::Ignored("it is not a text channel's"));
    }
    let Some(contact) = delivery.contact.clone() else {
        return Ok(Taken::Ignored("it names no contact"));
    };
    let from_crm = map::from_delivery(delivery);
    let delivered = Delivered {
        shape,
        written_ms: delivery.at_ms,
        content_sha256: twins::content_sha256(&from_crm, &delivery.attachments),
    };
    let quoted = match from_crm.quoted.clone() {
        Some(alt_id) => mirror::whatsapp_id(hub, &install.workspace, alt_id).await?,
        None => None,
    };
    let quoted = quoted.map(|remote_id| Quoted {
        remote_id: Some(remote_id),
        author: None,
        excerpt: QuotedExcerpt::None,
    });
    let Some(content) = from_crm.into_content() else {
        return Ok(Taken::Ignored("it is empty"));
    };
    let chats = mirror::settled_chats(hub, &install.location, &contact).await?;
    let Some(chats) = chats else {
        return Ok(Taken::Later("it may be the echo of a post of ours"));
    };
    let to = To {
        phone: delivery.phone.as_deref(),
        country: tenant.country.as_deref(),
        routing: &tenant.routing,
        chats: &chats,
        numbers: &tenant.numbers,
        are_kept: is_kept,
    };
    let asked = contact.clone();
    let (content, too_long) = cut(content);
    let mut telegram = None;
    let (number, address, chat, refused) = match route::route(hub, to, || tags(asked)).await? {
        Route::Via {
            number,
            address,
            chat,
        } => {
            telegram = number.prefs.telegram.map(|link| link.posts);
            (number.number, address, chat, too_long)
        }
        Route::Outdated => return Ok(Taken::Outdated),
        Route::NoNumber => (
            none(&install.workspace),
            nowhere(&contact),
            None,
            Some("no WhatsApp number is connected to this location"),
        ),
        Route::NoAddress => (
            none(&install.workspace),
            nowhere(&contact),
            None,
            Some("the contact has no phone number that WhatsApp knows"),
        ),
    };
    let home = Home {
        workspace: install.workspace.clone(),
        number,
        location: Some(install.location.clone()),
        auto_reply: None,
        telegram,
    };
    let send = CrmSend {
        message_id: delivery.message_id.clone(),
        contact,
        message: message(&delivery.message_id, address, content, quoted),
        delivered,
        refused: refused.map(str::to_owned),
    };
    let accepted = accept::crm_message_into(hub, &home, &install.location, send, chat).await?;
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
