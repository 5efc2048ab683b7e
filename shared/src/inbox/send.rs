//! What somebody of the team writes to a customer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Sight;
use crate::crypto::DataKeys;
use crate::domain::chat_id::Alias;
use crate::domain::content::{Content, File, FileKind, Quoted, QuotedExcerpt};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::{ChatId, NumberId, PersonId};
use crate::domain::message::{Direction, Message, Origin};
use crate::domain::phone::Phone;
use crate::green_api::client::{GreenApi, MAX_CAPTION_CHARS, MAX_TEXT_CHARS};
use crate::limiter::{lease, policy};
use crate::pipeline::accept::{self, Home};
use crate::pipeline::{Hub, whatsapp};
use crate::queue::Queue;
use crate::store::chats::{AliasRow, ChatRow, Claim, chat_of_alias, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::team::Decided;
use crate::store::{keys, row};

/// Answers and their limits in a poll (GREEN-API contract, sending).
const OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;
const OPTION_CHARS: usize = 100;
const POLL_CHARS: usize = 255;

/// The longest name of a place or of a card, in characters.
const NAME_CHARS: usize = 200;

/// How long a quoted text is, in characters.
const EXCERPT_CHARS: usize = 200;

/// How long a question to WhatsApp waits for its turn.
const ASK_WITHIN: Duration = Duration::from_secs(3);

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Their id.
    pub person: PersonId,
    /// What the team calls them.
    pub name: String,
}

/// What somebody wants to send.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The browser's own id of the request: the same one again is the same message.
    pub request: String,
    /// What it says.
    pub content: Content,
    /// Which message it answers.
    pub quotes: Option<(ChatId, u64)>,
}

/// Why something is not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such conversation or number, or not for them.
    #[error("there is no such conversation")]
    NotFound,
    /// Nothing is in it, or more than WhatsApp takes.
    #[error("{0}")]
    Unfit(&'static str),
    /// The person asked not to be written to.
    #[error("the person asked not to be written to")]
    OptedOut,
    /// The number cannot send, and whoever writes can still take another one.
    #[error("the number cannot send: {0}")]
    CannotSend(String),
    /// What is to be answered is not in this conversation, or WhatsApp has no id of it.
    #[error("that message cannot be answered")]
    NothingToQuote,
    /// Nobody has WhatsApp there.
    #[error("the phone has no WhatsApp")]
    NoWhatsapp,
    /// GREEN-API cannot tell now.
    #[error("WhatsApp cannot be asked now: {0}")]
    CannotAsk(String),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Whether WhatsApp takes such a message.
///
/// # Errors
/// [`SendError::Unfit`]
pub fn check(content: &Content) -> Result<(), SendError> {
    let longer = |text: &str, most: usize| text.chars().nth(most).is_some();
    let fits = match content {
        Content::Text { text } if text.trim().is_empty() => Err("there is nothing to send"),
        Content::Text { text } if longer(text, MAX_TEXT_CHARS) => {
            Err("a text has at most 20,000 characters")
        }
        Content::Files { files, .. } if files.is_empty() => Err("there is nothing to send"),
        Content::Files { caption, .. } if longer(caption, MAX_CAPTION_CHARS) => {
            Err("the text of a file has at most 1,024 characters")
        }
        Content::Text { .. } | Content::Files { .. } => Ok(()),
        Content::Location {
            latitude,
            longitude,
            name,
            address,
        } => {
            let is_place = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
            let fits = is_place && !longer(name, NAME_CHARS) && !longer(address, NAME_CHARS);
            fits.then_some(())
                .ok_or("that is no place on earth, or its name is too long")
        }
        Content::Contacts { cards } => {
            let has_phone =
                |phone: &str| Phone::from_digits(phone.trim_start_matches('+')).is_some();
            let fits = matches!(
                cards.as_slice(),
                [card] if card.phone.as_deref().is_some_and(has_phone)
                    && !longer(&card.name, NAME_CHARS)
            );
            fits.then_some(())
                .ok_or("a card has one name and one phone with its country's code")
        }
        Content::Poll { name, options, .. } => {
            let distinct: BTreeSet<&str> = options.iter().map(|option| option.trim()).collect();
            let fits = OPTIONS.contains(&options.len())
                && distinct.len() == options.len()
                && !distinct.contains("")
                && !distinct.iter().any(|option| longer(option, OPTION_CHARS))
                && !name.trim().is_empty()
                && !longer(name, POLL_CHARS);
            fits.then_some(())
                .ok_or("a poll has a question and 2 to 12 different answers")
        }
        _ => Err("such a message cannot be sent"),
    };
    fits.map_err(SendError::Unfit)
}

/// Takes what somebody wrote: it has its place in the conversation then, and goes out in its turn.
///
/// # Errors
/// [`SendError`]
pub async fn send<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    id: &ChatId,
    writer: &Writer,
    draft: Draft,
) -> Result<Message, SendError> {
    check(&draft.content)?;
    let chat = sight.chat(&hub.db, id).await?;
    let chat = chat.ok_or(SendError::NotFound)?;
    if chat.team.opted_out.is_some() {
        return Err(SendError::OptedOut);
    }
    let number = number(hub, sight, &chat.number).await?;
    let quoted = match &draft.quotes {
        Some(quotes) => Some(quoted(&hub.db, &chat, quotes).await?),
        None => None,
    };
    let new = NewMessage {
        kind: IdKind::Message,
        // Nobody takes another's request for their own.
        remote_id: format!("{}.{}", writer.person, draft.request),
        direction: Direction::Out,
        origin: Origin::Panel,
        api_echo: false,
        chat: chat.address.clone(),
        chat_name: None,
        phone: None,
        author: Author {
            id: None,
            name: Some(writer.name.clone()).filter(|name| !name.is_empty()),
            person: Some(writer.person.clone()),
        },
        at_s: None,
        content: draft.content,
        quoted,
    };
    let claim = accept::own_message(hub, &Home::from(&number), new).await?;
    taken(&hub.db, &claim).await
}

async fn taken(db: &impl Db, claim: &Claim) -> Result<Message, SendError> {
    let key = keys::message(&claim.chat, claim.seq);
    let message = row::load::<Message>(db, &key).await?;
    // Erased meanwhile.
    message.ok_or(SendError::NotFound)
}

async fn number<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    number: &NumberId,
) -> Result<NumberRow, SendError> {
    if !sight.numbers.contains(number) {
        return Err(SendError::NotFound);
    }
    let key = keys::number(&sight.workspace, number);
    let number = row::load::<NumberRow>(&hub.db, &key).await?;
    let number = number.ok_or(SendError::NotFound)?;
    if let Some(pause) = &number.pause {
        return Err(SendError::CannotSend(pause.why.text().to_owned()));
    }
    if !number.state.can_send() {
        let why = format!("its state is {}", number.state.as_str());
        return Err(SendError::CannotSend(why));
    }
    Ok(number)
}

/// What is told of the message that is answered. A quote works in the chat that the message is in
/// (GREEN-API contract, sending).
async fn quoted(
    db: &impl Db,
    chat: &ChatRow,
    (of, seq): &(ChatId, u64),
) -> Result<Quoted, SendError> {
    if *of != chat.chat && !chat.merged_from.contains(of) {
        return Err(SendError::NothingToQuote);
    }
    let message = row::load::<Message>(db, &keys::message(of, *seq)).await?;
    let message = message.ok_or(SendError::NothingToQuote)?;
    let remote_id = message.whatsapp_id.ok_or(SendError::NothingToQuote)?;
    Ok(Quoted {
        remote_id: Some(remote_id),
        author: message.author.id,
        excerpt: excerpt(&message.content),
    })
}

fn excerpt(content: &Content) -> QuotedExcerpt {
    let cut = |text: &str| QuotedExcerpt::Text(text.chars().take(EXCERPT_CHARS).collect());
    match content {
        Content::Text { text } | Content::Edited { text, .. } => cut(text),
        Content::Files { caption, .. } if !caption.is_empty() => cut(caption),
        Content::Files { files, .. } => {
            QuotedExcerpt::File(files.first().map_or(FileKind::Document, |file| file.kind))
        }
        Content::Location { .. } => QuotedExcerpt::Location,
        Content::Contacts { .. } => QuotedExcerpt::Contact,
        Content::Poll { .. } => QuotedExcerpt::Poll,
        Content::Choice { label, .. } => cut(label),
        Content::Menu(menu) => cut(&menu.body),
        _ => QuotedExcerpt::None,
    }
}

/// A file that somebody attaches, by what the browser says of it: WhatsApp decides by its name, once
/// its content is known.
pub fn attached(name: &str, mime: &str, url: String) -> File {
    let kind = match mime.split('/').next() {
        Some("image") => FileKind::Image,
        Some("video") => FileKind::Video,
        Some("audio") => FileKind::Audio,
        _ => FileKind::Document,
    };
    File {
        kind,
        url: Some(url),
        name: name.to_owned(),
        mime: mime.to_owned(),
        missing: None,
        copy: None,
    }
}

/// A conversation with a phone, which is there already or is begun, if the phone has WhatsApp; and
/// whether it was begun.
///
/// # Errors
/// [`SendError`]
pub async fn open<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    green: &GreenApi,
    data_keys: &DataKeys,
    sight: &Sight,
    at: &NumberId,
    phone: &Phone,
) -> Result<(ChatRow, bool), SendError> {
    let alias = Alias::from_phone_digits(phone.digits());
    if !sight.numbers.contains(at) {
        return Err(SendError::NotFound);
    }
    if let Some(chat) = known(hub, at, &alias).await? {
        return Ok((chat, false));
    }
    let number = number(hub, sight, at).await?;
    let key = keys::green_limit(at, "checkWhatsapp");
    let gcra = policy::green_api("checkWhatsapp", green.spread().j_s());
    if !lease::depart_within(&hub.db, &hub.clock, &key, &gcra, ASK_WITHIN).await? {
        return Err(SendError::CannotAsk("others are asking".to_owned()));
    }
    let instance = whatsapp::instance(&number, data_keys).map_err(SendError::CannotSend)?;
    let asked = green.check_whatsapp(&instance, phone).await;
    let told = asked.map_err(|error| SendError::CannotAsk(error.to_string()))?;
    if !told.exists {
        return Err(SendError::NoWhatsapp);
    }
    // WhatsApp may know the person by another id, under which they have written before.
    let theirs = told.chat.unwrap_or_else(|| alias.clone());
    if let Some(chat) = known(hub, at, &theirs).await? {
        return Ok((chat, false));
    }
    let now = hub.clock.now_ms();
    let id = ChatId::new(hub.ids.next());
    let home = Home::from(&number);
    let mut chat = ChatRow::new(home.workspace, home.number, id.clone(), alias.clone());
    // At the top of the list at once, though nothing has been said.
    (chat.last_at, chat.changed_at) = (now, now);
    chat.aliases.insert(theirs);
    let mut writes = Vec::new();
    for alias in &chat.aliases {
        let mut row = AliasRow {
            rev: 0,
            chat: id.clone(),
        };
        writes.push(row::save(keys::alias(at, alias), &mut row)?);
    }
    chat.relist(&mut writes)?;
    writes.push(row::save(keys::chat(&id), &mut chat)?);
    match hub.db.write(writes).await {
        Ok(()) => Ok((chat, true)),
        // Somebody began it meanwhile, or the person wrote.
        Err(DbError::Condition { .. } | DbError::Conflict) => known(hub, at, &alias)
            .await?
            .map(|chat| (chat, false))
            .ok_or(SendError::Db(DbError::Conflict)),
        Err(error) => Err(error.into()),
    }
}

async fn known<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    alias: &Alias,
) -> Result<Option<ChatRow>, DbError> {
    match chat_of_alias(&hub.db, number, alias).await? {
        Some(known) => living_chat(&hub.db, &known.chat).await,
        None => Ok(None),
    }
}

/// Notes in two conversations that one goes on in the other, and why: the customer sees a new one.
///
/// # Errors
/// The tables.
pub async fn note_move<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    from: &ChatId,
    to: &ChatId,
    by: &PersonId,
    reason: &str,
) -> Result<(), DbError> {
    let now = hub.clock.now_ms();
    let moved = Decided::MovedOn {
        chat: to.clone(),
        reason: reason.to_owned(),
    };
    let came = Decided::CameFrom {
        chat: from.clone(),
        reason: reason.to_owned(),
    };
    for (chat, what) in [(from, moved), (to, came)] {
        row::change::<ChatRow>(&hub.db, &keys::chat(chat), |chat| {
            chat.team.note(what.clone(), Some(by.clone()), now);
            chat.changed_at = now;
            true
        })
        .await?;
    }
    Ok(())
}

/// The conversations with the same phone on other numbers that somebody sees.
///
/// # Errors
/// The tables.
pub async fn sisters<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    chat: &ChatRow,
) -> Result<Vec<ChatRow>, DbError> {
    let Some(phone) = &chat.phone else {
        return Ok(Vec::new());
    };
    let alias = Alias::from_phone_digits(phone.trim_start_matches('+'));
    let others = sight.numbers.iter().filter(|it| **it != chat.number);
    let looks = others.map(|number| known(hub, number, &alias));
    let found = futures::future::try_join_all(looks).await?;
    Ok(found.into_iter().flatten().collect())
}
