//! The promises, looked at when the world has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use greenhub::domain::copy::FileCopy;
use greenhub::domain::delivery::{Destination, PartState};
use greenhub::domain::message::Message;
use greenhub::domain::status::Status;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Item, Key, Table};
use greenhub::store::row;

use crate::providers::{RECEIPTS, is_dead, status_rank, text_of};
use crate::workflows;
use crate::world::World;

/// What a run has shown.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub messages: u64,
    pub crashes: u64,
    pub unknown: u64,
    pub merges: u64,
    pub strangers: u64,
    /// Files that followed their text.
    pub late: u64,
    /// Files that nobody could fetch.
    pub gone: u64,
    /// Copies that were made more than once.
    pub doubled: u64,
}

impl Seen {
    pub fn add(&mut self, other: &Seen) {
        self.messages += other.messages;
        self.crashes += other.crashes;
        self.unknown += other.unknown;
        self.merges += other.merges;
        self.strangers += other.strangers;
        self.late += other.late;
        self.gone += other.gone;
        self.doubled += other.doubled;
    }

    pub fn is_eventful(&self) -> bool {
        let of_messages = [self.crashes, self.unknown, self.merges, self.strangers];
        let of_files = [self.late, self.gone, self.doubled];
        of_messages.into_iter().chain(of_files).all(|n| n > 0)
    }
}

macro_rules! ensure {
    ($cond:expr, $($why:tt)*) => {
        if !$cond {
            return Err(format!($($why)*));
        }
    };
}

pub fn check(world: &World) -> Result<Seen, String> {
    let rows = world.db.rows(Table::Chats);
    let messages: Vec<Message> = select(&rows, |key| key.sk.starts_with("M#"))
        .map(|item| row::read(item).unwrap())
        .collect();
    let chats: Vec<ChatRow> = select(&rows, |key| key.sk == "CHAT")
        .map(|item| row::read(item).unwrap())
        .collect();

    came_to_rest(world, &chats)?;
    nothing_is_lost_or_doubled_towards_the_crm(world, &messages)?;
    let unknown = nothing_is_sent_twice(world, &messages)?;
    order_holds(world, &messages)?;
    statuses_only_go_forward(world, &messages)?;
    workflows::check(world, &messages)?;
    let (late, gone) = every_file_is_shown_once(world, &messages)?;
    let copies = world.copies.lock().unwrap();
    let different: BTreeSet<_> = copies.iter().collect();

    Ok(Seen {
        late,
        gone,
        doubled: (copies.len() - different.len()) as u64,
        messages: messages.len() as u64,
        crashes: world.dice.crashes.load(Ordering::Relaxed),
        unknown,
        merges: chats
            .iter()
            .filter(|chat| chat.merged_into.is_some())
            .count() as u64,
        strangers: world
            .phones
            .lock()
            .unwrap()
            .iter()
            .filter(|sent| !sent.is_ours)
            .count() as u64,
    })
}

fn select(rows: &[(Key, Item)], which: impl Fn(&Key) -> bool) -> impl Iterator<Item = Item> {
    rows.iter()
        .filter(move |(key, _)| which(key))
        .map(|(_, item)| item.clone())
}

fn came_to_rest(world: &World, chats: &[ChatRow]) -> Result<(), String> {
    for chat in chats {
        ensure!(
            chat.due_at.is_none(),
            "chat {} is still due: {chat:?}",
            chat.chat
        );
        ensure!(
            chat.untold.is_empty(),
            "chat {} has statuses to tell",
            chat.chat
        );
        ensure!(
            chat.files.is_empty(),
            "chat {} has files to copy: {chat:?}",
            chat.chat
        );
        ensure!(
            chat.echoes.is_empty(),
            "chat {} has echoes waiting: {chat:?}",
            chat.chat
        );
    }
    ensure!(
        world.queue.waiting().is_empty(),
        "wake-ups are left: {:?}",
        world.queue.waiting()
    );
    Ok(())
}

// Promise 1: what was answered 200 is never lost (AC 45, 46, 63).
fn nothing_is_lost_or_doubled_towards_the_crm(
    world: &World,
    messages: &[Message],
) -> Result<(), String> {
    let crm = world.crm.lock().unwrap();
    for (id, _, direction) in world.reported.lock().unwrap().iter() {
        let posts: Vec<_> = crm.iter().filter(|post| post.alt_id == *id).collect();
        ensure!(posts.len() == 1, "{id} is {} times in the CRM", posts.len());
        ensure!(
            posts[0].direction == *direction,
            "{id} goes the wrong way in the CRM"
        );
    }
    for post in crm.iter() {
        let is_ours = world
            .phones
            .lock()
            .unwrap()
            .iter()
            .any(|p| p.is_ours && p.id == post.alt_id);
        ensure!(
            !is_ours,
            "our own send {} was put into the CRM",
            post.alt_id
        );
    }
    for (id, _, text) in world.asked.lock().unwrap().iter() {
        let n = messages
            .iter()
            .filter(|message| {
                let mut shown = message.crm_messages();
                shown.any(|crm| crm.message_id == *id)
            })
            .count();
        ensure!(
            n == 1,
            "the agent's message {id} was accepted and stored {n} times"
        );
        // What both providers brought is one message. Short words are written more than once, and
        // any two of them may meet.
        let has = |message: &&Message, id: &str| {
            let mut shown = message.crm_messages();
            shown.any(|crm| crm.message_id == id)
        };
        let first = id.strip_suffix('T').filter(|_| text != "ok");
        if let Some(first) = first {
            let together = messages.iter().any(|it| has(&it, first) && has(&it, id));
            ensure!(together, "{id} is not the same message as {first}");
        }
    }
    Ok(())
}

// Promise 3: never sent twice (AC 80).
fn nothing_is_sent_twice(world: &World, messages: &[Message]) -> Result<u64, String> {
    let phones = world.phones.lock().unwrap();
    let mut of_text: BTreeMap<(usize, String), (u64, u64, u64)> = BTreeMap::new();
    let mut unknown = 0;
    for message in messages {
        let Some(delivery) = message.deliveries.get(&Destination::Whatsapp) else {
            continue;
        };
        let person = world.person_of(&message.chat).unwrap();
        for (n, part) in delivery.parts.iter().enumerate() {
            let entry = of_text
                .entry((person, text_of(&message.content, n)))
                .or_default();
            entry.0 += 1;
            match &part.state {
                PartState::Done => {
                    let id = part.remote_id.as_deref();
                    let is_real = phones.iter().any(|sent| Some(sent.id.as_str()) == id);
                    ensure!(is_real, "{id:?} is settled and was never sent");
                    entry.1 += 1;
                }
                PartState::Unknown {
                    to_person: true, ..
                } => {
                    entry.2 += 1;
                    unknown += 1;
                }
                // Its file is not to be had.
                PartState::Dead if is_dead(message.files()[n].url.as_deref()) => {}
                other => {
                    return Err(format!(
                        "part {n} of seq {} of {} ended as {other:?}",
                        message.seq, message.chat
                    ));
                }
            }
        }
    }
    for ((person, text), (asked, done, unknown)) in &of_text {
        let sent = phones
            .iter()
            .filter(|s| s.is_ours && s.person == *person && s.text == *text)
            .count();
        let sent = sent as u64;
        ensure!(
            sent <= *asked,
            "{text:?} was asked for {asked} times and sent {sent} times"
        );
        ensure!(
            sent >= *done && sent <= done + unknown,
            "{text:?}: {done} done, {unknown} unknown, but {sent} sent"
        );
    }
    let ids: Vec<_> = messages
        .iter()
        .filter_map(|m| m.whatsapp_id.as_ref())
        .collect();
    let unique: BTreeSet<_> = ids.iter().collect();
    ensure!(ids.len() == unique.len(), "two messages claim the same id");
    Ok(unknown)
}

// AC 51: what came in is kept and shown, with its text or after it; what is not to be had is told.
fn every_file_is_shown_once(world: &World, messages: &[Message]) -> Result<(u64, u64), String> {
    let crm = world.crm.lock().unwrap();
    let copies = world.copies.lock().unwrap();
    let (mut late, mut gone) = (0, 0);
    for message in messages {
        let Some(delivery) = message.deliveries.get(&Destination::Crm) else {
            continue;
        };
        let id = message.crm_alt_id().unwrap_or_default();
        let posts: Vec<_> = crm
            .iter()
            .filter(|post| post.alt_id == id || post.alt_id.starts_with(&format!("{id}~")))
            .collect();
        ensure!(
            posts.len() == delivery.parts.len(),
            "{id} has {} parts and {} posts",
            delivery.parts.len(),
            posts.len()
        );
        late += delivery.parts.len() as u64 - 1;
        for file in message.files() {
            match &file.copy {
                Some(FileCopy::Kept { object, link, .. }) => {
                    let n_shown = posts.iter().filter(|post| post.files.contains(link));
                    ensure!(n_shown.count() == 1, "a file of {id} is not shown once");
                    ensure!(copies.contains(object), "a file of {id} was never copied");
                }
                Some(FileCopy::Gone { .. }) => {
                    let is_told = posts.iter().any(|post| post.tells_of_missing);
                    ensure!(is_told, "nobody is told of a lost file of {id}");
                    ensure!(is_dead(file.url.as_deref()), "a file of {id} was given up");
                    gone += 1;
                }
                other => return Err(format!("a file of {id} ended as {other:?}")),
            }
        }
    }
    Ok((late, gone))
}

// Promise 2: order is kept per chat and direction.
fn order_holds(world: &World, messages: &[Message]) -> Result<(), String> {
    let crm = world.crm.lock().unwrap();
    let phones = world.phones.lock().unwrap();
    let mut by_chat: BTreeMap<_, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        by_chat
            .entry(message.chat.clone())
            .or_default()
            .push(message);
    }
    for (chat, messages) in by_chat {
        let seqs: Vec<_> = messages.iter().map(|message| message.seq).collect();
        let expect: Vec<_> = (1..=seqs.len() as u64).collect();
        ensure!(seqs == expect, "chat {chat} has gaps: {seqs:?}");
        let place = |id: &Option<String>, to_crm: bool| {
            let id = id.as_deref()?;
            if to_crm {
                crm.iter().position(|post| post.alt_id == id)
            } else {
                phones.iter().position(|sent| sent.id == id)
            }
        };
        for to_crm in [true, false] {
            let wanted = if to_crm {
                Destination::Crm
            } else {
                Destination::Whatsapp
            };
            let places: Vec<_> = messages
                .iter()
                .filter(|message| message.deliveries.contains_key(&wanted))
                .filter_map(|message| match to_crm {
                    true => place(&message.crm_alt_id(), to_crm),
                    false => place(&message.whatsapp_id, to_crm),
                })
                .collect();
            ensure!(
                places.is_sorted(),
                "chat {chat} is out of order at {wanted:?}: {places:?}"
            );
        }
    }
    Ok(())
}

// Promise 4: a status never goes backwards, and "delivered" means that WhatsApp said so (AC 81).
fn statuses_only_go_forward(world: &World, messages: &[Message]) -> Result<(), String> {
    let told = world.told.lock().unwrap();
    let receipts = world.receipts.lock().unwrap();
    for message in messages {
        let Some(crm) = &message.crm else { continue };
        let ranks: Vec<_> = told
            .iter()
            .filter(|(id, _)| *id == crm.message_id)
            .map(|(_, status)| status_rank(*status))
            .collect();
        ensure!(ranks.is_sorted(), "{} was told {ranks:?}", crm.message_id);
        let parts = &message.deliveries[&Destination::Whatsapp].parts;
        // As far as the slowest of its parts.
        let furthest = parts
            .iter()
            .filter_map(|part| part.remote_id.as_ref())
            .map(|id| {
                let all = receipts.get(id).into_iter().flatten();
                all.fold(Status::Accepted, |now, next| now.advance(*next))
            })
            .min_by_key(|status| RECEIPTS.iter().position(|receipt| receipt == status))
            .unwrap_or(Status::Accepted);
        if parts.iter().all(|part| part.state == PartState::Done) {
            ensure!(
                message.status == furthest,
                "{} shows {:?}, WhatsApp said {furthest:?}",
                crm.message_id,
                message.status
            );
        }
        ensure!(
            message.untold_crm_status().is_none(),
            "the CRM was not told {:?} of {}",
            message.status,
            crm.message_id
        );
    }
    Ok(())
}
