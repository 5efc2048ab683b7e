//! A message that an agent, a workflow or a bot wrote to a contact.

use std::time::Duration;

use greenhub::clock::Millis;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::{Content, Quoted, QuotedExcerpt};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ContactId, NumberId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::ghl::map;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::limiter::{lease, policy};
use greenhub::pipeline::accept::{self, Accepted, CrmSend, Home};
use greenhub::pipeline::route::{self, Route, To};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState, WorkspaceRow};
use greenhub::store::{keys, row};

use crate::Hook;

/// The longest that is waited for a contact's tags.
const TAGS_TIMEOUT: Duration = Duration::from_secs(3);

/// One-way latency's spread towards GoHighLevel, until it has been measured.
const J_S: f64 = 0.2;

/// A longer text is cut before it is kept: it is refused anyway, and a row has 400 kB.
const MOST_TEXT_BYTES: usize = 100_000;

/// Takes the message; says what became of it, for the log.
///
/// # Errors
/// The tables'; GoHighLevel has to try again.
pub(crate) async fn take<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    delivery: ProviderDelivery,
) -> Result<&'static str, DbError> {
    if !delivery.is_text_channel() {
        return Ok("another channel's");
    }
    let provider = delivery.provider_id.as_deref();
    if provider.is_some_and(|provider| provider != hook.provider_id) {
        return Ok("another provider's");
    }
    let from_crm = map::from_delivery(&delivery);
    let quoted = from_crm.quoted.clone();
    let Some(content) = from_crm.into_content() else {
        return Ok("nothing to send");
    };
    let Some(contact) = delivery.contact.clone() else {
        return Ok("without a contact");
    };
    let Some(install) =
        row::load::<InstallRow>(&hook.hub.db, &keys::install(&delivery.location)).await?
    else {
        return Ok("an unknown location's");
    };
    if install.state == InstallState::Uninstalled {
        return Ok("an uninstalled location's");
    }
    let (home, address, refused) = where_to(hook, &install, &delivery, &contact).await?;
    let (content, too_long) = cut(content);
    let refused = refused.or(too_long);
    let send = CrmSend {
        message_id: delivery.message_id.clone(),
        contact,
        message: NewMessage {
            kind: IdKind::Message,
            remote_id: delivery.message_id,
            direction: Direction::Out,
            origin: Origin::Ghl,
            api_echo: false,
            chat: address,
            chat_name: None,
            phone: None,
            author: Author::default(),
            at_s: None,
            content,
            quoted: quoted.map(|remote_id| Quoted {
                remote_id: Some(remote_id),
                author: None,
                excerpt: QuotedExcerpt::None,
            }),
        },
        refused: refused.clone(),
    };
    Ok(
        match accept::crm_message(&hook.hub, &home, &delivery.location, send).await? {
            Accepted::Duplicate => "duplicate",
            _ if refused.is_some() => "refused",
            Accepted::New(_) | Accepted::Parked => "accepted",
        },
    )
}

/// The number and the address that the message goes to, or why there is none. A message that goes
/// nowhere is kept in a chat of its own all the same, so that the agent is told.
async fn where_to<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    install: &InstallRow,
    delivery: &ProviderDelivery,
    contact: &ContactId,
) -> Result<(Home, Alias, Option<String>), DbError> {
    let workspace =
        row::load::<WorkspaceRow>(&hook.hub.db, &keys::workspace(&install.workspace)).await?;
    let to = To {
        workspace: &install.workspace,
        location: &install.location,
        contact,
        phone: delivery.phone.as_deref(),
        country: workspace.as_ref().and_then(|w| w.country.as_deref()),
    };
    let reason = match route::route(&hook.hub, to, || tags(hook, install, contact)).await? {
        Route::Via { number, address } => return Ok((Home::from(&*number), address, None)),
        Route::NoNumber => "No WhatsApp number is connected to this account.",
        Route::NoAddress => "The contact has no phone number that WhatsApp could be reached by.",
    };
    let home = Home {
        workspace: install.workspace.clone(),
        // One for each workspace: chats are found by number and address.
        number: NumberId::new(format!("none-{}", install.workspace)),
        location: Some(install.location.clone()),
    };
    let address = Alias::parse(&format!("{contact}@ghl")).ok_or_else(|| DbError::Malformed {
        what: "a contact's id",
        why: "it is too long".to_owned(),
    })?;
    Ok((home, address, Some(reason.to_owned())))
}

/// The contact's tags, if GoHighLevel tells them in time.
///
/// The token is used as it stands and never renewed here: a renewal that is broken off by our
/// deadline would lose the only refresh token.
async fn tags<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    install: &InstallRow,
    contact: &ContactId,
) -> Option<Vec<String>> {
    let (hub, location) = (&hook.hub, &install.location);
    if install.state != InstallState::Active || install.expires_ms <= hub.clock.now_ms() {
        return None;
    }
    let asked = async {
        let secret = hook.secrets.get().await.ok()?;
        let context = InstallRow::seal_context(location, InstallRow::ACCESS);
        let token = secret
            .data_keys()
            .ok()?
            .open(&install.access_sealed, &context);
        let token = token.ok()?;
        let key = keys::ghl_limit(location);
        let slot = lease::reserve(&hub.db, &hub.clock, &key, &policy::ghl(J_S), 1).await;
        let departs_ms: Millis = slot.ok()?.departure_us(0) / 1000 + 1;
        hub.clock.sleep_until(departs_ms).await;
        let answer = hook.ghl.get_contact(&token, contact).await;
        answer.ok().map(|answer| answer.value.tags)
    };
    let told = tokio::time::timeout(TAGS_TIMEOUT, asked)
        .await
        .ok()
        .flatten();
    if told.is_none() {
        tracing::warn!(%location, "a contact's tags are not known; the oldest number is taken");
    }
    told
}

/// A text that no row and no WhatsApp message can hold is cut, and refused.
fn cut(mut content: Content) -> (Content, Option<String>) {
    let text = match &mut content {
        Content::Text { text } => text,
        Content::Files { caption, .. } => caption,
        _ => return (content, None),
    };
    if text.len() <= MOST_TEXT_BYTES {
        return (content, None);
    }
    text.truncate(text.floor_char_boundary(MOST_TEXT_BYTES));
    let reason = "The message is longer than WhatsApp takes.".to_owned();
    (content, Some(reason))
}
