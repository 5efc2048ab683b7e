//! Taking what a workflow of the CRM's wants to have sent.
//!
//! One transaction holds the message with both its deliveries, to WhatsApp and into the CRM, which
//! does not have it. Nothing tells one execution of an action from another told twice (GHL
//! contract, workflow modules), so an action with the same values is the same one for a while.

use super::Hub;
use super::accept::{self, Home, contended};
use crate::clock::Millis;
use crate::domain::chat_id::Alias;
use crate::domain::content::Content;
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::{ContactId, IdInstance, LocationId, NumberId};
use crate::domain::message::{self, Direction, Origin};
use crate::domain::phone;
use crate::ghl::action::{Action, NotAMessage};
use crate::green_api::client::{MAX_CAPTION_CHARS, MAX_TEXT_CHARS};
use crate::queue::Queue;
use crate::store::chats::{Claim, ContactChatRow, IdRow, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::{self, InstallRow, InstallState, NumberRow, WorkspaceRow};
use crate::store::{keys, row};

/// How long the same action with the same values counts as a repetition, seconds.
///
/// GoHighLevel's slowest known way of repeating a call waits ten minutes and a little between two
/// of them (GHL contract, delivery behaviour). Longer would swallow what is meant twice.
pub const REPEATED_WITHIN_S: i64 = 15 * 60;

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Our own name of the message, which the CRM keeps beside it.
    pub message_id: String,
    /// The contact whose conversation it is shown in; unknown until one is found by the phone.
    pub contact: Option<ContactId>,
    /// It had been taken before; nothing was done.
    pub is_repeated: bool,
    /// The message is sent, and cannot be shown in the CRM before somebody acts there.
    pub waits_for_crm: bool,
}

/// Why an action was not taken. For whoever set up the workflow.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// It lacks something.
    #[error(transparent)]
    NotAMessage(#[from] NotAMessage),
    /// It names no number.
    #[error("`instanceId` is missing: which WhatsApp number is to send?")]
    NoInstance,
    /// Nobody's number, or somebody else's: which of them is not told.
    #[error("this location has no WhatsApp number with this `instanceId`")]
    NotANumber,
    /// The number cannot send now.
    #[error("the WhatsApp number cannot send now: {0}")]
    CannotSend(String),
    /// Neither the contact nor its phone leads anywhere.
    #[error("the contact has no phone number that WhatsApp knows")]
    NoAddress,
    /// Longer than WhatsApp takes.
    #[error("`{field}` has more than {most} characters")]
    TooLong {
        /// Of the form.
        field: &'static str,
        /// Characters.
        most: usize,
    },
    /// The tables; the action has to come again.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Takes an action of the location's. `phone` is the contact's, as the CRM has it.
///
/// # Errors
/// [`ActionError`]; nothing is sent then.
pub async fn take<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    install: &InstallRow,
    action: &Action,
    phone: &str,
) -> Result<Taken, ActionError> {
    let waits_for_crm = install.state != InstallState::Active;
    let taken = |(claim, contact, is_repeated): (Claim, Option<ContactId>, bool)| Taken {
        message_id: message::reference(&claim.chat, claim.seq),
        contact,
        is_repeated,
        waits_for_crm,
    };
    let (location, fingerprint) = (&install.location, action.fingerprint(phone));
    // First of all: a repetition gets its answer whatever has become of the number since.
    let key = keys::action(location, &fingerprint);
    let known = row::load::<IdRow>(&hub.db, &key).await?;
    if let Some(claim) = known.and_then(|id| live_claim(&id, hub.clock.now_ms())) {
        return Ok(taken(repeated(hub, claim).await?));
    }
    let content = action.content.clone()?;
    fits(&content)?;
    let number = number(hub, install, action.instance.as_deref()).await?;
    let contact = action.contact.as_ref();
    let chat = address(hub, install, &number.number, contact, phone).await?;
    let home = Home {
        location: Some(location.clone()),
        ..Home::from(&number)
    };
    let new = NewMessage {
        kind: IdKind::Message,
        remote_id: fingerprint.clone(),
        direction: Direction::Out,
        origin: Origin::Workflow,
        api_echo: false,
        chat,
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content,
        quoted: None,
    };
    Ok(taken(
        accept(hub, &home, location, contact, &fingerprint, &new).await?,
    ))
}

/// The location's own number, if it can send.
async fn number<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    install: &InstallRow,
    instance: Option<&str>,
) -> Result<NumberRow, ActionError> {
    let id: IdInstance = instance
        .ok_or(ActionError::NoInstance)?
        .parse()
        .map_err(|_| ActionError::NotANumber)?;
    let numbers = directory::numbers(&hub.db, &install.workspace).await?;
    let number = numbers
        .into_iter()
        .find(|number| number.id_instance == id)
        .ok_or(ActionError::NotANumber)?;
    if let Some(pause) = &number.pause {
        return Err(ActionError::CannotSend(pause.why.text().to_owned()));
    }
    if !number.state.can_send() {
        let state = number.state.as_str();
        return Err(ActionError::CannotSend(format!(
            "it is not connected ({state})"
        )));
    }
    Ok(number)
}

/// Where the contact is reached: in the conversation that it has on this number, which groups and
/// people without a phone are found by alone, else by its phone.
async fn address<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    install: &InstallRow,
    number: &NumberId,
    contact: Option<&ContactId>,
    phone: &str,
) -> Result<Alias, ActionError> {
    if let Some(contact) = contact {
        let key = keys::contact_chat(&install.location, contact, number);
        if let Some(known) = row::load::<ContactChatRow>(&hub.db, &key).await?
            && let Some(chat) = living_chat(&hub.db, &known.chat).await?
        {
            return Ok(chat.address);
        }
    }
    let key = keys::workspace(&install.workspace);
    let workspace = row::load::<WorkspaceRow>(&hub.db, &key).await?;
    let country = workspace.and_then(|workspace| workspace.country);
    phone::crm_phone_to_alias(phone, country.as_deref()).ok_or(ActionError::NoAddress)
}

fn fits(content: &Content) -> Result<(), ActionError> {
    let check = |field, text: &str, most| match text.chars().count() > most {
        true => Err(ActionError::TooLong { field, most }),
        false => Ok(()),
    };
    match content {
        Content::Text { text } => check("message", text, MAX_TEXT_CHARS),
        Content::Files { caption, .. } => check("caption", caption, MAX_CAPTION_CHARS),
        Content::Menu(menu) => check("body", &menu.body, MAX_TEXT_CHARS),
        _ => Ok(()),
    }
}

/// The transaction, then the wake-ups.
async fn accept<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    location: &LocationId,
    contact: Option<&ContactId>,
    fingerprint: &str,
    new: &NewMessage,
) -> Result<(Claim, Option<ContactId>, bool), DbError> {
    let id_key = keys::action(location, fingerprint);
    for _ in 0..row::TRIES {
        let mut id = row::load::<IdRow>(&hub.db, &id_key)
            .await?
            .unwrap_or_default();
        let now = hub.clock.now_ms();
        // The same action came a second time, and the other one was quicker.
        if let Some(claim) = live_claim(&id, now) {
            return repeated(hub, claim).await;
        }
        let (mut chat, mut writes) = accept::find_chat(hub, home, new).await?;
        if let Some(contact) = contact {
            accept::tie(&mut chat, home, location, contact, &mut writes)?;
        }
        let claim = accept::place(hub, home, &mut chat, new, None, &mut id, &mut writes)?;
        id.expires_at = Some(now / 1000 + REPEATED_WITHIN_S);
        writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
        writes.push(row::save(id_key.clone(), &mut id)?);
        match hub.db.write(writes).await {
            Ok(()) => {
                hub.wake_due(&chat).await;
                return Ok((claim, chat.crm.map(|crm| crm.contact), false));
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(contended())
}

/// The message that an action was taken as. The table forgets late, so the time counts.
fn live_claim(id: &IdRow, now: Millis) -> Option<Claim> {
    let lives = id.expires_at.is_some_and(|until_s| until_s > now / 1000);
    id.claimed.clone().filter(|_| lives)
}

async fn repeated<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    claim: Claim,
) -> Result<(Claim, Option<ContactId>, bool), DbError> {
    let chat = living_chat(&hub.db, &claim.chat).await?;
    // Whoever sends it again may have missed our answer, and we our wake-up.
    if let Some(chat) = &chat {
        hub.wake_due(chat).await;
    }
    let contact = chat.and_then(|chat| chat.crm).map(|crm| crm.contact);
    Ok((claim, contact, true))
}
