//! Agencies that installed the app, and their sub-accounts.
//!
//! A sub-account that is to get its tokens from its agency is a row in the due index, which stays
//! there until it has them or nobody expects it any more.

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::ids::{CompanyId, LocationId};
use crate::domain::text::Lang;
use crate::store::directory::InstallState;

/// The most sub-accounts of an agency that are looked at.
const MOST_MEMBERS: usize = 20_000;

/// The installation of the app in an agency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanyRow {
    /// The revision.
    pub rev: u64,
    /// The agency.
    pub company: CompanyId,
    /// The language of workspaces that are made for its sub-accounts.
    pub lang: Lang,
    /// Where it stands.
    pub state: InstallState,
    /// The access token, sealed.
    pub access_sealed: String,
    /// The refresh token, sealed: good for one use.
    pub refresh_sealed: String,
    /// When the access token ends.
    pub expires_ms: Millis,
    /// When the tokens were last replaced or wiped.
    pub refreshed_ms: Millis,
    /// What the tokens allow.
    pub scope: String,
    /// When the app was (last) installed.
    pub installed_ms: Millis,
    /// The last thing that went wrong with the tokens or with the list, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How far GoHighLevel's list of its sub-accounts has been read, while it is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// When the sweeper looks at it next; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(CompanyRow, "an agency's installation");

/// A reading of the list of an agency's sub-accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// How many entries have been read.
    pub skip: usize,
    /// Somebody has just installed the app: all that are listed get new tokens, also those that
    /// have some.
    pub renews: bool,
}

impl Listing {
    /// From the beginning.
    pub fn new(renews: bool) -> Self {
        Listing { skip: 0, renews }
    }
}

/// An agency's place in the list of all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedCompanyRow {
    /// The revision.
    pub rev: u64,
    /// The agency.
    pub company: CompanyId,
}

row!(ListedCompanyRow, "an agency in the list");

/// A sub-account of an agency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberRow {
    /// The revision.
    pub rev: u64,
    /// The agency.
    pub company: CompanyId,
    /// The sub-account.
    pub location: LocationId,
    /// The business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the business is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it has its tokens.
    pub state: MemberState,
    /// Since when it is in that state; while it waits, since when tokens are wanted for it.
    pub since_ms: Millis,
    /// How often they have been asked for in vain.
    #[serde(default)]
    pub attempts: u32,
    /// Why in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<MemberProblem>,
    /// When the sweeper looks at it next; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(MemberRow, "a sub-account of an agency");

/// Whether a sub-account has tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// They are wanted.
    Waiting,
    /// It has them.
    Done,
    /// They were asked for long enough; only a new installation changes that.
    GivenUp,
    /// The app was removed from it.
    Gone,
}

/// Why a sub-account got no tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberProblem {
    /// "Location is not active".
    Paused,
    /// GoHighLevel refuses.
    Refused {
        /// What it says.
        said: String,
    },
    /// GoHighLevel does not answer, or not in a way that can be read.
    NoAnswer,
    /// The agency's own tokens do not work (any more).
    NoAgencyToken,
}

/// A sub-account that has the app and whose agency nobody has told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrphanRow {
    /// The revision.
    pub rev: u64,
    /// The sub-account.
    pub location: LocationId,
    /// When it got the app.
    pub since_ms: Millis,
    /// How often all agencies have been asked.
    #[serde(default)]
    pub attempts: u32,
    /// The agency that was asked last, while they are being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CompanyId>,
    /// When the sweeper looks at it next; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(OrphanRow, "a sub-account without an agency");

impl CompanyRow {
    /// An agency that has brought no tokens.
    pub fn without_tokens(company: &CompanyId) -> Self {
        CompanyRow {
            rev: 0,
            company: company.clone(),
            lang: Lang::default(),
            state: InstallState::Uninstalled,
            access_sealed: String::new(),
            refresh_sealed: String::new(),
            expires_ms: 0,
            refreshed_ms: 0,
            scope: String::new(),
            installed_ms: 0,
            problem: None,
            listing: None,
            due_at: None,
            due_shard: None,
        }
    }

    /// Binds a sealed field to its row.
    pub fn seal_context(company: &CompanyId, field: &str) -> String {
        let key = keys::company(company);
        format!("{}|{}|{field}", key.pk, key.sk)
    }

    /// Has the sweeper look at it at `at_ms`, or not at all.
    pub fn set_due(&mut self, at_ms: Option<Millis>) {
        self.due_at = at_ms;
        self.due_shard = at_ms.map(|_| keys::due_shard_of(self.company.as_str()));
    }

    /// Wipes the tokens: the app was removed at `at_ms`.
    pub fn wipe(&mut self, at_ms: Millis) {
        self.state = InstallState::Uninstalled;
        self.access_sealed.clear();
        self.refresh_sealed.clear();
        self.scope.clear();
        self.expires_ms = 0;
        self.refreshed_ms = at_ms;
        self.problem = None;
        self.listing = None;
    }
}

impl MemberRow {
    /// A sub-account that nobody knew, in the given state since `at_ms`.
    pub fn new(
        company: &CompanyId,
        location: &LocationId,
        state: MemberState,
        at_ms: Millis,
    ) -> Self {
        MemberRow {
            rev: 0,
            company: company.clone(),
            location: location.clone(),
            name: None,
            address: None,
            state,
            since_ms: at_ms,
            attempts: 0,
            problem: None,
            due_at: None,
            due_shard: None,
        }
    }

    /// Has the sweeper look at it at `at_ms`, or not at all.
    pub fn set_due(&mut self, at_ms: Option<Millis>) {
        self.due_at = at_ms;
        self.due_shard = at_ms.map(|_| keys::due_shard_of(self.location.as_str()));
    }

    /// Nothing is left to be done for it: it has its tokens, or lost the app, at `at_ms`.
    pub fn settle(&mut self, state: MemberState, at_ms: Millis) {
        self.state = state;
        self.since_ms = at_ms;
        self.attempts = 0;
        self.problem = None;
        self.set_due(None);
    }

    /// Tokens are wanted for it since `at_ms`; the sweeper sees to it from `due_ms` on.
    pub fn want(&mut self, at_ms: Millis, due_ms: Millis) {
        self.settle(MemberState::Waiting, at_ms);
        self.set_due(Some(due_ms));
    }
}

impl OrphanRow {
    /// Has the sweeper look at it at `at_ms`.
    pub fn set_due(&mut self, at_ms: Millis) {
        self.due_at = Some(at_ms);
        self.due_shard = Some(keys::due_shard_of(self.location.as_str()));
    }
}

/// The known sub-accounts of an agency, in the order of their ids.
pub async fn members(db: &impl Db, company: &CompanyId) -> Result<Vec<MemberRow>, DbError> {
    members_at_most(db, company, MOST_MEMBERS).await
}

/// Whether any sub-account of an agency is known.
pub async fn has_members(db: &impl Db, company: &CompanyId) -> Result<bool, DbError> {
    Ok(!members_at_most(db, company, 1).await?.is_empty())
}

async fn members_at_most(
    db: &impl Db,
    company: &CompanyId,
    limit: usize,
) -> Result<Vec<MemberRow>, DbError> {
    let (pk, range) = keys::members(company);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit,
    };
    let rows = db.query(&query).await?;
    rows.into_iter().map(row::read).collect()
}

/// At most `limit` agencies of the list, after `after`.
pub async fn companies(
    db: &impl Db,
    after: Option<&CompanyId>,
    limit: usize,
) -> Result<Vec<CompanyId>, DbError> {
    let (pk, range) = keys::listed_companies(after);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit,
    };
    let rows = db.query(&query).await?;
    rows.into_iter()
        .map(|row| row::read::<ListedCompanyRow>(row).map(|row| row.company))
        .collect()
}

/// Notes that tokens of the agency's are wanted for a sub-account since `at_ms`; the sweeper sees
/// to it from `due_ms` on.
pub async fn want_tokens(
    db: &impl Db,
    company: &CompanyId,
    location: &LocationId,
    at_ms: Millis,
    due_ms: Millis,
) -> Result<(), DbError> {
    let key = keys::member(company, location);
    let make = || MemberRow::new(company, location, MemberState::Waiting, at_ms);
    row::change_or_make::<MemberRow>(db, &key, make, |member| {
        let was_waiting = member.state == MemberState::Waiting && member.due_at.is_some();
        if !was_waiting {
            member.want(at_ms, due_ms);
        }
        !was_waiting
    })
    .await?;
    Ok(())
}
