//! Channels and groups in Telegram, the posts in them, and what keeps them apart.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::chats::Claim;
use super::db::{Cond, Db, DbError, Op, Query, Table, Write};
use super::keys;
use super::people::PersonRow;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::ids::{ChatId, NumberId, PersonId, WorkspaceId};
use crate::telegram::update::ChatKind;

/// A channel or group that the bot is, or was, in.
///
/// It belongs to nobody until a workspace takes it. Who may: the workspaces of whoever added the bot,
/// and whoever can read in it the code that was posted there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// The revision.
    pub rev: u64,
    /// Telegram's id of it.
    pub channel: i64,
    /// What it is.
    pub kind: ChatKind,
    /// What people call it.
    pub title: String,
    /// A link that leads into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The bot is in it and may post.
    pub active: bool,
    /// The bot may make topics in it.
    #[serde(default)]
    pub may_make_topics: bool,
    /// Why posting does not work although the bot is in it, in Telegram's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When the bot's place in it changed last, as Telegram says, seconds since 1970: older news
    /// change nothing.
    #[serde(default)]
    pub changed_s: i64,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
    /// The workspaces of whoever added the bot.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub offered_to: BTreeSet<WorkspaceId>,
    /// The numbers whose messages are posted in it; all of them the workspace's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub numbers: BTreeSet<NumberId>,
}

row!(ChannelRow, "a channel");

impl ChannelRow {
    /// Whether a workspace may see it.
    pub fn may_be_seen_by(&self, workspace: &WorkspaceId) -> bool {
        match &self.workspace {
            Some(owner) => owner == workspace,
            None => self.offered_to.contains(workspace),
        }
    }

    /// Whether a number of a workspace posts in it.
    pub fn takes_from(&self, workspace: &WorkspaceId, number: &NumberId) -> bool {
        self.workspace.as_ref() == Some(workspace) && self.numbers.contains(number)
    }
}

/// That a workspace may see a channel; the channel's own row says so as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenChannelRow {
    /// The revision.
    pub rev: u64,
    /// The channel.
    pub channel: i64,
}

row!(SeenChannelRow, "a workspace's channel");

/// The code that was posted in a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelCodeRow {
    /// The revision.
    pub rev: u64,
    /// The channel that it gives.
    pub channel: i64,
    /// Until when it does, milliseconds since 1970.
    pub until_ms: Millis,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(ChannelCodeRow, "a channel's code");

/// What a post in a channel is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// The message; of several that went in one post the first.
    pub of: Claim,
    /// Several messages went in it, so an answer is to none of them.
    #[serde(default)]
    pub is_of_several: bool,
}

row!(PostRow, "a post");

/// Whose a topic is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// The conversation.
    pub chat: ChatId,
}

row!(TopicRow, "a topic");

/// An update that was worked off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateRow {
    /// The revision.
    pub rev: u64,
    /// When the row may be cleaned up, seconds since 1970.
    pub expires_at: i64,
}

row!(UpdateRow, "an update");

/// That somebody with a Telegram account is a person of ours: the person's own row decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TelegramPersonRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who.
    pub person: PersonId,
}

row!(TelegramPersonRow, "a person's Telegram account");

/// Notes that a person has a Telegram account.
///
/// # Errors
/// The tables.
pub async fn note_person(
    db: &impl Db,
    user: i64,
    workspace: &WorkspaceId,
    person: &PersonId,
) -> Result<(), DbError> {
    let row = TelegramPersonRow {
        rev: 1,
        workspace: workspace.clone(),
        person: person.clone(),
    };
    let write = Write {
        key: keys::telegram_person(user, workspace, person),
        op: Op::Put(row::item(&row)?),
        only_if: Cond::Always,
    };
    db.write(vec![write]).await
}

/// The workspaces whose numbers somebody with this Telegram account may manage.
///
/// # Errors
/// The tables.
pub async fn workspaces_of(db: &impl Db, user: i64) -> Result<BTreeSet<WorkspaceId>, DbError> {
    let (pk, range) = keys::telegram_people(user);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit: 50,
    };
    let mut workspaces = BTreeSet::new();
    for item in db.query(&query).await? {
        let known: TelegramPersonRow = row::read(item)?;
        let key = keys::person(&known.workspace, &known.person);
        let person = row::load::<PersonRow>(db, &key).await?;
        let may = person.is_some_and(|person| {
            let is_theirs = person.telegram.is_some_and(|it| it.user_id == user);
            is_theirs && person.is_active && person.rights.may_manage_instances()
        });
        if may {
            workspaces.insert(known.workspace);
        }
    }
    Ok(workspaces)
}

/// A channel.
///
/// # Errors
/// The tables.
pub async fn channel(db: &impl Db, channel: i64) -> Result<Option<ChannelRow>, DbError> {
    row::load(db, &keys::channel(channel)).await
}

/// The channels that a workspace may see, by their titles.
///
/// # Errors
/// The tables.
pub async fn channels(db: &impl Db, workspace: &WorkspaceId) -> Result<Vec<ChannelRow>, DbError> {
    let (pk, range) = keys::seen_channels(workspace);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        // More than anybody looks through.
        limit: 500,
    };
    let seen: Vec<SeenChannelRow> = db
        .query(&query)
        .await?
        .into_iter()
        .map(row::read)
        .collect::<Result<_, _>>()?;
    let found = try_join_all(seen.iter().map(|seen| channel(db, seen.channel))).await?;
    let mut found: Vec<ChannelRow> = found
        .into_iter()
        .flatten()
        .filter(|channel| channel.may_be_seen_by(workspace))
        .collect();
    found.sort_by(|a, b| (&a.title, a.channel).cmp(&(&b.title, b.channel)));
    Ok(found)
}
