//! Files beside the lanes: their copies, and what the lanes wait for.
//!
//! A copy keeps no order and can be made twice without harm, so it needs no claim: the lane
//! [`Lane::Media`] tries each file when its time has come, and what came of it is written into the
//! message together with whatever hangs on it.
//!
//! **Nobody waits for long.** The CRM waits [`CRM_WAITS_MS`] for the copy of a file that came in.
//! Then it is written down that the text goes alone, and whoever settles the copy gives the message
//! another part. Both are writes of the message under its revision, so one of them is first and the
//! other one sees it: a file goes with the text or as a part of its own, and never with neither.
//! WhatsApp waits [`WHATSAPP_WAITS_MS`] for the gateway to take over what an agent attached.

mod again;

use std::future::Future;
use std::time::Duration;

use futures::StreamExt as _;

pub use self::again::{AGAIN_AFTER_MS, Linked, fetch_again, linked};
use super::Hub;
use super::ids::IdSource;
use super::lane::{self, End, LEASE_MARGIN_MS, Run, with_lease};
use super::settle::{self, Change};
use super::telegram::replies::FILE_SCHEME;
use crate::clock::Millis;
use crate::domain::content::{Content, File, FileMissing};
use crate::domain::copy::FileCopy;
use crate::domain::delivery::{Destination, Lane, Part, PartState};
use crate::domain::ids::ChatId;
use crate::domain::message::Message;
use crate::domain::retry;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, FileLinkRow};
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How long a text waits for its file before it goes to the CRM or to Telegram alone.
pub const CRM_WAITS_MS: Millis = 15_000;

/// How long a message waits for the gateway to take its file over before it goes by the agent's own
/// address.
pub const WHATSAPP_WAITS_MS: Millis = 2 * 60 * 1000;

/// How many files of a chat are copied at once.
const AT_ONCE: usize = 4;

/// What a copy that cannot even be tried is given up after.
const LONGEST_MS: Millis = 24 * 3600 * 1000;

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It is in our bucket.
    Kept {
        /// With the ending that its content has.
        name: String,
        /// By its content.
        mime: String,
        /// How large it is.
        n_bytes: u64,
    },
    /// The gateway has it.
    Handed {
        /// Where.
        url: String,
        /// With the ending that its content has.
        name: String,
        /// By its content.
        mime: String,
    },
    /// Larger than anybody passes on.
    TooLarge,
    /// There is no such file, or nobody may fetch it from there.
    Dead {
        /// For the log.
        reason: String,
    },
    /// Not this time.
    Failed {
        /// For the log.
        reason: String,
    },
    /// Not before this time, and that is no fault of the file.
    NotNow {
        /// Milliseconds since 1970.
        until_ms: Millis,
    },
}

/// Who makes copies.
pub trait Keeper: Send + Sync {
    /// The longest that one takes, milliseconds.
    const LONGEST_CALL_MS: Millis;

    /// Copies one file of a message to `object`, or hands it to the gateway if it
    /// [goes there](hands_over).
    fn copy(
        &self,
        chat: &ChatRow,
        message: &Message,
        file: usize,
        object: &str,
    ) -> impl Future<Output = Result<Copied, DbError>> + Send;
}

/// Whether a file is where nobody gets it without the bot's token.
pub fn is_in_telegram(file: &File) -> bool {
    let url = file.url.as_deref();
    url.is_some_and(|url| url.starts_with(FILE_SCHEME))
}

/// Whether the message's files go to the gateway; those of other messages go into the bucket.
pub fn hands_over(message: &Message) -> bool {
    message.deliveries.contains_key(&Destination::Whatsapp)
}

/// Says of a new message which copies are wanted; `false` if none is.
pub fn want_copies(message: &mut Message, ids: &IdSource, now: Millis) -> bool {
    let hands_over = hands_over(message);
    // It is the CRM's and goes nowhere: there was no number, or no way to the person.
    if message.crm.is_some() && !hands_over {
        return false;
    }
    let (number, has_id) = (message.number.clone(), message.whatsapp_id.is_some());
    let Content::Files { files, .. } = &mut message.content else {
        return false;
    };
    for file in files.iter_mut() {
        // The gateway can be asked anew for what came without a link.
        let can_be_had = match file.missing {
            Some(FileMissing::TooLarge) => false,
            Some(FileMissing::NoLink) => has_id && !hands_over,
            None => file.url.is_some(),
        };
        if can_be_had {
            file.missing = None;
            let object = keys::object(&number, &ids.next());
            file.copy = Some(FileCopy::wanted(object, now));
        }
    }
    files.iter().any(File::is_waiting)
}

/// Whether a part can be sent as far as its files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// It can.
    Go,
    /// Not before then, or before somebody says so.
    Wait(Millis),
    /// The message was changed: look at it anew.
    Anew,
    /// It cannot, and waiting will not help.
    Dead(&'static str),
}

/// Looks whether a part can be sent as far as its files go.
pub async fn before_sending<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    destination: Destination,
    part: usize,
) -> Result<Before, DbError> {
    let now = hub.clock.now_ms();
    let files = message.files();
    match destination {
        Destination::Whatsapp => {
            let Some(file) = files.get(part) else {
                return Ok(Before::Go);
            };
            // Nobody but us can fetch it from Telegram.
            let waits_ms = match is_in_telegram(file) {
                true => LONGEST_MS,
                false => WHATSAPP_WAITS_MS,
            };
            let until_ms = message.accepted_ms + waits_ms;
            Ok(match file.missing {
                Some(FileMissing::TooLarge) => Before::Dead("the file is larger than 100 MB"),
                Some(FileMissing::NoLink) => Before::Dead("the attached file cannot be fetched"),
                None if file.is_waiting() && now < until_ms => Before::Wait(until_ms),
                None => Before::Go,
            })
        }
        Destination::Crm | Destination::Telegram => {
            let goes_whole = message.deliveries[&destination].parts[part].files.is_none();
            let has_own = hands_over(message) && !files.iter().any(is_in_telegram);
            if !goes_whole || has_own || !files.iter().any(File::is_waiting) {
                return Ok(Before::Go);
            }
            let until_ms = message.accepted_ms + CRM_WAITS_MS;
            if now < until_ms {
                return Ok(Before::Wait(until_ms));
            }
            settle::change_message(hub, &message.chat, message.seq, |message| {
                let there: Vec<usize> = (0..message.files().len())
                    .filter(|index| !message.files()[*index].is_waiting())
                    .collect();
                // Its copy came just now: everything can go together after all.
                if there.len() == message.files().len() {
                    return Change::Nothing;
                }
                let delivery = message.deliveries.get_mut(&destination);
                match delivery.and_then(|delivery| delivery.parts.get_mut(part)) {
                    Some(part) if part.files.is_none() => part.files = Some(there),
                    _ => return Change::Nothing,
                }
                Change::Write
            })
            .await?;
            Ok(Before::Anew)
        }
    }
}

/// Works a lane of copies off.
pub async fn work_off<D: Db, Q: Queue, K: Keeper>(
    hub: &Hub<D, Q>,
    keeper: &K,
    chat: &ChatId,
    deadline_ms: Millis,
) -> Result<(), DbError> {
    let lease_ms = K::LONGEST_CALL_MS + LEASE_MARGIN_MS;
    with_lease(
        hub,
        chat,
        Lane::Media,
        lease_ms,
        deadline_ms,
        |mut run| async move {
            let end = work(hub, keeper, chat, &mut run).await?;
            Ok((run, end))
        },
    )
    .await
}

async fn work<D: Db, Q: Queue, K: Keeper>(
    hub: &Hub<D, Q>,
    keeper: &K,
    chat_id: &ChatId,
    run: &mut Run,
) -> Result<End, DbError> {
    loop {
        let key = keys::chat(chat_id);
        let Some(mut chat) = row::load::<ChatRow>(&hub.db, &key).await? else {
            return Ok(End::Idle);
        };
        let mut next_ms: Option<Millis> = None;
        let mut wanted = Vec::new();
        // The messages are read after the chat: whoever wants a copy writes the chat, too.
        for seq in chat.files.clone() {
            let message = row::load::<Message>(&hub.db, &keys::message(chat_id, seq)).await?;
            let Some(message) = message.filter(|m| m.files().iter().any(File::is_waiting)) else {
                chat.files.remove(&seq);
                continue;
            };
            for (index, file) in message.files().iter().enumerate() {
                let Some(FileCopy::Waiting { object, at_ms, .. }) = &file.copy else {
                    continue;
                };
                if *at_ms > hub.clock.now_ms() {
                    next_ms = Some(next_ms.map_or(*at_ms, |next| next.min(*at_ms)));
                } else {
                    wanted.push((message.clone(), index, object.clone()));
                }
            }
        }
        if wanted.is_empty() {
            match lane::rest(hub, chat, Lane::Media, next_ms).await? {
                Some(end) => return Ok(end),
                None => continue,
            }
        }
        match run.has_time_for(hub, K::LONGEST_CALL_MS).await? {
            Some(true) => {}
            Some(false) => return Ok(End::OutOfTime),
            None => return Ok(End::Stolen),
        }
        wanted.truncate(AT_ONCE);
        let chat = &chat;
        let mut copies = futures::stream::iter(wanted)
            .map(|(message, index, object)| async move {
                let copied = keeper.copy(chat, &message, index, &object).await;
                (message, index, object, copied)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((message, index, object, copied)) = copies.next().await {
            settle(hub, &message, index, &object, copied?).await?;
        }
    }
}

/// Writes down what came of an attempt, and what hangs on it.
async fn settle<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    index: usize,
    object: &str,
    copied: Copied,
) -> Result<(), DbError> {
    for tries in 1.. {
        match settle_once(hub, message, index, object, &copied).await {
            Err(error) if !settle::may_pass(&error) || tries >= settle::TRIES => return Err(error),
            Err(_) => settle::pause(hub, tries).await,
            Ok(()) => return Ok(()),
        }
    }
    unreachable!("the loop returns");
}

async fn settle_once<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    seen: &Message,
    index: usize,
    object: &str,
    copied: &Copied,
) -> Result<(), DbError> {
    let now = hub.clock.now_ms();
    let (key, chat_key) = (keys::message(&seen.chat, seen.seq), keys::chat(&seen.chat));
    let Some(mut chat) = row::load::<ChatRow>(&hub.db, &chat_key).await? else {
        return Ok(());
    };
    let Some(mut message) = row::load::<Message>(&hub.db, &key).await? else {
        return Ok(());
    };
    let hands_over = hands_over(&message);
    let may_rename = !has_begun(&message, index);
    let Some(file) = message.file_mut(index) else {
        return Ok(());
    };
    // Settled by somebody else, or asked for anew since.
    if !matches!(&file.copy, Some(FileCopy::Waiting { object: wanted, .. }) if wanted == object) {
        return Ok(());
    }
    let link = (!hands_over).then(|| hub.ids.next());
    note(file, copied, hands_over, may_rename, link, now);
    if let Some(FileCopy::Gone { .. }) = &file.copy {
        tracing::warn!(chat = %seen.chat, seq = seen.seq, index, ?copied, "a file was given up");
    }
    let mut writes = Vec::new();
    message.changed_ms = now;
    let Some(file) = message.file_mut(index) else {
        return Ok(());
    };
    if let Some(link) = file.link() {
        let until_ms = now + hub.settings.file_retention_ms;
        let mut row = FileLinkRow {
            rev: 0,
            chat: seen.chat.clone(),
            seq: seen.seq,
            file: index,
            until_ms,
            expires_at: until_ms / 1000,
        };
        writes.push(row::save(keys::file_link(&seen.number, link), &mut row)?);
    }
    if file.is_waiting() {
        return hub.db.write(vec![row::save(key, &mut message)?]).await;
    }
    show(&mut message, &mut chat, index, now);
    if !message.files().iter().any(File::is_waiting) {
        chat.files.remove(&seen.seq);
    }
    writes.push(row::save(key, &mut message)?);
    writes.push(row::save(chat_key, &mut chat)?);
    hub.db.write(writes).await?;
    for lane in [Lane::Whatsapp, Lane::Crm, Lane::Telegram] {
        if chat.due(lane).is_some_and(|due| due <= now) {
            hub.wake(&chat.number, &chat.chat, lane, Duration::ZERO)
                .await;
        }
    }
    Ok(())
}

/// Whether the send of the file may have been begun: then it is looked for by the name that it has.
fn has_begun(message: &Message, index: usize) -> bool {
    let delivery = message.deliveries.get(&Destination::Whatsapp);
    delivery
        .and_then(|delivery| delivery.parts.get(index))
        .is_some_and(|part| {
            !matches!(
                part.state,
                PartState::Pending
                    | PartState::Retry {
                        look_since_ms: None,
                        ..
                    }
            )
        })
}

fn note(
    file: &mut File,
    copied: &Copied,
    hands_over: bool,
    may_rename: bool,
    link: Option<String>,
    now: Millis,
) {
    // Nobody else gets at it.
    let is_ours = file.upload().is_some() || is_in_telegram(file);
    let Some(FileCopy::Waiting {
        object,
        attempts,
        at_ms,
        since_ms,
    }) = &mut file.copy
    else {
        return;
    };
    let copy = match copied {
        Copied::Kept {
            name,
            mime,
            n_bytes,
        } => {
            (file.name, file.mime) = (name.clone(), mime.clone());
            FileCopy::Kept {
                object: std::mem::take(object),
                link: link.unwrap_or_default(),
                n_bytes: *n_bytes,
            }
        }
        Copied::Handed { url, name, mime } => {
            if may_rename {
                (file.name, file.mime) = (name.clone(), mime.clone());
            }
            FileCopy::Handed { url: url.clone() }
        }
        Copied::TooLarge => {
            file.missing = Some(FileMissing::TooLarge);
            // Asking again would not make it smaller.
            FileCopy::Gone {
                at_ms: now,
                link: None,
            }
        }
        Copied::NotNow { until_ms } if now - *since_ms < LONGEST_MS => {
            *at_ms = *until_ms;
            return;
        }
        Copied::Dead { .. } | Copied::Failed { .. } | Copied::NotNow { .. } => {
            *attempts += 1;
            let is_dead = matches!(copied, Copied::Dead { .. });
            let most = match (hands_over, is_dead) {
                (false, true) => 4,
                (false, false) => 7,
                (true, true) => 2,
                (true, false) => 6,
            };
            if *attempts < most && now - *since_ms < LONGEST_MS {
                let delay = if hands_over {
                    retry::hand_over_delay(*attempts)
                } else {
                    retry::copy_delay(*attempts)
                };
                *at_ms = now + delay.as_millis() as Millis;
                return;
            }
            if hands_over && !is_dead && !is_ours {
                // It may be within the gateway's reach, if not within ours.
                FileCopy::Direct
            } else {
                file.missing = Some(FileMissing::NoLink);
                FileCopy::Gone { at_ms: now, link }
            }
        }
    };
    file.copy = Some(copy);
}

/// What waits for the file goes on. Where the text went without it, it follows as a part.
fn show(message: &mut Message, chat: &mut ChatRow, index: usize, now: Millis) {
    let seq = message.seq;
    if hands_over(message) {
        let is_open = message
            .deliveries
            .get(&Destination::Whatsapp)
            .is_some_and(|delivery| !delivery.is_settled());
        if is_open {
            chat.set_due(Lane::Whatsapp, now);
        }
        return;
    }
    for destination in [Destination::Crm, Destination::Telegram] {
        let Some(delivery) = message.deliveries.get_mut(&destination) else {
            continue;
        };
        let lane = destination.lane();
        if !delivery.will_show(index) {
            delivery.parts.push(Part {
                files: Some(vec![index]),
                ..Part::default()
            });
            chat.lanes.entry(lane).or_default().behind.insert(seq);
        }
        chat.set_due(lane, now);
    }
}
