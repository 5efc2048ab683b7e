//! What Telegram is told of a message besides the message: whether it could be sent.
//!
//! It is decided where a message's status is written, in the same transaction, and delivered as
//! further parts in the order in which it became true.

use crate::domain::delivery::{Delivery, Destination, Part};
use crate::domain::message::{Direction, Message};
use crate::domain::status::Status;
use crate::domain::telegram::{Aside, of_remote_id};
use crate::store::chats::Claim;
use crate::store::db::{Db, DbError, Write};
use crate::store::directory::NumberRow;
use crate::store::telegram::PostRow;
use crate::store::{keys, row};

/// Adds the parts that the message's status asks for; says whether there are any.
///
/// # Errors
/// The tables.
pub(in crate::pipeline) async fn wants_asides(
    db: &impl Db,
    message: &mut Message,
) -> Result<bool, DbError> {
    if message.direction != Direction::Out {
        return Ok(false);
    }
    let mut wanted = Vec::new();
    wanted.extend(reaction(message));
    if is_unreported_failure(message) {
        let key = keys::number(&message.workspace, &message.number);
        let number = row::load::<NumberRow>(db, &key).await?;
        let link = number.and_then(|number| number.prefs.telegram);
        wanted.extend(link.filter(|link| link.posts.system).map(|_| Aside::Report));
    }
    if wanted.is_empty() {
        return Ok(false);
    }
    let parts = wanted.into_iter().map(|aside| Part {
        aside: Some(aside),
        ..Part::default()
    });
    let delivery = message.deliveries.entry(Destination::Telegram);
    let none = Delivery { parts: Vec::new() };
    delivery.or_insert(none).parts.extend(parts);
    Ok(true)
}

fn asides(message: &Message) -> impl DoubleEndedIterator<Item = Aside> {
    let delivery = message.deliveries.get(&Destination::Telegram);
    let parts = delivery.map_or(&[][..], |delivery| &delivery.parts);
    parts.iter().filter_map(|part| part.aside)
}

/// What the post that the message was written as has to be told now, if it was not told that last.
fn reaction(message: &Message) -> Option<Aside> {
    message.telegram.as_ref()?;
    let good = match message.status {
        Status::Queued => return None,
        Status::Failed | Status::Unknown => false,
        Status::Accepted | Status::Sent | Status::Delivered | Status::Read => true,
    };
    let told = asides(message).rev().find_map(|aside| match aside {
        Aside::React { good } => Some(good),
        Aside::Report => None,
    });
    (told != Some(good)).then_some(Aside::React { good })
}

fn is_unreported_failure(message: &Message) -> bool {
    let is_ours = message.deliveries.contains_key(&Destination::Whatsapp);
    let has_failed = matches!(message.status, Status::Failed | Status::Unknown);
    is_ours && has_failed && !asides(message).any(|aside| aside == Aside::Report)
}

/// The write that makes a post lead back to its message. Only what a customer wrote can be
/// answered.
///
/// # Errors
/// The tables.
pub(in crate::pipeline) async fn claim_post(
    db: &impl Db,
    message: &Message,
    part: usize,
    remote_id: &str,
) -> Result<Vec<Write>, DbError> {
    let parts = &message.deliveries[&Destination::Telegram].parts;
    let is_post = parts.get(part).is_some_and(|part| part.aside.is_none());
    let (true, Direction::In, Some((channel, post))) =
        (is_post, message.direction, of_remote_id(remote_id))
    else {
        return Ok(Vec::new());
    };
    let of = Claim {
        chat: message.chat.clone(),
        seq: message.seq,
        part,
    };
    let key = keys::post(channel, post);
    let mut known = match row::load::<PostRow>(db, &key).await? {
        None => PostRow {
            rev: 0,
            workspace: message.workspace.clone(),
            number: message.number.clone(),
            of,
            is_of_several: false,
        },
        Some(known) if known.of == of || known.is_of_several => return Ok(Vec::new()),
        Some(known) => PostRow {
            is_of_several: true,
            ..known
        },
    };
    Ok(vec![row::save(key, &mut known)?])
}
