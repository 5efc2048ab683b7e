//! What becomes of a notification whose sender is known.

use greenhub::clock::Millis;
use greenhub::crypto::sha256_hex;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, Event, NewMessage, NotShown};
use greenhub::domain::status::{InstanceState, Receipt};
use greenhub::green_api::map;
use greenhub::green_api::wire::Notification;
use greenhub::pipeline::accept::{self, Accepted, Home};
use greenhub::pipeline::receipt::{self, Applied};
use greenhub::pipeline::{Hub, whatsapp};
use greenhub::queue::Queue;
use greenhub::store::chats::{QUARANTINE_CAP, QuarantineRow};
use greenhub::store::db::{Cond, Db, DbError, Op, Write};
use greenhub::store::directory::NumberRow;
use greenhub::store::{keys, row};

/// How long a body that was not understood is kept, seconds.
const QUARANTINE_S: i64 = 30 * 24 * 3600;

/// The longest id of a message that is used as it stands. WhatsApp's have a tenth of that.
const MOST_ID_BYTES: usize = 256;

/// The longest word for a state, and the longest id of an account, that is written into a row.
const MOST_WORD_BYTES: usize = 128;

/// What became of a notification, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A message, taken.
    Accepted,
    /// A message that was taken before.
    Duplicate,
    /// An echo or a receipt that waits for its message, or a call that waits for its outcome.
    Parked,
    /// A receipt that moved its message forward.
    Moved,
    /// A receipt that says nothing new.
    Old,
    /// The number's state.
    State,
    /// Understood, and nothing to be done.
    NotShown,
    /// Kept for whoever looks after the program.
    Quarantined,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Duplicate => "duplicate",
            Outcome::Parked => "parked",
            Outcome::Moved => "moved",
            Outcome::Old => "old",
            Outcome::State => "state",
            Outcome::NotShown => "not shown",
            Outcome::Quarantined => "quarantined",
        }
    }
}

/// Takes a notification; `None` stands for a body that is not JSON.
///
/// # Errors
/// The tables'; the notification has to be sent again.
pub(crate) async fn take<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    body: &[u8],
    notification: Option<&Notification>,
) -> Result<Outcome, DbError> {
    let Some(notification) = notification else {
        return quarantine(hub, number, body, "not JSON").await;
    };
    match map::event(notification) {
        Event::Message(new) => message(hub, number, body, new.shown(number.prefs.calls)).await,
        Event::Receipt(told) => match take_receipt(hub, number, told).await {
            // What no row can hold is no receipt of ours.
            Err(DbError::Malformed { .. }) => {
                quarantine(hub, number, body, "a receipt that cannot be kept").await
            }
            taken => taken,
        },
        Event::State { state, wid } => {
            if state.as_str().len() > MOST_WORD_BYTES {
                return quarantine(hub, number, body, "a state that cannot be kept").await;
            }
            note_state(hub, number, state, wid).await?;
            Ok(Outcome::State)
        }
        Event::NotShown(NotShown::UnknownType) => {
            quarantine(hub, number, body, "an unknown type of notification").await
        }
        Event::NotShown(NotShown::Incomplete) => {
            quarantine(hub, number, body, "without the fields of its type").await
        }
        Event::NotShown(
            NotShown::Device | NotShown::OnlineSignal | NotShown::Quota | NotShown::Block,
        ) => Ok(Outcome::NotShown),
    }
}

async fn message<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    body: &[u8],
    mut new: NewMessage,
) -> Result<Outcome, DbError> {
    shorten(&mut new.remote_id);
    if let Content::Unknown { .. } = new.content {
        quarantine(hub, number, body, "an unknown kind of message").await?;
    }
    let home = Home::from(number);
    let accepted = match accept::whatsapp_message(hub, &home, new.clone()).await {
        Err(error @ DbError::Malformed { .. }) => {
            // Most likely longer than a row: its place is kept, and what can be kept of it.
            tracing::error!(number = %number.number, %error, "a message cannot be kept whole");
            quarantine(hub, number, body, "a message that cannot be kept whole").await?;
            accept::whatsapp_message(hub, &home, stand_in(new)).await?
        }
        accepted => accepted?,
    };
    Ok(match accepted {
        Accepted::New(_) => Outcome::Accepted,
        Accepted::Duplicate | Accepted::Twin => Outcome::Duplicate,
        Accepted::Parked => Outcome::Parked,
    })
}

/// The same message without anything that can be long.
fn stand_in(new: NewMessage) -> NewMessage {
    NewMessage {
        chat_name: None,
        author: Author {
            id: new.author.id,
            name: None,
            person: None,
        },
        content: Content::Unknown {
            type_name: String::new(),
        },
        quoted: None,
        ..new
    }
}

async fn take_receipt<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    mut told: Receipt,
) -> Result<Outcome, DbError> {
    shorten(&mut told.remote_id);
    Ok(match receipt::accept(hub, &number.number, told).await? {
        Applied::Moved => Outcome::Moved,
        Applied::Old => Outcome::Old,
        Applied::Parked => Outcome::Parked,
    })
}

/// An id that is too long for a key is replaced by its digest, always by the same.
fn shorten(remote_id: &mut String) {
    if remote_id.len() > MOST_ID_BYTES {
        *remote_id = format!("sha256:{}", sha256_hex(&*remote_id));
    }
}

/// Writes the state down. What waits for the number looks again within seconds.
async fn note_state<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    state: InstanceState,
    wid: Option<String>,
) -> Result<(), DbError> {
    let now: Millis = hub.clock.now_ms();
    let wid = wid.filter(|wid| wid.len() <= MOST_WORD_BYTES);
    let key = keys::number(&number.workspace, &number.number);
    row::change::<NumberRow>(&hub.db, &key, |number| {
        whatsapp::note_state(number, state.clone(), wid.clone(), now);
        true
    })
    .await?;
    Ok(())
}

/// Keeps a body for whoever looks after the program.
async fn quarantine<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    body: &[u8],
    why: &str,
) -> Result<Outcome, DbError> {
    let now = hub.clock.now_ms();
    let mut text = String::from_utf8_lossy(body).into_owned();
    text.truncate(text.floor_char_boundary(QUARANTINE_CAP));
    let kept = QuarantineRow {
        rev: 1,
        why: why.to_owned(),
        body: text,
        n_bytes: body.len(),
        expires_at: now / 1000 + QUARANTINE_S,
    };
    let write = Write {
        key: keys::quarantine(&number.number, now, &sha256_hex(body)),
        op: Op::Put(row::item(&kept)?),
        only_if: Cond::Always,
    };
    hub.db.write(vec![write]).await?;
    tracing::warn!(number = %number.number, why, "a body was put into quarantine");
    Ok(Outcome::Quarantined)
}
