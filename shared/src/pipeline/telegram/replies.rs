//! From an answer in a channel to a message for the customer.
//!
//! An answer is known by the channel and the post that it answers, both: ids repeat from channel to
//! channel. In a topic everything that is written is for its conversation. The answer itself is the
//! request: told twice it is one message.

use super::super::Hub;
use super::super::accept::{self, Home};
use crate::domain::content::{Content, File, FileKind, Quoted, QuotedExcerpt};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::message::{Direction, Message, Origin};
use crate::domain::telegram::Source;
use crate::domain::telegram::words::Say;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, Claim, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::telegram::{PostRow, TopicRow, channel};
use crate::store::{keys, row};
use crate::telegram::client::MAX_DOWNLOAD_BYTES;
use crate::telegram::update::{Body, Kind, Post};

/// How the address of a file in Telegram begins; its id follows. Nobody can fetch it without the
/// bot's token.
pub const FILE_SCHEME: &str = "telegram:";

/// The longest text that WhatsApp takes, in characters: Telegram's are shorter.
const MOST_CHARS: usize = 20_000;

/// What came of something that was written in a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It goes to the customer.
    Accepted(Claim),
    /// It is for a customer and cannot be sent; whoever wrote it is told.
    Refused(Say),
    /// It is for nobody.
    NotForUs,
}

/// Takes what was written in a channel, if it is for a customer.
///
/// # Errors
/// The tables; the update has to come again.
pub async fn take<D: Db, Q: Queue>(hub: &Hub<D, Q>, post: &Post) -> Result<Taken, DbError> {
    // Our own posts do not come back, but other programs' do.
    if post.user.as_ref().is_some_and(|user| user.is_bot) {
        return Ok(Taken::NotForUs);
    }
    let Some((number, chat, quoted)) = addressee(hub, post).await? else {
        return Ok(Taken::NotForUs);
    };
    let content = match content(&post.body) {
        Ok(content) => content,
        Err(Some(why)) => return Ok(Taken::Refused(why)),
        // A member came, somebody pinned a post.
        Err(None) => return Ok(Taken::NotForUs),
    };
    let source = Source {
        channel: post.chat.id,
        message: post.message,
    };
    let new = NewMessage {
        kind: IdKind::Message,
        remote_id: source.request(),
        direction: Direction::Out,
        origin: Origin::Telegram,
        api_echo: false,
        chat: chat.address.clone(),
        chat_name: None,
        phone: None,
        author: Author {
            name: post.author.clone(),
            ..Author::default()
        },
        at_s: post.at_s,
        content,
        quoted,
    };
    let claim = accept::own_message(hub, &Home::from(&number), new).await?;
    Ok(Taken::Accepted(claim))
}

/// Whom something that was written in a channel is for, and the message that it answers.
async fn addressee<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    post: &Post,
) -> Result<Option<(NumberRow, ChatRow, Option<Quoted>)>, DbError> {
    let db = &hub.db;
    let answered = match post.reply_to {
        Some(message) => row::load::<PostRow>(db, &keys::post(post.chat.id, message)).await?,
        None => None,
    };
    let topic = match (&answered, post.thread) {
        (None, Some(thread)) => {
            row::load::<TopicRow>(db, &keys::topic(post.chat.id, thread)).await?
        }
        _ => None,
    };
    let (workspace, number, chat) = match (&answered, topic) {
        (Some(post), _) => (&post.workspace, &post.number, &post.of.chat),
        (None, Some(topic)) => (
            &topic.workspace.clone(),
            &topic.number.clone(),
            &topic.chat.clone(),
        ),
        (None, None) => return Ok(None),
    };
    // The number may post elsewhere since, and the channel may be somebody else's.
    let found = channel(db, post.chat.id).await?;
    if !found.is_some_and(|channel| channel.takes_from(workspace, number)) {
        return Ok(None);
    }
    let number = row::load::<NumberRow>(db, &keys::number(workspace, number)).await?;
    let chat = living_chat(db, chat).await?;
    let (Some(number), Some(chat)) = (number, chat) else {
        return Ok(None);
    };
    let quoted = match answered {
        Some(post) if !post.is_of_several => quoted(db, &post.of).await?,
        _ => None,
    };
    Ok(Some((number, chat, quoted)))
}

async fn quoted(db: &impl Db, of: &Claim) -> Result<Option<Quoted>, DbError> {
    let message = row::load::<Message>(db, &keys::message(&of.chat, of.seq)).await?;
    Ok(message.and_then(|message| {
        // Of a call there is nothing to quote.
        if matches!(message.content, Content::Call { .. }) {
            return None;
        }
        Some(Quoted {
            remote_id: Some(message.whatsapp_id?),
            author: message.author.id,
            excerpt: QuotedExcerpt::None,
        })
    }))
}

/// What goes to WhatsApp, or why it cannot.
fn content(body: &Body) -> Result<Content, Option<Say>> {
    match body {
        Body::Text(text) if text.chars().count() > MOST_CHARS => Err(Some(Say::NothingToSend)),
        Body::Text(text) => Ok(Content::Text { text: text.clone() }),
        Body::MovingSticker => Err(Some(Say::MovingSticker)),
        Body::Other => Err(None),
        Body::File {
            kind,
            file,
            name,
            mime,
            n_bytes,
            caption,
        } => {
            if n_bytes.is_some_and(|n| n > MAX_DOWNLOAD_BYTES) {
                return Err(Some(Say::FileLarge));
            }
            let kind = match kind {
                Kind::Photo => FileKind::Image,
                Kind::Video => FileKind::Video,
                Kind::Audio => FileKind::Audio,
                Kind::Document => FileKind::Document,
                Kind::Sticker => FileKind::Sticker,
            };
            let file = File {
                kind,
                url: Some(format!("{FILE_SCHEME}{file}")),
                name: name.clone(),
                mime: mime.clone(),
                missing: None,
                copy: None,
            };
            Ok(Content::Files {
                files: vec![file],
                caption: caption.clone(),
            })
        }
    }
}
