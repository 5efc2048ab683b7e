//! The list of conversations: by activity, the latest first, over all numbers that somebody sees.
//!
//! Each number's part of a list is one partition of an index or of label rows. They are read from
//! where the cursor says and merged; the conversations themselves are read for the page alone.

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Sight;
use super::cursor::{self, is_id};
use crate::clock::Millis;
use crate::domain::ids::{ChatId, NumberId, PersonId};
use crate::domain::message::Message;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError, Index, Item, Query, Range, Table};
use crate::store::team::{PINNED, Stand};
use crate::store::{find, keys, row};

/// The most conversations of a page.
pub const MOST: usize = 100;

/// How many conversations of a number can be pinned.
pub const PINNED_MOST: usize = 10;

/// How many conversations of a number are looked at that were active in the same millisecond.
const TIES: usize = 1_000;

/// How far an index lags behind at most, as far as anybody has seen, milliseconds.
const LAG_MS: Millis = 10_000;

/// How many rows of a word are looked at in each number.
const FOUND: usize = 200;

/// Which conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those in which something may have to be done.
    Open,
    /// Those of them that somebody answers.
    Of(PersonId),
    /// Those of them that nobody in particular answers.
    Unassigned,
    /// Those in which nothing has to be done.
    Closed,
    /// Those out of sight.
    Archived,
    /// Those with a label, closed ones too.
    Label(String),
}

impl Filter {
    fn takes(&self, chat: &ChatRow) -> bool {
        let stand = chat.stand();
        let is_open = matches!(stand, Some(Stand::Assigned | Stand::Unassigned));
        match self {
            Filter::Open => is_open,
            Filter::Of(person) => is_open && chat.team.assignee.as_ref() == Some(person),
            Filter::Unassigned => is_open && chat.team.assignee.is_none(),
            Filter::Closed => stand == Some(Stand::Closed),
            Filter::Archived => stand == Some(Stand::Archived),
            Filter::Label(label) => chat.team.labels.contains(label),
        }
    }

    /// Archived ones are out of sight altogether.
    fn has_pinned(&self) -> bool {
        *self != Filter::Archived
    }
}

/// A place in the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// When the conversation was active.
    #[serde(rename = "a")]
    pub at_ms: Millis,
    /// Which it is.
    #[serde(rename = "c")]
    pub chat: ChatId,
}

impl cursor::Place for At {
    const KIND: char = 'L';

    fn is_sound(&self) -> bool {
        self.at_ms >= 0 && is_id(self.chat.as_str())
    }
}

/// A conversation in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The conversation.
    pub chat: ChatRow,
    /// Its latest message.
    pub last: Option<Message>,
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The latest first; on the first page the pinned ones before them.
    pub entries: Vec<Entry>,
    /// Where it goes on, if it does. A page may be shorter than asked for all the same.
    pub next: Option<At>,
}

/// A page of the list.
///
/// # Errors
/// The tables.
pub async fn page(
    db: &impl Db,
    sight: &Sight,
    filter: &Filter,
    after: Option<&At>,
    limit: usize,
) -> Result<Page, DbError> {
    let limit = limit.clamp(1, MOST);
    let parts = sight
        .numbers
        .iter()
        .map(|number| part(db, number, filter, after, limit));
    let mut places = Vec::new();
    let mut goes_on = false;
    for (found, more) in try_join_all(parts).await? {
        places.extend(found);
        goes_on |= more;
    }
    places.sort_unstable_by(|a, b| b.cmp(a));
    goes_on |= places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| goes_on).cloned();

    let mut ids = Vec::new();
    if after.is_none() && filter.has_pinned() {
        let pinned = sight.numbers.iter().map(|number| pinned(db, number));
        ids.extend(try_join_all(pinned).await?.into_iter().flatten());
    }
    let n_pinned = ids.len();
    ids.extend(places.into_iter().map(|place| place.chat));
    let entries = entries(db, &ids).await?;
    let entries = entries.into_iter().enumerate().filter_map(|(n, entry)| {
        let entry = entry?;
        // The index lags behind, and pinned ones have had their turn.
        let has_turn = (n < n_pinned) == (entry.chat.team.is_pinned && filter.has_pinned());
        let is_theirs = sight.covers(&entry.chat) && filter.takes(&entry.chat);
        (has_turn && is_theirs).then_some(entry)
    });
    Ok(Page {
        entries: entries.collect(),
        next,
    })
}

/// The conversations that are pinned on a number, the latest first.
///
/// # Errors
/// The tables.
pub async fn pinned(db: &impl Db, number: &NumberId) -> Result<Vec<ChatId>, DbError> {
    let (found, _) = labelled(db, number, PINNED, None, PINNED_MOST).await?;
    Ok(found.into_iter().map(|place| place.chat).collect())
}

/// A number's part: at least `limit` places if there are so many, and whether there are more.
async fn part(
    db: &impl Db,
    number: &NumberId,
    filter: &Filter,
    after: Option<&At>,
    limit: usize,
) -> Result<(Vec<At>, bool), DbError> {
    let stands = |stand| indexed(db, Index::ByStand, keys::stand(number, stand), after, limit);
    match filter {
        Filter::Open => {
            let both = (stands(Stand::Unassigned), stands(Stand::Assigned));
            let (mut found, others) = futures::try_join!(both.0, both.1)?;
            found.0.extend(others.0);
            Ok((found.0, found.1 || others.1))
        }
        Filter::Unassigned => stands(Stand::Unassigned).await,
        Filter::Closed => stands(Stand::Closed).await,
        Filter::Archived => stands(Stand::Archived).await,
        Filter::Of(person) => {
            let pk = keys::holder(number, person);
            indexed(db, Index::ByHolder, pk, after, limit).await
        }
        Filter::Label(label) => labelled(db, number, label, after, limit).await,
    }
}

/// An index sorts by time alone, and conversations of the same millisecond as it likes. So those of
/// the millisecond in which a page ends are read as a whole, and cut by their ids.
async fn indexed(
    db: &impl Db,
    index: Index,
    pk: String,
    after: Option<&At>,
    limit: usize,
) -> Result<(Vec<At>, bool), DbError> {
    let query = |from, to, limit| Query {
        table: Table::Chats,
        index: Some(index),
        pk: pk.clone(),
        range: Range::Number { from, to },
        backwards: true,
        limit,
    };
    let read = async |query: Query| -> Result<Vec<At>, DbError> {
        let found = db.query(&query).await?;
        Ok(found
            .iter()
            .filter_map(|item| at(item, "last_at"))
            .collect())
    };
    let mut found = Vec::new();
    let mut to = Millis::MAX;
    if let Some(after) = after {
        found = read(query(after.at_ms, after.at_ms, TIES)).await?;
        found.retain(|place| place < after);
        to = after.at_ms - 1;
    }
    let mut more = false;
    if found.len() <= limit {
        let mut page = read(query(0, to, limit + 1)).await?;
        more = page.len() > limit;
        if more {
            let edge = page[limit].at_ms;
            if page[limit - 1].at_ms == edge {
                page.retain(|place| place.at_ms > edge);
                page.extend(read(query(edge, edge, TIES)).await?);
            } else {
                page.truncate(limit);
            }
        }
        found.extend(page);
    }
    Ok((found, more))
}

async fn labelled(
    db: &impl Db,
    number: &NumberId,
    label: &str,
    after: Option<&At>,
    limit: usize,
) -> Result<(Vec<At>, bool), DbError> {
    let to = after.map(|after| (after.at_ms, &after.chat));
    let (pk, range) = keys::all_labelled(number, label, to);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        // The last one of the page before is among them.
        limit: limit + 2,
    };
    let found = db.query(&query).await?;
    let sks = found.iter().filter_map(|item| item.get("sk")?.as_s().ok());
    let mut places: Vec<At> = sks
        .filter_map(|sk| keys::labelled_of_sk(sk))
        .map(|(at_ms, chat)| At { at_ms, chat })
        .filter(|place| after.is_none_or(|after| place < after))
        .collect();
    let more = places.len() > limit;
    places.truncate(limit);
    Ok((places, more))
}

fn at(item: &Item, sort: &str) -> Option<At> {
    Some(At {
        at_ms: item.get(sort)?.as_n().ok()?.parse().ok()?,
        chat: keys::chat_of_pk(item.get("pk")?.as_s().ok()?)?,
    })
}

async fn entries(db: &impl Db, ids: &[ChatId]) -> Result<Vec<Option<Entry>>, DbError> {
    try_join_all(ids.iter().map(|id| entry(db, id))).await
}

async fn entry(db: &impl Db, id: &ChatId) -> Result<Option<Entry>, DbError> {
    let key = keys::chat(id);
    let (chat, last) = futures::try_join!(row::load::<ChatRow>(db, &key), last(db, id))?;
    Ok(chat.map(|chat| Entry { chat, last }))
}

/// A conversation's latest message.
///
/// # Errors
/// The tables.
pub async fn last(db: &impl Db, id: &ChatId) -> Result<Option<Message>, DbError> {
    let (pk, range) = keys::messages_between(id, None, None);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        limit: 1,
    };
    db.query(&query).await?.pop().map(row::read).transpose()
}

/// What has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// The conversations as they are now, those that were merged into others too.
    pub entries: Vec<Entry>,
    /// From when on to ask next, milliseconds since 1970. What was told already may be told again.
    pub until_ms: Millis,
    /// There is more now.
    pub more: bool,
}

/// What has changed since then, in the order of its last change. An index lags behind a little, so
/// the answer says from when on to ask next, and repeats rather than leaves out.
///
/// # Errors
/// The tables.
pub async fn changes(
    db: &impl Db,
    sight: &Sight,
    since_ms: Millis,
    limit: usize,
    now: Millis,
) -> Result<Changes, DbError> {
    let limit = limit.clamp(1, MOST);
    let part = async |(from, to): (Millis, Millis), number: &NumberId, limit: usize| {
        let query = Query {
            table: Table::Chats,
            index: Some(Index::ByChange),
            pk: number.to_string(),
            range: Range::Number { from, to },
            backwards: false,
            limit,
        };
        let found = db.query(&query).await?;
        let places = found.iter().filter_map(|item| at(item, "changed_at"));
        Ok::<_, DbError>(places.collect::<Vec<_>>())
    };
    let all = (since_ms.max(0), Millis::MAX);
    let parts = sight
        .numbers
        .iter()
        .map(|number| part(all, number, limit + 1));
    let mut places: Vec<At> = try_join_all(parts).await?.into_iter().flatten().collect();
    places.sort_unstable();
    let more = places.len() > limit;
    // What the index shows late is told by the next question.
    let mut until_ms = (now - LAG_MS).max(0);
    if more {
        // What changed in the millisecond in which the page ends is told as a whole, now or next.
        let edge = places[limit].at_ms;
        let is_all_of_it = places[0].at_ms == edge;
        places.retain(|place| place.at_ms < edge);
        if is_all_of_it {
            let all = sight
                .numbers
                .iter()
                .map(|number| part((edge, edge), number, TIES));
            places = try_join_all(all).await?.into_iter().flatten().collect();
        }
        until_ms = edge + Millis::from(is_all_of_it);
    }
    let ids: Vec<ChatId> = places.into_iter().map(|place| place.chat).collect();
    let entries = entries(db, &ids).await?.into_iter().flatten();
    Ok(Changes {
        entries: entries.filter(|entry| sight.covers(&entry.chat)).collect(),
        until_ms,
        more,
    })
}

/// The conversations that are found by a name or a phone, the latest first, at most `limit`; whether
/// there may be more. All words of the query have to begin words of what is found.
///
/// # Errors
/// The tables.
pub async fn search(
    db: &impl Db,
    sight: &Sight,
    query: &str,
    limit: usize,
) -> Result<(Vec<Entry>, bool), DbError> {
    let limit = limit.clamp(1, MOST);
    let asked = find::asked(query);
    // The longest finds the fewest.
    let Some(rarest) = asked.iter().max_by_key(|word| word.chars().count()) else {
        return Ok((Vec::new(), false));
    };
    let parts = sight.numbers.iter().map(async |number| {
        let (pk, range) = keys::all_found(number, rarest);
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards: false,
            limit: FOUND,
        };
        let found = db.query(&query).await?;
        let sks = found.iter().filter_map(|item| item.get("sk")?.as_s().ok());
        let ids: Vec<ChatId> = sks.filter_map(|sk| keys::found_of_sk(sk)).collect();
        Ok::<_, DbError>((found.len() == FOUND, ids))
    });
    let mut ids = Vec::new();
    let mut more = false;
    for (is_full, found) in try_join_all(parts).await? {
        more |= is_full;
        ids.extend(found);
    }
    ids.sort_unstable();
    ids.dedup();
    more |= ids.len() > FOUND;
    ids.truncate(FOUND);
    let chats = ids
        .iter()
        .map(async |id| row::load::<ChatRow>(db, &keys::chat(id)).await);
    let mut chats: Vec<ChatRow> = try_join_all(chats).await?.into_iter().flatten().collect();
    chats.retain(|chat| {
        let fits = |asked: &String| {
            let mut words = chat.listed.words.iter();
            words.any(|word| word.starts_with(asked.as_str()))
        };
        sight.covers(chat) && chat.stand().is_some() && asked.iter().all(fits)
    });
    chats.sort_unstable_by(|a, b| (b.last_at, &b.chat).cmp(&(a.last_at, &a.chat)));
    more |= chats.len() > limit;
    chats.truncate(limit);
    let entries = chats.into_iter().map(async |chat| {
        let last = last(db, &chat.chat).await?;
        Ok::<_, DbError>(Entry { chat, last })
    });
    Ok((try_join_all(entries).await?, more))
}
