//! The safety net under everything that can get lost: wake-ups, webhooks, deliveries, settings.
//!
//! Every step can be repeated, and none of them stops the others: what fails is due again a minute
//! later.

use std::sync::Arc;

use greenhub::account::numbers::{self, Settled, Settler};
use greenhub::clock::Millis;
use greenhub::crypto::DataKeys;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::messages::ExportedMessage;
use greenhub::ghl::oauth::OAuth;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::inbox::{self, Taken};
use greenhub::pipeline::tokens::Tokens;
use greenhub::pipeline::{Hub, reconcile, sweep};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow};
use greenhub::store::keys::{self, DueRow};
use greenhub::store::row;
use greenhub::store::runtime::Lease;
use serde::Serialize;
use url::Url;

/// One run at a time is enough. As long as a run may take, so that none overlaps with the next.
const LEASE_MS: Millis = 130_000;

/// How much of a run the conversations of one removed number may take.
const ERASE_MS: Millis = 20_000;

/// What a run needs.
#[derive(Debug)]
pub struct Sweeper<D, Q> {
    /// Tables, queues, time.
    pub hub: Hub<D, Q>,
    /// The gateway.
    pub green: GreenApi,
    /// The CRM.
    pub ghl: Ghl,
    /// Its token endpoint.
    pub oauth: OAuth,
    /// Which rows are sealed with.
    pub data_keys: Arc<DataKeys>,
    /// The conversation provider.
    pub provider_id: String,
    /// Where GREEN-API reaches us.
    pub public_base_url: Url,
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
    /// Steps that failed; each is in the log.
    pub failures: usize,
}

impl<D: Db, Q: Queue> Sweeper<D, Q> {
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
        for due in reconcile::due(hub).await? {
            if hub.clock.now_ms() >= deadline_ms {
                break;
            }
            if let Err(error) = self.see_to(&due, deadline_ms, &mut report).await {
                report.failures += 1;
                tracing::error!(?due, %error, "left to the next run");
            }
        }
        lease.release(&hub.db).await?;
        tracing::info!(report = %serde_json::json!(report), "swept");
        Ok(report)
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
                if let Some(number) = row::load::<NumberRow>(&self.hub.db, &key).await? {
                    self.number(number, report).await?;
                }
            }
            DueRow::GoneNumber(workspace, number) => {
                let until_ms = deadline_ms.min(self.hub.clock.now_ms() + ERASE_MS);
                let (db, clock) = (&self.hub.db, &self.hub.clock);
                numbers::erase_gone(db, clock, workspace, number, until_ms).await?;
            }
            DueRow::Install(location) => {
                let key = keys::install(location);
                match row::load::<InstallRow>(&self.hub.db, &key).await? {
                    Some(install) if install.state != InstallState::Uninstalled => {
                        self.location(install, report).await?;
                    }
                    // Nothing is left to do for it until it is installed again.
                    _ => {
                        row::change::<InstallRow>(&self.hub.db, &key, |install| {
                            install.due_shard = None;
                            install.due_at.take().is_some()
                        })
                        .await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn number(&self, number: NumberRow, report: &mut Report) -> Result<(), DbError> {
        if !number.configured {
            let settler = Settler {
                db: &self.hub.db,
                clock: &self.hub.clock,
                green: &self.green,
                data_keys: &self.data_keys,
                public_base_url: &self.public_base_url,
            };
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
        report.numbers += 1;
        report.messages_recovered += found.messages;
        report.receipts_recovered += found.receipts;
        Ok(())
    }

    async fn location(&self, install: InstallRow, report: &mut Report) -> Result<(), DbError> {
        let tokens = Tokens::new(&self.hub, &self.oauth, Arc::clone(&self.data_keys));
        let missing =
            reconcile::install(&self.hub, &self.ghl, &tokens, &self.provider_id, &install).await?;
        report.locations += 1;
        for message in missing {
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
            let delivery = as_delivery(&install, message, person.value.phone);
            let taken = inbox::delivery(
                &self.hub,
                &install,
                &self.provider_id,
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
