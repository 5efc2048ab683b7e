//! Comparing what the providers say happened with what we were told.
//!
//! Webhooks get lost while a number looks healthy (GREEN-API contract, delivery), and what GoHighLevel's
//! gateway answered instead of us is not sent again. Both keep journals; whatever is in them and
//! not with us is taken as if it had just been told. Ids that are known are known.

use secrecy::SecretString;

use super::Hub;
use super::accept::{self, Accepted, Home};
use super::operation;
use super::receipt;
use super::sms;
use super::tokens::{TokenError, Tokens};
use super::whatsapp;
use crate::clock::Millis;
use crate::crypto::DataKeys;
use crate::domain::ids::{LocationId, NumberId};
use crate::domain::sms::{Active, Providers, Shape};
use crate::domain::status::{Receipt, Status};
use crate::ghl::client::Ghl;
use crate::ghl::messages::{ExportQuery, ExportedMessage};
use crate::green_api::client::{GreenApi, Instance};
use crate::green_api::map::{self, Journaled};
use crate::limiter::{lease, policy};
use crate::queue::Queue;
use crate::store::chats::IdRow;
use crate::store::db::{Db, DbError, Index, Query, Range, Table};
use crate::store::directory::{InstallRow, NumberRow};
use crate::store::keys::{self, DueRow};
use crate::store::row;

/// How often a number and a location are compared.
pub const EVERY_MS: Millis = 5 * 60 * 1000;

/// The most that a number is compared earlier than that.
const JITTER_MS: Millis = 30_000;

/// How far two comparisons overlap: journals are written late.
const OVERLAP_MS: Millis = 10 * 60 * 1000;

/// What happened later than this is still on its way as a webhook.
const SETTLING_MS: Millis = 90_000;

/// GREEN-API keeps a day.
const LONGEST_MS: Millis = 24 * 3600 * 1000;

/// How many pages of a location's messages are read in one comparison: more than its limit of calls
/// lets anybody send in the time between two.
const PAGES: usize = 100;

/// How many rows of one shard are looked at in one run.
const PER_SHARD: usize = 50;

/// The numbers and installations whose time has come.
pub async fn due<D: Db, Q: Queue>(hub: &Hub<D, Q>) -> Result<Vec<DueRow>, DbError> {
    let mut due = Vec::new();
    for shard in 0..keys::DUE_SHARDS {
        let query = Query {
            table: Table::Directory,
            index: Some(Index::Due),
            pk: keys::due_shard(shard),
            range: Range::Number {
                from: 0,
                to: hub.clock.now_ms(),
            },
            backwards: false,
            limit: PER_SHARD,
        };
        for item in hub.db.query(&query).await? {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            if let (Some(pk), Some(sk)) = (text("pk"), text("sk")) {
                due.extend(keys::due_row(pk, sk));
            }
        }
    }
    Ok(due)
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Messages that nobody had told us.
    pub messages: usize,
    /// Receipts that nobody had told us.
    pub receipts: usize,
}

/// Asks for the number's state and compares its journals.
pub async fn number<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    green: &GreenApi,
    data_keys: &DataKeys,
    number: &NumberRow,
) -> Result<Found, DbError> {
    let now = hub.clock.now_ms();
    let mut found = Found::default();
    let mut reconciled_ms = number.reconciled_ms;
    let mut state = None;
    if let Ok(instance) = whatsapp::instance(number, data_keys) {
        state = slot(hub, green, number, "getStateInstance", || {
            green.state(&instance)
        })
        .await?;
        if let Some(all) = journals(hub, green, &instance, number, now).await? {
            let home = Home::from(number);
            for mut entry in all {
                entry.message = entry.message.shown(number.prefs.calls);
                take(hub, &home, entry, &mut found).await?;
            }
            reconciled_ms = now;
        }
    }
    let key = keys::number(&number.workspace, &number.number);
    let changed = row::change::<NumberRow>(&hub.db, &key, |number| {
        if let Some(state) = &state {
            whatsapp::set_state(number, state.clone(), now);
            number.checked_ms = now;
        }
        number.reconciled_ms = reconciled_ms;
        number.set_due(now + EVERY_MS - jitter_ms(&number.number, now));
        if let Some(look_ms) = operation::look_at(number) {
            number.set_due_by(look_ms);
        }
        true
    })
    .await?;
    if let Some(changed) = &changed {
        operation::tell(hub, changed).await?;
    }
    if found != Found::default() {
        tracing::warn!(number = %number.number, ?found, "recovered what no webhook had told");
    }
    if found.messages > 0 {
        operation::webhook_is_silent(hub, number).await?;
    }
    Ok(found)
}

/// How much earlier than after [`EVERY_MS`] a number is compared, so that those that were added together
/// are not asked for together for ever.
fn jitter_ms(number: &NumberId, now: Millis) -> Millis {
    let digest = number.as_str().bytes().fold(now, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(Millis::from(byte))
    });
    digest.rem_euclid(JITTER_MS)
}

/// Both journals since the last comparison, oldest first; `None` if GREEN-API does not give them.
async fn journals<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    green: &GreenApi,
    instance: &Instance,
    number: &NumberRow,
    now: Millis,
) -> Result<Option<Vec<Journaled>>, DbError> {
    // What is older than the number with us is history, and another matter.
    let from_ms = (number.reconciled_ms - OVERLAP_MS)
        .max(number.created_ms)
        .max(now - LONGEST_MS);
    let minutes = u32::try_from((now - from_ms) / 60_000 + 1).unwrap_or(1);
    let incoming = slot(hub, green, number, "lastIncomingMessages", || {
        green.last_incoming(instance, minutes)
    })
    .await?;
    let outgoing = slot(hub, green, number, "lastOutgoingMessages", || {
        green.last_outgoing(instance, minutes)
    })
    .await?;
    let (Some(incoming), Some(outgoing)) = (incoming, outgoing) else {
        return Ok(None);
    };
    let mut all: Vec<Journaled> = incoming
        .iter()
        .chain(&outgoing)
        .filter_map(map::journal)
        .filter(|entry| {
            let at_ms = entry.message.at_s.unwrap_or_default() * 1000;
            (from_ms..now - SETTLING_MS).contains(&at_ms)
        })
        .collect();
    all.sort_by_key(|entry| entry.message.at_s);
    Ok(Some(all))
}

async fn take<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    home: &Home,
    entry: Journaled,
    found: &mut Found,
) -> Result<(), DbError> {
    let receipt = entry.status.map(|status| Receipt {
        remote_id: entry.message.remote_id.clone(),
        chat: None,
        status,
        word: entry.status_word.unwrap_or_default(),
        description: None,
        at_s: entry.message.at_s.unwrap_or_default(),
    });
    if accept::whatsapp_message(hub, home, entry.message).await? != Accepted::Duplicate {
        found.messages += 1;
    }
    if let Some(receipt) = receipt.filter(|receipt| receipt.status != Status::Queued)
        && receipt::accept(hub, &home.number, receipt).await? == receipt::Applied::Moved
    {
        found.receipts += 1;
    }
    Ok(())
}

/// One call at its method's pace; `None` if it fails, which the next comparison makes up for.
async fn slot<D: Db, Q: Queue, T, F>(
    hub: &Hub<D, Q>,
    green: &GreenApi,
    number: &NumberRow,
    method: &str,
    call: impl FnOnce() -> F,
) -> Result<Option<T>, DbError>
where
    F: Future<Output = Result<T, crate::green_api::error::GreenApiError>>,
{
    let key = keys::green_limit(&number.number, method);
    let gcra = policy::green_api(method, green.spread().j_s());
    let reserved = lease::reserve(&hub.db, &hub.clock, &key, &gcra, 1).await?;
    hub.clock
        .sleep_until(reserved.departure_us(0) / 1000 + 1)
        .await;
    match call().await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => {
            tracing::warn!(number = %number.number, method, %error, "not compared this time");
            Ok(None)
        }
    }
}

/// A message that was written for us in the CRM and never reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The message.
    pub message: ExportedMessage,
    /// Through which of the app's providers it went.
    pub shape: Shape,
}

/// Refreshes a location's tokens when they are due, asks which SMS providers it has then, and says
/// which of its messages were written for us and never reached us.
pub async fn install<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    ghl: &Ghl,
    tokens: &Tokens<'_, D, Q>,
    providers: &Providers,
    install: &InstallRow,
) -> Result<Vec<Missed>, DbError> {
    let now = hub.clock.now_ms();
    let mut missing = Vec::new();
    let mut reconciled_ms = install.reconciled_ms;
    match tokens.kept_fresh(&install.location).await {
        Ok(token) => {
            let active = active(hub, ghl, providers, &install.location, &token).await?;
            let from_ms = (reconciled_ms - OVERLAP_MS).max(install.installed_ms);
            if let Some(exported) = export(hub, ghl, &token, install, from_ms).await? {
                for message in exported {
                    let shape = providers.listed(
                        message.provider_id.as_deref(),
                        message.message_type.as_deref(),
                        active,
                    );
                    if let Some(shape) = shape
                        && is_missed(hub, install, &message, now).await?
                    {
                        missing.push(Missed { message, shape });
                    }
                }
                reconciled_ms = now;
            }
        }
        Err(TokenError::Db(error)) => return Err(error),
        Err(error) => {
            tracing::warn!(location = %install.location, %error, "not compared this time")
        }
    }
    row::change::<InstallRow>(&hub.db, &keys::install(&install.location), |install| {
        install.reconciled_ms = reconciled_ms;
        install.set_due(now + EVERY_MS);
        true
    })
    .await?;
    Ok(missing)
}

/// Which SMS providers the location has, asked anew if its tokens were renewed since.
async fn active<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    ghl: &Ghl,
    providers: &Providers,
    location: &LocationId,
    token: &SecretString,
) -> Result<Option<Active>, DbError> {
    let install = row::load::<InstallRow>(&hub.db, &keys::install(location)).await?;
    let known = install.as_ref().and_then(|install| install.sms);
    if install.as_ref().is_none_or(|it| !sms::is_outdated(it)) {
        return Ok(known);
    }
    let told = sms::learn(&hub.db, &hub.clock, ghl, providers, location, token).await?;
    Ok(told.or(known))
}

async fn export<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    ghl: &Ghl,
    token: &SecretString,
    install: &InstallRow,
    from_ms: Millis,
) -> Result<Option<Vec<ExportedMessage>>, DbError> {
    let mut query = ExportQuery {
        location: install.location.clone(),
        contact: None,
        start_ms: Some(from_ms),
        cursor: None,
    };
    let mut all = Vec::new();
    for _ in 0..PAGES {
        let key = keys::ghl_limit(&install.location);
        let reserved = lease::reserve(
            &hub.db,
            &hub.clock,
            &key,
            &policy::ghl(ghl.spread().j_s()),
            1,
        )
        .await?;
        hub.clock
            .sleep_until(reserved.departure_us(0) / 1000 + 1)
            .await;
        match ghl.export_messages(token, &query).await {
            Ok(page) => {
                all.extend(page.value.messages);
                match page.value.next_cursor {
                    Some(next) => query.cursor = Some(next),
                    None => return Ok(Some(all)),
                }
            }
            Err(error) => {
                tracing::warn!(location = %install.location, %error, "not compared this time");
                return Ok(None);
            }
        }
    }
    // Nothing is passed over unseen: the next comparison begins where this one did.
    tracing::error!(location = %install.location, "more messages than can be compared");
    Ok(None)
}

/// Whether a message was written in the CRM, long enough ago, and is not known.
async fn is_missed<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    install: &InstallRow,
    message: &ExportedMessage,
    now: Millis,
) -> Result<bool, DbError> {
    use crate::domain::message::Direction;
    let is_to_send = message.direction == Some(Direction::Out)
        // What we put there ourselves has our id.
        && message.alt_id.is_none()
        && message.status.as_deref() == Some("pending");
    let is_settled = message.at_ms.is_some_and(|at_ms| at_ms < now - SETTLING_MS);
    if !is_to_send || !is_settled {
        return Ok(false);
    }
    let key = keys::ghl_id(&install.location, &message.id);
    Ok(row::load::<IdRow>(&hub.db, &key).await?.is_none())
}
