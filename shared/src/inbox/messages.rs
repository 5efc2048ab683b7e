//! The messages of a conversation, from any place backwards and forwards.
//!
//! A conversation that others were merged into has their messages too, each in its own partition and
//! in its own order; they are merged by the time at which they came.

use std::collections::{BTreeMap, VecDeque};

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::cursor::{self, BadCursor, is_id};
use crate::clock::Millis;
use crate::domain::content::Content;
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::domain::place;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError, Query, Table};
use crate::store::{keys, row};

/// The most messages of a page.
pub const MOST: usize = 100;

/// How many messages one look for a text goes through.
const LOOKED_THROUGH: usize = 500;

/// Which way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Towards the beginning.
    Back,
    /// Towards now.
    Forth,
}

/// A place between messages: the next one of each partition is before, or after, this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// Which way it leads.
    #[serde(rename = "w")]
    pub way: Way,
    /// By conversation: the one it belongs to, and those that were merged into it.
    #[serde(rename = "p")]
    pub places: BTreeMap<ChatId, u64>,
}

impl cursor::Place for Between {
    const KIND: char = 'M';

    fn is_sound(&self) -> bool {
        let mut places = self.places.iter();
        // Numbers that every language holds.
        places.all(|(chat, seq)| is_id(chat.as_str()) && *seq < 1 << 53)
    }
}

impl Between {
    /// Whether it is one of this conversation.
    ///
    /// # Errors
    /// [`BadCursor`]
    pub fn check(&self, chat: &ChatRow) -> Result<(), BadCursor> {
        let mut chats = self.places.keys();
        let is_its = |id: &ChatId| *id == chat.chat || chat.merged_from.contains(id);
        chats.all(is_its).then_some(()).ok_or(BadCursor)
    }
}

/// Some of a conversation's messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// In the order in which they came.
    pub messages: Vec<Message>,
    /// Where the earlier ones are, if there are any.
    pub back: Option<Between>,
    /// Where those are that come after.
    pub forth: Between,
}

/// A page: the latest messages, or those next to a place.
///
/// # Errors
/// The tables.
pub async fn page(
    db: &impl Db,
    chat: &ChatRow,
    from: Option<&Between>,
    limit: usize,
) -> Result<Page, DbError> {
    let limit = limit.clamp(1, MOST);
    let way = from.map_or(Way::Back, |from| from.way);
    let known = |id: &ChatId| from.and_then(|from| from.places.get(id)).copied();
    let ids: Vec<&ChatId> = std::iter::once(&chat.chat)
        .chain(&chat.merged_from)
        .collect();
    let parts = ids.iter().map(|id| part(db, id, way, known(id), limit + 1));
    let mut parts: Vec<VecDeque<Message>> = try_join_all(parts).await?;

    let mut taken: Vec<Message> = Vec::new();
    while taken.len() < limit {
        let heads = parts.iter_mut().filter(|part| !part.is_empty());
        let next = match way {
            Way::Back => heads.max_by_key(|part| part.front().map(came_ms)),
            Way::Forth => heads.min_by_key(|part| part.front().map(came_ms)),
        };
        match next.and_then(VecDeque::pop_front) {
            Some(message) => taken.push(message),
            None => break,
        }
    }
    let has_more = parts.iter().any(|part| !part.is_empty());
    if way == Way::Back {
        taken.reverse();
    }
    // Where a partition gave nothing, it goes on where it was: seen from the other side of the same
    // gap, or, if it was at its end, from there.
    let outer = |way_out: Way| {
        let places = ids.iter().zip(&parts).filter_map(|(id, rest)| {
            let mut own = taken.iter().filter(|message| message.chat == **id);
            let taken = match way_out {
                Way::Back => own.next(),
                Way::Forth => own.next_back(),
            };
            let known = known(id).map(|place| {
                if way == way_out {
                    place
                } else {
                    across(place, way_out)
                }
            });
            let end = rest.front().filter(|_| way != way_out);
            let place = taken.or(if known.is_none() { end } else { None });
            let place = place.map(|message| message.seq).or(known);
            Some(((*id).clone(), place?))
        });
        Between {
            way: way_out,
            places: places.collect(),
        }
    };
    let is_beginning = way == Way::Back && !has_more;
    Ok(Page {
        back: (!is_beginning && !taken.is_empty()).then(|| outer(Way::Back)),
        forth: outer(Way::Forth),
        messages: taken,
    })
}

/// From "after this one" to "before the next one", and the other way round.
fn across(seq: u64, way: Way) -> u64 {
    match way {
        Way::Back => seq + 1,
        Way::Forth => seq.saturating_sub(1),
    }
}

/// The messages of one partition next to a place, in the order of the way.
async fn part(
    db: &impl Db,
    chat: &ChatId,
    way: Way,
    place: Option<u64>,
    limit: usize,
) -> Result<VecDeque<Message>, DbError> {
    let (from, to) = match (way, place) {
        // Nothing is before the first imported one.
        (Way::Back, Some(seq)) if seq == place::imported(0, 0) => return Ok(VecDeque::new()),
        (Way::Back, Some(seq)) => (None, Some(seq.saturating_sub(1))),
        (Way::Forth, Some(seq)) => (Some(seq + 1), None),
        (_, None) => (None, None),
    };
    let (pk, range) = keys::messages_between(chat, from, to);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: way == Way::Back,
        limit,
    };
    db.query(&query).await?.into_iter().map(row::read).collect()
}

/// When a message came; of an imported one, when it was written.
fn came_ms(message: &Message) -> Millis {
    if place::is_imported(message.seq) {
        message.at_ms
    } else {
        message.accepted_ms
    }
}

/// The messages from one to another that have changed since then, at most as many as a page has, and
/// the place that the next look begins at, if not all have been looked at.
///
/// A browser asks for those that it shows: that is what it has to bring up to date.
///
/// # Errors
/// The tables.
pub async fn changed(
    db: &impl Db,
    chat: &ChatId,
    (from, to): (u64, u64),
    since_ms: Millis,
) -> Result<(Vec<Message>, Option<u64>), DbError> {
    let (pk, range) = keys::messages_between(chat, Some(from), Some(to));
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: false,
        limit: MOST,
    };
    let found: Vec<Message> = db
        .query(&query)
        .await?
        .into_iter()
        .map(row::read)
        .collect::<Result<_, _>>()?;
    let last = found.last().filter(|_| found.len() == MOST);
    let next = last.map(|message| message.seq + 1);
    let changed = found
        .into_iter()
        .filter(|message| message.changed_ms >= since_ms);
    Ok((changed.collect(), next))
}

/// The messages that have a text in them, the latest first, and where the look goes on: one look goes
/// through so many messages and no more.
///
/// # Errors
/// The tables.
pub async fn search(
    db: &impl Db,
    chat: &ChatRow,
    text: &str,
    from: Option<&Between>,
) -> Result<(Vec<Message>, Option<Between>), DbError> {
    let wanted = text.to_lowercase();
    let mut hits = Vec::new();
    let mut place = from.cloned();
    for _ in 0..LOOKED_THROUGH / MOST {
        let page = page(db, chat, place.as_ref(), MOST).await?;
        let has_it = |message: &Message| {
            let edited = message.marks.edited.as_ref().map(|edit| edit.text.as_str());
            words(&message.content)
                .into_iter()
                .chain(edited)
                .any(|words| words.to_lowercase().contains(&wanted))
        };
        hits.extend(page.messages.into_iter().rev().filter(has_it));
        place = page.back;
        if place.is_none() {
            break;
        }
    }
    Ok((hits, place))
}

/// What can be read in a message.
fn words(content: &Content) -> Vec<&str> {
    match content {
        Content::Text { text } | Content::Edited { text, .. } => vec![text],
        Content::Files { files, caption } => {
            let names = files.iter().map(|file| file.name.as_str());
            names.chain([caption.as_str()]).collect()
        }
        Content::Location { name, address, .. } => vec![name, address],
        Content::Contacts { cards } => cards.iter().map(|card| card.name.as_str()).collect(),
        Content::Poll { name, options, .. } => {
            let options = options.iter().map(String::as_str);
            options.chain([name.as_str()]).collect()
        }
        Content::Menu(menu) => vec![&menu.title, &menu.body, &menu.footer],
        Content::Choice { label, .. } => vec![label],
        _ => Vec::new(),
    }
}
