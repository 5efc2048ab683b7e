//! Telling the CRM what became of the messages that came from it.
//!
//! What the CRM ought to show is a fact of the message; what it was told stands beside it. The lane
//! makes the two equal, however many receipts came meanwhile, and never holds up a message.

use std::future::Future;

use super::Hub;
use super::lane::{self, End, LEASE_MARGIN_MS, Run, with_lease};
use super::settle::{self, Change};
use crate::clock::Millis;
use crate::domain::delivery::Lane;
use crate::domain::ids::ChatId;
use crate::domain::message::{CrmStatus, Message};
use crate::domain::retry;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::{keys, row};

/// How long a status is repeated before the CRM is believed not to know the message.
const PATIENCE_MS: Millis = 30 * 60 * 1000;

/// What came of telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The CRM has it.
    Yes,
    /// Not now; by the ladder.
    NotYet {
        /// For the log.
        reason: String,
    },
    /// Not before this time, and that is no fault of the message.
    Wait {
        /// Milliseconds since 1970.
        until_ms: Millis,
    },
    /// It will never take it.
    Never {
        /// For the log.
        reason: String,
    },
}

/// Who can tell the CRM.
pub trait Teller: Send + Sync {
    /// The longest that telling takes, milliseconds.
    const LONGEST_CALL_MS: Millis;

    /// Tells the status of one message, under this of the CRM's ids of it; takes the limiter's slot
    /// itself. Telling twice is harmless.
    fn tell(
        &self,
        chat: &ChatRow,
        message: &Message,
        crm_id: &str,
        status: CrmStatus,
    ) -> impl Future<Output = Result<Told, DbError>> + Send;
}

/// Works a status lane off.
pub async fn work_off<D: Db, Q: Queue, T: Teller>(
    hub: &Hub<D, Q>,
    teller: &T,
    chat: &ChatId,
    deadline_ms: Millis,
) -> Result<(), DbError> {
    let lease_ms = T::LONGEST_CALL_MS + LEASE_MARGIN_MS;
    with_lease(
        hub,
        chat,
        Lane::CrmStatus,
        lease_ms,
        deadline_ms,
        |mut run| async move {
            let end = work(hub, teller, chat, &mut run).await?;
            Ok((run, end))
        },
    )
    .await
}

async fn work<D: Db, Q: Queue, T: Teller>(
    hub: &Hub<D, Q>,
    teller: &T,
    chat_id: &ChatId,
    run: &mut Run,
) -> Result<End, DbError> {
    loop {
        let key = keys::chat(chat_id);
        let Some(mut chat) = row::load::<ChatRow>(&hub.db, &key).await? else {
            return Ok(End::Idle);
        };
        let mut next_ms: Option<Millis> = None;
        let mut looks_again = false;
        // The messages are read after the chat: whoever changes one writes the chat, too.
        for seq in chat.untold.clone() {
            let message = row::load::<Message>(&hub.db, &keys::message(chat_id, seq)).await?;
            let Some((message, (crm, status))) = message
                .as_ref()
                .and_then(|message| Some((message, message.untold()?)))
            else {
                chat.untold.remove(&seq);
                continue;
            };
            let not_before = crm.not_before_ms;
            if not_before > hub.clock.now_ms() {
                next_ms = Some(next_ms.map_or(not_before, |next| next.min(not_before)));
                continue;
            }
            match run.has_time_for(hub, T::LONGEST_CALL_MS).await? {
                Some(true) => {}
                Some(false) => return Ok(End::OutOfTime),
                None => return Ok(End::Stolen),
            }
            let crm_id = &crm.message_id;
            match teller.tell(&chat, message, crm_id, status).await? {
                Told::Wait { until_ms } => {
                    next_ms = Some(next_ms.map_or(until_ms, |next| next.min(until_ms)));
                    break;
                }
                told => {
                    let noted = note(hub, message, crm_id, status, told).await?;
                    match noted.and_then(|message| message.untold_crm_status()) {
                        // Whatever comes after this writes the chat, too, and the write below
                        // fails then.
                        None => {
                            chat.untold.remove(&seq);
                        }
                        Some(_) => looks_again = true,
                    }
                }
            }
        }
        if looks_again {
            continue;
        }
        if let Some(end) = lane::rest(hub, chat, Lane::CrmStatus, next_ms).await? {
            return Ok(end);
        }
    }
}

/// Writes down what came of telling; gives the message as it is then.
async fn note<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    message: &Message,
    crm_id: &str,
    status: CrmStatus,
    told: Told,
) -> Result<Option<Message>, DbError> {
    let now = hub.clock.now_ms();
    let is_late = now - message.accepted_ms > PATIENCE_MS;
    match &told {
        Told::NotYet { reason } if is_late => {
            tracing::error!(chat = %message.chat, seq = message.seq, reason, "status given up");
        }
        Told::Never { reason } => {
            tracing::error!(chat = %message.chat, seq = message.seq, reason, "status refused");
        }
        _ => {}
    }
    settle::change_message(hub, &message.chat, message.seq, |message| {
        let mut shown = message.crm_messages_mut();
        let Some(crm) = shown.find(|crm| crm.message_id == crm_id) else {
            return Change::Nothing;
        };
        match &told {
            Told::Yes => {
                crm.told = Some(status);
                crm.attempts = 0;
            }
            Told::NotYet { .. } if !is_late || crm.attempts < 8 => {
                crm.attempts += 1;
                let delay = retry::status_delay(crm.attempts).as_millis() as Millis;
                crm.not_before_ms = now + delay;
            }
            Told::NotYet { .. } | Told::Never { .. } => crm.given_up = true,
            Told::Wait { .. } => return Change::Nothing,
        }
        Change::Write
    })
    .await
}
