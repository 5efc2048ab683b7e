//! Links by which somebody sets their own password, so that nobody types one for another: for the
//! first owner of a workspace (there is no default one), and for people whom a manager adds or helps.
//!
//! A link's secret part is random, kept as its SHA-256, works once and for a time. It belongs into the
//! part of an address that browsers do not send.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::domain::routing::Routing;
use crate::domain::text::Lang;
use crate::pipeline::ids::IdSource;
use crate::store::db::{Cond, Db, DbError, Key, Op, Write};
use crate::store::directory::WorkspaceRow;
use crate::store::people::{LoginRow, PersonKind, PersonRow, TeamRow};
use crate::store::people_runtime::SetupRow;
use crate::store::{keys, row};

use super::audit::{self, About, Action, Actor};
use super::browser::{self, Browser};
use super::people::{self, BadField, PeopleError};
use super::{password, sign_in};

/// How long the link for a first owner works.
pub const OWNER_LINK_MS: Millis = 60 * 60 * 1000;

/// How long the link for anybody else works.
pub const LINK_MS: Millis = 72 * 60 * 60 * 1000;

const TOKEN_BYTES: usize = 32;

/// A link.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its secret part.
    pub token: SecretString,
    /// Until when it works, milliseconds since 1970.
    pub until_ms: Millis,
}

impl Offer {
    /// Where its page is.
    pub fn url(&self, public_base_url: &Url) -> SecretString {
        let base = public_base_url.as_str().trim_end_matches('/');
        format!("{base}/setup#{}", self.token.expose_secret()).into()
    }
}

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What people call the workspace.
    pub workspace_name: String,
    /// Whom it is for; nobody yet where it makes the first owner.
    pub person: Option<(String, String)>,
    /// Until when it works, milliseconds since 1970.
    pub until_ms: Millis,
}

/// What somebody with a link tells.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// What they want to sign in with; a first owner has to tell.
    pub login: Option<String>,
    /// What others are to call them; a first owner has to tell.
    pub name: Option<String>,
    /// The password.
    pub password: SecretString,
}

/// What came of it.
#[derive(Debug)]
pub struct Completed {
    /// Who.
    pub person: PersonRow,
    /// Their session; none where they have a second step to show first.
    pub cookie: Option<SecretString>,
    /// They have to set a second step up before anything else.
    pub only_enrols: bool,
}

/// Why nothing was set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Nobody's, used, replaced, or too old.
    #[error("the link does not work any more")]
    Over,
    /// Somebody owns the workspace already.
    #[error("the workspace has an owner")]
    HasOwner,
    /// There is no such workspace.
    #[error("there is no such workspace")]
    NoWorkspace,
    /// What was typed.
    #[error("some of what was typed cannot be right")]
    Fields(Vec<BadField>),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes a workspace that no location is linked to yet.
///
/// # Errors
/// The tables.
pub async fn make_workspace(
    db: &impl Db,
    clock: &Clock,
    ids: &IdSource,
    name: &str,
) -> Result<WorkspaceId, DbError> {
    let workspace = WorkspaceId::new(ids.next());
    let mut row = WorkspaceRow {
        rev: 0,
        workspace: workspace.clone(),
        name: name.to_owned(),
        lang: Lang::En,
        country: None,
        location: None,
        routing: Routing::default(),
        created_ms: clock.now_ms(),
    };
    db.write(vec![row::save(keys::workspace(&workspace), &mut row)?])
        .await?;
    Ok(workspace)
}

/// Makes a link for the first owner of a workspace. It may be made again and again, until one of them
/// is used.
///
/// # Errors
/// [`SetupError::HasOwner`], [`SetupError::NoWorkspace`], or the tables.
pub async fn offer_owner(
    db: &impl Db,
    clock: &Clock,
    actor: &Actor,
    workspace: &WorkspaceId,
) -> Result<Offer, SetupError> {
    let row = row::load::<WorkspaceRow>(db, &keys::workspace(workspace)).await?;
    row.ok_or(SetupError::NoWorkspace)?;
    if has_owner(db, workspace).await? {
        return Err(SetupError::HasOwner);
    }
    let now_ms = clock.now_ms();
    let (offer, write) = offer(now_ms, OWNER_LINK_MS, workspace, None)?;
    let action = Action::SetupLinkMade;
    let entry = audit::entry(now_ms, workspace, actor, action, About::default())?;
    db.write(vec![write, entry]).await?;
    Ok(offer)
}

async fn has_owner(db: &impl Db, workspace: &WorkspaceId) -> Result<bool, DbError> {
    let team = row::load::<TeamRow>(db, &keys::team(workspace)).await?;
    Ok(team.is_some_and(|team| !team.owners.is_empty()))
}

/// A link for a person, as a write beside that of their row, which notes that no other link works.
pub(super) fn offer_person(
    now_ms: Millis,
    person: &mut PersonRow,
) -> Result<(Offer, Write), DbError> {
    let (offer, write) = offer(now_ms, LINK_MS, &person.workspace, Some(&person.person))?;
    person.setup = Some(crypto::sha256_hex(offer.token.expose_secret()));
    Ok((offer, write))
}

fn offer(
    now_ms: Millis,
    length_ms: Millis,
    workspace: &WorkspaceId,
    person: Option<&PersonId>,
) -> Result<(Offer, Write), DbError> {
    let token = crypto::random_token(TOKEN_BYTES);
    let until_ms = now_ms + length_ms;
    let mut row = SetupRow {
        rev: 0,
        workspace: workspace.clone(),
        person: person.cloned(),
        until_ms,
        expires_at: until_ms / 1000 + 1,
    };
    let write = row::save(keys::setup(&crypto::sha256_hex(&token)), &mut row)?;
    let token = token.into();
    Ok((Offer { token, until_ms }, write))
}

struct Opened {
    key: Key,
    row: SetupRow,
    workspace: WorkspaceRow,
    person: Option<PersonRow>,
}

async fn open(db: &impl Db, clock: &Clock, token: &SecretString) -> Result<Opened, SetupError> {
    let sha256 = crypto::sha256_hex(token.expose_secret());
    let key = keys::setup(&sha256);
    let row = row::load::<SetupRow>(db, &key).await?;
    let row = row.filter(|row| clock.now_ms() < row.until_ms);
    let row = row.ok_or(SetupError::Over)?;
    let workspace = row::load::<WorkspaceRow>(db, &keys::workspace(&row.workspace)).await?;
    let workspace = workspace.ok_or(SetupError::Over)?;
    let person = match &row.person {
        Some(person) => {
            let key = keys::person(&row.workspace, person);
            let person = row::load::<PersonRow>(db, &key).await?;
            let person = person.filter(|it| it.is_active && it.setup.as_ref() == Some(&sha256));
            Some(person.ok_or(SetupError::Over)?)
        }
        None if has_owner(db, &row.workspace).await? => return Err(SetupError::Over),
        None => None,
    };
    Ok(Opened {
        key,
        row,
        workspace,
        person,
    })
}

/// What a link is for, without using it.
///
/// # Errors
/// [`SetupError`].
pub async fn look(db: &impl Db, clock: &Clock, token: &SecretString) -> Result<Looked, SetupError> {
    let opened = open(db, clock, token).await?;
    let person = opened.person.map(|person| {
        let login = person.login().unwrap_or_default().to_owned();
        (login, person.name)
    });
    Ok(Looked {
        workspace_name: opened.workspace.name,
        person,
        until_ms: opened.row.until_ms,
    })
}

/// Uses a link: sets the password of its person, or makes the first owner, and lets them in.
///
/// # Errors
/// [`SetupError`]; the link works on then.
pub async fn complete(
    db: &impl Db,
    clock: &Clock,
    ids: &IdSource,
    token: &SecretString,
    told: &Told,
    browser: &Browser,
) -> Result<Completed, SetupError> {
    for _ in 0..row::TRIES {
        match complete_once(db, clock, ids, token, told, browser).await {
            Err(SetupError::Db(DbError::Condition { .. } | DbError::Conflict)) => continue,
            done => return done,
        }
    }
    Err(SetupError::Db(DbError::Conflict))
}

async fn complete_once(
    db: &impl Db,
    clock: &Clock,
    ids: &IdSource,
    token: &SecretString,
    told: &Told,
    browser: &Browser,
) -> Result<Completed, SetupError> {
    let now_ms = clock.now_ms();
    let opened = open(db, clock, token).await?;
    let mut writes = vec![Write {
        key: opened.key,
        op: Op::Delete,
        only_if: Cond::Rev(opened.row.rev),
    }];
    let workspace = &opened.row.workspace;
    let before = opened.person;
    let (mut person, action) = match &before {
        Some(person) => (person.clone(), Action::PasswordSet),
        None => (
            first_owner(ids, workspace, told, now_ms)?,
            Action::OwnerMade,
        ),
    };
    let login = person.login().unwrap_or_default().to_owned();
    let mut bad = Vec::new();
    if before.is_none() {
        if row::load::<LoginRow>(db, &sign_in::login_key(&login))
            .await?
            .is_some()
        {
            bad.push(BadField::taken("login"));
        }
        writes.push(people::login_write(&person)?);
    }
    if let Err(weak) = password::check(&told.password, &login) {
        bad.push(BadField::weak("password", weak));
    }
    if !bad.is_empty() {
        return Err(SetupError::Fields(bad));
    }
    person.password = password::hash(&told.password);
    person.setup = None;
    person.epoch += 1;
    let team = people::team_write(db, workspace, before.as_ref(), Some(&person)).await;
    writes.extend(team.map_err(|error| match error {
        PeopleError::Db(error) => SetupError::Db(error),
        _ => SetupError::Over,
    })?);
    let team = row::load::<TeamRow>(db, &keys::team(workspace)).await?;
    let is_required = team.is_some_and(|team| team.second_step_required);
    let (actor, about) = (Actor::person(&person), About::person(&person));
    writes.push(audit::entry(now_ms, workspace, &actor, action, about)?);
    let mut cookie = None;
    if !person.has_second_step() {
        person.entered_ms = Some(now_ms);
        let (value, session) = browser::begin(now_ms, &person, browser, is_required)?;
        writes.extend(session);
        cookie = Some(value);
    }
    writes.push(row::save(
        keys::person(workspace, &person.person),
        &mut person,
    )?);
    db.write(writes).await?;
    tracing::info!(%workspace, person = %person.person, ?action, "a setup link was used");
    Ok(Completed {
        only_enrols: is_required && cookie.is_some(),
        person,
        cookie,
    })
}

fn first_owner(
    ids: &IdSource,
    workspace: &WorkspaceId,
    told: &Told,
    now_ms: Millis,
) -> Result<PersonRow, SetupError> {
    let login = people::read_login(told.login.as_deref().unwrap_or_default());
    let name = people::read_name(told.name.as_deref().unwrap_or_default());
    let (login, name) = match (login, name) {
        (Ok(login), Ok(name)) => (login, name),
        (login, name) => {
            let bad = [login.err(), name.err()].into_iter().flatten();
            return Err(SetupError::Fields(bad.collect()));
        }
    };
    let person = PersonId::new(ids.next());
    let kind = PersonKind::Local { login };
    let rights = Rights::of_owner();
    Ok(PersonRow::new(
        workspace, person, kind, name, rights, now_ms,
    ))
}
