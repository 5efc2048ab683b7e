//! The safety net under everything that can get lost: wake-ups, webhooks, deliveries, settings.
//!
//! Every step can be repeated, and none of them stops the others: what fails is due again a minute
//! later.

mod agencies;
pub mod backups;
mod orphans;
mod removal;

use std::sync::Arc;
use std::time::Duration;

use greenhub::account::install::Installer;
use greenhub::account::numbers::{self, Settled, Settler};
use greenhub::account::uninstall;
use greenhub::clock::Millis;
use greenhub::crypto::DataKeys;
use greenhub::domain::sms::Providers;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::messages::ExportedMessage;
use greenhub::ghl::oauth::OAuth;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::green_api::client::GreenApi;
use greenhub::history;
use greenhub::media::erase::EraseError;
use greenhub::media::store::FileStore;
use greenhub::pipeline::inbox::{self, Taken, Tenant};
use greenhub::pipeline::reconcile::{self, Missed};
use greenhub::pipeline::telegram::{states, webhook};
use greenhub::pipeline::{Hub, sweep};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow, WorkspaceRow};
use greenhub::store::history::ImportRow;
use greenhub::store::keys::{self, DueRow};
use greenhub::store::row;
use greenhub::store::runtime::Lease;
use greenhub::telegram::client::Telegram;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

/// One run at a time is enough. As long as a run may take, so that none overlaps with the next.
const LEASE_MS: Millis = 130_000;

/// How much of a run agencies' sub-accounts may take: hundreds of them can wait at once, and all else
/// comes after them.
const MEMBERS_MS: Millis = 40_000;

/// How long after an installation the location's name and country are asked for at each look.
const DRESS_MS: Millis = 60 * 60 * 1000;
/// How much of a run the conversations of one removed number may take.
const ERASE_MS: Millis = 20_000;

/// What a run needs.
#[derive(Debug)]
pub struct Sweeper<D, Q, S> {
    /// Tables, queues, time.
    pub hub: Hub<D, Q>,
    /// The gateway.
    pub green: GreenApi,
    /// The CRM.
    pub ghl: Ghl,
    /// Its token endpoint.
    pub oauth: OAuth,
    /// Where files are.
    pub files: S,
    /// Which rows are sealed with.
    pub data_keys: Arc<DataKeys>,
    /// The app's conversation providers.
    pub providers: Providers,
    /// Where GREEN-API and Telegram reach us.
    pub public_base_url: Url,
    /// The bot and what proves that an update is Telegram's, if there is one.
    pub telegram: Option<(Telegram, SecretString)>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Another run is at it.
    pub is_busy: bool,
    /// Chats whose lanes were woken.
    pub chats_woken: usize,
    /// Numbers that were compared.
    pub numbers: usize,
    /// Messages that no webhook had told.
    pub messages_recovered: usize,
    /// Receipts that no webhook had told.
    pub receipts_recovered: usize,
    /// Locations that were compared.
    pub locations: usize,
    /// Messages of agents that had never been delivered to us.
    pub deliveries_recovered: usize,
    /// Imports that nobody was at.
    pub imports_woken: usize,
    /// Agencies' sub-accounts that got their tokens.
    pub members: usize,
    /// Numbers that got their own webhook settings back.
    pub numbers_released: usize,
    /// Steps that failed; each is in the log.
    pub failures: usize,
}

impl<D: Db, Q: Queue, S: FileStore> Sweeper<D, Q, S> {
    /// Does what is due, until nothing is or `deadline_ms` comes near.
    ///
    /// # Errors
    /// Only if the tables do not answer at all.
    pub async fn sweep(&self, deadline_ms: Millis) -> Result<Report, DbError> {
        let hub = &self.hub;
        let key = keys::sweeper_lease();
        let owner = hub.ids.next();
        let Some(lease) = Lease::take(&hub.db, &hub.clock, key, &owner, LEASE_MS).await? else {
            return Ok(Report {
                is_busy: true,
                ..Report::default()
            });
        };
        let mut report = Report {
            chats_woken: sweep::wake_due_lanes(hub).await?,
            ..Report::default()
        };
        let (mut members, mut others) = (Vec::new(), Vec::new());
        for due in reconcile::due(hub).await? {
            match due {
                DueRow::Member(company, location) => members.push((company, location)),
                other => others.push(other),
            }
        }
        let members_until_ms = deadline_ms.min(hub.clock.now_ms() + MEMBERS_MS);
        self.members(members, members_until_ms, &mut report).await;
        for due in others {
            if hub.clock.now_ms() >= deadline_ms {
                break;
            }
            if let Err(error) = Box::pin(self.see_to(&due, deadline_ms, &mut report)).await {
                report.failures += 1;
                tracing::error!(?due, %error, "left to the next run");
            }
        }
        self.listen_to_telegram(&mut report).await;
        lease.release(&hub.db).await?;
        tracing::info!(report = %serde_json::json!(report), "swept");
        Ok(report)
    }

    /// Has Telegram tell us what happens, where it does not.
    async fn listen_to_telegram(&self, report: &mut Report) {
        let Some((bot, secret)) = &self.telegram else {
            return;
        };
        let now_ms = self.hub.clock.now_ms();
        match webhook::keep(bot, &self.public_base_url, secret, now_ms).await {
            Ok(webhook::Told::AsBefore) => {}
            Ok(webhook::Told::Anew) => tracing::info!("Telegram was told where updates go"),
            Err(error) => {
                report.failures += 1;
                tracing::warn!(%error, "Telegram may not know where updates go");
            }
        }
    }

    async fn see_to(
        &self,
        due: &DueRow,
        deadline_ms: Millis,
        report: &mut Report,
    ) -> Result<(), DbError> {
        match due {
            DueRow::Number(workspace, number) => {
                let key = keys::number(workspace, number);
                let number = row::load::<NumberRow>(&self.hub.db, &key).await?;
                // The index lags behind, and an earlier step of this run may have seen to it.
                let now_ms = self.hub.clock.now_ms();
                let is_due = |number: &NumberRow| number.due_at.is_some_and(|at| at <= now_ms);
                if let Some(number) = number.filter(is_due) {
                    self.number(number, report).await?;
                }
            }
            DueRow::GoneNumber(workspace, number) => {
                let until_ms = deadline_ms.min(self.hub.clock.now_ms() + ERASE_MS);
                let (db, clock) = (&self.hub.db, &self.hub.clock);
                let erased =
                    numbers::erase_gone(db, &self.files, clock, workspace, number, until_ms);
                match erased.await {
                    Ok(()) => {}
                    Err(EraseError::Db(error)) => return Err(error),
                    Err(EraseError::Store(error)) => {
                        report.failures += 1;
                        tracing::error!(%number, %error, "a removed number's files are still there");
                    }
                }
            }
            DueRow::Install(location) => {
                let key = keys::install(location);
                match row::load::<InstallRow>(&self.hub.db, &key).await? {
                    Some(install) if install.state != InstallState::Uninstalled => {
                        self.location(install, report).await?;
                    }
                    Some(install) => {
                        let (db, clock) = (&self.hub.db, &self.hub.clock);
                        for number in uninstall::let_go_of_numbers(db, clock, &install).await? {
                            self.release(&number, &install, report).await?;
                        }
                    }
                    None => {}
                }
            }
            DueRow::Company(company) => {
                let until_ms = deadline_ms.min(self.hub.clock.now_ms() + MEMBERS_MS);
                Box::pin(self.company(company, until_ms)).await?;
            }
            DueRow::Import(workspace, number) => {
                let key = keys::import(workspace, number);
                let import = row::load::<ImportRow>(&self.hub.db, &key).await?;
                if import.is_some_and(|it| it.phase.is_at_work()) {
                    // Whoever is at it has the lease; the others go away.
                    history::wake(&self.hub.queue, workspace, number, Duration::ZERO).await;
                    report.imports_woken += 1;
                }
            }
            DueRow::Orphan(location) => Box::pin(self.orphan(location, deadline_ms)).await?,
            DueRow::Member(company, location) => {
                let one = vec![(company.clone(), location.clone())];
                self.members(one, deadline_ms, report).await;
            }
        }
        Ok(())
    }

    fn settler(&self) -> Settler<'_, D> {
        Settler {
            db: &self.hub.db,
            clock: &self.hub.clock,
            green: &self.green,
            data_keys: &self.data_keys,
            public_base_url: &self.public_base_url,
        }
    }

    async fn number(&self, number: NumberRow, report: &mut Report) -> Result<(), DbError> {
        if let Some(removed) = self.removed_install(&number).await? {
            return self.release(&number, &removed, report).await;
        }
        if !number.configured {
            let settler = self.settler();
            match settler
                .settle_settings(&number.workspace, &number.number)
                .await
            {
                Ok(Settled::Done) => {}
                // The row says when to try again; there is nothing to compare before.
                Ok(_) => return Ok(()),
                Err(error) => {
                    report.failures += 1;
                    tracing::error!(number = %number.number, %error, "settings are not written");
                }
            }
        }
        let found = reconcile::number(&self.hub, &self.green, &self.data_keys, &number).await?;
        if found.messages > 0 {
            // Somebody may have set the webhook to somewhere else: nothing is written that is set.
            let settled = self.settler();
            let settled = settled.settle_settings(&number.workspace, &number.number);
            if let Err(error) = settled.await {
                report.failures += 1;
                tracing::error!(number = %number.number, %error, "settings are not compared");
            }
        }
        self.tell_the_channel(&number, report).await;
        report.numbers += 1;
        report.messages_recovered += found.messages;
        report.receipts_recovered += found.receipts;
        Ok(())
    }

    /// Has the number's channel know its state.
    async fn tell_the_channel(&self, number: &NumberRow, report: &mut Report) {
        let Some((bot, _)) = &self.telegram else {
            return;
        };
        if let Err(error) = Box::pin(states::post(&self.hub, bot, number)).await {
            report.failures += 1;
            tracing::error!(number = %number.number, %error, "its channel is not told of its state");
        }
    }

    /// Asks for a new location's name and country, if nobody has told them yet.
    async fn dress(&self, install: &InstallRow) -> Result<(), DbError> {
        let hub = &self.hub;
        if hub.clock.now_ms() - install.installed_ms > DRESS_MS {
            return Ok(());
        }
        let key = keys::workspace(&install.workspace);
        let workspace = row::load::<WorkspaceRow>(&hub.db, &key).await?;
        if workspace.is_none_or(|workspace| workspace.country.is_some()) {
            return Ok(());
        }
        if let Ok(token) = self.usable(self.tokens().access(&install.location).await)? {
            let installer = Installer {
                db: &hub.db,
                clock: &hub.clock,
                ids: &hub.ids,
                data_keys: &self.data_keys,
                ghl: &self.ghl,
            };
            installer
                .dress(&install.workspace, &install.location, &token)
                .await;
        }
        Ok(())
    }

    async fn location(&self, install: InstallRow, report: &mut Report) -> Result<(), DbError> {
        let tokens = self.tokens();
        self.dress(&install).await?;
        let missing =
            reconcile::install(&self.hub, &self.ghl, &tokens, &self.providers, &install).await?;
        report.locations += 1;
        if missing.is_empty() {
            return Ok(());
        }
        let tenant = Tenant::of(&self.hub.db, install).await?;
        let install = &tenant.install;
        for Missed { message, shape } in missing {
            // The journal has no phones and no tags; the address book has both.
            let Some(contact) = message.contact.clone() else {
                continue;
            };
            let Ok(token) = tokens.access(&install.location).await else {
                return Ok(());
            };
            let Ok(person) = self.ghl.get_contact(&token, &contact).await else {
                continue;
            };
            let tags = person.value.tags.clone();
            let delivery = as_delivery(install, message, person.value.phone);
            let taken = inbox::delivery(
                &self.hub,
                &tenant,
                false,
                Some(shape),
                &delivery,
                |_| async move { Some(tags) },
            )
            .await?;
            if matches!(taken, Taken::Accepted(_)) {
                report.deliveries_recovered += 1;
            }
        }
        Ok(())
    }
}

/// The delivery that should have reached us.
fn as_delivery(
    install: &InstallRow,
    message: ExportedMessage,
    phone: Option<String>,
) -> ProviderDelivery {
    ProviderDelivery {
        location: install.location.clone(),
        message_id: message.id,
        type_name: "SMS".to_owned(),
        at_ms: message.at_ms,
        contact: message.contact,
        phone,
        message: message.body,
        attachments: message.attachments,
        user_id: message.user_id,
        conversation_id: message.conversation_id,
        provider_id: message.provider_id,
        custom_user_id: None,
        reply_to_alt_id: None,
    }
}
