//! The way into the business's Telegram channels and groups.
//!
//! A channel takes 20 posts a minute, a busy number writes more. So what a customer wrote while the
//! channel had no room goes in one post, and each of those messages is claimed before the call and
//! settled after it like any other.
//!
//! **Unknown outcomes.** Telegram knows no idempotency key, and a bot cannot look at what is in a
//! channel. A post whose answer was lost is therefore never made again: it is left to a person at
//! once, and the lane goes on. What Telegram itself says it could not do (a 5xx in its own words) is
//! a refusal, and is tried again.

pub(in crate::pipeline) mod asides;
pub mod channels;
mod outcome;
pub mod pace;
mod pieces;
pub mod replies;
pub mod states;
mod topics;
pub mod webhook;

use std::time::Duration;

use tokio::sync::Semaphore;

use self::outcome::UploadError;
use self::pieces::Piece;
use super::Hub;
use super::provider::{Looked, Prepared, Provider, Sent};
use super::settle::{self, Change};
use crate::clock::Millis;
use crate::domain::chat_id::Alias;
use crate::domain::content::{CallEvent, Content};
use crate::domain::delivery::{Destination, Part, PartState};
use crate::domain::event::IdKind;
use crate::domain::message::{Direction, Message};
use crate::domain::telegram::rich::Rich;
use crate::domain::telegram::words::{self, Person};
use crate::domain::telegram::{Aside, of_remote_id, remote_id};
use crate::domain::text::Lang;
use crate::media::link::Links;
use crate::media::store::FileStore;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, messages_from};
use crate::store::db::{Db, DbError};
use crate::store::directory::{NumberRow, WorkspaceRow};
use crate::store::telegram::{self, ChannelRow};
use crate::store::{keys, row};
use crate::telegram::client::{Button, FileKind, MAX_TEXT_UNITS, Telegram, To, UPLOAD_TIMEOUT};
use crate::telegram::error::TelegramError;

/// An upload, a second one as a document, and what is between.
const CALL_MS: Millis = 2 * UPLOAD_TIMEOUT.as_millis() as Millis + 20_000;

/// How long a post waits for its departure: what departs later ends the run of the lane.
const POST_WITHIN: Duration = Duration::from_secs(2);

/// A refusal that a person has to do something about.
const LATER_MS: Millis = 5 * 60 * 1000;

/// How many messages go in one post.
const MOST_ALONG: usize = 20;

/// How many files are in memory at once, of 50 MB at most.
const UPLOADS: usize = 2;

/// How an answer in a channel is told that WhatsApp took it, and that it did not.
pub const GOOD: &str = "👍";
/// The other one.
pub const BAD: &str = "😡";

/// Telegram as a destination.
#[derive(Debug)]
pub struct Channels<'a, D, Q, S> {
    hub: &'a Hub<D, Q>,
    bot: &'a Telegram,
    store: &'a S,
    links: &'a Links,
    uploads: Semaphore,
}

/// What a call needs.
#[derive(Debug)]
pub struct Ready {
    channel: i64,
    address: Alias,
    lang: Lang,
    /// It had to wait for its slot: the channel has no room for a post of each message.
    is_crowded: bool,
    act: Act,
}

#[derive(Debug)]
enum Act {
    Text {
        to: To,
        rich: Rich,
        button: Option<Button>,
    },
    File {
        to: To,
        file: usize,
        kind: FileKind,
        caption: Rich,
        button: Option<Button>,
    },
    Edit {
        message: i64,
        rich: Rich,
        button: Option<Button>,
    },
    React {
        message: i64,
        good: bool,
    },
    /// What it would say is there.
    Nothing {
        message: i64,
    },
}

impl<'a, D: Db, Q: Queue, S: FileStore> Channels<'a, D, Q, S> {
    /// Posts as `bot`, files out of `store`. `links` makes the addresses of files that are too
    /// large, and of conversations.
    pub fn new(hub: &'a Hub<D, Q>, bot: &'a Telegram, store: &'a S, links: &'a Links) -> Self {
        Channels {
            hub,
            bot,
            store,
            links,
            uploads: Semaphore::new(UPLOADS),
        }
    }

    /// The channel that a message's number posts in now, and its number.
    async fn channel(
        &self,
        message: &Message,
    ) -> Result<Result<(NumberRow, ChannelRow), &'static str>, DbError> {
        let db = &self.hub.db;
        let key = keys::number(&message.workspace, &message.number);
        let Some(number) = row::load::<NumberRow>(db, &key).await? else {
            return Ok(Err("the WhatsApp number was removed"));
        };
        let Some(link) = &number.prefs.telegram else {
            return Ok(Err("no Telegram channel is linked to the number"));
        };
        let channel = telegram::channel(db, link.channel).await?;
        let channel = channel.filter(|it| it.takes_from(&message.workspace, &message.number));
        Ok(match channel {
            None => Err("the number's Telegram channel is not the workspace's"),
            Some(channel) if !channel.active => Err("the bot may not post in the Telegram channel"),
            Some(channel) => Ok((number, channel)),
        })
    }

    async fn lang(&self, message: &Message) -> Result<Lang, DbError> {
        let key = keys::workspace(&message.workspace);
        let workspace = row::load::<WorkspaceRow>(&self.hub.db, &key).await?;
        Ok(workspace
            .map(|workspace| workspace.lang)
            .unwrap_or_default())
    }

    /// Waits for its turn, or says when to come again.
    async fn ready(&self, ready: Ready) -> Result<Prepared<Ready>, DbError> {
        let hub = self.hub;
        let asked_ms = hub.clock.now_ms();
        let bot = self.bot.bot();
        let slot = pace::slot(&hub.db, &hub.clock, bot, ready.channel, POST_WITHIN).await?;
        Ok(match slot {
            Ok(at_ms) => Prepared::Ready {
                with: Ready {
                    is_crowded: at_ms > asked_ms,
                    ..ready
                },
                at_ms,
            },
            Err(until_ms) => Prepared::Wait { until_ms },
        })
    }

    /// What is to be done for a part of a message that is posted.
    async fn act(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
        lang: Lang,
        to: To,
    ) -> Result<Option<Act>, DbError> {
        let phone = phone(chat);
        let person = person(chat, &phone);
        let button = Some(Button {
            label: person.label(),
            url: self.links.chat(&chat.chat),
        });
        let aside = message.deliveries[&Destination::Telegram].parts[part].aside;
        if aside.is_some() {
            let rich = words::report(message, person, lang);
            return Ok(Some(Act::Text { to, rich, button }));
        }
        if let Some((earlier, is_later)) = self.call_before(message).await? {
            return Ok(Some(if is_later {
                Act::Nothing { message: earlier }
            } else {
                Act::Edit {
                    message: earlier,
                    rich: words::post(message, &chat.address, person, false, None, lang),
                    button,
                }
            }));
        }
        let sender = pieces::Sender {
            message,
            address: &chat.address,
            person,
            links: self.links,
            lang,
        };
        if let Some(parts) = sender.parts(part) {
            settle::change_message(self.hub, &message.chat, message.seq, |message| {
                let delivery = message.deliveries.get_mut(&Destination::Telegram);
                let Some(delivery) = delivery.filter(|it| it.parts.len() > part) else {
                    return Change::Nothing;
                };
                delivery.parts[part].files = parts.first().cloned();
                let more = parts[1..].iter().map(|files| carrier(files.clone()));
                let tail = delivery.parts.split_off(part + 1);
                delivery.parts.extend(more.chain(tail));
                Change::Write
            })
            .await?;
            return Ok(None);
        }
        Ok(Some(match sender.piece(part) {
            Piece::Text(rich) => Act::Text { to, rich, button },
            Piece::File {
                file,
                kind,
                caption,
            } => Act::File {
                to,
                file,
                kind,
                caption,
                button,
            },
        }))
    }

    /// The post of another event of the same call, and whether that one is the later: all events
    /// of a call are one post, which reads as the last of them.
    async fn call_before(&self, message: &Message) -> Result<Option<(i64, bool)>, DbError> {
        let (Content::Call { event, .. }, Some(id)) = (&message.content, &message.whatsapp_id)
        else {
            return Ok(None);
        };
        let own = IdKind::of_call(event);
        let kinds = [
            IdKind::CallOffer,
            IdKind::CallPickUp,
            IdKind::CallHangUp,
            IdKind::CallMissed,
            IdKind::CallDeclined,
            IdKind::CallOther,
        ];
        for kind in kinds.into_iter().filter(|kind| *kind != own) {
            let key = keys::whatsapp_id(&message.number, kind, id);
            let known = row::load::<IdRow>(&self.hub.db, &key).await?;
            let Some(claim) = known.and_then(|known| known.claimed) else {
                continue;
            };
            let key = keys::message(&claim.chat, claim.seq);
            let earlier = row::load::<Message>(&self.hub.db, &key).await?;
            let post = earlier.as_ref().and_then(|earlier| {
                let part = earlier
                    .deliveries
                    .get(&Destination::Telegram)?
                    .parts
                    .first()?;
                of_remote_id(part.remote_id.as_deref()?)
            });
            if let Some((_, post)) = post {
                return Ok(Some((post, *event == CallEvent::Offer)));
            }
        }
        Ok(None)
    }
}

/// A part that carries these files, and text if none.
fn carrier(files: Vec<usize>) -> Part {
    Part {
        files: Some(files),
        ..Part::default()
    }
}

/// The digits that people know a conversation by.
pub fn phone(chat: &ChatRow) -> String {
    match &chat.phone {
        Some(phone) => phone.trim_start_matches('+').to_owned(),
        None => chat.address.digits(),
    }
}

fn person<'a>(chat: &'a ChatRow, phone: &'a str) -> Person<'a> {
    Person {
        name: chat.title.as_deref().unwrap_or(phone),
        phone,
        is_group: chat.is_group(),
    }
}

/// Whether a message can share a post with others: a text of the customer's that nobody has tried to
/// post in several pieces.
fn can_share(message: &Message, now: Millis) -> bool {
    let is_text = !matches!(
        message.content,
        Content::Files { .. } | Content::Call { .. }
    );
    let Some(delivery) = message.deliveries.get(&Destination::Telegram) else {
        return false;
    };
    let [part] = &delivery.parts[..] else {
        return false;
    };
    let is_open = match part.state {
        PartState::Pending => true,
        PartState::Retry {
            at_ms,
            look_since_ms: None,
        } => at_ms <= now,
        _ => false,
    };
    is_text && is_open && part.aside.is_none() && message.direction == Direction::In
}

impl<D: Db, Q: Queue, S: FileStore> Provider for Channels<'_, D, Q, S> {
    type Ready = Ready;

    const DESTINATION: Destination = Destination::Telegram;
    const LONGEST_CALL_MS: Millis = CALL_MS;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = None;
    const CAN_LOOK: bool = false;

    fn patience_ms(&self) -> Millis {
        // As long as Telegram keeps updates for a bot that is not there.
        24 * 3_600_000
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<Ready>, DbError> {
        let aside = message.deliveries[&Destination::Telegram].parts[part].aside;
        let ready = |channel, lang, act| Ready {
            channel,
            address: chat.address.clone(),
            lang,
            is_crowded: false,
            act,
        };
        if let Some(Aside::React { good }) = aside {
            let Some(source) = &message.telegram else {
                return Ok(Prepared::Dead {
                    reason: "the message was not written in Telegram".to_owned(),
                });
            };
            let act = Act::React {
                message: source.message,
                good,
            };
            return self
                .ready(ready(source.channel, Lang::default(), act))
                .await;
        }
        let (number, channel) = match self.channel(message).await? {
            Ok(found) => found,
            Err(reason) => {
                let reason = reason.to_owned();
                return Ok(Prepared::Dead { reason });
            }
        };
        let lang = self.lang(message).await?;
        let mut to = To::chat(channel.channel);
        let wants_topic = number.prefs.telegram.is_some_and(|link| link.posts.topics);
        if wants_topic && topics::can_have(&channel) {
            match self.topic(&channel, message).await? {
                Ok(thread) => to.thread = thread,
                Err(prepared) => return Ok(prepared),
            }
        }
        match self.act(chat, message, part, lang, to).await? {
            Some(act) => self.ready(ready(channel.channel, lang, act)).await,
            None => Ok(Prepared::Anew),
        }
    }

    async fn along(
        &self,
        ready: &mut Ready,
        message: &Message,
        _part: usize,
    ) -> Result<Vec<Message>, DbError> {
        let now = self.hub.clock.now_ms();
        let Act::Text { rich, .. } = &mut ready.act else {
            return Ok(Vec::new());
        };
        if !ready.is_crowded || !can_share(message, now) {
            return Ok(Vec::new());
        }
        let db = &self.hub.db;
        let later = messages_from(db, &message.chat, message.seq + 1, MOST_ALONG).await?;
        let mut along = Vec::new();
        for other in later {
            if !other.deliveries.contains_key(&Destination::Telegram) {
                continue;
            }
            let more = words::more(&other, &ready.address, ready.lang);
            if !can_share(&other, now) || rich.units() + more.units() > MAX_TEXT_UNITS {
                break;
            }
            rich.append(more);
            along.push(other);
        }
        Ok(along)
    }

    async fn send(&self, ready: Ready, _: &ChatRow, message: &Message, part: usize) -> Sent {
        let channel = ready.channel;
        let done = |post: i64| Sent::Done {
            remote_id: remote_id(channel, post),
        };
        let called = match &ready.act {
            Act::Nothing { message } => Ok(*message),
            Act::Text { to, rich, button } => {
                let html = rich.html();
                self.bot.send_text(*to, &html, button.as_ref()).await
            }
            Act::Edit {
                message: post,
                rich,
                button,
            } => {
                let html = rich.html();
                let edited = self.bot.edit_text(channel, *post, &html, button.as_ref());
                match edited.await {
                    // Somebody removed the post: there is nothing left to be told.
                    Ok(()) | Err(TelegramError::NotModified | TelegramError::MessageNotFound) => {
                        Ok(*post)
                    }
                    // An edit twice is an edit once.
                    Err(TelegramError::Lost { why }) => {
                        return Sent::Again {
                            at_ms: None,
                            reason: why,
                        };
                    }
                    Err(error) => Err(error),
                }
            }
            Act::React {
                message: post,
                good,
            } => {
                let emoji = if *good { GOOD } else { BAD };
                match self.bot.react(channel, *post, emoji).await {
                    Ok(()) | Err(TelegramError::NotModified) => Ok(*post),
                    Err(TelegramError::ReactionInvalid | TelegramError::NoRights { .. }) => {
                        let to = To {
                            reply_to: Some(*post),
                            ..To::chat(channel)
                        };
                        self.bot.send_text(to, emoji, None).await
                    }
                    // A reaction twice is a reaction once.
                    Err(TelegramError::Lost { why }) => {
                        return Sent::Again {
                            at_ms: None,
                            reason: why,
                        };
                    }
                    Err(error) => Err(error),
                }
            }
            Act::File {
                to,
                file,
                kind,
                caption,
                button,
            } => {
                let caption = caption.html();
                let sent = self.upload(message, *file, *kind, *to, &caption, button.as_ref());
                match sent.await {
                    Ok(post) => Ok(post),
                    Err(UploadError::Telegram(error)) => Err(error),
                    // Nothing was sent yet.
                    Err(UploadError::Store(reason)) => {
                        return Sent::Again {
                            at_ms: None,
                            reason,
                        };
                    }
                }
            }
        };
        match called {
            Ok(post) => done(post),
            Err(error) => self.refused(channel, message, part, error).await,
        }
    }

    async fn look(&self, _: &ChatRow, _: &Message, _: usize, _: Millis) -> Result<Looked, DbError> {
        Ok(Looked::NotFound)
    }
}
