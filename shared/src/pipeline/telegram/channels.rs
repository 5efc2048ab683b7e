//! Which channels and groups there are, whose they are, and which numbers post in them.
//!
//! Telegram tells everybody who adds the bot anywhere, so a channel that was found proves nothing. It
//! is offered to the workspaces of whoever added the bot, and to nobody else; whoever can read the code
//! that was posted in it may take it for theirs. Once taken it is that workspace's until it lets it
//! go. The channel's row and the number's say the same in one transaction each.

use std::collections::BTreeSet;

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::telegram::{Link, Posts};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::NumberRow;
use crate::store::telegram::{ChannelCodeRow, ChannelRow, SeenChannelRow, channel};
use crate::store::{keys, row};
use crate::telegram::update::{Chat, Membership};

/// How long a code that was posted in a channel can be used.
const CODE_MS: Millis = 24 * 3_600_000;

/// The signs of a code, none of which looks like another.
const CODE_SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// About 2^60 codes, of which a few are in use.
const CODE_LENGTH: usize = 12;

/// What came of news about the bot's place.
#[derive(Clone, Debug, PartialEq)]
pub enum Placed {
    /// It came into the channel, which is greeted.
    Came(Box<ChannelRow>),
    /// Anything else, old news included.
    Noted,
}

/// Why something with a channel did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The workspace has no such channel or number.
    #[error("there is no such channel or number")]
    Unknown,
    /// The code is wrong, used, or too old.
    #[error("the code does not open a channel")]
    BadCode,
    /// The channel is another workspace's.
    #[error("the channel belongs to another workspace")]
    Taken,
    /// The bot is not in it, or may not post.
    #[error("the bot may not post in the channel")]
    Inactive,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Notes what became of the bot's place in a channel. `offered` are the workspaces of whoever
/// changed it.
///
/// # Errors
/// The tables.
pub async fn placed(
    db: &impl Db,
    told: &Membership,
    url: Option<String>,
    offered: &BTreeSet<WorkspaceId>,
) -> Result<Placed, DbError> {
    let key = keys::channel(told.chat.id);
    for _ in 0..row::TRIES {
        let known = row::load::<ChannelRow>(db, &key).await?;
        if known
            .as_ref()
            .is_some_and(|known| known.changed_s > told.at_s)
        {
            return Ok(Placed::Noted);
        }
        let was_active = known.as_ref().is_some_and(|known| known.active);
        let mut row = known.unwrap_or_else(|| new_row(&told.chat));
        describe(&mut row, &told.chat);
        row.changed_s = told.at_s;
        row.active = told.is_member && told.may_post;
        row.may_make_topics = told.may_make_topics;
        row.problem = None;
        row.url = match &url {
            _ if !told.is_member => None,
            Some(url) => Some(url.clone()),
            None => row.url.or_else(|| public_url(&told.chat)),
        };
        let mut writes = Vec::new();
        if row.workspace.is_none() && told.is_member {
            for workspace in offered {
                row.offered_to.insert(workspace.clone());
                writes.push(seen(workspace, row.channel)?);
            }
        }
        // Who owns it may see it; whether the rows still say so is not asked again.
        let came = row.active && !was_active;
        writes.push(row::save(key.clone(), &mut row)?);
        match db.write(writes).await {
            Ok(()) if came => return Ok(Placed::Came(Box::new(row))),
            Ok(()) => return Ok(Placed::Noted),
            Err(DbError::Condition { .. } | DbError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Conflict)
}

fn new_row(chat: &Chat) -> ChannelRow {
    ChannelRow {
        rev: 0,
        channel: chat.id,
        kind: chat.kind,
        title: chat.title.clone(),
        url: None,
        active: false,
        may_make_topics: false,
        problem: None,
        changed_s: 0,
        workspace: None,
        offered_to: BTreeSet::new(),
        numbers: BTreeSet::new(),
    }
}

fn describe(row: &mut ChannelRow, chat: &Chat) {
    row.kind = chat.kind;
    if !chat.title.is_empty() {
        row.title.clone_from(&chat.title);
    }
}

fn public_url(chat: &Chat) -> Option<String> {
    let name = chat.username.as_ref()?;
    Some(format!("https://t.me/{name}"))
}

/// That a workspace may see a channel; the channel's own row decides.
fn seen(workspace: &WorkspaceId, channel: i64) -> Result<Write, DbError> {
    let op = Op::Put(row::item(&SeenChannelRow { rev: 1, channel })?);
    Ok(Write {
        key: keys::seen_channel(workspace, channel),
        op,
        only_if: Cond::Always,
    })
}

/// A channel has another name.
///
/// # Errors
/// The tables.
pub async fn renamed(db: &impl Db, chat: &Chat) -> Result<(), DbError> {
    row::change::<ChannelRow>(db, &keys::channel(chat.id), |row| {
        let before = row.clone();
        describe(row, chat);
        *row != before
    })
    .await?;
    Ok(())
}

/// Telegram refused a post: the bot is out of the channel (`is_out`), or lacks a right in it.
///
/// # Errors
/// The tables.
pub async fn note_problem(
    db: &impl Db,
    channel: i64,
    problem: &str,
    is_out: bool,
) -> Result<(), DbError> {
    row::change::<ChannelRow>(db, &keys::channel(channel), |row| {
        let before = row.clone();
        row.problem = Some(problem.to_owned());
        row.active &= !is_out;
        *row != before
    })
    .await?;
    Ok(())
}

/// A group became a supergroup: all that the old id had, the new one has. Told once or twice, by an
/// update and by a refusal.
///
/// # Errors
/// The tables.
pub async fn migrate(db: &impl Db, from: i64, to: i64) -> Result<(), DbError> {
    let Some(old) = channel(db, from).await?.filter(|_| from != to) else {
        return Ok(());
    };
    let (old_key, new_key) = (keys::channel(from), keys::channel(to));
    let known = row::load::<ChannelRow>(db, &new_key).await?;
    let mut new = ChannelRow {
        rev: known.as_ref().map_or(0, |known| known.rev),
        channel: to,
        kind: known.as_ref().map_or(old.kind, |known| known.kind),
        active: old.active || known.as_ref().is_some_and(|known| known.active),
        may_make_topics: known.is_some_and(|known| known.may_make_topics),
        ..old.clone()
    };
    let may_see = || old.offered_to.iter().chain(&old.workspace);
    let mut writes = vec![
        row::save(new_key, &mut new)?,
        Write {
            key: old_key,
            op: Op::Delete,
            only_if: Cond::Rev(old.rev),
        },
    ];
    for workspace in may_see().collect::<BTreeSet<_>>() {
        writes.push(seen(workspace, to)?);
        writes.push(Write {
            key: keys::seen_channel(workspace, from),
            op: Op::Delete,
            only_if: Cond::Always,
        });
    }
    db.write(writes).await?;
    // Until a number's row says so, too, its posts find no channel and wait for nobody: the next
    // refusal, or whoever links it anew, would have to repair it.
    for number in &old.numbers {
        let Some(workspace) = &old.workspace else {
            continue;
        };
        row::change::<NumberRow>(db, &keys::number(workspace, number), |row| {
            match &mut row.prefs.telegram {
                Some(link) if link.channel == from => {
                    link.channel = to;
                    true
                }
                _ => false,
            }
        })
        .await?;
    }
    Ok(())
}

/// A code for a channel that is nobody's, to be posted in it.
///
/// # Errors
/// The tables.
pub async fn new_code(db: &impl Db, clock: &Clock, channel: i64) -> Result<String, DbError> {
    let code = random_code();
    let until_ms = clock.now_ms() + CODE_MS;
    let mut row = ChannelCodeRow {
        rev: 0,
        channel,
        until_ms,
        expires_at: until_ms / 1000,
    };
    let key = keys::channel_code(&crypto::sha256_hex(&code));
    db.write(vec![row::save(key, &mut row)?]).await?;
    Ok(code)
}

fn random_code() -> String {
    let random = crypto::sha256(crypto::random_token(32));
    let signs = random.iter().take(CODE_LENGTH);
    signs
        .map(|byte| char::from(CODE_SIGNS[usize::from(*byte) % CODE_SIGNS.len()]))
        .collect()
}

/// A code as people type it.
fn read_code(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .take(CODE_LENGTH + 1)
        .collect()
}

/// Takes the channel in which a code was posted; the code is used up by it.
///
/// # Errors
/// [`ChannelError`].
pub async fn claim_by_code(
    db: &impl Db,
    clock: &Clock,
    workspace: &WorkspaceId,
    code: &str,
) -> Result<ChannelRow, ChannelError> {
    let key = keys::channel_code(&crypto::sha256_hex(read_code(code)));
    let found = row::load::<ChannelCodeRow>(db, &key).await?;
    let found = found.filter(|found| clock.now_ms() < found.until_ms);
    let found = found.ok_or(ChannelError::BadCode)?;
    let used = Write {
        key,
        op: Op::Delete,
        only_if: Cond::Rev(found.rev),
    };
    take(db, workspace, found.channel, vec![used], |_| true).await
}

/// Takes a channel that is offered to the workspace, or has been its own.
async fn take(
    db: &impl Db,
    workspace: &WorkspaceId,
    id: i64,
    also: Vec<Write>,
    may: impl Fn(&ChannelRow) -> bool,
) -> Result<ChannelRow, ChannelError> {
    for _ in 0..row::TRIES {
        let row = channel(db, id).await?.filter(&may);
        let mut row = row.ok_or(ChannelError::Unknown)?;
        match &row.workspace {
            Some(owner) if owner == workspace && also.is_empty() => return Ok(row),
            Some(owner) if owner != workspace => return Err(ChannelError::Taken),
            _ => {}
        }
        row.workspace = Some(workspace.clone());
        let mut writes = vec![
            row::save(keys::channel(id), &mut row)?,
            seen(workspace, id)?,
        ];
        writes.extend(also.iter().cloned());
        match db.write(writes).await {
            Ok(()) => return Ok(row),
            Err(DbError::Condition { failed }) if failed.iter().any(|place| *place >= 2) => {
                return Err(ChannelError::BadCode);
            }
            Err(DbError::Condition { .. } | DbError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DbError::Conflict.into())
}

/// Has a number's messages posted in a channel that the workspace may see; takes the channel if it
/// is nobody's yet.
///
/// # Errors
/// [`ChannelError`].
pub async fn link(
    db: &impl Db,
    clock: &Clock,
    workspace: &WorkspaceId,
    number: &NumberId,
    id: i64,
    posts: Posts,
) -> Result<ChannelRow, ChannelError> {
    for _ in 0..row::TRIES {
        let number_key = keys::number(workspace, number);
        let found = row::load::<NumberRow>(db, &number_key).await?;
        let mut number_row = found.ok_or(ChannelError::Unknown)?;
        let found = channel(db, id).await?;
        let mut to = found
            .filter(|channel| channel.may_be_seen_by(workspace))
            .ok_or(ChannelError::Unknown)?;
        if !to.active {
            return Err(ChannelError::Inactive);
        }
        let before = number_row.prefs.telegram.replace(Link {
            channel: id,
            posts: posts.clone(),
            alerted_ms: clock.now_ms(),
        });
        to.workspace = Some(workspace.clone());
        to.numbers.insert(number.clone());
        let mut writes = vec![
            row::save(keys::channel(id), &mut to)?,
            row::save(number_key, &mut number_row)?,
        ];
        writes.extend(left(db, number, before.filter(|link| link.channel != id)).await?);
        match db.write(writes).await {
            Ok(()) => return Ok(to),
            Err(DbError::Condition { .. } | DbError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DbError::Conflict.into())
}

/// The write by which a channel forgets a number.
async fn left(
    db: &impl Db,
    number: &NumberId,
    link: Option<Link>,
) -> Result<Option<Write>, DbError> {
    let Some(link) = link else {
        return Ok(None);
    };
    let Some(mut row) = channel(db, link.channel).await? else {
        return Ok(None);
    };
    if !row.numbers.remove(number) {
        return Ok(None);
    }
    row::save(keys::channel(link.channel), &mut row).map(Some)
}

/// A number's messages are posted nowhere any more.
///
/// # Errors
/// [`ChannelError`].
pub async fn unlink(
    db: &impl Db,
    workspace: &WorkspaceId,
    number: &NumberId,
) -> Result<(), ChannelError> {
    for _ in 0..row::TRIES {
        let key = keys::number(workspace, number);
        let found = row::load::<NumberRow>(db, &key).await?;
        let mut row = found.ok_or(ChannelError::Unknown)?;
        let Some(link) = row.prefs.telegram.take() else {
            return Ok(());
        };
        let mut writes = vec![row::save(key, &mut row)?];
        writes.extend(left(db, number, Some(link)).await?);
        match db.write(writes).await {
            Ok(()) => return Ok(()),
            Err(DbError::Condition { .. } | DbError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DbError::Conflict.into())
}

/// A workspace gives up a channel in which none of its numbers posts.
///
/// # Errors
/// [`ChannelError`]; [`ChannelError::Taken`] while a number posts in it.
pub async fn release(db: &impl Db, workspace: &WorkspaceId, id: i64) -> Result<(), ChannelError> {
    let found = channel(db, id).await?;
    let mut row = found
        .filter(|channel| channel.may_be_seen_by(workspace))
        .ok_or(ChannelError::Unknown)?;
    for number in &row.numbers {
        // One that has left the workspace since posts nowhere of it.
        let key = keys::number(workspace, number);
        if row::load::<NumberRow>(db, &key).await?.is_some() {
            return Err(ChannelError::Taken);
        }
    }
    row.numbers.clear();
    row.workspace = None;
    row.offered_to.remove(workspace);
    let writes = vec![
        row::save(keys::channel(id), &mut row)?,
        Write {
            key: keys::seen_channel(workspace, id),
            op: Op::Delete,
            only_if: Cond::Always,
        },
    ];
    Ok(db.write(writes).await?)
}
