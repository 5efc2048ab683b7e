//! The way into the CRM: GoHighLevel's contacts, conversations and statuses.

mod contact;
mod files;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use self::files::{attachments, carried};
use super::Hub;
use super::crm_status::{Teller, Told};
use super::provider::{Looked, Prepared, Provider, Sent};
use super::sms;
use super::tokens::{TokenError, Tokens};
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::delivery::Destination;
use crate::domain::ids::{ContactId, LocationId};
use crate::domain::message::{CrmStatus, Message, Origin};
use crate::domain::sms::{Active, Providers};
use crate::domain::text::{self, Lang, TextInput};
use crate::ghl::client::{Answer, Ghl};
use crate::ghl::error::GhlError;
use crate::ghl::map;
use crate::ghl::messages::ExportQuery;
use crate::ghl::oauth::OAuth;
use crate::limiter::{lease, policy};
use crate::media::link::Links;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::directory::WorkspaceRow;
use crate::store::{keys, row};

/// The time limit of a post: GoHighLevel's client has 15 s, and a token may have to be refreshed.
const CALL_MS: Millis = 40_000;

/// When what is not the message's fault is tried again.
const SOON_MS: Millis = 15_000;
const LATER_MS: Millis = 5 * 60 * 1000;

/// How long a post waits for its departure: what departs later ends the run of the lane.
const POST_WITHIN: Duration = Duration::from_secs(2);

/// How long each of the calls that come before a post waits. Longer, since a run that broke off
/// between them would have to begin again.
const CALL_WITHIN: Duration = Duration::from_secs(10);

/// How many pages of the location's messages are searched for one.
const LOOK_PAGES: usize = 5;

/// GoHighLevel as a destination.
#[derive(Debug)]
pub struct Crm<'a, D, Q> {
    hub: &'a Hub<D, Q>,
    ghl: &'a Ghl,
    tokens: Tokens<'a, D, Q>,
    providers: &'a Providers,
    links: &'a Links,
}

/// What a post needs.
#[derive(Debug)]
pub struct Ready {
    location: LocationId,
    token: SecretString,
    contact: ContactId,
    lang: Lang,
    active: Option<Active>,
}

/// Why nothing can be posted now.
enum Obstacle {
    Wait(Millis),
    Dead(String),
}

impl<'a, D: Db, Q: Queue> Crm<'a, D, Q> {
    /// Posts as the one of `providers` that the location has, with the tokens in `hub`'s tables. `links`
    /// makes the addresses of files.
    pub fn new(
        hub: &'a Hub<D, Q>,
        ghl: &'a Ghl,
        oauth: &'a OAuth,
        keys: Arc<DataKeys>,
        providers: &'a Providers,
        links: &'a Links,
    ) -> Self {
        Crm {
            hub,
            ghl,
            tokens: Tokens::new(hub, oauth, keys),
            providers,
            links,
        }
    }

    async fn workspace(&self, chat: &ChatRow) -> Result<Option<WorkspaceRow>, DbError> {
        row::load(&self.hub.db, &keys::workspace(&chat.workspace)).await
    }

    /// A token, or when to ask again. What waits for a person to authorise is kept.
    async fn token(
        &self,
        location: &LocationId,
    ) -> Result<Result<SecretString, Obstacle>, DbError> {
        let known = self.token_for_posts(location).await?;
        Ok(known.map(|(token, _)| token))
    }

    /// The same, and which of the app's SMS providers the location has.
    async fn token_for_posts(
        &self,
        location: &LocationId,
    ) -> Result<Result<(SecretString, Option<Active>), Obstacle>, DbError> {
        let now = self.hub.clock.now_ms();
        Ok(match self.tokens.for_posts(location).await {
            Ok(known) => Ok(known),
            Err(TokenError::Db(error)) => return Err(error),
            Err(TokenError::NotInstalled) => Err(Obstacle::Dead(
                "the app is not installed in GoHighLevel".into(),
            )),
            Err(TokenError::NotNow(_)) => Err(Obstacle::Wait(now + SOON_MS)),
            Err(TokenError::NeedsReauthorization | TokenError::Suspended) => {
                Err(Obstacle::Wait(now + LATER_MS))
            }
        })
    }

    /// When the next call may depart, if that is within `wait`, and else when to ask again. Every
    /// call takes a slot.
    async fn slot(
        &self,
        location: &LocationId,
        wait: Duration,
    ) -> Result<Result<Millis, Millis>, DbError> {
        let hub = self.hub;
        let key = keys::ghl_limit(location);
        let gcra = policy::ghl(self.ghl.spread().j_s());
        let asked = lease::reserve_within(&hub.db, &hub.clock, &key, &gcra, wait).await?;
        Ok(asked.map(|reserved| {
            reserved.departure_us(0) / 1000 + i64::from(reserved.departure_us(0) % 1000 != 0)
        }))
    }

    /// Sleeps until a call may depart. If that takes too long it is as if GoHighLevel had refused
    /// the call for being one too many.
    async fn depart(&self, location: &LocationId) -> Result<Result<(), GhlError>, DbError> {
        let clock = &self.hub.clock;
        Ok(match self.slot(location, CALL_WITHIN).await? {
            Ok(at_ms) => {
                clock.sleep_until(at_ms).await;
                Ok(())
            }
            Err(again_ms) => {
                let wait_ms = (again_ms - clock.now_ms()).max(0) as u64;
                Err(GhlError::RateLimited {
                    retry_after: Some(Duration::from_millis(wait_ms)),
                    daily: false,
                })
            }
        })
    }

    /// A call that can be repeated without harm: waits for its slot, and once for a new token.
    async fn call<T, F>(
        &self,
        location: &LocationId,
        token: &mut SecretString,
        call: impl Fn(SecretString) -> F,
    ) -> Result<Result<T, GhlError>, DbError>
    where
        F: Future<Output = Result<Answer<T>, GhlError>>,
    {
        if let Err(busy) = self.depart(location).await? {
            return Ok(Err(busy));
        }
        let first = call(token.clone()).await;
        let second = match first {
            Err(GhlError::Unauthorized(said)) => {
                match self.tokens.other_than(location, token).await {
                    Ok(other) => {
                        *token = other;
                        if let Err(busy) = self.depart(location).await? {
                            return Ok(Err(busy));
                        }
                        call(token.clone()).await
                    }
                    Err(TokenError::Db(error)) => return Err(error),
                    Err(_) => Err(GhlError::Unauthorized(said)),
                }
            }
            answered => answered,
        };
        if let Err(GhlError::RateLimited { retry_after, daily }) = &second {
            self.slow_down(location, *retry_after, *daily).await;
        }
        Ok(second.map(|answer| answer.value))
    }

    /// Asks which providers the location has, after a post was refused for the one that it named;
    /// says whether the next post will name another.
    async fn has_other_provider(&self, ready: &Ready) -> bool {
        let (hub, providers) = (self.hub, self.providers);
        let (location, token) = (&ready.location, &ready.token);
        let told = sms::learn(&hub.db, &hub.clock, self.ghl, providers, location, token).await;
        match told {
            Ok(told) => {
                told.is_some() && providers.posting(told) != providers.posting(ready.active)
            }
            Err(error) => {
                tracing::warn!(%location, %error, "the location's SMS providers were not kept");
                false
            }
        }
    }

    /// Everybody's schedule gives way.
    async fn slow_down(&self, location: &LocationId, retry_after: Option<Duration>, daily: bool) {
        let hub = self.hub;
        tracing::error!(%location, daily, "GoHighLevel answered 429");
        let penalty = retry_after.unwrap_or(Duration::from_secs(if daily { 900 } else { 10 }));
        let key = keys::ghl_limit(location);
        if let Err(error) = lease::penalise(
            &hub.db,
            &hub.clock,
            &key,
            &policy::ghl(self.ghl.spread().j_s()),
            penalty,
        )
        .await
        {
            tracing::warn!(%error, "the schedule was not pushed after a 429");
        }
    }

    /// What an error of a call that can be repeated means.
    fn obstacle(&self, error: &GhlError) -> Obstacle {
        let now = self.hub.clock.now_ms();
        match error {
            GhlError::Refused { .. } | GhlError::Gone(_) => Obstacle::Dead(error.to_string()),
            GhlError::Misconfigured(_) | GhlError::WrongProvider(_) | GhlError::OtherTenant(_) => {
                tracing::error!(%error, "GoHighLevel refuses the app");
                Obstacle::Wait(now + LATER_MS)
            }
            GhlError::RateLimited { retry_after, .. } => Obstacle::Wait(now + soon(*retry_after)),
            _ => Obstacle::Wait(now + SOON_MS),
        }
    }
}

/// When to try again after a refusal for being one too many, milliseconds from now.
fn soon(retry_after: Option<Duration>) -> Millis {
    retry_after.map_or(SOON_MS, |wait| wait.as_millis() as Millis)
}

impl<D: Db, Q: Queue> Provider for Crm<'_, D, Q> {
    type Ready = Ready;

    const DESTINATION: Destination = Destination::Crm;
    const LONGEST_CALL_MS: Millis = CALL_MS;
    // The export lists what was stored; a minute covers the lag that was seen (GHL contract,
    // conversations).
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = Some(60_000);

    fn patience_ms(&self) -> Millis {
        // An agent still wants yesterday's messages; a CRM that is down for days is another matter.
        3 * 24 * 3_600_000
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<Ready>, DbError> {
        let not_linked = || Prepared::Dead {
            reason: "no CRM is linked to the workspace".into(),
        };
        let Some(workspace) = self.workspace(chat).await? else {
            return Ok(not_linked());
        };
        let Some(location) = workspace.location.clone() else {
            return Ok(not_linked());
        };
        let stop = |obstacle| match obstacle {
            Obstacle::Wait(until_ms) => Prepared::Wait { until_ms },
            Obstacle::Dead(reason) => Prepared::Dead { reason },
        };
        let (mut token, active) = match self.token_for_posts(&location).await? {
            Ok(known) => known,
            Err(obstacle) => return Ok(stop(obstacle)),
        };
        // The chat in hand may be older than the contact that an earlier message of this run made,
        // or have one that the last attempt found to be gone.
        let is_first_attempt = message
            .deliveries
            .get(&Destination::Crm)
            .and_then(|delivery| delivery.parts.get(part))
            .is_none_or(|part| part.attempts == 0);
        let fresh = match chat.crm {
            Some(_) if is_first_attempt => None,
            _ => row::load::<ChatRow>(&self.hub.db, &keys::chat(&message.chat)).await?,
        };
        let chat = fresh.as_ref().unwrap_or(chat);
        let contact = match self
            .contact(chat, &workspace, &location, &mut token)
            .await?
        {
            Ok(contact) => contact,
            Err(obstacle) => return Ok(stop(obstacle)),
        };
        let at_ms = match self.slot(&location, POST_WITHIN).await? {
            Ok(at_ms) => at_ms,
            Err(until_ms) => return Ok(Prepared::Wait { until_ms }),
        };
        let with = Ready {
            location,
            token,
            contact,
            lang: workspace.lang,
            active,
        };
        Ok(Prepared::Ready { with, at_ms })
    }

    async fn send(&self, ready: Ready, chat: &ChatRow, message: &Message, part: usize) -> Sent {
        let files = carried(message, part);
        let again_at = files
            .iter()
            .find(|file| file.missing.is_some())
            .and_then(|file| self.links.of(message, file));
        let text = match (part, message.origin) {
            (0, Origin::Workflow | Origin::Panel | Origin::AutoReply | Origin::Telegram) => {
                text::sent_text(&message.content, ready.lang)
            }
            (0, _) => {
                let input = TextInput {
                    content: &message.content,
                    quoted: message.quoted.as_ref(),
                    direction: message.direction,
                    chat: &chat.address,
                    author: &message.author,
                    phone: chat.phone.as_deref(),
                    again_at: again_at.as_deref(),
                };
                text::crm_text(input, ready.lang)
            }
            _ => text::late_files(&files, again_at.as_deref(), ready.lang),
        };
        let attachments = attachments(message, &files, self.links);
        let post = map::inbound_post(
            message,
            part,
            &text,
            attachments,
            &ready.contact,
            self.providers.posting(ready.active),
        );
        let mut posted = self.ghl.post_inbound(&ready.token, &post).await;
        if let Err(GhlError::Unauthorized(_)) = &posted
            && let Ok(token) = self.tokens.other_than(&ready.location, &ready.token).await
            && let Ok(Ok(at_ms)) = self.slot(&ready.location, POST_WITHIN).await
        {
            self.hub.clock.sleep_until(at_ms).await;
            posted = self.ghl.post_inbound(&token, &post).await;
        }
        // An extra channel that the location does not have may also answer that it stored nothing.
        let is_elsewhere = match &posted {
            Err(GhlError::WrongProvider(_) | GhlError::NotStored) => {
                self.has_other_provider(&ready).await
            }
            _ => false,
        };
        let now = self.hub.clock.now_ms();
        match posted {
            Ok(answer) => Sent::Done {
                remote_id: answer.value.message_id,
            },
            Err(error) => {
                let reason = error.to_string();
                match error {
                    GhlError::Gone(_) => {
                        if let Err(error) = self.forget_contact(chat).await {
                            tracing::warn!(%error, "a contact that is gone was not forgotten");
                        }
                        Sent::Again {
                            at_ms: Some(now),
                            reason,
                        }
                    }
                    GhlError::RateLimited { retry_after, daily } => {
                        self.slow_down(&ready.location, retry_after, daily).await;
                        Sent::Again {
                            at_ms: Some(now),
                            reason,
                        }
                    }
                    GhlError::Unavailable { .. } | GhlError::NotStored => {
                        Sent::LookThenAgain { reason }
                    }
                    GhlError::Ambiguous | GhlError::Unreadable { .. } => Sent::Unknown { reason },
                    GhlError::Refused { .. } => Sent::Dead { reason },
                    GhlError::WrongProvider(_) if is_elsewhere => Sent::Again {
                        at_ms: Some(now),
                        reason,
                    },
                    GhlError::Misconfigured(_)
                    | GhlError::WrongProvider(_)
                    | GhlError::OtherTenant(_) => {
                        tracing::error!(location = %ready.location, reason, "GoHighLevel refuses the app");
                        Sent::Again {
                            at_ms: Some(now + LATER_MS),
                            reason,
                        }
                    }
                    _ => Sent::Again {
                        at_ms: None,
                        reason,
                    },
                }
            }
        }
    }

    async fn look(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
        since_ms: Millis,
    ) -> Result<Looked, DbError> {
        let (Some(crm), Some(alt_id)) = (&chat.crm, map::alt_id(message, part)) else {
            return Ok(Looked::NotFound);
        };
        let mut token = match self.token(&crm.location).await? {
            Ok(token) => token,
            Err(_) => return Ok(Looked::NotNow),
        };
        let mut query = ExportQuery {
            location: crm.location.clone(),
            contact: Some(crm.contact.clone()),
            start_ms: Some(message.at_ms.min(since_ms) - 60_000),
            cursor: None,
        };
        for _ in 0..LOOK_PAGES {
            let ghl = self.ghl;
            let query_ref = &query;
            let page = self
                .call(&crm.location, &mut token, |token| async move {
                    ghl.export_messages(&token, query_ref).await
                })
                .await?;
            let Ok(page) = page else {
                return Ok(Looked::NotNow);
            };
            let found = page
                .messages
                .into_iter()
                .find(|entry| entry.alt_id.as_ref() == Some(&alt_id));
            if let Some(found) = found {
                return Ok(Looked::Found {
                    remote_id: found.id,
                    status: None,
                });
            }
            match page.next_cursor {
                Some(next) => query.cursor = Some(next),
                None => return Ok(Looked::NotFound),
            }
        }
        Ok(Looked::NotNow)
    }
}

impl<D: Db, Q: Queue> Teller for Crm<'_, D, Q> {
    const LONGEST_CALL_MS: Millis = CALL_MS;

    async fn tell(
        &self,
        chat: &ChatRow,
        message: &Message,
        crm_id: &str,
        status: CrmStatus,
    ) -> Result<Told, DbError> {
        let location = match &chat.crm {
            Some(crm) => crm.location.clone(),
            None => match self
                .workspace(chat)
                .await?
                .and_then(|workspace| workspace.location)
            {
                Some(location) => location,
                None => {
                    return Ok(Told::Never {
                        reason: "no CRM is linked".into(),
                    });
                }
            },
        };
        let mut token = match self.token(&location).await? {
            Ok(token) => token,
            Err(Obstacle::Wait(until_ms)) => return Ok(Told::Wait { until_ms }),
            Err(Obstacle::Dead(reason)) => return Ok(Told::Never { reason }),
        };
        let update = map::status_update(status, message.status_reason.as_deref());
        let ghl = self.ghl;
        let update = &update;
        let told = self
            .call(&location, &mut token, |token| async move {
                ghl.put_status(&token, crm_id, update).await
            })
            .await?;
        Ok(match told {
            Ok(()) => Told::Yes,
            Err(GhlError::RateLimited { retry_after, .. }) => Told::Wait {
                until_ms: self.hub.clock.now_ms() + soon(retry_after),
            },
            Err(error @ (GhlError::Refused { .. } | GhlError::Gone(_))) => Told::Never {
                reason: error.to_string(),
            },
            Err(error) => Told::NotYet {
                reason: error.to_string(),
            },
        })
    }
}
