//! Old messages into their place below the live ones.
//!
//! The id row is the meeting point here as well: whichever of the import, the webhook and the
//! echo comes first claims the id, and the others find it. What is stored has no deliveries, unless it
//! was asked for, and the number of the chat's live messages does not change, so that nothing becomes
//! unread. A step stores some messages, their ids, the chat and how far the import has come in one
//! transaction: a run that is killed has either done a step or not, and a second run that believes to
//! be the only one fails at the revision of the import's own row.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use super::Hub;
use super::accept::{self, Home, contended};
use super::files;
use super::receipt;
use crate::crypto::sha256_hex;
use crate::domain::chat_id::Alias;
use crate::domain::content::Content;
use crate::domain::delivery::{Delivery, Destination, Lane};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::ids::ChatId;
use crate::domain::message::{Direction, Marks, Message, Origin};
use crate::domain::place;
use crate::domain::status::Status;
use crate::green_api::map::Journaled;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, Claim, IdRow};
use crate::store::db::{Db, DbError, Key};
use crate::store::history::ImportedChatRow;
use crate::store::{keys, row};

/// The most messages of one step: each is two rows of a transaction of a hundred, three where it is
/// about another one, and the chat has about twenty.
pub const STEP: usize = 20;

/// The most bytes of one step; a transaction has four megabytes.
const STEP_BYTES: usize = 2 << 20;

/// A message that is larger is kept as a placeholder: a row has 400 kB.
const MOST_BYTES: usize = 300 << 10;

/// The longest id of a message that is used as it stands.
const MOST_ID_BYTES: usize = 256;

/// How many files of a chat may wait for their copies before an import adds more: they are kept in
/// the chat's row.
const MOST_FILES: usize = 40;

/// How many old messages of a chat may wait for the CRM before an import adds more, so that live ones
/// are not held up.
const MOST_FOR_CRM: usize = 20;

/// What is imported, and how.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// Whose.
    pub home: &'a Home,
    /// The chat, as WhatsApp has it.
    pub alias: &'a Alias,
    /// What it is called.
    pub name: Option<&'a str>,
    /// Files are copied.
    pub files: bool,
    /// They are put into the CRM.
    pub to_crm: bool,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Done, with so many of the messages.
    Done(usize),
    /// The chat has as many files or posts waiting as it may: later.
    Later,
    /// Another run is at it.
    Stolen,
}

/// Stores the first of `entries`, which are the oldest ones that are left, and notes in `progress`
/// how far it has come.
///
/// # Errors
/// The tables; nothing is stored then.
pub async fn step<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    import: &Import<'_>,
    entries: &[Journaled],
    progress: &mut ImportedChatRow,
) -> Result<Step, DbError> {
    let entries: Vec<Entry> = first(entries).map(|it| Entry::of(it, import)).collect();
    let Some(oldest) = entries.first() else {
        return Ok(Step::Done(0));
    };
    let mut places = places(&entries);
    for _ in 0..row::TRIES {
        let keys_of_ids = entries.iter().map(|it| {
            let id = &it.new;
            keys::whatsapp_id(&import.home.number, id.kind, &id.remote_id)
        });
        let keys_of_ids: Vec<_> = keys_of_ids.collect();
        let reads = keys_of_ids.iter().map(|key| row::load(&hub.db, key));
        let ids: Vec<Option<IdRow>> = try_join_all(reads).await?;
        let (mut chat, mut writes) = accept::find_chat(hub, import.home, &oldest.new).await?;
        if is_full(&chat, import) {
            return Ok(Step::Later);
        }
        let mut next = progress.clone();
        let mut fresh: Vec<Fresh> = Vec::new();
        let mut marked = Marked::default();
        for (n, (entry, id)) in entries.iter().zip(ids).enumerate() {
            let id = id.unwrap_or_default();
            // An echo that waits for the send that it belongs to is a live one's.
            if id.claimed.is_some() || id.echo.is_some() {
                next.skipped += 1;
                continue;
            }
            let mut message = entry.message(hub, import, &chat.chat, places[n]);
            for earlier in &id.receipts {
                receipt::apply(&mut message, 0, earlier);
            }
            next.saved += 1;
            next.placeholders += u64::from(matches!(message.content, Content::Unknown { .. }));
            note(hub, import, &mut chat, &mut message);
            marked.note(hub, import, &entry.new, &mut fresh).await?;
            fresh.push(Fresh { n, message, id });
        }
        // Which message a write is of.
        let mut written: Vec<(usize, usize)> = Vec::new();
        if fresh.is_empty() {
            // Nothing new is no reason for a new chat.
            writes.clear();
        } else {
            for Fresh { n, message, id } in &mut fresh {
                id.claimed = Some(Claim {
                    chat: chat.chat.clone(),
                    seq: message.seq,
                    part: 0,
                });
                id.receipts.clear();
                id.expires_at = None;
                written.push((writes.len(), *n));
                let key = keys::message(&chat.chat, message.seq);
                writes.push(row::save(key, message)?);
                writes.push(row::save(keys_of_ids[*n].clone(), id)?);
            }
            for (key, message) in &mut marked.0 {
                writes.push(row::save(key.clone(), message)?);
            }
            next.chat = Some(chat.chat.clone());
            chat.relist(&mut writes)?;
            writes.push(row::save(keys::chat(&chat.chat), &mut chat)?);
        }
        next.upto = entries.last().map(|it| it.key());
        let own = writes.len();
        let key = keys::imported_chat(&import.home.number, import.alias);
        writes.push(row::save(key, &mut next)?);
        match hub.db.write(writes).await {
            Ok(()) => {
                *progress = next;
                hub.wake_due(&chat).await;
                return Ok(Step::Done(entries.len()));
            }
            Err(DbError::Condition { failed }) if failed.contains(&own) => {
                return Ok(Step::Stolen);
            }
            Err(DbError::Condition { failed }) => beside(&mut places, &written, &failed),
            Err(DbError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(contended())
}

/// A message that is stored now, which of the step's it is, and its id's row.
struct Fresh {
    n: usize,
    message: Message,
    id: IdRow,
}

/// Messages of before that an edit, a deletion or a reaction of this step is about.
#[derive(Default)]
struct Marked(BTreeMap<Key, Message>);

impl Marked {
    /// Notes what `new` does to the message that it is about, whether that is stored already or with
    /// the same step.
    async fn note<D: Db, Q: Queue>(
        &mut self,
        hub: &Hub<D, Q>,
        import: &Import<'_>,
        new: &NewMessage,
        fresh: &mut [Fresh],
    ) -> Result<(), DbError> {
        let Some(target) = new.content.target() else {
            return Ok(());
        };
        let at_ms = new.at_s.unwrap_or_default().saturating_mul(1000);
        let mark = |message: &mut Message| {
            let (content, author) = (&new.content, &new.author);
            message.marks.note(content, new.direction, author, at_ms)
        };
        let is_target = |it: &&mut Fresh| it.message.whatsapp_id.as_deref() == Some(target);
        if let Some(it) = fresh.iter_mut().find(is_target) {
            mark(&mut it.message);
            return Ok(());
        }
        let id_key = keys::whatsapp_id(&import.home.number, IdKind::Message, target);
        let id = row::load::<IdRow>(&hub.db, &id_key).await?;
        let Some(claim) = id.and_then(|id| id.claimed) else {
            return Ok(());
        };
        let key = keys::message(&claim.chat, claim.seq);
        if let Some(message) = self.0.get_mut(&key) {
            mark(message);
        } else if let Some(mut message) = row::load::<Message>(&hub.db, &key).await?
            && mark(&mut message)
        {
            message.changed_ms = hub.clock.now_ms();
            self.0.insert(key, message);
        }
        Ok(())
    }
}

/// One message to import.
struct Entry {
    new: NewMessage,
    status: Option<Status>,
}

impl Entry {
    fn of(entry: &Journaled, import: &Import<'_>) -> Self {
        let mut new = entry.message.clone();
        new.chat = import.alias.clone();
        new.chat_name = import.name.map(str::to_owned).or(new.chat_name);
        if new.remote_id.len() > MOST_ID_BYTES {
            new.remote_id = format!("sha256:{}", sha256_hex(&new.remote_id));
        }
        if n_bytes(&new) > MOST_BYTES {
            new.content = Content::Unknown {
                type_name: String::new(),
            };
            new.quoted = None;
            new.author = Author::default();
        }
        Entry {
            new,
            status: entry.status,
        }
    }

    /// Its place in the order of the import.
    fn key(&self) -> (i64, String) {
        key_of(&self.new)
    }

    fn message<D: Db, Q: Queue>(
        &self,
        hub: &Hub<D, Q>,
        import: &Import<'_>,
        chat: &ChatId,
        seq: u64,
    ) -> Message {
        let new = &self.new;
        let status = match new.direction {
            Direction::In => Status::Accepted,
            Direction::Out => self.status.unwrap_or(Status::Sent),
        };
        let mut message = Message {
            workspace: import.home.workspace.clone(),
            number: import.home.number.clone(),
            chat: chat.clone(),
            seq,
            rev: 0,
            direction: new.direction,
            origin: Origin::History,
            at_ms: new.at_s.unwrap_or_default().saturating_mul(1000),
            accepted_ms: hub.clock.now_ms(),
            whatsapp_id: Some(new.remote_id.clone()),
            author: new.author.clone(),
            content: new.content.clone(),
            quoted: new.quoted.clone(),
            status,
            status_reason: None,
            deliveries: Default::default(),
            crm: None,
            crm_twin: None,
            telegram: None,
            steps: Vec::new(),
            marks: Marks::default(),
            changed_ms: hub.clock.now_ms(),
            stuck_ms: None,
            discarded: None,
        };
        if import.to_crm && import.home.location.is_some() {
            let delivery = Delivery::single();
            message.deliveries.insert(Destination::Crm, delivery);
        }
        message
    }
}

/// When a message was written, seconds since 1970, and its id: the order of an import.
pub fn key_of(new: &NewMessage) -> (i64, String) {
    (new.at_s.unwrap_or_default(), new.remote_id.clone())
}

fn n_bytes(new: &NewMessage) -> usize {
    serde_json::to_vec(new).map_or(usize::MAX, |json| json.len())
}

/// As many as one step can take, at least one.
fn first(entries: &[Journaled]) -> impl Iterator<Item = &Journaled> {
    let mut bytes = 0_usize;
    entries
        .iter()
        .take(STEP)
        .enumerate()
        .map_while(move |(n, entry)| {
            bytes = bytes.saturating_add(n_bytes(&entry.message).min(MOST_BYTES));
            (n == 0 || bytes <= STEP_BYTES).then_some(entry)
        })
}

/// A place for each message, by when it was written and by its id.
fn places(entries: &[Entry]) -> Vec<u64> {
    let mut taken = BTreeSet::new();
    let places = entries.iter().map(|entry| {
        let digest = sha256_hex(&entry.new.remote_id);
        let tie = u32::from_str_radix(&digest[..8], 16).unwrap_or_default();
        let mut place = place::imported(entry.new.at_s.unwrap_or_default(), tie);
        while !taken.insert(place) {
            place = place::beside(place);
        }
        place
    });
    places.collect()
}

/// Gives other places to the messages whose own ones are taken.
fn beside(places: &mut [u64], written: &[(usize, usize)], failed: &[usize]) {
    for (write, n) in written {
        if failed.contains(write) {
            let mut other = place::beside(places[*n]);
            while places.contains(&other) {
                other = place::beside(other);
            }
            places[*n] = other;
        }
    }
}

fn is_full(chat: &ChatRow, import: &Import<'_>) -> bool {
    let n_for_crm = chat.behind(Lane::Crm).count();
    import.files && chat.files.len() >= MOST_FILES || import.to_crm && n_for_crm >= MOST_FOR_CRM
}

/// What the chat says of a message that was imported into it.
fn note<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    import: &Import<'_>,
    chat: &mut ChatRow,
    message: &mut Message,
) {
    let now = hub.clock.now_ms();
    chat.changed_at = now;
    chat.last_at = chat.last_at.max(message.at_ms.min(now));
    if message.direction == Direction::In {
        chat.last_in_ms = chat.last_in_ms.max(message.at_ms.min(now));
    }
    if chat.title.is_none() {
        chat.title = import.name.map(str::to_owned);
    }
    if import.files && files::want_copies(message, &hub.ids, now) {
        chat.files.insert(message.seq);
        chat.set_due(Lane::Media, now);
    }
    if message.deliveries.contains_key(&Destination::Crm) {
        let lane = chat.lanes.entry(Lane::Crm).or_default();
        lane.behind.insert(message.seq);
        chat.set_due(Lane::Crm, now);
    }
}
