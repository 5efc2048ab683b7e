//! What somebody shows beside their password: a code of an app (TOTP), one that is sent to them by
//! Telegram, or one of the recovery codes that they have put away.
//!
//! Each way is set up by a session and proved before it counts. Whatever changes here ends the
//! person's other sessions.

use secrecy::{ExposeSecret as _, SecretString};
use totp_rs::{Builder, Secret, Totp};

use crate::clock::{Clock, Millis};
use crate::crypto::{self, CryptoError, DataKeys};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::people::{PersonRow, TeamRow, TotpRow};
use crate::store::people_runtime::NewTotpRow;
use crate::store::{keys, row};

use super::audit::{self, About, Action, Actor};
use super::browser;

/// How long a new secret for codes can be proved.
const PROVE_MS: Millis = 15 * 60 * 1000;

/// Of a secret for codes, bytes: what SHA-1's HMAC has.
const SECRET_BYTES: usize = 20;

/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 8;

/// What the codes are for, in people's apps.
const ISSUER: &str = "Greenhub";

/// What a code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An app's; the person's row says that it is used.
    Totp,
    /// The one that was sent.
    Sent,
    /// A recovery code, which is gone from the person's row.
    Recovery,
}

/// A secret for an app, shown once.
#[derive(Clone, Debug)]
pub struct NewTotp {
    /// `otpauth://totp/…`, for a picture to scan.
    pub url: SecretString,
    /// The secret in base32, to be typed.
    pub secret: SecretString,
    /// Until when it can be proved, milliseconds since 1970.
    pub until_ms: Millis,
}

/// Why the second step did not change.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Not a code of the new secret.
    #[error("the code is wrong")]
    WrongCode,
    /// No secret was asked for lately.
    #[error("there is no new secret to be proved")]
    NothingNew,
    /// The workspace asks everybody for one.
    #[error("the workspace asks everybody for a second step")]
    Required,
    /// Nothing of it is there.
    #[error("there is no such second step")]
    NotThere,
    /// A secret cannot be used.
    #[error("a secret of the person does not open")]
    Unusable,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<CryptoError> for StepError {
    fn from(_: CryptoError) -> Self {
        StepError::Unusable
    }
}

/// A way to show who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The app.
    Totp,
    /// Telegram.
    Telegram,
}

/// What setting a second step up needs.
#[derive(Clone, Copy, Debug)]
pub struct SecondStep<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// Seals what apps make codes from.
    pub data_keys: &'a DataKeys,
}

impl<D: Db> SecondStep<'_, D> {
    /// Makes a secret for an app. It counts once [`SecondStep::prove_totp`] has seen a code of it.
    ///
    /// # Errors
    /// [`StepError`].
    pub async fn offer_totp(&self, person: &PersonRow) -> Result<NewTotp, StepError> {
        let bytes = crypto::random_bytes::<SECRET_BYTES>();
        let totp = totp_of(bytes.to_vec(), &person.name).ok_or(StepError::Unusable)?;
        let secret = Secret::from(bytes.to_vec()).to_base32();
        let url = totp.to_url().map_err(|_| StepError::Unusable)?;
        let until_ms = self.clock.now_ms() + PROVE_MS;
        let context = seal_context(person);
        let (key, sealed) = (new_key(person), self.data_keys.seal(&secret, &context));
        let make = || NewTotpRow {
            rev: 0,
            sealed: String::new(),
            until_ms,
            expires_at: until_ms / 1000 + 1,
        };
        row::change_or_make(self.db, &key, make, |row: &mut NewTotpRow| {
            row.sealed.clone_from(&sealed);
            row.until_ms = until_ms;
            row.expires_at = until_ms / 1000 + 1;
            true
        })
        .await?;
        Ok(NewTotp {
            url: url.into(),
            secret: secret.into(),
            until_ms,
        })
    }

    /// Takes the secret that was offered, since `code` is one of its. `session` goes on.
    ///
    /// # Errors
    /// [`StepError`].
    pub async fn prove_totp(
        &self,
        actor: &Actor,
        person: &PersonRow,
        session: Option<&str>,
        code: &str,
    ) -> Result<PersonRow, StepError> {
        let now_ms = self.clock.now_ms();
        let key = new_key(person);
        let new = row::load::<NewTotpRow>(self.db, &key).await?;
        let new = new.filter(|new| now_ms < new.until_ms);
        let new = new.ok_or(StepError::NothingNew)?;
        let totp = opened(self.data_keys, &new.sealed, person)?;
        let step = totp.check(&digits(code), seconds(now_ms));
        let last_step = step.ok_or(StepError::WrongCode)?;
        let used = Write {
            key,
            op: Op::Delete,
            only_if: Cond::Rev(new.rev),
        };
        let row = TotpRow {
            sealed: new.sealed,
            last_step,
            since_ms: now_ms,
        };
        let changed = self.change(
            actor,
            person,
            session,
            Action::TotpLinked,
            Some(used),
            |it| {
                it.totp = Some(row.clone());
                true
            },
        );
        changed.await
    }

    /// Takes a way away. `session` goes on; the last way stays where the workspace asks for one.
    ///
    /// # Errors
    /// [`StepError`].
    pub async fn remove(
        &self,
        actor: &Actor,
        person: &PersonRow,
        session: Option<&str>,
        way: Way,
    ) -> Result<PersonRow, StepError> {
        let team = row::load::<TeamRow>(self.db, &keys::team(&person.workspace)).await?;
        let is_last = match way {
            Way::Totp => person.telegram.is_none(),
            Way::Telegram => person.totp.is_none(),
        };
        if is_last && team.is_some_and(|team| team.second_step_required) {
            return Err(StepError::Required);
        }
        let action = Action::SecondStepRemoved;
        let changed = self.change(actor, person, session, action, None, |it| {
            let was_there = match way {
                Way::Totp => it.totp.take().is_some(),
                Way::Telegram => it.telegram.take().is_some(),
            };
            if !it.has_second_step() {
                it.recovery.clear();
            }
            was_there
        });
        changed.await
    }

    /// Makes new recovery codes, which are shown once; those before are worth nothing.
    ///
    /// # Errors
    /// [`StepError`].
    pub async fn renew_recovery(
        &self,
        actor: &Actor,
        person: &PersonRow,
        session: Option<&str>,
    ) -> Result<Vec<SecretString>, StepError> {
        if !person.has_second_step() {
            return Err(StepError::NotThere);
        }
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        let kept = codes.iter().map(|code| recovery_sha256(person, code));
        let kept: std::collections::BTreeSet<_> = kept.collect();
        let action = Action::RecoveryCodesMade;
        let changed = self.change(actor, person, session, action, None, |it| {
            it.recovery.clone_from(&kept);
            true
        });
        changed.await?;
        Ok(codes.into_iter().map(SecretString::from).collect())
    }

    /// Changes a person's row and ends their sessions but for one.
    async fn change(
        &self,
        actor: &Actor,
        person: &PersonRow,
        session: Option<&str>,
        action: Action,
        beside: Option<Write>,
        change: impl Fn(&mut PersonRow) -> bool,
    ) -> Result<PersonRow, StepError> {
        let key = keys::person(&person.workspace, &person.person);
        for _ in 0..row::TRIES {
            let now_ms = self.clock.now_ms();
            let row = row::load::<PersonRow>(self.db, &key).await?;
            let mut row = row.ok_or(StepError::NotThere)?;
            if !change(&mut row) {
                return Err(StepError::NotThere);
            }
            let mut writes = Vec::from_iter(beside.clone());
            writes.extend(browser::end_others(self.db, &mut row, session).await?);
            let about = About::person(&row);
            writes.push(audit::entry(now_ms, &row.workspace, actor, action, about)?);
            writes.push(row::save(key.clone(), &mut row)?);
            match self.db.write(writes).await {
                Ok(()) => return Ok(row),
                Err(DbError::Condition { .. } | DbError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StepError::Db(DbError::Conflict))
    }
}

/// What a code is, if it is one of the person's. A code of the app is taken once, and a recovery code
/// is gone then: the row has to be written.
pub(super) fn prove(
    data_keys: &DataKeys,
    now_ms: Millis,
    person: &mut PersonRow,
    typed: &str,
) -> Result<Option<Proof>, CryptoError> {
    if let Some(kept) = &person.totp {
        let totp = opened(data_keys, &kept.sealed, person)?;
        let step = totp.check(&digits(typed), seconds(now_ms));
        if let Some(step) = step.filter(|step| *step > kept.last_step) {
            let sealed = kept.sealed.clone();
            person.totp = Some(TotpRow {
                sealed,
                last_step: step,
                since_ms: kept.since_ms,
            });
            return Ok(Some(Proof::Totp));
        }
    }
    let typed = plain(typed);
    let is_one = !typed.is_empty() && person.recovery.remove(&recovery_sha256(person, &typed));
    Ok(is_one.then_some(Proof::Recovery))
}

fn opened(data_keys: &DataKeys, sealed: &str, person: &PersonRow) -> Result<Totp, CryptoError> {
    let secret = data_keys.open(sealed, &seal_context(person))?;
    let bytes = Secret::try_from_base32(secret.expose_secret());
    let bytes = bytes.map_err(|_| CryptoError::Malformed)?;
    totp_of(bytes.as_ref().to_vec(), &person.name).ok_or(CryptoError::Malformed)
}

/// What every app takes: SHA-1, six digits, 30 seconds; a phone's clock may be a step off.
fn totp_of(secret: Vec<u8>, account: &str) -> Option<Totp> {
    // What is special in the address of such a secret.
    let account: String = account.chars().filter(|c| *c != ':').collect();
    let account = match account.trim() {
        "" => ISSUER,
        account => account,
    };
    Builder::new()
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some(ISSUER))
        .build()
        .ok()
}

fn seal_context(person: &PersonRow) -> String {
    PersonRow::seal_context(&person.workspace, &person.person, PersonRow::TOTP)
}

fn new_key(person: &PersonRow) -> crate::store::db::Key {
    let (workspace, person): (&WorkspaceId, &PersonId) = (&person.workspace, &person.person);
    keys::new_totp(workspace, person)
}

fn seconds(now_ms: Millis) -> u64 {
    u64::try_from(now_ms / 1000).unwrap_or_default()
}

/// Apps show their codes in two halves.
fn digits(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Four groups of four letters and digits: 80 bits, without signs that look alike.
fn recovery_code() -> String {
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let signs = crypto::random_bytes::<16>();
    let signs: Vec<char> = signs
        .iter()
        .map(|byte| char::from(SIGNS[usize::from(byte % 32)]))
        .collect();
    let groups = signs
        .chunks(4)
        .map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// A recovery code as it is compared: people leave the dashes out.
fn plain(typed: &str) -> String {
    let signs = typed.chars().filter(char::is_ascii_alphanumeric);
    signs.map(|c| c.to_ascii_lowercase()).collect()
}

fn recovery_sha256(person: &PersonRow, code: &str) -> String {
    crypto::sha256_hex(format!("recovery|{}|{}", person.person, plain(code)))
}
