//! The app is removed, from a sub-account or from a whole agency.
//!
//! What stops at once is one write: without tokens nothing goes to GoHighLevel, and nothing is sent
//! for a location whose installation says that it is gone. The location's numbers get their own
//! webhook settings back afterwards, for as long as that takes: the row is due, and the sweeper
//! passes that on to each number.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::clock::{Clock, Millis};
use crate::domain::ids::{CompanyId, LocationId};
use crate::store::agency::{self, CompanyRow, MemberRow, MemberState};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{self, InstallRow, InstallState, NumberRow};
use crate::store::{keys, row};

/// How many of an agency's sub-accounts are seen to at once.
const AT_ONCE: usize = 8;

/// What became of the news that the app is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// The tokens are wiped.
    Yes,
    /// The app was installed after that.
    Stale,
    /// There is nothing to remove.
    Unknown,
}

/// Removes the app from a location, as it was at `at_ms`; if that is not told, as it is.
pub(super) async fn location(
    db: &impl Db,
    clock: &Clock,
    location: &LocationId,
    company: Option<&CompanyId>,
    at_ms: Option<Millis>,
) -> Result<Removed, DbError> {
    let now_ms = clock.now_ms();
    let gone_ms = at_ms.unwrap_or(now_ms);
    let mut removed = Removed::Unknown;
    let install = row::change::<InstallRow>(db, &keys::install(location), |install| {
        if gone_ms < install.installed_ms {
            removed = Removed::Stale;
            return false;
        }
        removed = Removed::Yes;
        if install.state == InstallState::Uninstalled {
            return false;
        }
        install.state = InstallState::Uninstalled;
        install.access_sealed.clear();
        install.refresh_sealed.clear();
        install.scope.clear();
        install.expires_ms = 0;
        install.refreshed_ms = gone_ms;
        install.problem = None;
        install.set_due(now_ms);
        true
    })
    .await?;
    if removed == Removed::Stale {
        return Ok(removed);
    }
    // One that still waits for its first tokens has no installation yet.
    let known = install.and_then(|install| install.company);
    if let Some(company) = company.cloned().or(known) {
        let key = keys::member(&company, location);
        row::change::<MemberRow>(db, &key, |member| {
            let is_newer = member.state == MemberState::Waiting && gone_ms < member.since_ms;
            if is_newer || member.state == MemberState::Gone {
                return false;
            }
            removed = Removed::Yes;
            member.settle(MemberState::Gone, gone_ms);
            true
        })
        .await?;
    }
    let orphan = Write {
        key: keys::orphan(location),
        op: Op::Delete,
        only_if: Cond::Always,
    };
    db.write(vec![orphan]).await?;
    Ok(removed)
}

/// Removes the app from an agency, as it was at `at_ms`. Its sub-accounts are left to
/// [`members`], for which its row is due.
pub(super) async fn company(
    db: &impl Db,
    clock: &Clock,
    company: &CompanyId,
    at_ms: Option<Millis>,
) -> Result<Removed, DbError> {
    let now_ms = clock.now_ms();
    let gone_ms = at_ms.unwrap_or(now_ms);
    let key = keys::company(company);
    let is_known = row::load::<CompanyRow>(db, &key).await?.is_some();
    if !is_known && !agency::has_members(db, company).await? {
        return Ok(Removed::Unknown);
    }
    let mut removed = Removed::Yes;
    // Sub-accounts may be known although the agency never brought its own tokens.
    let make = || CompanyRow::without_tokens(company);
    row::change_or_make::<CompanyRow>(db, &key, make, |row| {
        let is_stale = gone_ms < row.installed_ms;
        removed = if is_stale {
            Removed::Stale
        } else {
            Removed::Yes
        };
        let is_done = row.state == InstallState::Uninstalled && row.refreshed_ms >= gone_ms;
        if is_stale || is_done {
            return false;
        }
        row.wipe(gone_ms);
        row.set_due(Some(now_ms));
        true
    })
    .await?;
    Ok(removed)
}

/// Removes the app from the sub-accounts of an agency that was removed itself, as they were then.
/// `false` if there was no time for all of them; it can be called again.
///
/// # Errors
/// The tables; it can be called again.
pub async fn members(
    db: &impl Db,
    clock: &Clock,
    company: &CompanyRow,
    until_ms: Millis,
) -> Result<bool, DbError> {
    let members = agency::members(db, &company.company).await?;
    let left = members
        .into_iter()
        .filter(|member| member.state != MemberState::Gone);
    let in_time = stream::iter(left)
        .map(|member| async move {
            if until_ms <= clock.now_ms() {
                return Ok(false);
            }
            let gone_ms = Some(company.refreshed_ms);
            location(db, clock, &member.location, Some(&company.company), gone_ms).await?;
            Ok(true)
        })
        .buffer_unordered(AT_ONCE)
        .try_fold(true, async |all, one| Ok(all && one))
        .await?;
    Ok(in_time)
}

/// Has the sweeper give the location's numbers their own settings back, and says which they are. The
/// installation is not due any more afterwards.
///
/// # Errors
/// The tables; it can be called again.
pub async fn let_go_of_numbers(
    db: &impl Db,
    clock: &Clock,
    install: &InstallRow,
) -> Result<Vec<NumberRow>, DbError> {
    let now_ms = clock.now_ms();
    let mut due = Vec::new();
    for number in directory::numbers(db, &install.workspace).await? {
        // One that is not set up is due already, or was let go of.
        if number.location.as_ref() != Some(&install.location) || !number.configured {
            continue;
        }
        let key = keys::number(&number.workspace, &number.number);
        let marked = row::change::<NumberRow>(db, &key, |number| {
            number.configured = false;
            number.set_due(now_ms);
            true
        });
        due.extend(marked.await?);
    }
    row::change::<InstallRow>(db, &keys::install(&install.location), |row| {
        let is_same = row.rev == install.rev;
        if is_same {
            row.due_at = None;
            row.due_shard = None;
        }
        is_same
    })
    .await?;
    Ok(due)
}
