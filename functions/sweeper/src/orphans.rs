//! Sub-accounts that got the app without a word about their agency (GHL contract, webhooks to
//! subscribe): every agency that we know is asked whether it is its.

use greenhub::clock::Millis;
use greenhub::domain::ids::{CompanyId, LocationId};
use greenhub::media::store::FileStore;
use greenhub::pipeline::tokens::TokenError;
use greenhub::queue::Queue;
use greenhub::store::agency::{self, OrphanRow};
use greenhub::store::db::{Cond, Db, DbError, Op, Write};
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};

use crate::Sweeper;

/// How many agencies are asked in one run.
const PER_RUN: usize = 25;

/// How often all agencies are asked: their lists lag behind, and an agency may come later.
const ROUNDS: u32 = 5;

/// From one round to the next.
const BETWEEN_MS: Millis = 5 * 60 * 1000;

impl<D: Db, Q: Queue, S: FileStore> Sweeper<D, Q, S> {
    /// Looks for the agency of a sub-account.
    pub(crate) async fn orphan(
        &self,
        location: &LocationId,
        until_ms: Millis,
    ) -> Result<(), DbError> {
        let db = &self.hub.db;
        let key = keys::orphan(location);
        let Some(orphan) = row::load::<OrphanRow>(db, &key).await? else {
            return Ok(());
        };
        let install = row::load::<InstallRow>(db, &keys::install(location)).await?;
        if install.is_some_and(|install| {
            install.state == InstallState::Active && install.refreshed_ms >= orphan.since_ms
        }) {
            return self.forget(location).await;
        }
        let companies = agency::companies(db, orphan.after.as_ref(), PER_RUN).await?;
        let is_last = companies.len() < PER_RUN;
        let mut after = None;
        for company in companies {
            if until_ms <= self.hub.clock.now_ms() {
                break;
            }
            if self.is_in(&company, location, until_ms).await? {
                let now_ms = self.hub.clock.now_ms();
                agency::want_tokens(db, &company, location, orphan.since_ms, now_ms).await?;
                tracing::info!(%location, %company, "the agency of a sub-account is found");
                return self.forget(location).await;
            }
            after = Some(company);
        }
        if is_last && orphan.attempts + 1 >= ROUNDS {
            tracing::error!(%location, "no agency that we know has this sub-account");
            return self.forget(location).await;
        }
        let now_ms = self.hub.clock.now_ms();
        row::change::<OrphanRow>(db, &key, |row| {
            row.attempts += u32::from(is_last);
            row.after = after.clone().filter(|_| !is_last);
            row.set_due(now_ms + if is_last { BETWEEN_MS } else { 0 });
            true
        })
        .await?;
        Ok(())
    }

    async fn is_in(
        &self,
        company: &CompanyId,
        location: &LocationId,
        until_ms: Millis,
    ) -> Result<bool, DbError> {
        let token = match self.tokens().agency(company).await {
            Ok(token) => token,
            Err(TokenError::Db(error)) => return Err(error),
            Err(_) => return Ok(false),
        };
        self.agency()
            .has_member(company, location, &token, until_ms)
            .await
    }

    async fn forget(&self, location: &LocationId) -> Result<(), DbError> {
        let gone = Write {
            key: keys::orphan(location),
            op: Op::Delete,
            only_if: Cond::Always,
        };
        self.hub.db.write(vec![gone]).await
    }
}
