//! The way to the customer's phone, through GREEN-API.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::Hub;
use super::echo::{is_any_sending, is_echo_of};
use super::line::{self, Place};
use super::opt_out;
use super::pacing;
use super::provider::{Looked, Prepared, Provider, Sent};
use super::settle::slot_id;
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::content::{Content, MenuKind};
use crate::domain::delivery::Destination;
use crate::domain::event::{IdKind, NewMessage};
use crate::domain::message::Message;
use crate::domain::operation::{Sending, StateChange};
use crate::domain::status::InstanceState;
use crate::green_api::client::{FileByUrl, GreenApi, Instance, MAX_CAPTION_CHARS, MAX_TEXT_CHARS};
use crate::green_api::error::GreenApiError;
use crate::green_api::map;
use crate::limiter::lease;
use crate::limiter::policy::{self, DrainPace};
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, chat_of_alias, living_chat};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState, NumberRow, Pause, PauseReason};
use crate::store::{keys, row};

/// The time limit of one call; sending a file takes GREEN-API up to 20 s (GREEN-API contract,
/// addressing).
pub const CALL_MS: Millis = 30_000;

/// How long a question about the number may wait for its turn; sends behind it wait as long.
const ASK_WITHIN: Duration = Duration::from_secs(2);

/// How often the state of a number that cannot send is asked for.
const STATE_EVERY_MS: Millis = 15_000;

/// A send that is held up looks again after this time at the latest.
const HELD_EVERY_MS: Millis = 15_000;

/// GREEN-API as a destination.
#[derive(Debug)]
pub struct Whatsapp<'a, D, Q> {
    hub: &'a Hub<D, Q>,
    green: &'a GreenApi,
    keys: Arc<DataKeys>,
}

impl<'a, D: Db, Q: Queue> Whatsapp<'a, D, Q> {
    /// Sends through `green` with the tokens in `hub`'s tables, sealed with `keys`.
    pub fn new(hub: &'a Hub<D, Q>, green: &'a GreenApi, keys: Arc<DataKeys>) -> Self {
        Whatsapp { hub, green, keys }
    }

    async fn number(&self, message: &Message) -> Result<Option<NumberRow>, DbError> {
        row::load(
            &self.hub.db,
            &keys::number(&message.workspace, &message.number),
        )
        .await
    }

    /// Why the number does not send this now, and since when. A restricted number answers people who
    /// have written to it; everybody else waits.
    fn obstacle(number: &NumberRow, chat: &ChatRow) -> Option<(String, Millis)> {
        if let Some(pause) = &number.pause {
            return Some((pause.why.text().to_owned(), pause.since_ms));
        }
        let state = number.state.as_str();
        let reason = match number.state.sending() {
            Sending::All => return None,
            Sending::Answers if chat.last_in_ms > 0 => return None,
            Sending::Answers => {
                format!("WhatsApp has restricted the number ({state}): it only answers")
            }
            Sending::Nothing => format!("the WhatsApp number is not connected ({state})"),
        };
        Some((reason, number.state_since_ms))
    }

    /// Asks GREEN-API whether the number still cannot send: webhooks get lost, and a flap heals.
    async fn recheck(&self, number: NumberRow) -> Result<NumberRow, DbError> {
        let now = self.hub.clock.now_ms();
        let key = keys::green_limit(&number.number, "getStateInstance");
        let gcra = policy::green_api("getStateInstance", self.green.spread().j_s());
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        // Another lane asks at this moment, and all see the answer in the number's row.
        if !lease::depart_within(db, clock, &key, &gcra, ASK_WITHIN).await? {
            return Ok(number);
        }
        let Ok(instance) = instance(&number, &self.keys) else {
            return Ok(number);
        };
        let asked = self.green.state(&instance).await;
        let changed = row::change::<NumberRow>(
            &self.hub.db,
            &keys::number(&number.workspace, &number.number),
            |number| {
                number.checked_ms = now;
                match &asked {
                    Ok(state) => {
                        set_state(number, state.clone(), now);
                        // A number that is connected can still be out of quota.
                        if number
                            .pause
                            .as_ref()
                            .is_some_and(|p| p.why != PauseReason::Quota)
                        {
                            number.pause = None;
                        }
                    }
                    Err(error) => note_error(number, error, now),
                }
                true
            },
        )
        .await?;
        Ok(changed.unwrap_or(number))
    }

    async fn is_uninstalled(&self, number: &NumberRow) -> Result<bool, DbError> {
        let Some(location) = &number.location else {
            return Ok(false);
        };
        let install = row::load::<InstallRow>(&self.hub.db, &keys::install(location)).await?;
        Ok(install.is_some_and(|install| install.state == InstallState::Uninstalled))
    }

    /// Takes a place in GREEN-API's own queue, which can be neither reordered nor stopped: at most
    /// three of ours are in it, at the pace at which it drains.
    async fn slot(
        &self,
        number: &NumberRow,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<Ready>, DbError> {
        let slot = slot_id(&message.chat, message.seq, part);
        let pace = DrainPace::new(number.delay_ms.into());
        match line::take(self.hub, chat, &slot, pace).await? {
            Place::At(at_ms) => Ok(Prepared::Ready {
                with: Ready {
                    number: Box::new(number.clone()),
                },
                at_ms,
            }),
            Place::InLine {
                place,
                watch_ms,
                is_overdue,
            } => {
                if is_overdue {
                    self.recount(number).await?;
                }
                Ok(Prepared::InLine { place, watch_ms })
            }
        }
    }

    /// The `sent` receipts free the places; one that got lost must not block the number.
    async fn recount(&self, number: &NumberRow) -> Result<(), DbError> {
        let hub = self.hub;
        // The places tell of sends whose runs died: those are looked for first.
        if is_any_sending(&hub.db, &number.number).await? {
            return Ok(());
        }
        let Ok(instance) = instance(number, &self.keys) else {
            return Ok(());
        };
        let asked_ms = hub.clock.now_ms();
        let limit = keys::green_limit(&number.number, "getMessagesCount");
        let gcra = policy::green_api("getMessagesCount", self.green.spread().j_s());
        if !lease::depart_within(&hub.db, &hub.clock, &limit, &gcra, ASK_WITHIN).await? {
            return Ok(());
        }
        if let Ok(count) = self.green.queue_length(&instance).await {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            line::recount(hub, &number.number, count, asked_ms).await?;
        }
        Ok(())
    }

    async fn free(&self, message: &Message, part: usize) {
        let slot = slot_id(&message.chat, message.seq, part);
        if let Err(error) = line::free(self.hub, &message.number, &slot).await {
            tracing::warn!(%error, "a place in the provider's queue is freed later");
        }
    }

    /// What a refusal means for the message, and for the number.
    async fn refused(&self, message: &Message, part: usize, error: GreenApiError) -> Sent {
        let now = self.hub.clock.now_ms();
        let reason = error.to_string();
        if !matches!(error, GreenApiError::Ambiguous { .. }) {
            self.free(message, part).await;
        }
        let sent = match &error {
            GreenApiError::Ambiguous { .. } => return Sent::Unknown { reason },
            GreenApiError::FileTooLarge
            | GreenApiError::Refused { .. }
            | GreenApiError::Forbidden { .. } => return Sent::Dead { reason },
            GreenApiError::NotSent { .. } => {
                return Sent::Again {
                    at_ms: None,
                    reason,
                };
            }
            GreenApiError::RateLimited => {
                let penalty = Duration::from_secs(1);
                let key_number = keys::number(&message.workspace, &message.number);
                let delay_ms = row::load::<NumberRow>(&self.hub.db, &key_number)
                    .await
                    .ok()
                    .flatten()
                    .map_or(500, |number| i64::from(number.delay_ms));
                let pace = DrainPace::new(delay_ms);
                let pushed = line::penalise(self.hub, &message.number, pace, penalty).await;
                if let Err(error) = pushed {
                    tracing::warn!(%error, "the schedule was not pushed after a 429");
                }
                tracing::error!(number = %message.number, "GREEN-API answered 429");
                return Sent::Again {
                    at_ms: None,
                    reason,
                };
            }
            GreenApiError::Starting => Sent::Again {
                at_ms: Some(now + 5_000),
                reason,
            },
            GreenApiError::NotAuthorized
            | GreenApiError::Quota { .. }
            | GreenApiError::BadToken
            | GreenApiError::Expired
            | GreenApiError::Deleted => Sent::Again {
                at_ms: Some(now),
                reason,
            },
        };
        // The number as a whole cannot send: what waits is held, and then fails with the reason.
        let key = keys::number(&message.workspace, &message.number);
        let noted = row::change::<NumberRow>(&self.hub.db, &key, |number| {
            note_error(number, &error, now);
            number.checked_ms = now;
            true
        })
        .await;
        if let Err(error) = noted {
            tracing::warn!(number = %message.number, %error, "the number was not paused");
        }
        sent
    }
}

/// What a send needs.
#[derive(Debug)]
pub struct Ready {
    number: Box<NumberRow>,
}

impl<D: Db, Q: Queue> Provider for Whatsapp<'_, D, Q> {
    type Ready = Ready;

    const DESTINATION: Destination = Destination::Whatsapp;
    const LONGEST_CALL_MS: Millis = CALL_MS;
    // GREEN-API's journals lag and lose entries (GREEN-API contract, messages that never arrive).
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = None;

    fn patience_ms(&self) -> Millis {
        self.hub.settings.hold_ms
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<Ready>, DbError> {
        let Some(mut number) = self.number(message).await? else {
            return Ok(Prepared::Dead {
                reason: "the WhatsApp number was removed".into(),
            });
        };
        if self.is_uninstalled(&number).await? {
            return Ok(Prepared::Dead {
                reason: "the app was uninstalled".into(),
            });
        }
        if chat.team.opted_out.is_some() {
            return Ok(Prepared::Dead {
                reason: opt_out::REASON.into(),
            });
        }
        let now = self.hub.clock.now_ms();
        let hold_ms = self.hub.settings.hold_ms;
        if Self::obstacle(&number, chat).is_some()
            && hold_ms > 0
            && now - number.checked_ms >= STATE_EVERY_MS
        {
            number = self.recheck(number).await?;
        }
        if let Some((reason, since_ms)) = Self::obstacle(&number, chat) {
            let until_ms = message.accepted_ms.max(since_ms) + hold_ms;
            if now >= until_ms {
                return Ok(Prepared::Dead { reason });
            }
            return Ok(Prepared::Wait {
                until_ms: until_ms.min(now + HELD_EVERY_MS),
            });
        }
        // That is chosen, and no trouble: it waits as long as it takes.
        let budget = Box::pin(pacing::waits_until(self.hub, &number, chat, message));
        if let Some(until_ms) = budget.await? {
            return Ok(Prepared::Wait { until_ms });
        }
        self.slot(&number, chat, message, part).await
    }

    async fn send(&self, ready: Ready, chat: &ChatRow, message: &Message, part: usize) -> Sent {
        let instance = match instance(&ready.number, &self.keys) {
            Ok(instance) => instance,
            Err(reason) => {
                self.free(message, part).await;
                return Sent::Dead { reason };
            }
        };
        let quotes = message
            .quoted
            .as_ref()
            .and_then(|quoted| quoted.remote_id.as_deref());
        let called = match &message.content {
            Content::Text { text } if text.chars().count() > MAX_TEXT_CHARS => Err(None),
            Content::Text { text } => self
                .green
                .send_message(&instance, &chat.address, text, quotes)
                .await
                .map_err(Some),
            Content::Files { files, caption } => match files.get(part) {
                Some(file) => {
                    let caption = if part == 0 {
                        cut(caption)
                    } else {
                        String::new()
                    };
                    let file = FileByUrl {
                        url: file.send_url().unwrap_or_default(),
                        name: &file.name,
                        caption: &caption,
                    };
                    self.green
                        .send_file_by_url(&instance, &chat.address, file, quotes)
                        .await
                        .map_err(Some)
                }
                None => Err(None),
            },
            Content::Menu(menu) => match menu.menu {
                MenuKind::Interactive => self
                    .green
                    .send_interactive_buttons(&instance, &chat.address, menu)
                    .await
                    .map_err(Some),
                MenuKind::InteractiveReply => self
                    .green
                    .send_interactive_buttons_reply(&instance, &chat.address, menu)
                    .await
                    .map_err(Some),
                MenuKind::Buttons | MenuKind::List | MenuKind::Template => Err(None),
            },
            thing => match self
                .green
                .send_thing(&instance, &chat.address, thing, quotes)
                .await
            {
                Some(called) => called.map_err(Some),
                None => Err(None),
            },
        };
        match called {
            Ok(remote_id) => Sent::Done { remote_id },
            Err(Some(error)) => self.refused(message, part, error).await,
            Err(None) => {
                self.free(message, part).await;
                Sent::Dead {
                    reason: "WhatsApp cannot take a message like this one".into(),
                }
            }
        }
    }

    async fn look(
        &self,
        _: &ChatRow,
        message: &Message,
        part: usize,
        since_ms: Millis,
    ) -> Result<Looked, DbError> {
        let hub = self.hub;
        let Some(number) = self.number(message).await? else {
            return Ok(Looked::NotFound);
        };
        let Ok(instance) = instance(&number, &self.keys) else {
            return Ok(Looked::NotNow);
        };
        for method in ["showMessagesQueue", "lastOutgoingMessages"] {
            let key = keys::green_limit(&number.number, method);
            let gcra = policy::green_api(method, self.green.spread().j_s());
            let slot = lease::reserve(&hub.db, &hub.clock, &key, &gcra, 1).await?;
            hub.clock.sleep_until(slot.departure_us(0) / 1000 + 1).await;
        }
        let Ok(queued) = self.green.queue(&instance).await else {
            return Ok(Looked::NotNow);
        };
        for entry in queued.iter().filter_map(map::queued) {
            let as_message = seen(&entry.chat, entry.content, entry.remote_ids.first());
            if let Some(id) = self
                .matches(&number, message, part, since_ms, as_message)
                .await?
            {
                return Ok(Looked::Found {
                    remote_id: id,
                    status: None,
                });
            }
        }
        let minutes = (hub.clock.now_ms() - since_ms).max(0) / 60_000 + 2;
        let minutes = u32::try_from(minutes).unwrap_or(u32::MAX).min(24 * 60);
        let Ok(journal) = self.green.last_outgoing(&instance, minutes).await else {
            return Ok(Looked::NotNow);
        };
        for entry in journal.iter().filter_map(map::journal) {
            let status = entry.status;
            if let Some(id) = self
                .matches(&number, message, part, since_ms, Some(entry.message))
                .await?
            {
                return Ok(Looked::Found {
                    remote_id: id,
                    status,
                });
            }
        }
        Ok(Looked::NotFound)
    }
}

impl<D: Db, Q: Queue> Whatsapp<'_, D, Q> {
    /// The id of a journal's entry if it is of this part, and nobody has claimed it.
    async fn matches(
        &self,
        number: &NumberRow,
        message: &Message,
        part: usize,
        since_ms: Millis,
        entry: Option<NewMessage>,
    ) -> Result<Option<String>, DbError> {
        let Some(entry) = entry.filter(|entry| is_echo_of(entry, message, part, since_ms)) else {
            return Ok(None);
        };
        let db = &self.hub.db;
        let is_same_chat = match chat_of_alias(db, &number.number, &entry.chat).await? {
            Some(known) => living_chat(db, &known.chat)
                .await?
                .is_some_and(|chat| chat.chat == message.chat),
            // Sent to a phone, written down under a linked id that nobody has seen yet.
            None => entry.chat.kind() == AliasKind::Lid,
        };
        if !is_same_chat {
            return Ok(None);
        }
        let key = keys::whatsapp_id(&number.number, IdKind::Message, &entry.remote_id);
        let id = row::load::<IdRow>(db, &key).await?;
        Ok(id
            .is_none_or(|id| id.claimed.is_none())
            .then_some(entry.remote_id))
    }
}

/// A place in the provider's queue, as an echo would tell it.
fn seen(chat: &Alias, content: Content, remote_id: Option<&String>) -> Option<NewMessage> {
    Some(NewMessage {
        kind: IdKind::Message,
        remote_id: remote_id?.clone(),
        direction: crate::domain::message::Direction::Out,
        origin: crate::domain::message::Origin::Whatsapp,
        api_echo: true,
        chat: chat.clone(),
        chat_name: None,
        phone: None,
        author: crate::domain::event::Author::default(),
        at_s: None,
        content,
        quoted: None,
    })
}

/// What a call to GREEN-API needs of a number.
pub fn instance(number: &NumberRow, keys: &DataKeys) -> Result<Instance, String> {
    let context = NumberRow::seal_context(&number.workspace, &number.number, NumberRow::TOKEN);
    let token: SecretString = keys
        .open(&number.token_sealed, &context)
        .map_err(|error| format!("the number's stored token does not open: {error}"))?;
    let url = |text: &str| {
        Url::parse(text).map_err(|_| "the number's stored address is not one".to_owned())
    };
    Ok(Instance {
        id: number.id_instance,
        token,
        api_url: url(&number.api_url)?,
        media_url: number.media_url.as_deref().map(url).transpose()?,
    })
}

/// How many changes of the state are kept until they are told; a number that flaps more often than
/// anybody looks loses the first ones.
const MOST_CHANGES: usize = 50;

/// When a change of the state is looked at, at the latest: longer than it may flap.
const LOOK_WITHIN_MS: Millis = 20_000;

/// Notes a state, since when, and that it changed, which the sweeper tells.
pub fn set_state(number: &mut NumberRow, state: InstanceState, now: Millis) {
    if number.state == state {
        return;
    }
    let from = std::mem::replace(&mut number.state, state.clone());
    number.state_since_ms = now;
    // Each has a time of its own, which is its name as well.
    let after_ms = number.changes.last().map_or(now, |last| last.at_ms + 1);
    number.changes.push(StateChange {
        at_ms: now.max(after_ms),
        from,
        to: state,
    });
    if number.changes.len() > MOST_CHANGES {
        number.changes.remove(0);
    }
    number.set_due_by(now + LOOK_WITHIN_MS);
}

/// Notes what GREEN-API told of a number: its state, and the account where it is known. A number
/// without a phone keeps the account that it had last.
pub fn note_state(number: &mut NumberRow, state: InstanceState, wid: Option<String>, now: Millis) {
    number.checked_ms = now;
    if wid.is_some() {
        number.wid = wid;
    }
    // A number that is linked can still be out of quota.
    let is_over = |pause: &mut Pause| pause.why != PauseReason::Quota;
    if state.can_send() {
        number.pause.take_if(is_over);
    }
    set_state(number, state, now);
}

/// Notes what a refused call says about the number as a whole.
pub fn note_error(number: &mut NumberRow, error: &GreenApiError, now: Millis) {
    let why = match error {
        GreenApiError::NotAuthorized => {
            return set_state(number, InstanceState::NotAuthorized, now);
        }
        GreenApiError::Starting => return set_state(number, InstanceState::Starting, now),
        GreenApiError::Quota { .. } => PauseReason::Quota,
        GreenApiError::BadToken => PauseReason::BadToken,
        GreenApiError::Expired => PauseReason::Expired,
        GreenApiError::Deleted => PauseReason::Deleted,
        _ => return,
    };
    if number.pause.as_ref().is_none_or(|pause| pause.why != why) {
        tracing::error!(number = %number.number, ?why, "the number is paused");
        number.pause = Some(Pause { why, since_ms: now });
    }
}

fn cut(caption: &str) -> String {
    caption.chars().take(MAX_CAPTION_CHARS).collect()
}
