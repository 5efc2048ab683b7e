//! Which sub-accounts of an agency have the app.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use secrecy::SecretString;

use super::{AT_ONCE, Agency};
use crate::clock::Millis;
use crate::domain::ids::{CompanyId, LocationId};
use crate::ghl::error::GhlError;
use crate::ghl::locations::{InstalledLocation, InstalledPage, Which};
use crate::store::agency::{CompanyRow, Listing, MemberRow, MemberState};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::{keys, row};

/// Nobody has more sub-accounts: a list that goes on after these does not heed where it is asked to
/// begin.
const MOST_ENTRIES: usize = 20_000;

/// The longest name or address that is kept, in characters.
const MOST_CHARS: usize = 200;

/// For so long a list may still have a sub-account from which the app was removed.
const LAG_MS: Millis = 60 * 60 * 1000;

/// How far a reading of the list came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// To the end.
    Whole,
    /// Not to the end: the time is up, or somebody else is reading as well.
    InPart,
    /// Not to the end, and why.
    Failed(GhlError),
}

impl<D: Db> Agency<'_, D> {
    /// Goes on with the reading of the list of an agency's sub-accounts, if one is under way:
    /// whatever is on it and has no tokens is due afterwards. Nothing begins after `until_ms`.
    ///
    /// # Errors
    /// The tables; the reading goes on where it was another time.
    pub async fn list(
        &self,
        company: &CompanyId,
        token: &SecretString,
        until_ms: Millis,
    ) -> Result<Listed, DbError> {
        let key = keys::company(company);
        loop {
            let row = row::load::<CompanyRow>(self.db, &key).await?;
            let Some(listing) = row.and_then(|row| row.listing) else {
                return Ok(Listed::Whole);
            };
            if !self.depart(company, until_ms).await? {
                return Ok(Listed::InPart);
            }
            let which = Which::From(listing.skip);
            let page = self
                .ghl
                .installed_locations(token, company, self.app_id, which);
            let page = match page.await {
                Ok(answer) => answer.value,
                Err(error) => {
                    self.slow_down(company, &error).await;
                    tracing::warn!(%company, %error, "an agency's sub-accounts are not known yet");
                    row::change::<CompanyRow>(self.db, &key, |row| {
                        row.problem = Some(error.to_string());
                        true
                    })
                    .await?;
                    return Ok(Listed::Failed(error));
                }
            };
            let next = self.take(company, listing, page).await?;
            let moved = row::change::<CompanyRow>(self.db, &key, |row| {
                let is_ours = row.listing == Some(listing);
                if is_ours {
                    row.listing = next;
                    row.problem = None;
                }
                is_ours
            });
            // A reading that somebody began meanwhile goes on from its own beginning.
            if moved.await?.is_none_or(|row| row.listing != next) {
                return Ok(Listed::InPart);
            }
        }
    }

    /// Whether a sub-account that has the app is the agency's; `false` also if GoHighLevel does not
    /// say so in time.
    ///
    /// # Errors
    /// The tables.
    pub async fn has_member(
        &self,
        company: &CompanyId,
        location: &LocationId,
        token: &SecretString,
        until_ms: Millis,
    ) -> Result<bool, DbError> {
        if !self.depart(company, until_ms).await? {
            return Ok(false);
        }
        let which = Which::One(location);
        let asked = self
            .ghl
            .installed_locations(token, company, self.app_id, which);
        match asked.await {
            Ok(page) => {
                let mut all = page.value.locations.iter();
                Ok(all.any(|entry| entry.location == *location))
            }
            Err(error) => {
                self.slow_down(company, &error).await;
                tracing::warn!(%company, %location, %error, "an agency does not tell its sub-account");
                Ok(false)
            }
        }
    }

    /// Notes what is on a page; gives where the next one begins.
    async fn take(
        &self,
        company: &CompanyId,
        listing: Listing,
        page: InstalledPage,
    ) -> Result<Option<Listing>, DbError> {
        let skip = listing.skip + page.n_entries;
        let n_locations = page.locations.len();
        tracing::info!(%company, n_locations, skip, "a page of an agency's sub-accounts");
        stream::iter(page.locations)
            .map(|entry| self.note(company, listing, entry))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let is_last = page.is_last || skip > MOST_ENTRIES;
        Ok((!is_last).then_some(Listing { skip, ..listing }))
    }

    async fn note(
        &self,
        company: &CompanyId,
        listing: Listing,
        entry: InstalledLocation,
    ) -> Result<(), DbError> {
        let location = &entry.location;
        let now_ms = self.clock.now_ms();
        // Only where nobody has just installed the app it matters how those look that have tokens.
        let is_active = !listing.renews
            && row::load::<InstallRow>(self.db, &keys::install(location))
                .await?
                .is_some_and(|install| install.state == InstallState::Active);
        let (name, address) = (short(entry.name), short(entry.address));
        let key = keys::member(company, location);
        let make = || MemberRow::new(company, location, MemberState::Gone, 0);
        row::change_or_make::<MemberRow>(self.db, &key, make, |member| {
            let before = member.clone();
            member.name = name.clone().or(member.name.take());
            member.address = address.clone().or(member.address.take());
            let is_wanted = listing.renews
                || match member.state {
                    MemberState::Waiting => false,
                    MemberState::GivenUp => true,
                    MemberState::Done => !is_active,
                    MemberState::Gone => member.since_ms < now_ms - LAG_MS,
                };
            if is_wanted {
                member.want(now_ms, now_ms);
            }
            *member != before
        })
        .await?;
        Ok(())
    }
}

fn short(text: Option<String>) -> Option<String> {
    text.map(|text| text.chars().take(MOST_CHARS).collect())
}
