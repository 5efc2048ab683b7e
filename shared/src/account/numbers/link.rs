//! Linking a phone to a number, and what else GREEN-API does with a number when a person asks.

use std::time::Duration;

use base64::Engine as _;

use super::add::wid_of;
use super::{Numbers, Unusable, instance};
use crate::clock::Millis;
use crate::crypto::{BASE64, DataKeys};
use crate::domain::chat_id::Alias;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::phone::Phone;
use crate::domain::status::InstanceState;
use crate::green_api::client::{Instance, Qr};
use crate::green_api::error::GreenApiError;
use crate::pipeline::whatsapp;
use crate::store::db::{Db, DbError};
use crate::store::directory::{NumberRow, PauseReason};
use crate::store::runtime::{Lease, LeaseRow, QrRow, QrTold};
use crate::store::{keys, row};

/// GREEN-API is asked for the code, and for the state, no more often, however many look.
pub const ASK_EVERY_MS: Millis = 2_000;

/// How often a person has everything about a number asked for.
pub const REFRESH_EVERY_MS: Millis = 60_000;

/// How long a code can be scanned (GREEN-API contract, QR).
const CODE_MS: Millis = 20_000;

/// Longer than GREEN-API may take to answer.
const QR_LEASE_MS: Millis = 9_000;

/// How often, and how many times, those look again who are not the one who asks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS: usize = 12;

/// A picture of a code has about 10 kB.
const MOST_PNG: usize = 128 * 1024;

/// What a person who wants to link a phone is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linking {
    /// A code to scan.
    Code {
        /// A PNG in base64.
        png: String,
        /// It has ended by then, milliseconds since 1970.
        until_ms: Millis,
    },
    /// A phone is linked; for another one it has to be logged out first.
    Linked {
        /// Which, if that is known.
        phone: Option<Phone>,
    },
    /// No code now.
    Wait {
        /// Why, in GREEN-API's words.
        reason: String,
    },
}

/// Why GREEN-API did not do with a number what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The workspace has no such number.
    #[error("there is no such number")]
    NotFound,
    /// Nothing can be done with the number before a person has corrected something.
    #[error("{}", .0.text())]
    Stopped(PauseReason),
    /// Somebody has asked for it a moment ago.
    #[error("that was asked for a moment ago")]
    TooSoon {
        /// When it can be asked for again, milliseconds from now.
        wait_ms: Millis,
    },
    /// A phone is linked already.
    #[error("a phone is linked to the number already")]
    AlreadyLinked,
    /// Not in the state that the number is in; in GREEN-API's words.
    #[error("not now: {0}")]
    NotNow(String),
    /// GREEN-API has no time for us, or does not answer.
    #[error("GREEN-API does not answer now: {0}")]
    TryAgain(GreenApiError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The row cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl<D: Db> Numbers<D> {
    /// The code that links a phone to a number. Whoever asks first within two seconds asks
    /// GREEN-API, under a lease; everybody else gets the same answer from the table.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn qr(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<Linking, AskError> {
        let (row, to) = self.asked(data_keys, workspace, number).await?;
        let mut told = self.told(number).await?;
        if !self.is_fresh(told.as_ref()) {
            let key = keys::qr_lease(number);
            let owner = self.ids.next();
            let lease = Lease::take(&self.db, &self.clock, key, &owner, QR_LEASE_MS).await?;
            told = match lease {
                Some(lease) => {
                    let told = self.ask_for_code(&row, &to).await;
                    lease.release(&self.db).await?;
                    Some(told?)
                }
                None => self.wait_for_told(number).await?,
            };
        }
        let Some(told) = told else {
            let reason = "somebody else is asking for the code".to_owned();
            return Ok(Linking::Wait { reason });
        };
        let until_ms = told.since_ms + CODE_MS;
        match told.told {
            QrTold::Code { png } => Ok(Linking::Code { png, until_ms }),
            QrTold::Linked => Ok(Linking::Linked {
                phone: self.note_linked(row, &to).await?,
            }),
            QrTold::Wait { reason } => Ok(Linking::Wait { reason }),
            QrTold::Unusable { why } => Err(AskError::Stopped(why)),
        }
    }

    /// The code that a person types into the phone to link it to a number.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn pairing_code(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
        phone: &Phone,
    ) -> Result<String, AskError> {
        let (row, to) = self.asked(data_keys, workspace, number).await?;
        match self.green.authorization_code(&to, phone).await {
            Ok(code) => Ok(code),
            // It refuses without a word when a phone is linked.
            Err(GreenApiError::Refused { message, .. }) => {
                let state = self.green.state(&to).await;
                match state {
                    Ok(InstanceState::Authorized) => {
                        self.note(&row, InstanceState::Authorized, None).await?;
                        Err(AskError::AlreadyLinked)
                    }
                    _ => Err(AskError::NotNow(message)),
                }
            }
            Err(error) => Err(self.not_done(&row, error).await),
        }
    }

    /// Asks GREEN-API for a number's state, unless it was told within two seconds.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn check(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<NumberRow, AskError> {
        let (row, to) = self.asked(data_keys, workspace, number).await?;
        if self.clock.now_ms() - row.checked_ms < ASK_EVERY_MS {
            return Ok(row);
        }
        match self.account(&to).await {
            Ok(account) => {
                let wid = wid_of(&account);
                self.note(&row, account.state, wid).await
            }
            // Somebody else has just asked.
            Err(GreenApiError::RateLimited) => Ok(row),
            Err(error) => Err(self.not_done(&row, error).await),
        }
    }

    /// Asks GREEN-API for a number's state, and writes the settings that differ from what we need.
    /// Once in [`REFRESH_EVERY_MS`].
    ///
    /// # Errors
    /// [`AskError`], [`AskError::TooSoon`] among them.
    pub async fn refresh(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<NumberRow, AskError> {
        // One of another workspace is not found, rather than asked for too soon.
        self.asked(data_keys, workspace, number).await?;
        let key = keys::refresh_lease(number);
        let owner = self.ids.next();
        let now_ms = self.clock.now_ms();
        // It is not given back: its end is the end of the time.
        let lease = Lease::take(&self.db, &self.clock, key.clone(), &owner, REFRESH_EVERY_MS);
        if lease.await?.is_none() {
            let held = row::load::<LeaseRow>(&self.db, &key).await?;
            let wait_ms = held.map_or(0, |held| held.until_ms - now_ms).max(0);
            return Err(AskError::TooSoon { wait_ms });
        }
        let row = self.check(data_keys, workspace, number).await?;
        Ok(self
            .settled(data_keys, workspace, number)
            .await?
            .unwrap_or(row))
    }

    /// Unlinks a number's phone.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn log_out(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<NumberRow, AskError> {
        let (row, to) = self.asked(data_keys, workspace, number).await?;
        match self.green.logout(&to).await {
            // What was to be done is done.
            Ok(()) | Err(GreenApiError::NotAuthorized) => {}
            Err(error) => return Err(self.not_done(&row, error).await),
        }
        tracing::info!(%workspace, %number, "a number's phone was logged out");
        self.note(&row, InstanceState::NotAuthorized, None).await
    }

    /// Restarts a number at GREEN-API, which takes up to five minutes.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn reboot(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<NumberRow, AskError> {
        let (row, to) = self.asked(data_keys, workspace, number).await?;
        if let Err(error) = self.green.reboot(&to).await {
            return Err(self.not_done(&row, error).await);
        }
        tracing::info!(%workspace, %number, "a number is restarted");
        self.note(&row, InstanceState::Starting, None).await
    }

    async fn asked(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<(NumberRow, Instance), AskError> {
        let row = self.get(workspace, number).await?;
        let row = row.ok_or(AskError::NotFound)?;
        let to = instance(&row, data_keys)?;
        Ok((row, to))
    }

    async fn told(&self, number: &NumberId) -> Result<Option<QrRow>, DbError> {
        row::load(&self.db, &keys::qr(number)).await
    }

    fn is_fresh(&self, told: Option<&QrRow>) -> bool {
        let now_ms = self.clock.now_ms();
        told.is_some_and(|told| now_ms - told.asked_ms < ASK_EVERY_MS)
    }

    /// Asks GREEN-API and keeps the answer, unless that was done just before the lease was ours.
    async fn ask_for_code(&self, row: &NumberRow, to: &Instance) -> Result<QrRow, AskError> {
        let before = self.told(&row.number).await?;
        if let Some(told) = before.clone()
            && self.is_fresh(Some(&told))
        {
            return Ok(told);
        }
        let asked_ms = self.clock.now_ms();
        let told = match self.green.qr(to).await {
            Ok(Qr::Code(png)) if is_picture(&png) => QrTold::Code { png },
            Ok(Qr::Code(_)) => waits("GREEN-API sent something that is no picture"),
            Ok(Qr::AlreadyLinked) => QrTold::Linked,
            Ok(Qr::NotNow(reason)) => QrTold::Wait { reason },
            Err(error) => match self.not_done(row, error).await {
                AskError::Stopped(why) => QrTold::Unusable { why },
                AskError::NotNow(reason) => QrTold::Wait { reason },
                AskError::TryAgain(error) => waits(&error.to_string()),
                error => return Err(error),
            },
        };
        let same = before.as_ref().filter(|before| before.told == told);
        let mut kept = QrRow {
            rev: before.as_ref().map_or(0, |before| before.rev),
            asked_ms,
            since_ms: same.map_or(self.clock.now_ms(), |before| before.since_ms),
            told,
            expires_at: asked_ms / 1000 + 3600,
        };
        let write = row::save(keys::qr(&row.number), &mut kept)?;
        match self.db.write(vec![write]).await {
            // The lease had ended, and somebody else's answer is there: as good as this one.
            Ok(()) | Err(DbError::Condition { .. } | DbError::Conflict) => Ok(kept),
            Err(error) => Err(error.into()),
        }
    }

    /// What somebody else is told who has the lease; in the end what was told before.
    async fn wait_for_told(&self, number: &NumberId) -> Result<Option<QrRow>, DbError> {
        for _ in 0..LOOKS {
            self.clock.sleep(LOOK_EVERY).await;
            let told = self.told(number).await?;
            if self.is_fresh(told.as_ref()) {
                return Ok(told);
            }
        }
        let told = self.told(number).await?;
        let now_ms = self.clock.now_ms();
        Ok(told.filter(|told| now_ms < told.since_ms + CODE_MS))
    }

    /// The phone that is linked. The webhook may not have told it yet.
    async fn note_linked(&self, row: NumberRow, to: &Instance) -> Result<Option<Phone>, AskError> {
        let is_known = row.state.can_send() && row.wid.is_some();
        let row = match is_known {
            true => row,
            false => match self.account(to).await {
                Ok(account) => {
                    let wid = wid_of(&account);
                    self.note(&row, account.state, wid).await?
                }
                Err(error) => {
                    tracing::warn!(number = %row.number, %error, "the linked phone is not known yet");
                    row
                }
            },
        };
        let wid = row.wid.as_deref().and_then(Alias::parse);
        Ok(wid.as_ref().and_then(Phone::from_alias))
    }

    async fn note(
        &self,
        row: &NumberRow,
        state: InstanceState,
        wid: Option<String>,
    ) -> Result<NumberRow, AskError> {
        let now_ms = self.clock.now_ms();
        let key = keys::number(&row.workspace, &row.number);
        let noted = row::change::<NumberRow>(&self.db, &key, |row| {
            whatsapp::note_state(row, state.clone(), wid.clone(), now_ms);
            true
        });
        noted.await?.ok_or(AskError::NotFound)
    }

    /// What an error means for the person, and for the number.
    async fn not_done(&self, row: &NumberRow, error: GreenApiError) -> AskError {
        let now_ms = self.clock.now_ms();
        let key = keys::number(&row.workspace, &row.number);
        let noted = row::change::<NumberRow>(&self.db, &key, |row| {
            let before = row.clone();
            whatsapp::note_error(row, &error, now_ms);
            *row != before
        });
        if let Err(error) = noted.await {
            tracing::warn!(number = %row.number, %error, "a number's trouble was not noted");
        }
        match error {
            GreenApiError::BadToken => AskError::Stopped(PauseReason::BadToken),
            GreenApiError::Expired => AskError::Stopped(PauseReason::Expired),
            GreenApiError::Deleted => AskError::Stopped(PauseReason::Deleted),
            GreenApiError::Starting
            | GreenApiError::NotAuthorized
            | GreenApiError::FileTooLarge => AskError::NotNow(error.to_string()),
            GreenApiError::Quota { description } => AskError::NotNow(description),
            GreenApiError::Forbidden { message } | GreenApiError::Refused { message, .. } => {
                AskError::NotNow(message)
            }
            GreenApiError::NotSent { .. }
            | GreenApiError::RateLimited
            | GreenApiError::Ambiguous { .. } => AskError::TryAgain(error),
        }
    }
}

fn waits(reason: &str) -> QrTold {
    QrTold::Wait {
        reason: reason.to_owned(),
    }
}

/// What becomes a part of an address that browsers show.
fn is_picture(base64: &str) -> bool {
    let png = BASE64.decode(base64).unwrap_or_default();
    base64.len() <= MOST_PNG && png.starts_with(b"\x89PNG")
}
