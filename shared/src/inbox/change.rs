//! What a team decides about a conversation.

use std::collections::BTreeSet;

use super::Sight;
use super::list::{self, PINNED_MOST};
use crate::clock::Millis;
use crate::domain::chat_id::AliasKind;
use crate::domain::ids::{ChatId, PersonId};
use crate::pipeline::{Hub, merge};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, chat_of_alias};
use crate::store::db::{Db, DbError};
use crate::store::team::{Decided, OptedOut};
use crate::store::{keys, row};

/// How many labels a conversation can have: each is written with every message.
pub const LABELS_MOST: usize = 10;

/// What is to be different about a conversation; `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Who answers.
    pub assignee: Option<Option<PersonId>>,
    /// Whether anything is to be done.
    pub closed: Option<bool>,
    /// Whether it is out of sight.
    pub archived: Option<bool>,
    /// Whether it is on top.
    pub pinned: Option<bool>,
    /// All of its labels.
    pub labels: Option<BTreeSet<String>>,
    /// How many of its incoming messages somebody has looked at. It never goes back.
    pub read: Option<u64>,
    /// Somebody has to look at the latest one again.
    pub unread: bool,
    /// Whether the person does not want to be written to.
    pub opted_out: Option<bool>,
}

/// Why a conversation stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none, or not for them.
    #[error("there is no such conversation")]
    NotFound,
    /// A number has only so many pinned ones.
    #[error("no more than {PINNED_MOST} conversations of a number can be pinned")]
    TooManyPinned,
    /// It has only so many.
    #[error("a conversation has no more than {LABELS_MOST} labels")]
    TooManyLabels,
    /// Two conversations that cannot be one person's.
    #[error("{0}")]
    CannotMerge(&'static str),
    /// The other was not merged into this one.
    #[error("the conversation was not merged into this one")]
    NotMerged,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Changes a conversation, and says how it is then.
///
/// # Errors
/// [`ChangeError`]
pub async fn change<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    id: &ChatId,
    by: &PersonId,
    change: &Change,
) -> Result<ChatRow, ChangeError> {
    if change
        .labels
        .as_ref()
        .is_some_and(|labels| labels.len() > LABELS_MOST)
    {
        return Err(ChangeError::TooManyLabels);
    }
    for tries in 1.. {
        let chat = sight.chat(&hub.db, id).await?;
        let mut chat = chat.ok_or(ChangeError::NotFound)?;
        let before = chat.clone();
        if change.pinned == Some(true) && !chat.team.is_pinned {
            let pinned = list::pinned(&hub.db, &chat.number).await?;
            if pinned.len() >= PINNED_MOST {
                return Err(ChangeError::TooManyPinned);
            }
        }
        let now = hub.clock.now_ms();
        apply(&mut chat, change, by, now);
        if chat == before {
            return Ok(chat);
        }
        chat.changed_at = now;
        let mut writes = Vec::new();
        chat.relist(&mut writes)?;
        writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
        match hub.db.write(writes).await {
            Err(DbError::Condition { .. } | DbError::Conflict) if tries < row::TRIES => {}
            done => return done.map(|()| chat).map_err(ChangeError::Db),
        }
    }
    unreachable!("the loop returns");
}

fn apply(chat: &mut ChatRow, change: &Change, by: &PersonId, now: Millis) {
    let by = Some(by.clone());
    let team = &mut chat.team;
    if let Some(assignee) = &change.assignee
        && team.assignee != *assignee
    {
        team.assignee.clone_from(assignee);
        team.note(Decided::Assigned(assignee.clone()), by.clone(), now);
    }
    if let Some(closed) = change.closed
        && team.is_closed != closed
    {
        team.is_closed = closed;
        let what = if closed {
            Decided::Closed
        } else {
            Decided::Reopened
        };
        team.note(what, by.clone(), now);
    }
    if let Some(archived) = change.archived {
        team.is_archived = archived;
    }
    if let Some(pinned) = change.pinned {
        team.is_pinned = pinned;
    }
    if let Some(labels) = &change.labels {
        team.labels.clone_from(labels);
    }
    if let Some(opted_out) = change.opted_out
        && team.opted_out.is_some() != opted_out
    {
        team.opted_out = opted_out.then(|| OptedOut {
            at_ms: now,
            word: None,
            by: by.clone(),
        });
        let what = if opted_out {
            Decided::OptedOut
        } else {
            Decided::OptedIn
        };
        team.note(what, by, now);
    }
    if let Some(read) = change.read {
        chat.n_in_read = chat.n_in_read.max(read.min(chat.n_in));
    }
    if change.unread && chat.unread() == 0 {
        chat.n_in_read = chat.n_in.saturating_sub(1);
    }
}

/// Makes two conversations of a number one: `other` goes on in `id`.
///
/// # Errors
/// [`ChangeError`]
pub async fn join<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    id: &ChatId,
    other: &ChatId,
    by: &PersonId,
) -> Result<ChatRow, ChangeError> {
    for tries in 1.. {
        let chats = (
            sight.chat(&hub.db, id).await?,
            sight.chat(&hub.db, other).await?,
        );
        let (Some(mut survivor), Some(mut loser)) = chats else {
            return Err(ChangeError::NotFound);
        };
        if survivor.chat == loser.chat {
            return Ok(survivor);
        }
        if survivor.number != loser.number {
            let why = "conversations of two numbers stay two: people see them as two";
            return Err(ChangeError::CannotMerge(why));
        }
        let is_group = |chat: &ChatRow| chat.address.kind() == AliasKind::Group;
        if is_group(&survivor) || is_group(&loser) {
            return Err(ChangeError::CannotMerge("a group is nobody else"));
        }
        let now = hub.clock.now_ms();
        let what = Decided::Merged(loser.chat.clone());
        survivor.team.note(what, Some(by.clone()), now);
        survivor.team.apart.remove(&loser.chat);
        loser.team.apart.remove(&survivor.chat);
        let id = survivor.chat.clone();
        match merge::merge(hub, survivor, loser).await {
            Ok(()) => return sight.chat(&hub.db, &id).await?.ok_or(ChangeError::NotFound),
            Err(DbError::Condition { .. } | DbError::Conflict) if tries < row::TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    unreachable!("the loop returns");
}

/// Takes two conversations apart that were made one: `other` lives again, with its ids and what it
/// had when they were merged. What came since stays where it is.
///
/// # Errors
/// [`ChangeError`]
pub async fn split<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    sight: &Sight,
    id: &ChatId,
    other: &ChatId,
    by: &PersonId,
) -> Result<(ChatRow, ChatRow), ChangeError> {
    for tries in 1.. {
        let chat = sight.chat(&hub.db, id).await?;
        let mut chat = chat.ok_or(ChangeError::NotFound)?;
        let found = row::load::<ChatRow>(&hub.db, &keys::chat(other)).await?;
        let mut freed = found
            .filter(|it| sight.covers(it))
            .ok_or(ChangeError::NotFound)?;
        if freed.merged_into.as_ref() != Some(&chat.chat) {
            return Err(ChangeError::NotMerged);
        }
        let now = hub.clock.now_ms();
        freed.merged_into = None;
        chat.merged_from.remove(&freed.chat);
        for further in &freed.merged_from {
            chat.merged_from.remove(further);
        }
        chat.waits_for.remove(&freed.chat);
        chat.n_in = chat.n_in.saturating_sub(freed.n_in);
        chat.n_in_read = chat
            .n_in_read
            .saturating_sub(freed.n_in_read)
            .min(chat.n_in);
        freed.n_in_read = freed.n_in;
        let mut writes = Vec::new();
        let mut theirs = freed.aliases.clone();
        theirs.insert(freed.address.clone());
        for alias in theirs {
            chat.aliases.remove(&alias);
            if let Some(mut known) = chat_of_alias(&hub.db, &freed.number, &alias).await?
                && known.chat != freed.chat
            {
                known.chat = freed.chat.clone();
                writes.push(row::save(keys::alias(&freed.number, &alias), &mut known)?);
            }
        }
        chat.team.apart.insert(freed.chat.clone());
        freed.team.apart.insert(chat.chat.clone());
        let by = Some(by.clone());
        chat.team
            .note(Decided::Split(freed.chat.clone()), by.clone(), now);
        freed.team.note(Decided::Split(chat.chat.clone()), by, now);
        (chat.changed_at, freed.changed_at) = (now, now);
        chat.relist(&mut writes)?;
        freed.relist(&mut writes)?;
        writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
        writes.push(row::save(keys::chat(&freed.chat), &mut freed)?);
        match hub.db.write(writes).await {
            Err(DbError::Condition { .. } | DbError::Conflict) if tries < row::TRIES => {}
            done => return done.map(|()| (chat, freed)).map_err(ChangeError::Db),
        }
    }
    unreachable!("the loop returns");
}
