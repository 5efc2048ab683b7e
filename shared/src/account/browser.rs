//! Sessions of people who have signed in with a password: a cookie in their browser.
//!
//! The table holds the cookie's SHA-256 and nothing that could be shown instead of it. A session ends
//! when it has not been used for two weeks, after a month, when it or its person is told to, and when
//! the person's epoch moves on, which ends all of theirs with one write: whoever holds a connection
//! for a session learns of it by the person's row.

use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Key, Op, Query, Table, Write};
use crate::store::people::{PersonRow, SignInOfRow, SignInRow};
use crate::store::{keys, row};

use super::session::{Caller, Who};

/// The cookie's name.
pub const COOKIE: &str = "g-session";

/// The header that every request carries that changes something.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// How long a session lives without being used.
pub const IDLE_MS: Millis = 14 * DAY_MS;

/// How long a session lives at most.
pub const MOST_MS: Millis = 30 * DAY_MS;

const DAY_MS: Millis = 24 * 60 * 60 * 1000;

/// That a session is used is written down so often at most.
const TOUCH_MS: Millis = 5 * 60 * 1000;

/// Of a cookie, bytes.
const COOKIE_BYTES: usize = 32;

/// Of what a browser says about itself, characters.
const USER_AGENT_CHARS: usize = 256;

/// More sessions than a person has.
const MOST_SESSIONS: usize = 1000;

/// A browser that somebody signs in with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browser {
    /// Where it is.
    pub address: String,
    /// What it says about itself.
    pub user_agent: String,
}

/// A session as its person sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The hash of its cookie, which is of no use as a cookie.
    pub id: String,
    /// The rest.
    pub row: SignInRow,
}

/// What every request that changes something has to show beside the cookie. It follows from the
/// cookie, which no script can read, so it is known only to whoever was told.
pub fn csrf_token(cookie: &SecretString) -> String {
    crypto::sha256_hex(format!("csrf|{}", cookie.expose_secret()))
}

/// The `Set-Cookie` that begins a session.
pub fn set_cookie(cookie: &SecretString) -> String {
    let (value, age_s) = (cookie.expose_secret(), MOST_MS / 1000);
    format!("{COOKIE}={value}; Max-Age={age_s}; Path=/; HttpOnly; Secure; SameSite=Strict")
}

/// The `Set-Cookie` that ends one.
pub fn drop_cookie() -> String {
    format!("{COOKIE}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Strict")
}

/// A new session of a person, as writes beside others. `only_enrols`: nothing may be done with it
/// but to set a second step up.
///
/// # Errors
/// A row that cannot be written.
pub fn begin(
    now_ms: Millis,
    person: &PersonRow,
    browser: &Browser,
    only_enrols: bool,
) -> Result<(SecretString, Vec<Write>), DbError> {
    let cookie = crypto::random_token(COOKIE_BYTES);
    let sha256 = crypto::sha256_hex(&cookie);
    let mut row = SignInRow {
        rev: 0,
        workspace: person.workspace.clone(),
        person: person.person.clone(),
        epoch: person.epoch,
        only_enrols,
        created_ms: now_ms,
        seen_ms: now_ms,
        address: browser.address.clone(),
        user_agent: browser.user_agent.chars().take(USER_AGENT_CHARS).collect(),
        expires_at: expires_at(now_ms, now_ms),
    };
    let mut of = SignInOfRow {
        rev: 0,
        session: sha256.clone(),
        expires_at: (now_ms + MOST_MS) / 1000 + 1,
    };
    let of_key = keys::sign_in_of(&row.workspace, &row.person, &sha256);
    let writes = vec![
        row::save(keys::sign_in(&sha256), &mut row)?,
        row::save(of_key, &mut of)?,
    ];
    Ok((cookie.into(), writes))
}

/// The last moment at which a session can still count, whatever is done with it until then.
fn expires_at(created_ms: Millis, seen_ms: Millis) -> i64 {
    ends_ms(created_ms, seen_ms) / 1000 + 1
}

fn ends_ms(created_ms: Millis, seen_ms: Millis) -> Millis {
    (seen_ms + IDLE_MS).min(created_ms + MOST_MS)
}

/// Whose session a cookie is, and that it is used. `None` for one that never was or has ended.
///
/// # Errors
/// The tables.
pub async fn caller_of(
    db: &impl Db,
    clock: &Clock,
    cookie: &SecretString,
) -> Result<Option<Caller>, DbError> {
    let id = crypto::sha256_hex(cookie.expose_secret());
    let Some((session, person)) = living(db, clock, &id).await? else {
        return Ok(None);
    };
    let now_ms = clock.now_ms();
    let mut until_ms = ends_ms(session.created_ms, session.seen_ms);
    if now_ms >= session.seen_ms + TOUCH_MS {
        let mut seen = session.clone();
        seen.seen_ms = now_ms;
        seen.expires_at = expires_at(seen.created_ms, now_ms);
        until_ms = ends_ms(seen.created_ms, now_ms);
        // Another request may have written it, or have ended the session: that one counts.
        match db
            .write(vec![row::save(keys::sign_in(&id), &mut seen)?])
            .await
        {
            Ok(()) | Err(DbError::Condition { .. } | DbError::Conflict) => {}
            Err(error) => tracing::warn!(%error, "the use of a session was not written down"),
        }
    }
    Ok(Some(caller(id, session.only_enrols, person, until_ms)))
}

/// Whose session it is, by the hash of its cookie, without using it: for connections that live longer
/// than a request. `None` if it has ended.
///
/// # Errors
/// The tables.
pub async fn caller_of_session(
    db: &impl Db,
    clock: &Clock,
    id: &str,
) -> Result<Option<Caller>, DbError> {
    let living = living(db, clock, id).await?;
    Ok(living.map(|(session, person)| {
        let until_ms = ends_ms(session.created_ms, session.seen_ms);
        caller(id.to_owned(), session.only_enrols, person, until_ms)
    }))
}

async fn living(
    db: &impl Db,
    clock: &Clock,
    id: &str,
) -> Result<Option<(SignInRow, PersonRow)>, DbError> {
    let Some(session) = row::load::<SignInRow>(db, &keys::sign_in(id)).await? else {
        return Ok(None);
    };
    if ends_ms(session.created_ms, session.seen_ms) <= clock.now_ms() {
        return Ok(None);
    }
    let key = keys::person(&session.workspace, &session.person);
    let person = row::load::<PersonRow>(db, &key).await?;
    let person = person.filter(|person| person.is_active && person.epoch == session.epoch);
    Ok(person.map(|person| (session, person)))
}

fn caller(session: String, only_enrols: bool, person: PersonRow, until_ms: Millis) -> Caller {
    Caller {
        workspace: person.workspace,
        who: Who::Person {
            person: person.person,
            session,
            only_enrols,
        },
        name: person.name,
        rights: person.rights,
        until_ms,
    }
}

/// The living sessions of a person, the newest first.
///
/// # Errors
/// The tables.
pub async fn sessions_of(
    db: &impl Db,
    clock: &Clock,
    person: &PersonRow,
) -> Result<Vec<Listed>, DbError> {
    let now_ms = clock.now_ms();
    let mut all = Vec::new();
    for id in ids_of(db, &person.workspace, &person.person).await? {
        let row = row::load::<SignInRow>(db, &keys::sign_in(&id)).await?;
        let living = row.filter(|row| {
            row.epoch == person.epoch && now_ms < ends_ms(row.created_ms, row.seen_ms)
        });
        all.extend(living.map(|row| Listed { id, row }));
    }
    all.sort_by_key(|listed| std::cmp::Reverse(listed.row.created_ms));
    Ok(all)
}

async fn ids_of(
    db: &impl Db,
    workspace: &WorkspaceId,
    person: &PersonId,
) -> Result<Vec<String>, DbError> {
    let (pk, range) = keys::sign_ins_of(workspace, person);
    let query = Query {
        table: Table::Runtime,
        index: None,
        pk,
        range,
        backwards: false,
        limit: MOST_SESSIONS,
    };
    let rows = db.query(&query).await?.into_iter();
    rows.map(|item| row::read::<SignInOfRow>(item).map(|row| row.session))
        .collect()
}

/// Ends one session of a person. `false` if they have no such one. The person's row is written, so
/// that whoever holds a connection for it looks again.
///
/// # Errors
/// The tables; it can be called again.
pub async fn end(
    db: &impl Db,
    workspace: &WorkspaceId,
    person: &PersonId,
    session: &str,
) -> Result<bool, DbError> {
    let of = keys::sign_in_of(workspace, person, session);
    if row::load::<SignInOfRow>(db, &of).await?.is_none() {
        return Ok(false);
    }
    db.write(vec![gone(keys::sign_in(session)), gone(of)])
        .await?;
    row::change::<PersonRow>(db, &keys::person(workspace, person), |_| true).await?;
    Ok(true)
}

/// Moves a person's epoch on, which ends their sessions, but for `kept`: its row is written with the
/// new epoch, beside the person's own, which the caller writes. Where they have a second step now,
/// `kept` opens everything.
///
/// # Errors
/// The tables.
pub async fn end_others(
    db: &impl Db,
    person: &mut PersonRow,
    kept: Option<&str>,
) -> Result<Option<Write>, DbError> {
    let before = person.epoch;
    person.epoch += 1;
    let Some(kept) = kept else {
        return Ok(None);
    };
    let key = keys::sign_in(kept);
    let session = row::load::<SignInRow>(db, &key).await?.filter(|session| {
        session.person == person.person
            && session.workspace == person.workspace
            && session.epoch == before
    });
    let Some(mut session) = session else {
        return Ok(None);
    };
    session.epoch = person.epoch;
    session.only_enrols &= !person.has_second_step();
    row::save(key, &mut session).map(Some)
}

fn gone(key: Key) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    }
}
