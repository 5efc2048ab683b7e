//! Tokens for the sub-accounts of an agency.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use secrecy::SecretString;

use super::{AT_ONCE, Agency};
use crate::account::install::{Before, InstallError, Installer};
use crate::clock::Millis;
use crate::domain::ids::{CompanyId, LocationId};
use crate::domain::retry;
use crate::domain::text::Lang;
use crate::ghl::error::GhlError;
use crate::pipeline::tokens::SUSPENDED_RETRY_MS;
use crate::store::agency::{self, CompanyRow, MemberProblem, MemberRow, MemberState};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::runtime::Lease;
use crate::store::{keys, row};

/// Longer than a call takes: GoHighLevel is waited for 15 s.
const LEASE_MS: Millis = 45_000;

/// The clocks of GoHighLevel and ours may differ by so much: an installation that was stored this
/// long before it is said to have happened is that one.
pub(in crate::account) const SKEW_MS: Millis = 60_000;

/// How long tokens are asked for in vain.
const PATIENCE_MS: Millis = 3 * 24 * 3600 * 1000;

/// How long they are waited for while the agency has none itself: a person who installs the app is
/// sent to the callback within minutes.
const PATIENCE_WITHOUT_AGENCY_MS: Millis = 15 * 60 * 1000;

/// What came of seeing to a sub-account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provided {
    /// It has its tokens, or needs none any more.
    Yes,
    /// Not this time; its row says why, and when it is due again.
    No,
    /// Somebody else is at it. It is due as before.
    Busy,
    /// Its turn would have come too late, and so would that of any other. It is due as before.
    NoTime,
    /// GoHighLevel does not take the agency's token. It is due as before.
    TokenRefused,
}

impl<D: Db> Agency<'_, D> {
    /// Makes tokens for all sub-accounts of an agency that wait for some. Nothing begins after
    /// `until_ms`.
    ///
    /// # Errors
    /// The tables; what is left stays due.
    pub async fn provide_all(
        &self,
        company: &CompanyRow,
        token: &SecretString,
        until_ms: Millis,
    ) -> Result<(), DbError> {
        let members = agency::members(self.db, &company.company).await?;
        let waiting = members
            .into_iter()
            .filter(|member| member.state == MemberState::Waiting && member.attempts == 0);
        // The first that finds no time, or a token that is no good, speaks for all after it.
        let is_over = AtomicBool::new(false);
        let (is_over, id) = (&is_over, &company.company);
        stream::iter(waiting)
            .map(|member| async move {
                if is_over.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let provide = self.provide(id, &member.location, company.lang, token, until_ms);
                let provided = Box::pin(provide).await?;
                if matches!(provided, Provided::NoTime | Provided::TokenRefused) {
                    is_over.store(true, Ordering::Relaxed);
                }
                Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    /// Makes tokens for one sub-account, if it waits for some. The call departs before `until_ms`.
    ///
    /// # Errors
    /// The tables; it stays due.
    pub async fn provide(
        &self,
        company: &CompanyId,
        location: &LocationId,
        lang: Lang,
        token: &SecretString,
        until_ms: Millis,
    ) -> Result<Provided, DbError> {
        // Whoever refreshes the location's tokens is not to overwrite these.
        let key = keys::token_lease(location);
        let owner = self.ids.next();
        let Some(lease) = Lease::take(self.db, self.clock, key, &owner, LEASE_MS).await? else {
            return Ok(Provided::Busy);
        };
        let provided = self
            .provide_alone(company, location, lang, token, until_ms)
            .await;
        lease.release(self.db).await?;
        provided
    }

    async fn provide_alone(
        &self,
        company: &CompanyId,
        location: &LocationId,
        lang: Lang,
        token: &SecretString,
        until_ms: Millis,
    ) -> Result<Provided, DbError> {
        let Some((member, before)) = self.waiting(company, location).await? else {
            return Ok(Provided::Yes);
        };
        if !self.depart(company, until_ms).await? {
            return Ok(Provided::NoTime);
        }
        let made = self.ghl.location_token(token, company, location).await;
        let tokens = match made {
            Ok(answer) => answer.value,
            Err(GhlError::Unauthorized(_)) => return Ok(Provided::TokenRefused),
            Err(error @ GhlError::RateLimited { .. }) => {
                self.slow_down(company, &error).await;
                return Ok(Provided::NoTime);
            }
            Err(error) => {
                self.note_failure(&member, problem(&error)).await?;
                return Ok(Provided::No);
            }
        };
        let installer = Installer {
            db: self.db,
            clock: self.clock,
            ids: self.ids,
            data_keys: self.data_keys,
            ghl: self.ghl,
        };
        match installer
            .complete_member(&member, &tokens, lang, before)
            .await
        {
            Ok(()) => Ok(Provided::Yes),
            Err(error @ (InstallError::Removed | InstallError::NoLocation)) => {
                tracing::warn!(%location, %error, "tokens are not stored");
                Ok(Provided::Yes)
            }
            Err(InstallError::Db(error)) => Err(error),
        }
    }

    /// The sub-account, if it waits for tokens, and how its installation looks. One that got some in
    /// another way waits no more.
    async fn waiting(
        &self,
        company: &CompanyId,
        location: &LocationId,
    ) -> Result<Option<(MemberRow, Before)>, DbError> {
        let key = keys::member(company, location);
        let Some(member) = row::load::<MemberRow>(self.db, &key).await? else {
            return Ok(None);
        };
        if member.state != MemberState::Waiting {
            return Ok(None);
        }
        let install = row::load::<InstallRow>(self.db, &keys::install(location)).await?;
        let has_tokens = install.as_ref().is_some_and(|install| {
            install.state == InstallState::Active
                && member.since_ms <= install.refreshed_ms + SKEW_MS
        });
        if has_tokens {
            let now_ms = self.clock.now_ms();
            row::change::<MemberRow>(self.db, &key, |row| {
                let is_same = row.rev == member.rev;
                if is_same {
                    row.settle(MemberState::Done, now_ms);
                }
                is_same
            })
            .await?;
            return Ok(None);
        }
        Ok(Some((member, Before(install.map_or(0, |row| row.rev)))))
    }

    /// There is no token of the agency's to make others with.
    ///
    /// # Errors
    /// The tables.
    pub async fn note_no_agency(
        &self,
        company: &CompanyId,
        location: &LocationId,
    ) -> Result<(), DbError> {
        match self.waiting(company, location).await? {
            Some((member, _)) => {
                self.note_failure(&member, MemberProblem::NoAgencyToken)
                    .await
            }
            None => Ok(()),
        }
    }

    async fn note_failure(
        &self,
        member: &MemberRow,
        problem: MemberProblem,
    ) -> Result<(), DbError> {
        let now_ms = self.clock.now_ms();
        let patience_ms = match problem {
            MemberProblem::NoAgencyToken => PATIENCE_WITHOUT_AGENCY_MS,
            _ => PATIENCE_MS,
        };
        let gives_up = now_ms - member.since_ms >= patience_ms;
        let location = &member.location;
        tracing::warn!(%location, ?problem, gives_up, "a sub-account has no tokens yet");
        let key = keys::member(&member.company, location);
        row::change::<MemberRow>(self.db, &key, |row| {
            // Somebody has begun anew, or removed the app.
            if row.rev != member.rev {
                return false;
            }
            row.attempts += 1;
            row.problem = Some(problem.clone());
            let wait_ms = match problem {
                MemberProblem::Paused => SUSPENDED_RETRY_MS,
                _ => retry::member_delay(row.attempts).as_millis() as Millis,
            };
            row.set_due((!gives_up).then_some(now_ms + wait_ms));
            if gives_up {
                row.state = MemberState::GivenUp;
            }
            true
        })
        .await?;
        Ok(())
    }
}

fn problem(error: &GhlError) -> MemberProblem {
    match error {
        GhlError::LocationInactive => MemberProblem::Paused,
        GhlError::NotSent
        | GhlError::Unavailable { .. }
        | GhlError::Ambiguous
        | GhlError::NotStored
        | GhlError::Unreadable { .. } => MemberProblem::NoAnswer,
        GhlError::Refused { said, .. }
        | GhlError::OtherTenant(said)
        | GhlError::Misconfigured(said)
        | GhlError::WrongProvider(said)
        | GhlError::Gone(said) => MemberProblem::Refused {
            said: said.to_string(),
        },
        error => MemberProblem::Refused {
            said: error.to_string(),
        },
    }
}
