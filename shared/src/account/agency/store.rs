//! Storing an agency's tokens.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Agency, TAKE_OVER_MS};
use crate::account::install::life_ms;
use crate::domain::ids::CompanyId;
use crate::domain::text::Lang;
use crate::ghl::oauth::TokenSet;
use crate::store::agency::{CompanyRow, ListedCompanyRow, Listing};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::{keys, row};

/// Why an agency's tokens were not stored.
#[derive(Debug, thiserror::Error)]
pub enum AgencyError {
    /// GoHighLevel does not say of which agency they are.
    #[error("the agency's id is missing")]
    NoCompany,
    /// The tables. The tokens are lost, so the app has to be installed again.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// How often the tokens are tried to be stored while the tables do not answer.
const TRIES_UNAVAILABLE: usize = 3;

const PAUSE: Duration = Duration::from_millis(200);

impl<D: Db> Agency<'_, D> {
    /// Stores the tokens that a person's installation brought; all of the agency's sub-accounts are
    /// to get new tokens then. `lang` is the language of workspaces that are made for them. The
    /// sweeper takes over after a minute.
    ///
    /// # Errors
    /// [`AgencyError`]; nothing is stored then.
    pub async fn install(&self, tokens: &TokenSet, lang: Lang) -> Result<CompanyRow, AgencyError> {
        let company = tokens.company.as_ref().ok_or(AgencyError::NoCompany)?;
        let (mut n_met, mut n_unavailable) = (0, 0);
        let stored = loop {
            match self.store_once(company, tokens, lang).await {
                // A refresh, or somebody else's installation: these tokens are newer.
                Err(DbError::Condition { .. } | DbError::Conflict) if n_met < row::TRIES => {
                    n_met += 1;
                }
                Err(DbError::Unavailable { .. }) if n_unavailable < TRIES_UNAVAILABLE => {
                    n_unavailable += 1;
                    self.clock.sleep(PAUSE).await;
                }
                done => break done?,
            }
        };
        tracing::info!(%company, "an agency installed the app");
        Ok(stored)
    }

    async fn store_once(
        &self,
        company: &CompanyId,
        tokens: &TokenSet,
        lang: Lang,
    ) -> Result<CompanyRow, DbError> {
        let now_ms = self.clock.now_ms();
        let key = keys::company(company);
        let before = row::load::<CompanyRow>(self.db, &key).await?;
        let seal = |token: &SecretString, field| {
            let context = CompanyRow::seal_context(company, field);
            self.data_keys.seal(token.expose_secret(), &context)
        };
        let mut row = CompanyRow {
            rev: before.map_or(0, |before| before.rev),
            company: company.clone(),
            lang,
            state: InstallState::Active,
            access_sealed: seal(&tokens.access, InstallRow::ACCESS),
            refresh_sealed: seal(&tokens.refresh, InstallRow::REFRESH),
            expires_ms: now_ms.saturating_add(life_ms(tokens)),
            refreshed_ms: now_ms,
            scope: tokens.scope.clone(),
            installed_ms: now_ms,
            problem: None,
            listing: Some(Listing::new(true)),
            due_at: None,
            due_shard: None,
        };
        row.set_due(Some(now_ms + TAKE_OVER_MS));
        let listed = ListedCompanyRow {
            rev: 1,
            company: company.clone(),
        };
        let writes = vec![
            row::save(key, &mut row)?,
            Write {
                key: keys::listed_company(company),
                op: Op::Put(row::item(&listed)?),
                only_if: Cond::Always,
            },
        ];
        self.db.write(writes).await?;
        Ok(row)
    }
}
