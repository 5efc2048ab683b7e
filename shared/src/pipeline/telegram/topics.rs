//! A topic for each conversation, in groups that have topics.
//!
//! A topic whose making was not answered stays empty, and another one is made: that costs a line in
//! a list, and no message.

use super::{Channels, POST_WITHIN, Ready, pace, phone};
use crate::clock::Millis;
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::domain::telegram::Topic;
use crate::media::store::FileStore;
use crate::pipeline::provider::Prepared;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::telegram::{ChannelRow, TopicRow};
use crate::store::{keys, row};
use crate::telegram::error::TelegramError;
use crate::telegram::update::ChatKind;

/// When a topic that could not be made is tried again.
const AGAIN_MS: Millis = 15_000;

/// Whether conversations have topics in a channel.
pub(super) fn can_have(channel: &ChannelRow) -> bool {
    channel.kind == ChatKind::Forum && channel.may_make_topics
}

/// A topic that is gone is not written into any more.
pub(super) async fn forget(db: &impl Db, chat: &ChatId) -> Result<(), DbError> {
    row::change::<ChatRow>(db, &keys::chat(chat), |chat| chat.topic.take().is_some()).await?;
    Ok(())
}

impl<D: Db, Q: Queue, S: FileStore> Channels<'_, D, Q, S> {
    /// The topic of a message's conversation; made if there is none. `None`: the group lets nobody
    /// make one, and everything goes into its general one.
    pub(super) async fn topic(
        &self,
        channel: &ChannelRow,
        message: &Message,
    ) -> Result<Result<Option<i64>, Prepared<Ready>>, DbError> {
        let hub = self.hub;
        let key = keys::chat(&message.chat);
        // The one in hand may be older than the topic that an earlier message of this run made.
        let Some(chat) = row::load::<ChatRow>(&hub.db, &key).await? else {
            return Ok(Ok(None));
        };
        if let Some(topic) = chat.topic.filter(|it| it.channel == channel.channel) {
            return Ok(Ok(Some(topic.thread)));
        }
        let bot = self.bot.bot();
        let slot = pace::slot(&hub.db, &hub.clock, bot, channel.channel, POST_WITHIN).await?;
        match slot {
            Ok(at_ms) => hub.clock.sleep_until(at_ms).await,
            Err(until_ms) => return Ok(Err(Prepared::Wait { until_ms })),
        }
        let digits = phone(&chat);
        let name = match &chat.title {
            Some(title) if *title != digits => format!("{title} {digits}"),
            _ => digits,
        };
        let thread = match self.bot.create_topic(channel.channel, &name).await {
            Ok(thread) => thread,
            Err(error) => {
                tracing::warn!(channel = channel.channel, %error, "a topic was not made");
                let now = hub.clock.now_ms();
                let wait = |ms| Prepared::Wait { until_ms: now + ms };
                return Ok(match error {
                    TelegramError::RateLimited { retry_after } => {
                        let id = channel.channel;
                        pace::hold(&hub.db, &hub.clock, bot, id, retry_after, false).await?;
                        Err(wait(retry_after.as_millis() as Millis))
                    }
                    TelegramError::NoRights { .. } | TelegramError::Refused { .. } => Ok(None),
                    // The post itself will meet the same, and knows what to do about it.
                    TelegramError::Forbidden { .. }
                    | TelegramError::ChatNotFound
                    | TelegramError::Migrated { .. } => Ok(None),
                    _ => Err(wait(AGAIN_MS)),
                });
            }
        };
        let topic = Topic {
            channel: channel.channel,
            thread,
        };
        // First the way back, so that nobody answers in a topic that leads nowhere.
        let leads_to = TopicRow {
            rev: 1,
            workspace: message.workspace.clone(),
            number: message.number.clone(),
            chat: message.chat.clone(),
        };
        let write = Write {
            key: keys::topic(channel.channel, thread),
            op: Op::Put(row::item(&leads_to)?),
            only_if: Cond::Always,
        };
        hub.db.write(vec![write]).await?;
        row::change::<ChatRow>(&hub.db, &key, |chat| {
            chat.topic = Some(topic);
            true
        })
        .await?;
        Ok(Ok(Some(thread)))
    }
}
