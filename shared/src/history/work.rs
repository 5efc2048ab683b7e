//! Working an import off: one chat after the other, at the provider's pace.

use std::sync::Arc;
use std::time::Duration;

use super::{LOOK_AFTER_MS, plan, wake};
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::status::InstanceState;
use crate::green_api::client::{GreenApi, Instance};
use crate::green_api::error::GreenApiError;
use crate::green_api::map::{self, Journaled};
use crate::limiter::{lease, policy};
use crate::pipeline::accept::Home;
use crate::pipeline::history::{self, Import, Step, key_of};
use crate::pipeline::{Hub, whatsapp};
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::history::{self as rows, ChatPhase, ImportRow, ImportedChatRow, Phase};
use crate::store::runtime::Lease;
use crate::store::{keys, row};

/// As long as the longest call, its wait and a step behind it.
pub const LEASE_MS: Millis = 120_000;

/// The longest call and the steps after it: none is begun with less left.
const CALL_MS: Millis = 75_000;

/// The most messages of a chat: as many as a phone hands over when it is linked.
const MOST_MESSAGES: u32 = 10_000;

/// After a refusal for the rate: longer than the second and a half that the provider wants.
const PENALTY: Duration = Duration::from_millis(2_000);

/// How often one chat is tried.
const ATTEMPTS: u32 = 4;

/// How long a chat waits that has too much going on.
const LATER_MS: Millis = 10_000;

/// How long a number that cannot be asked is waited for between two looks.
const TROUBLE_MS: Millis = 60_000;

/// After so long it is no longer waited for.
const MOST_TROUBLE_MS: Millis = 24 * 3600 * 1000;

/// How often it is looked whether a phone has been linked.
const LOOK_MS: Millis = 2_000;

/// What was written later than this before the import began is told by webhooks.
const LIVE_MS: Millis = 60_000;

/// Who works imports off.
#[derive(Debug)]
pub struct Worker<'a, D, Q> {
    /// Tables, queues, time.
    pub hub: &'a Hub<D, Q>,
    /// The gateway.
    pub green: &'a GreenApi,
    /// Which rows are sealed with.
    pub data_keys: Arc<DataKeys>,
}

/// How a run goes on.
enum Next {
    /// At once.
    On,
    /// Not before this time.
    At(Millis),
    /// Not at all: it is at its end, or another run is at it.
    Stop,
}

impl<D: Db, Q: Queue> Worker<'_, D, Q> {
    /// Works on a number's import until it is at its end or `deadline_ms`, milliseconds since 1970,
    /// comes near.
    ///
    /// # Errors
    /// The tables; the sweeper wakes it again.
    pub async fn work_off(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
        deadline_ms: Millis,
    ) -> Result<(), DbError> {
        let hub = self.hub;
        let owner = hub.ids.next();
        let key = keys::import_lease(number);
        let taken = Lease::take(&hub.db, &hub.clock, key, &owner, LEASE_MS).await?;
        let Some(mut lease) = taken else {
            return Ok(());
        };
        let again_at = loop {
            if hub.clock.now_ms() + CALL_MS > deadline_ms {
                break Some(hub.clock.now_ms());
            }
            if !lease.renew(&hub.db, &hub.clock, LEASE_MS).await? {
                return Ok(());
            }
            let Some(import) = rows::import(&hub.db, workspace, number).await? else {
                break None;
            };
            match Box::pin(self.go_on(import)).await? {
                Next::On => {}
                Next::At(at_ms) => break Some(at_ms),
                Next::Stop => break None,
            }
        };
        lease.release(&hub.db).await?;
        if let Some(at_ms) = again_at {
            let delay_ms = u64::try_from(at_ms - hub.clock.now_ms()).unwrap_or(0);
            wake(
                &hub.queue,
                workspace,
                number,
                Duration::from_millis(delay_ms),
            )
            .await;
        }
        Ok(())
    }

    async fn go_on(&self, import: ImportRow) -> Result<Next, DbError> {
        if !import.phase.is_at_work() {
            return Ok(Next::Stop);
        }
        let (db, now_ms) = (&self.hub.db, self.hub.clock.now_ms());
        let key = keys::number(&import.workspace, &import.number);
        let Some(number) = row::load::<NumberRow>(db, &key).await? else {
            let why = "the number was removed".to_owned();
            return self.end(import, Phase::Failed { why }).await;
        };
        let is_linked = number.state == InstanceState::Authorized;
        match import.phase {
            Phase::Waiting { .. } if is_linked => self.begins(import, Phase::Planning).await,
            Phase::Waiting { until_ms } if now_ms >= until_ms => {
                let why = "no phone was linked to the number in time".to_owned();
                self.end(import, Phase::Failed { why }).await
            }
            Phase::Waiting { .. } => Ok(Next::At(now_ms + LOOK_MS)),
            _ if !is_linked => {
                let why = format!(
                    "no phone is linked to the number ({})",
                    number.state.as_str()
                );
                self.trouble(import, why).await
            }
            _ => match whatsapp::instance(&number, &self.data_keys) {
                Err(why) => self.end(import, Phase::Failed { why }).await,
                Ok(instance) if import.phase == Phase::Planning => {
                    self.plan(import, &instance).await
                }
                Ok(instance) => self.next_chat(import, &number, &instance).await,
            },
        }
    }

    /// Writes the job's row; whoever else has written it, somebody who stops it above all, wins.
    async fn save(&self, mut import: ImportRow) -> Result<bool, DbError> {
        let key = keys::import(&import.workspace, &import.number);
        match self.hub.db.write(vec![row::save(key, &mut import)?]).await {
            Ok(()) => Ok(true),
            Err(DbError::Condition { .. } | DbError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn begins(&self, mut import: ImportRow, phase: Phase) -> Result<Next, DbError> {
        let now_ms = self.hub.clock.now_ms();
        if phase == Phase::Running {
            import.measured = Some((now_ms, import.counts.chats_done));
        }
        import.phase = phase;
        import.set_due(Some(now_ms + LOOK_AFTER_MS));
        self.save(import).await?;
        Ok(Next::On)
    }

    async fn end(&self, mut import: ImportRow, phase: Phase) -> Result<Next, DbError> {
        tracing::info!(number = %import.number, counts = ?import.counts, ?phase, "an import ended");
        import.end(phase, self.hub.clock.now_ms());
        self.save(import).await?;
        Ok(Next::Stop)
    }

    /// The number cannot be asked now: it is waited for, for a day.
    async fn trouble(&self, mut import: ImportRow, why: String) -> Result<Next, DbError> {
        let now_ms = self.hub.clock.now_ms();
        let since_ms = import.trouble_since_ms.unwrap_or(now_ms);
        if now_ms - since_ms > MOST_TROUBLE_MS {
            return self.end(import, Phase::Failed { why }).await;
        }
        import.trouble = Some(why);
        import.trouble_since_ms = Some(since_ms);
        import.set_due(Some(now_ms + TROUBLE_MS + LOOK_AFTER_MS));
        self.save(import).await?;
        Ok(Next::At(now_ms + TROUBLE_MS))
    }

    /// One call at its method's pace. A refusal for the rate pushes everybody's schedule.
    async fn ask<T, F>(
        &self,
        number: &NumberId,
        method: &str,
        call: impl Fn() -> F,
    ) -> Result<Result<T, GreenApiError>, DbError>
    where
        F: Future<Output = Result<T, GreenApiError>>,
    {
        let (db, clock) = (&self.hub.db, &self.hub.clock);
        let key = keys::green_limit(number, method);
        let gcra = policy::green_api(method, self.green.spread().j_s());
        for tries in 1.. {
            let reserved = lease::reserve(db, clock, &key, &gcra, 1).await?;
            clock.sleep_until(reserved.departure_us(0) / 1000 + 1).await;
            match call().await {
                Err(GreenApiError::RateLimited) if tries < ATTEMPTS => {
                    tracing::error!(%number, method, "GREEN-API answered 429");
                    lease::penalise(db, clock, &key, &gcra, PENALTY).await?;
                }
                answered => return Ok(answered),
            }
        }
        unreachable!("the loop returns");
    }

    /// Finds out which chats there are. What one method does not tell another may; only if none does,
    /// there is no plan.
    async fn plan(&self, import: ImportRow, instance: &Instance) -> Result<Next, DbError> {
        let (db, number) = (&self.hub.db, &import.number);
        if import.options.failed_only {
            let n_chats = plan::reopen(db, number).await?;
            return self.planned(import, n_chats).await;
        }
        let mut told = plan::Told::default();
        let mut refused = None;
        let green = self.green;
        match self
            .ask(number, "getChats", || green.chats(instance))
            .await?
        {
            Ok(chats) => told.chats = chats,
            Err(error) => refused = Some(error),
        }
        match self
            .ask(number, "getContacts", || green.contacts(instance))
            .await?
        {
            Ok(contacts) => told.contacts = contacts,
            Err(error) => tracing::warn!(%number, %error, "an import without an address book"),
        }
        let now_ms = self.hub.clock.now_ms();
        let minutes = plan::minutes(!told.chats.is_empty(), import.options.since_ms, now_ms);
        let incoming = || green.last_incoming(instance, minutes);
        let outgoing = || green.last_outgoing(instance, minutes);
        let journals = [
            self.ask(number, "lastIncomingMessages", incoming).await?,
            self.ask(number, "lastOutgoingMessages", outgoing).await?,
        ];
        for journal in journals {
            match journal {
                Ok(entries) => told
                    .journals
                    .extend(entries.iter().filter_map(map::journal)),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if let Some(error) = refused.filter(|_| told.chats.is_empty() && told.journals.is_empty()) {
            return self.trouble(import, error.to_string()).await;
        }
        let chats = plan::chats(told, &import.options);
        let n_chats = plan::store(db, number, chats).await?;
        self.planned(import, n_chats).await
    }

    async fn planned(&self, mut import: ImportRow, n_chats: u64) -> Result<Next, DbError> {
        import.counts.chats = n_chats;
        self.begins(import, Phase::Running).await
    }

    async fn next_chat(
        &self,
        import: ImportRow,
        number: &NumberRow,
        instance: &Instance,
    ) -> Result<Next, DbError> {
        let (db, mut after) = (&self.hub.db, import.cursor.clone());
        let chat = loop {
            let next = rows::chats(db, &import.number, after.as_ref(), 1)
                .await?
                .pop();
            match next {
                None => return self.end(import, Phase::Done).await,
                Some(chat) if chat.phase == ChatPhase::Open => break chat,
                Some(chat) => after = Some(chat.alias),
            }
        };
        let alias = &chat.alias;
        let green = self.green;
        let history = || green.chat_history(instance, alias, MOST_MESSAGES);
        match self.ask(&import.number, "getChatHistory", history).await? {
            Ok(entries) => {
                let entries = entries.iter().filter_map(map::journal);
                let entries = entries.filter(|it| is_wanted(it, &import, number));
                self.chat(import.clone(), number, chat.clone(), entries.collect())
                    .await
            }
            Err(error) => self.not_told(import, chat, error).await,
        }
    }

    /// What a refusal means: for the number, for the chat, or for this moment alone.
    async fn not_told(
        &self,
        import: ImportRow,
        mut chat: ImportedChatRow,
        error: GreenApiError,
    ) -> Result<Next, DbError> {
        let now_ms = self.hub.clock.now_ms();
        let why = error.to_string();
        tracing::warn!(number = %import.number, %error, "a chat's history was not told");
        match error {
            GreenApiError::NotAuthorized
            | GreenApiError::Starting
            | GreenApiError::Quota { .. }
            | GreenApiError::BadToken
            | GreenApiError::Expired
            | GreenApiError::Deleted => self.trouble(import, why).await,
            GreenApiError::Refused { .. } | GreenApiError::Forbidden { .. } => {
                self.chat_ends(import, chat, ChatPhase::Failed { why })
                    .await
            }
            _ if chat.attempts + 1 >= ATTEMPTS => {
                self.chat_ends(import, chat, ChatPhase::Failed { why })
                    .await
            }
            _ => {
                chat.attempts += 1;
                let key = keys::imported_chat(&import.number, &chat.alias);
                self.hub.db.write(vec![row::save(key, &mut chat)?]).await?;
                let again_ms = now_ms + LATER_MS * Millis::from(chat.attempts);
                Ok(Next::At(again_ms))
            }
        }
    }

    /// Stores a chat's messages, the oldest first, from where the run before has come to.
    async fn chat(
        &self,
        import: ImportRow,
        number: &NumberRow,
        mut chat: ImportedChatRow,
        mut entries: Vec<Journaled>,
    ) -> Result<Next, DbError> {
        let hub = self.hub;
        entries.sort_by_key(|it| key_of(&it.message));
        entries.dedup_by(|a, b| a.message.remote_id == b.message.remote_id);
        entries.retain(|it| {
            chat.upto
                .as_ref()
                .is_none_or(|upto| key_of(&it.message) > *upto)
        });
        chat.total = chat.saved + chat.skipped + entries.len() as u64;
        let home = Home {
            auto_reply: None,
            ..Home::from(number)
        };
        let alias = chat.alias.clone();
        let name = chat.name.clone();
        let how = Import {
            home: &home,
            alias: &alias,
            name: name.as_deref(),
            files: import.options.files,
            to_crm: import.options.to_crm,
        };
        let mut left = &entries[..];
        while !left.is_empty() {
            match history::step(hub, &how, left, &mut chat).await? {
                Step::Done(n) => left = &left[n..],
                Step::Later => return Ok(Next::At(hub.clock.now_ms() + LATER_MS)),
                Step::Stolen => return Ok(Next::Stop),
            }
        }
        self.chat_ends(import, chat, ChatPhase::Done).await
    }

    /// The chat and the job, together: each chat counts once. Somebody may have stopped the job since
    /// it was read, and the chat counts all the same.
    async fn chat_ends(
        &self,
        import: ImportRow,
        mut chat: ImportedChatRow,
        phase: ChatPhase,
    ) -> Result<Next, DbError> {
        let db = &self.hub.db;
        let failed = u64::from(phase != ChatPhase::Done);
        chat.phase = phase;
        for _ in 0..row::TRIES {
            let found = rows::import(db, &import.workspace, &import.number).await?;
            let Some(mut job) = found.filter(|it| it.started_ms == import.started_ms) else {
                return Ok(Next::Stop);
            };
            job.cursor = Some(chat.alias.clone());
            job.trouble = None;
            job.trouble_since_ms = None;
            job.counts.chats_done += 1;
            job.counts.chats_failed += failed;
            job.counts.total += chat.total;
            job.counts.saved += chat.saved;
            job.counts.skipped += chat.skipped;
            job.counts.placeholders += chat.placeholders;
            if job.phase.is_at_work() {
                job.set_due(Some(self.hub.clock.now_ms() + LOOK_AFTER_MS));
            }
            let mut ended = chat.clone();
            let writes = vec![
                row::save(keys::imported_chat(&job.number, &chat.alias), &mut ended)?,
                row::save(keys::import(&job.workspace, &job.number), &mut job)?,
            ];
            match db.write(writes).await {
                Ok(()) => return Ok(Next::On),
                // The chat's row is this run's alone.
                Err(DbError::Condition { failed }) if failed.contains(&0) => {
                    return Ok(Next::Stop);
                }
                Err(DbError::Condition { .. } | DbError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Next::At(self.hub.clock.now_ms() + LOOK_MS))
    }
}

/// Whether a message is the import's: in the time that was asked for, and not one that webhooks and
/// the comparison of journals bring. A message without a time is as old as can be.
fn is_wanted(entry: &Journaled, import: &ImportRow, number: &NumberRow) -> bool {
    let at_ms = entry.message.at_s.unwrap_or_default().saturating_mul(1000);
    let is_live = at_ms >= import.started_ms - LIVE_MS && at_ms >= number.created_ms;
    !is_live
        && import
            .options
            .since_ms
            .is_none_or(|since_ms| at_ms >= since_ms)
}
