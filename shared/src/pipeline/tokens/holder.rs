//! The rows that keep a pair of tokens: a location's installation, and an agency's.

use std::fmt::Display;

use crate::clock::Millis;
use crate::domain::ids::{CompanyId, LocationId};
use crate::ghl::oauth::UserType;
use crate::store::agency::CompanyRow;
use crate::store::db::Key;
use crate::store::directory::{InstallRow, InstallState};
use crate::store::keys;
use crate::store::row::Row;

/// What a row keeps of its tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) state: InstallState,
    pub(super) access_sealed: String,
    pub(super) refresh_sealed: String,
    pub(super) expires_ms: Millis,
    pub(super) refreshed_ms: Millis,
    pub(super) problem: Option<String>,
}

/// A row that keeps a pair of tokens.
pub(super) trait Holder: Row + Sync {
    /// Whose tokens they are.
    type Id: Display + Clone + Send + Sync;

    /// Which class of token they are.
    const USER_TYPE: UserType;

    fn id(&self) -> &Self::Id;

    fn row_key(id: &Self::Id) -> Key;

    /// Who refreshes has this lease.
    fn lease_key(id: &Self::Id) -> Key;

    /// Binds a sealed field to its row.
    fn context(id: &Self::Id, field: &str) -> String;

    /// An agency whose tokens can replace these when they are dead, and the location that they are
    /// of.
    fn agency(&self) -> Option<(&CompanyId, &LocationId)>;

    fn pair(&self) -> Pair;

    fn set_pair(&mut self, pair: Pair);

    /// The sweeper looks at the row at this time at the latest.
    fn due_by(&mut self, at_ms: Millis);
}

/// The two rows name these fields alike.
macro_rules! pair_by_name {
    () => {
        fn pair(&self) -> Pair {
            Pair {
                state: self.state,
                access_sealed: self.access_sealed.clone(),
                refresh_sealed: self.refresh_sealed.clone(),
                expires_ms: self.expires_ms,
                refreshed_ms: self.refreshed_ms,
                problem: self.problem.clone(),
            }
        }

        fn set_pair(&mut self, pair: Pair) {
            self.state = pair.state;
            self.access_sealed = pair.access_sealed;
            self.refresh_sealed = pair.refresh_sealed;
            self.expires_ms = pair.expires_ms;
            self.refreshed_ms = pair.refreshed_ms;
            self.problem = pair.problem;
        }
    };
}

impl Holder for InstallRow {
    type Id = LocationId;

    const USER_TYPE: UserType = UserType::Location;

    fn id(&self) -> &LocationId {
        &self.location
    }

    fn row_key(id: &LocationId) -> Key {
        keys::install(id)
    }

    fn lease_key(id: &LocationId) -> Key {
        keys::token_lease(id)
    }

    fn context(id: &LocationId, field: &str) -> String {
        InstallRow::seal_context(id, field)
    }

    fn agency(&self) -> Option<(&CompanyId, &LocationId)> {
        Some((self.company.as_ref()?, &self.location))
    }

    pair_by_name!();

    fn due_by(&mut self, at_ms: Millis) {
        self.set_due(self.due_at.map_or(at_ms, |due_at| due_at.min(at_ms)));
    }
}

impl Holder for CompanyRow {
    type Id = CompanyId;

    const USER_TYPE: UserType = UserType::Company;

    fn id(&self) -> &CompanyId {
        &self.company
    }

    fn row_key(id: &CompanyId) -> Key {
        keys::company(id)
    }

    fn lease_key(id: &CompanyId) -> Key {
        keys::company_token_lease(id)
    }

    fn context(id: &CompanyId, field: &str) -> String {
        CompanyRow::seal_context(id, field)
    }

    fn agency(&self) -> Option<(&CompanyId, &LocationId)> {
        None
    }

    pair_by_name!();

    fn due_by(&mut self, at_ms: Millis) {
        let at_ms = self.due_at.map_or(at_ms, |due_at| due_at.min(at_ms));
        self.set_due(Some(at_ms));
    }
}
