//! What becomes of an update.
//!
//! What has to be kept is written first. What the bot says at once (a greeting, an answer to a
//! command) is said as well as it goes: if Telegram does not take it, the update is done all the same.

use std::time::Duration;

use greenhub::account::telegram_link::{self, Redeemed};
use greenhub::domain::telegram::rich::Rich;
use greenhub::domain::telegram::words::{self, Say};
use greenhub::domain::text::Lang;
use greenhub::pipeline::Hub;
use greenhub::pipeline::telegram::channels::{self, Placed};
use greenhub::pipeline::telegram::replies::{self, Taken};
use greenhub::pipeline::telegram::{BAD, pace};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{NumberRow, WorkspaceRow};
use greenhub::store::telegram::{ChannelRow, channel};
use greenhub::store::{keys, row, telegram};
use greenhub::telegram::client::{Telegram, To};
use greenhub::telegram::error::TelegramError;
use greenhub::telegram::update::{Membership, Post, Told, User};

/// How long an answer waits for its turn.
const SAY_WITHIN: Duration = Duration::from_secs(3);

/// The bot that was told something.
pub(crate) struct Bot<'a, D, Q> {
    pub(crate) hub: &'a Hub<D, Q>,
    pub(crate) client: Telegram,
}

impl<D: Db, Q: Queue> Bot<'_, D, Q> {
    /// Takes what was told; gives a word for the log.
    ///
    /// # Errors
    /// The tables'; the update has to come again.
    pub(crate) async fn told(&self, told: Told) -> Result<&'static str, DbError> {
        match told {
            Told::Private { user, text, .. } => self.private(&user, &text).await,
            Told::Post(post) => self.post(&post).await,
            Told::Membership(told) => self.placed(&told).await,
            Told::Renamed { chat } => {
                channels::renamed(&self.hub.db, &chat).await?;
                Ok("renamed")
            }
            Told::Migrated { from, to } => {
                channels::migrate(&self.hub.db, from, to).await?;
                Ok("migrated")
            }
            // WhatsApp has the first words; what was meant instead has to be written anew.
            Told::Edited(_) | Told::Other => Ok("not shown"),
        }
    }

    async fn private(&self, user: &User, text: &str) -> Result<&'static str, DbError> {
        let lang = lang(user);
        let mut words = text.split_whitespace();
        // `/id@the_bot`, as Telegram completes it.
        let command = words.next().unwrap_or_default();
        let command = command.split('@').next().unwrap_or_default();
        let (answer, outcome) = match (command, words.next()) {
            ("/start", Some(nonce)) => match self.redeem(user, nonce).await? {
                true => (words::say(Say::Linked, lang), "account linked"),
                false => (words::say(Say::LinkDead, lang), "dead link"),
            },
            ("/id" | "/start", _) => (words::your_id(user.id, lang), "id"),
            _ => (words::say(Say::NoCommands, lang), "no command"),
        };
        self.say(To::chat(user.id), &answer).await;
        Ok(outcome)
    }

    /// Links the account to the person who was given the nonce; `false` if it is nobody's.
    async fn redeem(&self, user: &User, nonce: &str) -> Result<bool, DbError> {
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        match telegram_link::redeem(db, clock, nonce, user.id, &user.name).await? {
            Redeemed::Unknown => Ok(false),
            Redeemed::Linked {
                workspace, person, ..
            } => {
                let noted = telegram::note_person(db, user.id, &workspace, &person).await;
                // They can still type a channel's code, and the nonce is used.
                if let Err(error) = noted {
                    tracing::warn!(%person, %error, "channels will not be offered to this person");
                }
                Ok(true)
            }
        }
    }

    async fn post(&self, post: &Post) -> Result<&'static str, DbError> {
        match replies::take(self.hub, post).await? {
            Taken::Accepted(_) => Ok("answer"),
            Taken::NotForUs => Ok("not an answer"),
            Taken::Refused(why) => {
                self.react(post, BAD).await;
                // A sticker that moves says enough by itself.
                if why != Say::MovingSticker {
                    let to = To {
                        reply_to: Some(post.message),
                        thread: post.thread,
                        ..To::chat(post.chat.id)
                    };
                    let lang = self.lang_of(post.chat.id).await?;
                    self.say(to, &words::say(why, lang)).await;
                }
                Ok("cannot be sent")
            }
        }
    }

    async fn react(&self, post: &Post, emoji: &str) {
        let channel = post.chat.id;
        if !self.may_call(channel).await {
            return;
        }
        match self.client.react(channel, post.message, emoji).await {
            Ok(()) => {}
            Err(TelegramError::ReactionInvalid | TelegramError::NoRights { .. }) => {
                let to = To {
                    reply_to: Some(post.message),
                    thread: post.thread,
                    ..To::chat(channel)
                };
                let said = self.client.send_text(to, emoji, None).await;
                if let Err(error) = said {
                    tracing::warn!(channel, %error, "nobody was told");
                }
            }
            Err(error) => tracing::warn!(channel, %error, "a reaction was not set"),
        }
    }

    async fn placed(&self, told: &Membership) -> Result<&'static str, DbError> {
        let db = &self.hub.db;
        let known = channel(db, told.chat.id).await?;
        let has_link =
            known.is_some_and(|known| known.url.is_some()) || told.chat.username.is_some();
        let url = match told.is_member && told.may_invite && !has_link {
            true => self.client.invite_link(told.chat.id).await.ok(),
            false => None,
        };
        let offered = telegram::workspaces_of(db, told.by.id).await?;
        match channels::placed(db, told, url, &offered).await? {
            Placed::Noted => Ok("place noted"),
            Placed::Came(channel) => {
                self.greet(&channel, lang(&told.by)).await?;
                Ok("came into a channel")
            }
        }
    }

    /// Says which channel this is, and what to do with it.
    async fn greet(&self, channel: &ChannelRow, lang: Lang) -> Result<(), DbError> {
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        let mut numbers = Vec::new();
        let mut code = None;
        let lang = match &channel.workspace {
            Some(workspace) => {
                for number in &channel.numbers {
                    let key = keys::number(workspace, number);
                    let number = row::load::<NumberRow>(db, &key).await?;
                    numbers.extend(number.map(|number| number.name));
                }
                self.lang_of(channel.channel).await?
            }
            None => {
                code = Some(channels::new_code(db, clock, channel.channel).await?);
                lang
            }
        };
        let greeting = words::greeting(channel.channel, &numbers, code.as_deref(), lang);
        self.say(To::chat(channel.channel), &greeting).await;
        Ok(())
    }

    async fn lang_of(&self, id: i64) -> Result<Lang, DbError> {
        let db = &self.hub.db;
        let found = channel(db, id).await?;
        let Some(workspace) = found.and_then(|channel| channel.workspace) else {
            return Ok(Lang::default());
        };
        let row = row::load::<WorkspaceRow>(db, &keys::workspace(&workspace)).await?;
        Ok(row.map(|row| row.lang).unwrap_or_default())
    }

    async fn say(&self, to: To, what: &Rich) {
        if !self.may_call(to.chat).await {
            return;
        }
        let said = self.client.send_text(to, &what.html(), None).await;
        if let Err(error) = said {
            if let TelegramError::RateLimited { retry_after } = error {
                let (db, clock) = (&self.hub.db, &self.hub.clock);
                let bot = self.client.bot();
                let held = pace::hold(db, clock, bot, to.chat, retry_after, false).await;
                if let Err(error) = held {
                    tracing::warn!(%error, "the schedule was not pushed after a 429");
                }
            }
            tracing::warn!(chat = to.chat, %error, "the bot was not heard");
        }
    }

    /// Waits for a turn; `false` if that takes too long.
    async fn may_call(&self, chat: i64) -> bool {
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        match pace::slot(db, clock, self.client.bot(), chat, SAY_WITHIN).await {
            Ok(Ok(at_ms)) => {
                clock.sleep_until(at_ms).await;
                true
            }
            Ok(Err(_)) => {
                tracing::warn!(chat, "the bot says nothing: the chat has no room now");
                false
            }
            Err(error) => {
                tracing::warn!(chat, %error, "the bot says nothing");
                false
            }
        }
    }
}

/// The language of a person whose workspace nobody knows.
fn lang(user: &User) -> Lang {
    match user.language.get(..2) {
        Some("ru") => Lang::Ru,
        _ => Lang::En,
    }
}
