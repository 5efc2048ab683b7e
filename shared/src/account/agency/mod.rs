//! The app is installed in an agency: its tokens are kept, and make tokens for each of its
//! sub-accounts (GHL contract, which token comes back; agency to location token).
//!
//! What is to be done is in rows that are due, so it can be broken off anywhere and by anything:
//! how far the list of sub-accounts has been read is in the agency's row, and each sub-account that
//! is to get tokens has one of its own. Whoever has time works them off: the callback for as long
//! as a person may wait, the sweeper always.

mod listing;
pub(super) mod members;
mod report;
mod store;

use std::time::Duration;

use crate::clock::{Clock, Millis};
use crate::crypto::DataKeys;
use crate::domain::ids::CompanyId;
use crate::ghl::client::Ghl;
use crate::ghl::error::GhlError;
use crate::limiter::{lease, policy};
use crate::pipeline::ids::IdSource;
use crate::store::db::{Db, DbError};
use crate::store::keys;

pub use listing::Listed;
pub use members::Provided;
pub use report::{Entry, READER_S, Reader, Report};
pub use store::AgencyError;

/// What an agency's installation needs.
#[derive(Clone, Copy, Debug)]
pub struct Agency<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// New ids.
    pub ids: &'a IdSource,
    /// Which the tokens are sealed with.
    pub data_keys: &'a DataKeys,
    /// The CRM.
    pub ghl: &'a Ghl,
    /// The marketplace app.
    pub app_id: &'a str,
}

/// When the sweeper goes on with what the callback has begun: after the longest that a callback
/// takes.
const TAKE_OVER_MS: Millis = 60_000;

/// How many sub-accounts are seen to at once. One takes three tenths of a second, and nine a second
/// are allowed.
const AT_ONCE: usize = 6;

/// One-way latency's spread towards GoHighLevel, until it has been measured.
const J_S: f64 = 0.2;

impl<D: Db> Agency<'_, D> {
    /// Waits for the agency's next call. `false` if that would depart after `until_ms`.
    async fn depart(&self, company: &CompanyId, until_ms: Millis) -> Result<bool, DbError> {
        let wait_ms = (until_ms - self.clock.now_ms()).max(0) as u64;
        let wait = Duration::from_millis(wait_ms);
        let key = keys::ghl_company_limit(company);
        let pace = policy::ghl(J_S);
        let turn = lease::reserve_within(self.db, self.clock, &key, &pace, wait).await?;
        let Ok(turn) = turn else {
            return Ok(false);
        };
        let departs_ms = turn.departure_us(0) / 1000 + 1;
        self.clock.sleep_until(departs_ms).await;
        Ok(true)
    }

    /// Everybody's schedule for the agency gives way after a 429.
    async fn slow_down(&self, company: &CompanyId, error: &GhlError) {
        let GhlError::RateLimited { retry_after, daily } = error else {
            return;
        };
        tracing::error!(%company, daily, "GoHighLevel answered 429");
        let penalty = retry_after.unwrap_or(Duration::from_secs(if *daily { 900 } else { 10 }));
        let key = keys::ghl_company_limit(company);
        let pace = policy::ghl(J_S);
        let pushed = lease::penalise(self.db, self.clock, &key, &pace, penalty).await;
        if let Err(error) = pushed {
            tracing::warn!(%error, "the schedule was not pushed after a 429");
        }
    }
}
