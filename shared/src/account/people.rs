//! The people of a workspace: adding, changing and removing them.
//!
//! Who may do what to whom is [`Rights::grant`]'s and [`Team`]'s to say; every change is one
//! transaction with its audit entry, and with the row that knows the owners wherever one comes or goes,
//! so that the last one stays whoever changes what at the same time.

mod fields;

use std::collections::BTreeSet;

use crate::clock::{Clock, Millis};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::rights::{GrantError, Rights};
use crate::pipeline::ids::IdSource;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::people::{LoginRow, PersonKind, PersonRow, TeamRow};
use crate::store::{keys, row};
use secrecy::SecretString;

use super::audit::{self, About, Action, Actor};
use super::browser;
use super::password::{self, Verdict};
use super::session::{Caller, Who};
use super::setup::{self, Offer};
use super::sign_in;

pub use fields::{BadField, LOGIN_CHARS, NAME_CHARS};
pub(super) use fields::{read_login, read_name};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// No such person in the workspace, or none that the caller may know of.
    #[error("there is no such person")]
    NotFound,
    /// The caller does not manage people.
    #[error("the caller manages nobody")]
    NotManager,
    /// The rights are not theirs to give, or it is an owner.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// Nobody removes or switches off themselves.
    #[error("nobody does this to themselves")]
    Yourself,
    /// Somebody has to own the workspace.
    #[error("the last owner stays")]
    LastOwner,
    /// A GoHighLevel user's name and rights are GoHighLevel's.
    #[error("the person comes from GoHighLevel")]
    FromCrm,
    /// What was typed.
    #[error("some of what was typed cannot be right")]
    Fields(Vec<BadField>),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Somebody to be added.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// What others call them.
    pub name: String,
    /// What they sign in with.
    pub login: String,
    /// What they may do.
    pub rights: Rights,
}

/// A change; what is missing stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PersonChange {
    /// What others call them.
    pub name: Option<String>,
    /// What they sign in with.
    pub login: Option<String>,
    /// What they may do, all of it.
    pub rights: Option<Rights>,
    /// May come in.
    pub is_active: Option<bool>,
}

/// What managing people needs.
#[derive(Clone, Copy, Debug)]
pub struct Team<'a, D> {
    /// The tables.
    pub db: &'a D,
    /// The time.
    pub clock: &'a Clock,
    /// New ids.
    pub ids: &'a IdSource,
    /// Who does it.
    pub caller: &'a Caller,
}

impl<D: Db> Team<'_, D> {
    /// Those whom the caller may know of: everybody, or themselves.
    ///
    /// # Errors
    /// The tables.
    pub async fn list(&self) -> Result<Vec<PersonRow>, DbError> {
        if self.caller.rights.may_manage_users() {
            return crate::store::people::people(self.db, &self.caller.workspace).await;
        }
        let key = keys::person(&self.caller.workspace, self.caller.person());
        Ok(Vec::from_iter(row::load(self.db, &key).await?))
    }

    /// A person, if the caller may know of them.
    ///
    /// # Errors
    /// [`PeopleError::NotFound`], or the tables.
    pub async fn get(&self, person: &PersonId) -> Result<PersonRow, PeopleError> {
        let may = self.caller.rights.may_manage_users() || person == self.caller.person();
        if !may {
            return Err(PeopleError::NotFound);
        }
        let key = keys::person(&self.caller.workspace, person);
        let row = row::load::<PersonRow>(self.db, &key).await?;
        row.ok_or(PeopleError::NotFound)
    }

    /// The same for something that only owners do to owners, and managers to others.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn in_charge_of(&self, person: &PersonId) -> Result<PersonRow, PeopleError> {
        let row = self.get(person).await?;
        let is_self = person == self.caller.person();
        if row.rights.owner && !self.caller.rights.owner && !is_self {
            return Err(GrantError::OfAnOwner.into());
        }
        Ok(row)
    }

    /// Adds a person, who gets in by the link.
    ///
    /// # Errors
    /// [`PeopleError`]; nobody is added then.
    pub async fn create(&self, new: &NewPerson) -> Result<(PersonRow, Offer), PeopleError> {
        if !self.caller.rights.may_manage_users() {
            return Err(PeopleError::NotManager);
        }
        let nothing = Rights::default();
        let rights = self.caller.rights.grant(&nothing, new.rights.clone())?;
        let (name, login) = match (read_name(&new.name), read_login(&new.login)) {
            (Ok(name), Ok(login)) => (name, login),
            (name, login) => {
                let bad = [name.err(), login.err()].into_iter().flatten();
                return Err(PeopleError::Fields(bad.collect()));
            }
        };
        let person = PersonId::new(self.ids.next());
        for _ in 0..row::TRIES {
            self.refuse_taken(&login).await?;
            let now_ms = self.clock.now_ms();
            let kind = PersonKind::Local {
                login: login.clone(),
            };
            let workspace = &self.caller.workspace;
            let (person, name) = (person.clone(), name.clone());
            let mut row = PersonRow::new(workspace, person, kind, name, rights.clone(), now_ms);
            let (offer, link) = setup::offer_person(now_ms, &mut row)?;
            let about = About::person(&row).rights(&nothing, &row.rights);
            let mut writes = vec![link, login_write(&row)?];
            writes.push(self.entry(now_ms, Action::PersonAdded, about)?);
            writes.push(row::save(keys::person(workspace, &row.person), &mut row)?);
            match self.db.write(writes).await {
                Ok(()) => return Ok((row, offer)),
                Err(DbError::Condition { .. } | DbError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(DbError::Conflict.into())
    }

    /// Makes another link for a person; the one before works no more.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn renew_link(&self, person: &PersonId) -> Result<Offer, PeopleError> {
        if !self.caller.rights.may_manage_users() {
            return Err(PeopleError::NotManager);
        }
        for _ in 0..row::TRIES {
            let mut row = self.in_charge_of(person).await?;
            if row.login().is_none() {
                return Err(PeopleError::FromCrm);
            }
            let now_ms = self.clock.now_ms();
            let (offer, link) = setup::offer_person(now_ms, &mut row)?;
            let entry = self.entry(now_ms, Action::SetupLinkMade, About::person(&row))?;
            let at = keys::person(&row.workspace, person);
            match self
                .db
                .write(vec![link, entry, row::save(at, &mut row)?])
                .await
            {
                Ok(()) => return Ok(offer),
                Err(DbError::Condition { .. } | DbError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(DbError::Conflict.into())
    }

    /// Changes a person. Whoever may not come in any more, or signs in under another name, loses
    /// their sessions, but for the one that asks.
    ///
    /// # Errors
    /// [`PeopleError`]; nothing is changed then.
    pub async fn change(
        &self,
        person: &PersonId,
        change: &PersonChange,
    ) -> Result<PersonRow, PeopleError> {
        for _ in 0..row::TRIES {
            match self.change_once(person, change).await {
                Err(PeopleError::Db(DbError::Condition { .. } | DbError::Conflict)) => continue,
                done => return done,
            }
        }
        Err(DbError::Conflict.into())
    }

    async fn change_once(
        &self,
        person: &PersonId,
        change: &PersonChange,
    ) -> Result<PersonRow, PeopleError> {
        let before = self.in_charge_of(person).await?;
        let mut row = before.clone();
        let is_self = person == self.caller.person();
        let mut writes = Vec::new();
        let mut bad = Vec::new();
        if let Some(name) = &change.name {
            match read_name(name) {
                Ok(name) => row.name = name,
                Err(error) => bad.push(error),
            }
        }
        if let Some(login) = &change.login {
            match read_login(login) {
                Ok(login) => row.kind = relogged(&row.kind, login)?,
                Err(error) => bad.push(error),
            }
        }
        if !bad.is_empty() {
            return Err(PeopleError::Fields(bad));
        }
        let is_from_crm = row.login().is_none();
        if is_from_crm && row.name != before.name {
            return Err(PeopleError::FromCrm);
        }
        if let Some(wanted) = change.rights.clone().filter(|wanted| *wanted != row.rights) {
            row.rights = self.caller.rights.grant(&before.rights, wanted)?;
            if row.rights != before.rights && !self.caller.rights.may_manage_users() {
                return Err(PeopleError::NotManager);
            }
            if row.rights != before.rights && is_from_crm {
                return Err(PeopleError::FromCrm);
            }
        }
        if let Some(is_active) = change.is_active.filter(|it| *it != row.is_active) {
            if is_self {
                return Err(PeopleError::Yourself);
            }
            row.is_active = is_active;
        }
        if row == before {
            return Ok(before);
        }
        let login_changes =
            row.login().map(sign_in::login_key) != before.login().map(sign_in::login_key);
        if login_changes && let Some(login) = row.login() {
            self.refuse_taken(login).await?;
            writes.push(login_write(&row)?);
            writes.extend(login_gone(&before));
        }
        if row.login() != before.login() || !row.is_active {
            let kept = self.own_session().filter(|_| is_self);
            writes.extend(browser::end_others(self.db, &mut row, kept).await?);
        }
        writes.extend(team_write(self.db, &row.workspace, Some(&before), Some(&row)).await?);
        let (now_ms, about) = (self.clock.now_ms(), About::person(&row));
        let about = about
            .change("name", &before.name, &row.name)
            .change(
                "login",
                before.login().unwrap_or_default(),
                row.login().unwrap_or_default(),
            )
            .change("isActive", before.is_active, row.is_active)
            .rights(&before.rights, &row.rights);
        writes.push(self.entry(now_ms, Action::PersonChanged, about)?);
        writes.push(row::save(keys::person(&row.workspace, person), &mut row)?);
        self.db.write(writes).await?;
        Ok(row)
    }

    /// Removes a person.
    ///
    /// # Errors
    /// [`PeopleError`]; they stay then.
    pub async fn remove(&self, person: &PersonId) -> Result<(), PeopleError> {
        if !self.caller.rights.may_manage_users() {
            return Err(PeopleError::NotManager);
        }
        if person == self.caller.person() {
            return Err(PeopleError::Yourself);
        }
        for _ in 0..row::TRIES {
            let row = self.in_charge_of(person).await?;
            let mut writes = vec![Write {
                key: keys::person(&row.workspace, person),
                op: Op::Delete,
                only_if: Cond::Rev(row.rev),
            }];
            writes.extend(login_gone(&row));
            writes.extend(team_write(self.db, &row.workspace, Some(&row), None).await?);
            let now_ms = self.clock.now_ms();
            writes.push(self.entry(now_ms, Action::PersonRemoved, About::person(&row))?);
            match self.db.write(writes).await {
                Ok(()) => return Ok(()),
                Err(DbError::Condition { .. } | DbError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(DbError::Conflict.into())
    }

    /// Ends all sessions of a person, but for the one that asks.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn end_sessions(&self, person: &PersonId) -> Result<(), PeopleError> {
        self.with_others_ended(person, Action::SessionsEnded, |_| Ok(()))
            .await
    }

    /// Takes a person's second step away, so that they can set another one up.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn reset_second_step(&self, person: &PersonId) -> Result<(), PeopleError> {
        if !self.caller.rights.may_manage_users() {
            return Err(PeopleError::NotManager);
        }
        let action = Action::SecondStepRemoved;
        self.with_others_ended(person, action, |row| {
            row.totp = None;
            row.telegram = None;
            row.recovery = BTreeSet::new();
            Ok(())
        })
        .await
    }

    /// Gives the caller another password, if they know the one that they have.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn set_password(
        &self,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<(), PeopleError> {
        let person = self.caller.person();
        let row = self.get(person).await?;
        let Some(login) = row.login() else {
            return Err(PeopleError::FromCrm);
        };
        let mut bad = Vec::new();
        if password::verify(current, row.password.as_deref()) == Verdict::Wrong {
            bad.push(BadField::new(
                "current",
                "wrong",
                "this is not the password",
            ));
        }
        if let Err(weak) = password::check(new, login) {
            bad.push(BadField::weak("password", weak));
        }
        if !bad.is_empty() {
            return Err(PeopleError::Fields(bad));
        }
        let hash = password::hash(new);
        let verified = row.password;
        self.with_others_ended(person, Action::PasswordSet, |row| {
            // Somebody has set another one meanwhile: what was typed is not checked against that.
            if row.password != verified {
                return Err(PeopleError::Db(DbError::Conflict));
            }
            row.password.clone_from(&hash);
            row.setup = None;
            Ok(())
        })
        .await
    }

    async fn with_others_ended(
        &self,
        person: &PersonId,
        action: Action,
        change: impl Fn(&mut PersonRow) -> Result<(), PeopleError>,
    ) -> Result<(), PeopleError> {
        for _ in 0..row::TRIES {
            let mut row = self.in_charge_of(person).await?;
            change(&mut row)?;
            let kept = self
                .own_session()
                .filter(|_| person == self.caller.person());
            let mut writes = Vec::from_iter(browser::end_others(self.db, &mut row, kept).await?);
            let now_ms = self.clock.now_ms();
            writes.push(self.entry(now_ms, action, About::person(&row))?);
            writes.push(row::save(keys::person(&row.workspace, person), &mut row)?);
            match self.db.write(writes).await {
                Ok(()) => return Ok(()),
                Err(DbError::Condition { .. } | DbError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        Err(DbError::Conflict.into())
    }

    /// Says whether everybody who signs in here needs a second step. Whoever has none is signed out,
    /// and sets one up when they come back.
    ///
    /// # Errors
    /// [`PeopleError::Fields`] if the caller has none themselves.
    pub async fn require_second_step(&self, is_required: bool) -> Result<(), PeopleError> {
        if !self.caller.rights.may_manage_users() {
            return Err(PeopleError::NotManager);
        }
        let workspace = &self.caller.workspace;
        let own = self.get(self.caller.person()).await?;
        if is_required && own.login().is_some() && !own.has_second_step() {
            let text = "set one up for yourself first";
            let bad = BadField::new("secondStepRequired", "set_up_first", text);
            return Err(PeopleError::Fields(vec![bad]));
        }
        let mut was = is_required;
        let make = || new_team(workspace);
        row::change_or_make(
            self.db,
            &keys::team(workspace),
            make,
            |team: &mut TeamRow| {
                was = team.second_step_required;
                team.second_step_required = is_required;
                was != is_required
            },
        )
        .await?;
        if was == is_required {
            return Ok(());
        }
        let (now_ms, actor) = (self.clock.now_ms(), Actor::caller(self.caller));
        let about = About::default().change("secondStepRequired", was, is_required);
        let action = Action::PolicyChanged;
        audit::note(self.db, now_ms, workspace, &actor, action, about).await;
        if is_required {
            for row in crate::store::people::people(self.db, workspace).await? {
                if row.login().is_some() && !row.has_second_step() {
                    let key = keys::person(workspace, &row.person);
                    row::change::<PersonRow>(self.db, &key, |row| {
                        row.epoch += 1;
                        true
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }

    fn own_session(&self) -> Option<&str> {
        match &self.caller.who {
            Who::Person { session, .. } => Some(session),
            Who::Ghl { .. } => None,
        }
    }

    fn entry(&self, now_ms: Millis, action: Action, about: About) -> Result<Write, DbError> {
        let (workspace, actor) = (&self.caller.workspace, Actor::caller(self.caller));
        audit::entry(now_ms, workspace, &actor, action, about)
    }

    async fn refuse_taken(&self, login: &str) -> Result<(), PeopleError> {
        let key = sign_in::login_key(login);
        match row::load::<LoginRow>(self.db, &key).await? {
            Some(_) => Err(PeopleError::Fields(vec![BadField::taken("login")])),
            None => Ok(()),
        }
    }
}

fn relogged(kind: &PersonKind, login: String) -> Result<PersonKind, PeopleError> {
    match kind {
        PersonKind::Local { .. } => Ok(PersonKind::Local { login }),
        PersonKind::Ghl { .. } => Err(PeopleError::FromCrm),
    }
}

fn new_team(workspace: &WorkspaceId) -> TeamRow {
    TeamRow {
        rev: 0,
        workspace: workspace.clone(),
        owners: BTreeSet::new(),
        second_step_required: false,
    }
}

/// The write of who owns the workspace, if a change of somebody changes that.
pub(super) async fn team_write(
    db: &impl Db,
    workspace: &WorkspaceId,
    before: Option<&PersonRow>,
    after: Option<&PersonRow>,
) -> Result<Option<Write>, PeopleError> {
    let was = before.is_some_and(PersonRow::is_acting_owner);
    let is = after.is_some_and(PersonRow::is_acting_owner);
    let Some(person) = after
        .or(before)
        .map(|row| &row.person)
        .filter(|_| was != is)
    else {
        return Ok(None);
    };
    let key = keys::team(workspace);
    let team = row::load::<TeamRow>(db, &key).await?;
    let mut team = team.unwrap_or_else(|| new_team(workspace));
    if is {
        team.owners.insert(person.clone());
    } else {
        team.owners.remove(person);
        if team.owners.is_empty() {
            return Err(PeopleError::LastOwner);
        }
    }
    Ok(Some(row::save(key, &mut team)?))
}

/// The write that makes a name somebody's, if it is nobody's.
pub(super) fn login_write(person: &PersonRow) -> Result<Write, DbError> {
    let mut row = LoginRow {
        rev: 0,
        workspace: person.workspace.clone(),
        person: person.person.clone(),
    };
    row::save(
        sign_in::login_key(person.login().unwrap_or_default()),
        &mut row,
    )
}

fn login_gone(person: &PersonRow) -> Option<Write> {
    Some(Write {
        key: sign_in::login_key(person.login()?),
        op: Op::Delete,
        only_if: Cond::Always,
    })
}
