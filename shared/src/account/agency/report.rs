//! How an agency's installation stands, for people.

use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{CompanyId, LocationId};
use crate::store::agency::{self, CompanyRow, MemberProblem, MemberState};
use crate::store::db::{Db, DbError};
use crate::store::runtime::InstallReportRow;
use crate::store::{keys, row};

/// How long the browser of whoever installed the app may see how it goes on, seconds.
pub const READER_S: i64 = 24 * 60 * 60;

/// Of the reader's token, bytes.
const READER_BYTES: usize = 32;

/// Whose installation a browser may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The agency.
    pub company: CompanyId,
    /// SHA-256 of the installation's code.
    pub code_sha256: String,
}

impl Reader {
    /// Lets the browser of whoever brought `code` see how the agency's installation goes on: gives
    /// the token that it shows.
    ///
    /// # Errors
    /// The tables.
    pub async fn admit(
        db: &impl Db,
        clock: &Clock,
        company: &CompanyId,
        code: &str,
    ) -> Result<SecretString, DbError> {
        let token = crypto::random_token(READER_BYTES);
        let mut row = InstallReportRow {
            rev: 0,
            company: company.clone(),
            code_sha256: crypto::sha256_hex(code),
            expires_at: clock.now_ms() / 1000 + READER_S,
        };
        let key = keys::install_report(&crypto::sha256_hex(&token));
        db.write(vec![row::save(key, &mut row)?]).await?;
        Ok(token.into())
    }

    /// Who shows this token, if it has not ended.
    ///
    /// # Errors
    /// The tables.
    pub async fn of(
        db: &impl Db,
        clock: &Clock,
        token: &SecretString,
    ) -> Result<Option<Self>, DbError> {
        let key = keys::install_report(&crypto::sha256_hex(token.expose_secret()));
        let row = row::load::<InstallReportRow>(db, &key).await?;
        Ok(row
            .filter(|row| clock.now_ms() / 1000 < row.expires_at)
            .map(|row| Reader {
                company: row.company,
                code_sha256: row.code_sha256,
            }))
    }
}

/// How an agency's installation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sub-accounts that work.
    pub succeeded: Vec<Entry>,
    /// Sub-accounts that have no tokens, and why.
    pub failed: Vec<Entry>,
    /// Sub-accounts whose tokens have not been asked for yet.
    pub waiting: Vec<Entry>,
    /// GoHighLevel has not told all sub-accounts yet.
    pub is_reading: bool,
    /// Why not, if it refused.
    pub problem: Option<String>,
}

/// A sub-account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub location: LocationId,
    /// The business.
    pub name: Option<String>,
    /// Where the business is.
    pub address: Option<String>,
    /// Why it has no tokens.
    pub problem: Option<MemberProblem>,
    /// When they are asked for next, milliseconds since 1970; not at all without a new installation.
    pub next_ms: Option<Millis>,
}

impl Report {
    /// Reads it.
    ///
    /// # Errors
    /// The tables.
    pub async fn read(db: &impl Db, company: &CompanyId) -> Result<Self, DbError> {
        let row = row::load::<CompanyRow>(db, &keys::company(company)).await?;
        let reading = row.filter(|row| row.listing.is_some());
        let mut report = Report {
            is_reading: reading.is_some(),
            problem: reading.and_then(|row| row.problem),
            ..Report::default()
        };
        for member in agency::members(db, company).await? {
            let entries = match (member.state, &member.problem) {
                (MemberState::Done, _) => &mut report.succeeded,
                (MemberState::Waiting, None) => &mut report.waiting,
                (MemberState::Waiting | MemberState::GivenUp, _) => &mut report.failed,
                (MemberState::Gone, _) => continue,
            };
            entries.push(Entry {
                location: member.location,
                name: member.name,
                address: member.address,
                problem: member.problem,
                next_ms: member.due_at,
            });
        }
        for entries in [
            &mut report.succeeded,
            &mut report.failed,
            &mut report.waiting,
        ] {
            entries.sort_by(|a, b| (&a.name, &a.location).cmp(&(&b.name, &b.location)));
        }
        Ok(report)
    }

    /// How many of the sub-accounts that were seen to work, in percent and rounded down, so that
    /// 100 means all; nothing before the first.
    pub fn rate(&self) -> Option<usize> {
        let n_seen_to = self.succeeded.len() + self.failed.len();
        (self.succeeded.len() * 100).checked_div(n_seen_to)
    }

    /// Nothing is going to change any more without a new installation.
    pub fn is_settled(&self) -> bool {
        let is_tried_again = |entry: &Entry| entry.next_ms.is_some();
        !self.is_reading && self.waiting.is_empty() && !self.failed.iter().any(is_tried_again)
    }
}
