//! Signing in: a name and a password, and where the person has a second step, a code.
//!
//! Between the two stands a challenge, a row that any instance of the function can read: a code works
//! wherever it is typed. A challenge has a cookie of its own, counts the tries, and ends after ten
//! minutes, with the fifth wrong code, and when the person's epoch moves on.
//!
//! Whoever tries names and passwords learns nothing about names: an unknown one takes the same time,
//! is counted the same and is refused in the same words.

use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::{Clock, Millis};
use crate::crypto::{self, DataKeys};
use crate::limiter::window::{Admission, Window};
use crate::store::db::{Cond, Db, DbError, Key, Op, Write};
use crate::store::people::{LoginRow, PersonRow, TeamRow};
use crate::store::people_runtime::ChallengeRow;
use crate::store::{keys, row};

use super::audit::{self, About, Action, Actor};
use super::browser::{self, Browser};
use super::code_sender::{CodeSender, NotSent};
use super::password::{self, Verdict};
use super::second_step::{self, Proof};

/// The cookie of a challenge.
pub const CHALLENGE_COOKIE: &str = "g-challenge";

/// How long a challenge counts.
pub const CHALLENGE_MS: Millis = 10 * 60 * 1000;

/// How many codes may be wrong.
pub const TRIES: u32 = 5;

/// How soon another code is sent.
pub const AGAIN_MS: Millis = 30 * 1000;

/// How many codes are sent for one challenge.
pub const MOST_SENT: u32 = 4;

/// Wrong passwords of one account, or from one address; and challenges.
const FEW: Window = Window {
    most: 10,
    length_ms: 15 * 60 * 1000,
};

const COOKIE_BYTES: usize = 32;

/// Of a code, digits.
const CODE_DIGITS: usize = 6;

/// The longest name that anybody is looked up by, bytes.
const MOST_LOGIN: usize = 200;

/// What signing in needs.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// Opens what apps make codes from.
    pub data_keys: &'a DataKeys,
    /// Sends codes.
    pub codes: &'a dyn CodeSender,
}

/// Where somebody stands after a step.
#[derive(Debug)]
pub enum Step {
    /// They are in.
    In {
        /// The session's cookie.
        cookie: SecretString,
        /// Who.
        person: Box<PersonRow>,
        /// They have to set a second step up before anything else.
        only_enrols: bool,
    },
    /// A code is asked for.
    Code {
        /// The challenge's cookie, if it is a new one.
        cookie: Option<SecretString>,
        /// What it takes.
        asked: Asked,
    },
}

/// What a challenge asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// A code of the app will do.
    pub totp: bool,
    /// A code by Telegram will do.
    pub telegram: bool,
    /// One was sent by Telegram.
    pub sent: bool,
    /// Why one was not, although it was tried.
    pub not_sent: Option<NotSent>,
    /// A recovery code will do.
    pub recovery: bool,
    /// How often a code may still be wrong.
    pub tries_left: u32,
    /// Until when, milliseconds since 1970.
    pub until_ms: Millis,
}

/// Why somebody is not in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name or the password; which of them is not told.
    #[error("the name or the password is wrong")]
    Wrong,
    /// They may not come in.
    #[error("this account is switched off")]
    ShutOut,
    /// Too many tries lately.
    #[error("too many tries")]
    TooMany {
        /// When the next one can be, milliseconds from now.
        wait_ms: Millis,
    },
    /// The one second step is Telegram, and it does not reach them.
    #[error("the code could not be sent: {0}")]
    NotReached(NotSent),
    /// Another code cannot be sent yet.
    #[error("another code can be sent later")]
    TooSoon {
        /// Milliseconds from now.
        wait_ms: Millis,
    },
    /// The code.
    #[error("the code is wrong")]
    WrongCode {
        /// How often it may still be.
        tries_left: u32,
    },
    /// There is no challenge, or it has ended.
    #[error("the challenge is over")]
    Over,
    /// A secret cannot be used.
    #[error("a secret of the person does not open")]
    Unusable,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What a name is looked up by: people do not remember how they wrote it.
pub fn login_key(login: &str) -> Key {
    keys::login(&login_sha256(login))
}

fn login_sha256(login: &str) -> String {
    crypto::sha256_hex(login.trim().to_lowercase())
}

impl<D: Db> SignIn<'_, D> {
    /// The first step: a name and a password.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn by_password(
        &self,
        login: &str,
        typed: &SecretString,
        browser: &Browser,
    ) -> Result<Step, SignInError> {
        for _ in 0..row::TRIES {
            match self.by_password_once(login, typed, browser).await {
                // Two of the same person at once, or somebody has changed them.
                Err(SignInError::Db(DbError::Condition { .. } | DbError::Conflict)) => continue,
                done => return done,
            }
        }
        Err(SignInError::Db(DbError::Conflict))
    }

    async fn by_password_once(
        &self,
        login: &str,
        typed: &SecretString,
        browser: &Browser,
    ) -> Result<Step, SignInError> {
        let login: String = login.chars().take(MOST_LOGIN).collect();
        let account = login_sha256(&login);
        let tried = self.count("wrong", &account, &browser.address).await?;
        let person = self.person_of(&login).await?;
        let kept = person
            .as_ref()
            .and_then(|person| person.password.as_deref());
        let verdict = password::verify(typed, kept);
        let Some(mut person) = person.filter(|_| verdict != Verdict::Wrong) else {
            return Err(SignInError::Wrong);
        };
        for key in tried {
            FEW.give_back(self.db, &key).await?;
        }
        if !person.is_active {
            return Err(SignInError::ShutOut);
        }
        if verdict == Verdict::RightButOld
            && let Some(hash) = password::hash(typed)
        {
            person.password = Some(hash);
        }
        if person.has_second_step() {
            self.challenge(person, verdict, &account, browser).await
        } else {
            let team = row::load::<TeamRow>(self.db, &keys::team(&person.workspace)).await?;
            let only_enrols = team.is_some_and(|team| team.second_step_required);
            self.enter(person, Vec::new(), browser, only_enrols).await
        }
    }

    /// What the challenge of a cookie asks for.
    ///
    /// # Errors
    /// [`SignInError::Over`], or the tables.
    pub async fn asked(&self, cookie: &SecretString) -> Result<Asked, SignInError> {
        let (_, row, person) = self.open(cookie).await?;
        Ok(asked(&row, &person, None))
    }

    /// Sends a code by Telegram, or another one.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn send_code(&self, cookie: &SecretString) -> Result<Asked, SignInError> {
        let (key, mut row, person) = self.open(cookie).await?;
        let now_ms = self.clock.now_ms();
        let wait_ms = match row.n_sent {
            0 => 0,
            n if n >= MOST_SENT => row.until_ms - now_ms,
            _ => row.sent_ms + AGAIN_MS - now_ms,
        };
        if wait_ms > 0 {
            return Err(SignInError::TooSoon { wait_ms });
        }
        let sent = self.send(&key, &mut row, &person).await?;
        if let Err(error) = sent {
            return Err(SignInError::NotReached(error));
        }
        Ok(asked(&row, &person, None))
    }

    /// The second step: a code, whichever kind.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn by_code(
        &self,
        cookie: &SecretString,
        typed: &str,
        browser: &Browser,
    ) -> Result<Step, SignInError> {
        for _ in 0..row::TRIES {
            match self.by_code_once(cookie, typed, browser).await {
                // Two tries at once: each counts.
                Err(SignInError::Db(DbError::Condition { .. } | DbError::Conflict)) => continue,
                done => return done,
            }
        }
        Err(SignInError::Db(DbError::Conflict))
    }

    /// Forgets a challenge.
    ///
    /// # Errors
    /// The tables.
    pub async fn give_up(&self, cookie: &SecretString) -> Result<(), DbError> {
        self.db
            .write(vec![gone(challenge_key(cookie), Cond::Always)])
            .await
    }

    async fn by_code_once(
        &self,
        cookie: &SecretString,
        typed: &str,
        browser: &Browser,
    ) -> Result<Step, SignInError> {
        let (key, mut row, mut person) = self.open(cookie).await?;
        let sent = row.code_sha256.as_deref();
        let is_sent = sent.is_some_and(|sent| {
            let typed = code_sha256(&key, typed.trim());
            crypto::constant_time_eq(typed.as_bytes(), sent.as_bytes())
        });
        let proof = match is_sent {
            true => Some(Proof::Sent),
            false => second_step::prove(self.data_keys, self.clock.now_ms(), &mut person, typed)
                .map_err(|error| {
                    tracing::error!(person = %person.person, %error, "a secret for codes is lost");
                    SignInError::Unusable
                })?,
        };
        let Some(proof) = proof else {
            row.tries_left = row.tries_left.saturating_sub(1);
            let tries_left = row.tries_left;
            let write = match tries_left {
                0 => gone(key, Cond::Rev(row.rev)),
                _ => row::save(key, &mut row)?,
            };
            self.db.write(vec![write]).await?;
            return Err(match tries_left {
                0 => SignInError::Over,
                _ => SignInError::WrongCode { tries_left },
            });
        };
        let mut writes = vec![gone(key, Cond::Rev(row.rev))];
        if proof == Proof::Recovery {
            let (actor, about) = (Actor::person(&person), About::person(&person));
            let about = about.change("left", person.recovery.len() + 1, person.recovery.len());
            let (now_ms, action) = (self.clock.now_ms(), Action::RecoveryCodeUsed);
            writes.push(audit::entry(
                now_ms,
                &person.workspace,
                &actor,
                action,
                about,
            )?);
        }
        self.enter(person, writes, browser, false).await
    }

    async fn challenge(
        &self,
        mut person: PersonRow,
        verdict: Verdict,
        account: &str,
        browser: &Browser,
    ) -> Result<Step, SignInError> {
        self.count("challenge", account, &browser.address).await?;
        let now_ms = self.clock.now_ms();
        let cookie: SecretString = crypto::random_token(COOKIE_BYTES).into();
        let key = challenge_key(&cookie);
        let mut row = ChallengeRow {
            rev: 0,
            workspace: person.workspace.clone(),
            person: person.person.clone(),
            epoch: person.epoch,
            code_sha256: None,
            sent_ms: 0,
            n_sent: 0,
            tries_left: TRIES,
            until_ms: now_ms + CHALLENGE_MS,
            expires_at: (now_ms + CHALLENGE_MS) / 1000 + 1,
        };
        let mut writes = vec![row::save(key.clone(), &mut row)?];
        if verdict == Verdict::RightButOld {
            let at = keys::person(&person.workspace, &person.person);
            writes.push(row::save(at, &mut person)?);
        }
        self.db.write(writes).await?;
        let mut not_sent = None;
        // Whoever has an app is not sent a message that they do not need.
        if person.totp.is_none() {
            not_sent = self.send(&key, &mut row, &person).await?.err();
        }
        if let Some(error) = not_sent.filter(|_| person.recovery.is_empty()) {
            self.give_up(&cookie).await?;
            return Err(SignInError::NotReached(error));
        }
        let asked = asked(&row, &person, not_sent);
        Ok(Step::Code {
            cookie: Some(cookie),
            asked,
        })
    }

    /// Sends a code and writes down that this is the one that counts.
    async fn send(
        &self,
        key: &Key,
        row: &mut ChallengeRow,
        person: &PersonRow,
    ) -> Result<Result<(), NotSent>, SignInError> {
        let Some(telegram) = &person.telegram else {
            return Ok(Err(NotSent::MayNotWrite));
        };
        let code = random_code();
        row.code_sha256 = Some(code_sha256(key, code.expose_secret()));
        row.sent_ms = self.clock.now_ms();
        row.n_sent += 1;
        // Written first: a code that arrived must work.
        self.db.write(vec![row::save(key.clone(), row)?]).await?;
        let sent = self.codes.send_code(telegram.user_id, &code).await;
        if let Err(error) = sent {
            tracing::warn!(person = %person.person, %error, "a code for signing in was not sent");
        }
        Ok(sent)
    }

    /// A session, beside what led to it.
    async fn enter(
        &self,
        mut person: PersonRow,
        mut writes: Vec<Write>,
        browser: &Browser,
        only_enrols: bool,
    ) -> Result<Step, SignInError> {
        let now_ms = self.clock.now_ms();
        person.entered_ms = Some(now_ms);
        let (cookie, session) = browser::begin(now_ms, &person, browser, only_enrols)?;
        writes.extend(session);
        let (actor, about) = (Actor::person(&person), About::person(&person));
        let about = about.change("address", "", &browser.address);
        let entry = audit::entry(now_ms, &person.workspace, &actor, Action::SignedIn, about)?;
        writes.push(entry);
        let key = keys::person(&person.workspace, &person.person);
        writes.push(row::save(key, &mut person)?);
        self.db.write(writes).await?;
        tracing::info!(workspace = %person.workspace, person = %person.person, "somebody signed in");
        Ok(Step::In {
            cookie,
            person: Box::new(person),
            only_enrols,
        })
    }

    async fn person_of(&self, login: &str) -> Result<Option<PersonRow>, DbError> {
        let Some(login) = row::load::<LoginRow>(self.db, &login_key(login)).await? else {
            return Ok(None);
        };
        row::load(self.db, &keys::person(&login.workspace, &login.person)).await
    }

    /// Counts a try for the account and for the address. Gives where it was counted.
    async fn count(
        &self,
        kind: &str,
        account: &str,
        address: &str,
    ) -> Result<[Key; 2], SignInError> {
        // Not the address itself: nobody has to be able to read who was here.
        let address = crypto::sha256_hex(address);
        let tried = [
            keys::request_count("account", account, kind),
            keys::request_count("address", &address, kind),
        ];
        for (n, key) in tried.iter().enumerate() {
            let wait_ms = match FEW.admit(self.db, self.clock, key).await {
                Ok(Admission::Yes) => continue,
                Ok(Admission::Wait(ms)) => ms,
                Err(DbError::Condition { .. } | DbError::Conflict) => 1_000,
                Err(error) => return Err(error.into()),
            };
            // What was refused is not counted anywhere.
            for key in &tried[..n] {
                FEW.give_back(self.db, key).await?;
            }
            return Err(SignInError::TooMany { wait_ms });
        }
        Ok(tried)
    }

    async fn open(
        &self,
        cookie: &SecretString,
    ) -> Result<(Key, ChallengeRow, PersonRow), SignInError> {
        let key = challenge_key(cookie);
        let row = row::load::<ChallengeRow>(self.db, &key).await?;
        let row = row.filter(|row| self.clock.now_ms() < row.until_ms && row.tries_left > 0);
        let row = row.ok_or(SignInError::Over)?;
        let at = keys::person(&row.workspace, &row.person);
        let person = row::load::<PersonRow>(self.db, &at).await?;
        let person = person.filter(|person| person.is_active && person.epoch == row.epoch);
        Ok((key, row, person.ok_or(SignInError::Over)?))
    }
}

fn asked(row: &ChallengeRow, person: &PersonRow, not_sent: Option<NotSent>) -> Asked {
    Asked {
        totp: person.totp.is_some(),
        telegram: person.telegram.is_some(),
        sent: row.n_sent > 0 && not_sent.is_none(),
        not_sent,
        recovery: !person.recovery.is_empty(),
        tries_left: row.tries_left,
        until_ms: row.until_ms,
    }
}

fn challenge_key(cookie: &SecretString) -> Key {
    keys::challenge(&crypto::sha256_hex(cookie.expose_secret()))
}

fn gone(key: Key, only_if: Cond) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if,
    }
}

/// A code belongs to its challenge: the row of another one is of no use for finding it.
fn code_sha256(challenge: &Key, code: &str) -> String {
    crypto::sha256_hex(format!("code|{}|{code}", challenge.pk))
}

/// Six digits, each as likely as the others.
fn random_code() -> SecretString {
    let most = 10_u64.pow(CODE_DIGITS as u32);
    let n = u64::from_be_bytes(crypto::random_bytes::<8>()) % most;
    format!("{n:0width$}", width = CODE_DIGITS).into()
}
