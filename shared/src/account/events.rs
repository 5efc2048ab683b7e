//! What GoHighLevel tells about the app itself: it was removed, or installed (GHL contract,
//! webhooks to subscribe, state machine per location).

use crate::account::agency::members::SKEW_MS;
use crate::account::uninstall::{self, Removed};
use crate::clock::{Clock, Millis};
use crate::domain::ids::{CompanyId, LocationId};
use crate::ghl::wire::{AppEvent, Install, What};
use crate::store::agency::{self, CompanyRow, Listing, MemberRow, MemberState, OrphanRow};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::{keys, row};

/// A person who installs the app is sent to the callback, which brings the tokens. Until then the
/// agency's are not used.
const REDIRECT_MS: Millis = 20_000;

/// How long an agency's sub-accounts are seen to before GoHighLevel gets its answer; the sweeper does
/// the rest.
const MEMBERS_MS: Millis = 4_000;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The tokens are wiped and nothing is sent any more: of the location, or of the agency and its
    /// locations.
    Uninstalled,
    /// It is older than what has happened since: events may come late and out of order.
    Stale,
    /// The app was installed, and has its tokens or gets them: by the callback, or from the agency's.
    Installing,
    /// Another app's: all apps' events are signed with the same key.
    OtherApp,
    /// Nothing that this is about, or nobody that we know.
    Ignored,
}

impl From<Removed> for Applied {
    fn from(removed: Removed) -> Self {
        match removed {
            Removed::Yes => Applied::Uninstalled,
            Removed::Stale => Applied::Stale,
            Removed::Unknown => Applied::Ignored,
        }
    }
}

/// Applies an event that was verified to be GoHighLevel's. `app_id` is our app's.
///
/// # Errors
/// The tables; the event has to be delivered again then.
pub async fn apply(
    db: &impl Db,
    clock: &Clock,
    app_id: &str,
    event: &AppEvent,
) -> Result<Applied, DbError> {
    if event.app_id.as_deref().is_some_and(|told| told != app_id) {
        return Ok(Applied::OtherApp);
    }
    let (location, company) = (event.location.as_ref(), event.company.as_ref());
    let applied = match (&event.what, location, company) {
        (What::Uninstall, Some(location), company) => {
            uninstall::location(db, clock, location, company, event.at_ms)
                .await?
                .into()
        }
        (What::Uninstall, None, Some(company)) => {
            agency_removed(db, clock, company, event.at_ms).await?
        }
        (What::Install(install), Some(location), company) => {
            installed(db, clock, location, company, install, event.at_ms).await?
        }
        (What::Install(_), None, Some(company)) => agency_installed(db, clock, company).await?,
        _ => return Ok(Applied::Ignored),
    };
    let (location, company) = (
        location.map(LocationId::as_str),
        company.map(CompanyId::as_str),
    );
    let is_removal = event.what == What::Uninstall;
    tracing::info!(location, company, is_removal, ?applied, "the app itself");
    Ok(applied)
}

async fn agency_removed(
    db: &impl Db,
    clock: &Clock,
    company: &CompanyId,
    at_ms: Option<Millis>,
) -> Result<Applied, DbError> {
    let removed = uninstall::company(db, clock, company, at_ms).await?;
    if removed == Removed::Yes
        && let Some(row) = row::load::<CompanyRow>(db, &keys::company(company)).await?
        && row.state == InstallState::Uninstalled
    {
        uninstall::members(db, clock, &row, clock.now_ms() + MEMBERS_MS).await?;
    }
    Ok(removed.into())
}

/// The app is in a location. Without a redirect to the callback its tokens have to be made of the
/// agency's (GHL contract, which token comes back).
async fn installed(
    db: &impl Db,
    clock: &Clock,
    location: &LocationId,
    company: Option<&CompanyId>,
    install: &Install,
    at_ms: Option<Millis>,
) -> Result<Applied, DbError> {
    let now_ms = clock.now_ms();
    let at_ms = at_ms.unwrap_or(now_ms);
    let known = row::load::<InstallRow>(db, &keys::install(location)).await?;
    if let Some(known) = &known {
        match known.state {
            InstallState::Uninstalled if at_ms <= known.refreshed_ms => return Ok(Applied::Stale),
            InstallState::Active if at_ms <= known.refreshed_ms + SKEW_MS => {
                return Ok(Applied::Installing);
            }
            _ => {}
        }
    }
    let due_ms = match install.user_id {
        Some(_) => now_ms + REDIRECT_MS,
        None => now_ms,
    };
    let Some(company) = company.cloned().or(known.and_then(|known| known.company)) else {
        want_an_agency(db, location, at_ms, due_ms).await?;
        return Ok(Applied::Installing);
    };
    let member = row::load::<MemberRow>(db, &keys::member(&company, location)).await?;
    if member.is_some_and(|it| it.state == MemberState::Gone && at_ms <= it.since_ms) {
        return Ok(Applied::Stale);
    }
    agency::want_tokens(db, &company, location, at_ms, due_ms).await?;
    Ok(Applied::Installing)
}

/// An automatic installation may come without its agency: the sweeper asks those that we know.
async fn want_an_agency(
    db: &impl Db,
    location: &LocationId,
    at_ms: Millis,
    due_ms: Millis,
) -> Result<(), DbError> {
    let make = || OrphanRow {
        rev: 0,
        location: location.clone(),
        since_ms: at_ms,
        attempts: 0,
        after: None,
        due_at: None,
        due_shard: None,
    };
    row::change_or_make::<OrphanRow>(db, &keys::orphan(location), make, |orphan| {
        let is_new = orphan.due_at.is_none();
        orphan.set_due(orphan.due_at.unwrap_or(due_ms));
        is_new
    })
    .await?;
    Ok(())
}

/// The app is in an agency. Its tokens come by the callback; if they are there already, there may be
/// new sub-accounts.
async fn agency_installed(
    db: &impl Db,
    clock: &Clock,
    company: &CompanyId,
) -> Result<Applied, DbError> {
    let now_ms = clock.now_ms();
    row::change::<CompanyRow>(db, &keys::company(company), |row| {
        let is_to_be_read = row.state == InstallState::Active && row.listing.is_none();
        if is_to_be_read {
            row.listing = Some(Listing::new(false));
            row.set_due(Some(now_ms));
        }
        is_to_be_read
    })
    .await?;
    Ok(Applied::Installing)
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
