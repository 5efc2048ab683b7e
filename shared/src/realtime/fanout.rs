//! From changed rows to the browsers that may know of them.
//!
//! A run has some rows of one stream. The sockets of their workspaces are read after the rows were
//! written, so that none is missed that was open by then. What a person may see is asked for in the
//! same run, and kept for two seconds at most. If the tables cannot be read, the run fails and the
//! stream repeats it: browsers know by the revision what they have seen already.
//!
//! A frame that the gateway does not take is not repeated by the stream, since one bad connection
//! would hold up everybody else's news. The socket is closed instead: its browser opens another,
//! and catches up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::connections::{Connections, PushError};
use super::event::{self, Event, Told};
use super::map::{self, Audience, Change, News};
use super::socket::{self, SocketRow};
use super::standing;
use crate::clock::{Clock, Millis};
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::store::db::{Db, DbError};

/// How many connections are written to at the same time.
const AT_ONCE: usize = 32;

/// For how many workspaces at the same time.
const WORKSPACES_AT_ONCE: usize = 8;

/// How long it is believed what a person may do.
const BELIEVED_MS: Millis = 2_000;

/// How many people are remembered.
const MOST_REMEMBERED: usize = 1_000;

/// Tells browsers what has changed.
#[derive(Debug)]
pub struct Fanout<D, C> {
    /// The tables.
    pub db: D,
    /// The time.
    pub clock: Clock,
    /// The connections.
    pub connections: C,
    believed: Believed,
}

/// What people may do, as it was read lately; `None` for somebody who may not come in.
#[derive(Debug, Default)]
struct Believed(Mutex<Known>);

/// By workspace and person: when it was read, and what.
type Known = BTreeMap<(WorkspaceId, PersonId), (Millis, Option<Rights>)>;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that were handed over.
    pub n_frames: usize,
    /// Sockets that were closed by us, since nothing may be told there any more or a frame got lost.
    pub n_closed: usize,
    /// Sockets that were closed already.
    pub n_gone: usize,
}

/// What a run has for one workspace.
#[derive(Default)]
struct ForWorkspace {
    events: Vec<(Audience, Event)>,
    /// Whose sockets have to be looked at.
    people: BTreeSet<PersonId>,
    everybody: bool,
}

impl<D: Db, C: Connections> Fanout<D, C> {
    /// A fan-out that knows nobody yet.
    pub fn new(db: D, clock: Clock, connections: C) -> Self {
        Fanout {
            db,
            clock,
            connections,
            believed: Believed::default(),
        }
    }

    /// Tells everybody who may know what has changed, in the order of the changes.
    ///
    /// # Errors
    /// The tables cannot be read: some may have been told, and the same changes have to come again.
    pub async fn tell(&self, changes: &[Change]) -> Result<Tally, DbError> {
        let mut workspaces: BTreeMap<WorkspaceId, ForWorkspace> = BTreeMap::new();
        for news in changes.iter().flat_map(map::news) {
            match news {
                News::Event {
                    workspace,
                    to,
                    event,
                } => map::add(
                    &mut workspaces.entry(workspace).or_default().events,
                    to,
                    event,
                ),
                News::Person { workspace, person } => {
                    self.believed.forget(&workspace, &person);
                    let of = workspaces.entry(workspace).or_default();
                    of.people.insert(person);
                }
                News::Everybody { workspace } => {
                    workspaces.entry(workspace).or_default().everybody = true;
                }
            }
        }
        let runs = stream::iter(workspaces)
            .map(|(workspace, told)| async move { self.tell_workspace(&workspace, &told).await })
            .buffer_unordered(WORKSPACES_AT_ONCE)
            .collect::<Vec<_>>();
        let mut tally = Tally::default();
        for run in runs.await {
            tally += run?;
        }
        Ok(tally)
    }

    async fn tell_workspace(
        &self,
        workspace: &WorkspaceId,
        told: &ForWorkspace,
    ) -> Result<Tally, DbError> {
        // All of it is read before the first frame goes out: what fails here was told to nobody.
        let sockets = socket::of_workspace(&self.db, workspace).await?;
        let told: Vec<(SocketRow, Option<Vec<String>>)> = stream::iter(sockets)
            .map(|socket| async move {
                let rights = self.rights_of(&socket, told).await?;
                let frames = rights.map(|rights| frames_for(&socket, &rights, &told.events));
                Ok::<_, DbError>((socket, frames))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let pushed = stream::iter(told)
            .map(|(socket, frames)| self.push(socket, frames))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let mut tally = Tally::default();
        for one in pushed.await {
            tally += one;
        }
        Ok(tally)
    }

    /// What may be told at a socket; `None` if nothing may any more.
    async fn rights_of(
        &self,
        socket: &SocketRow,
        told: &ForWorkspace,
    ) -> Result<Option<Rights>, DbError> {
        let now_ms = self.clock.now_ms();
        if socket.until_ms <= now_ms {
            return Ok(None);
        }
        let SocketRow {
            workspace,
            person,
            session,
            ..
        } = socket;
        if told.everybody || told.people.contains(person) {
            let standing = standing::now(&self.db, &self.clock, workspace, person, session).await?;
            return Ok(standing.map(|standing| standing.rights));
        }
        if let Some(rights) = self.believed.get(workspace, person, now_ms) {
            return Ok(rights);
        }
        let rights = standing::rights_of(&self.db, workspace, person).await?;
        self.believed.put(workspace, person, now_ms, rights.clone());
        Ok(rights)
    }

    /// Sends the frames of a socket one after the other, or closes it if there are to be none.
    async fn push(&self, socket: SocketRow, frames: Option<Vec<String>>) -> Tally {
        let mut tally = Tally::default();
        let Some(frames) = frames else {
            self.end(&socket).await;
            tally.n_closed = 1;
            return tally;
        };
        for frame in frames {
            match self.connections.post(&socket.connection, frame).await {
                Ok(()) => tally.n_frames += 1,
                Err(PushError::Gone) => {
                    forget(&self.db, &socket).await;
                    tally.n_gone = 1;
                    return tally;
                }
                Err(error @ PushError::Refused(_)) => {
                    tracing::warn!(%error, "a socket that missed a frame is closed");
                    self.end(&socket).await;
                    tally.n_closed = 1;
                    return tally;
                }
            }
        }
        tally
    }

    /// Ends a socket. Without its row nothing more is sent there, and if the connection stays open
    /// all the same, its browser is told so at the next thing that it sends.
    async fn end(&self, socket: &SocketRow) {
        forget(&self.db, socket).await;
        close(&self.connections, &socket.connection).await;
    }
}

/// Forgets a socket. What fails is done by the next run that meets it, or by the row's expiry.
pub(super) async fn forget(db: &impl Db, socket: &SocketRow) {
    if let Err(error) = socket::forget(db, socket).await {
        tracing::warn!(%error, "a socket's rows are left for later");
    }
}

/// Closes a connection, if it is not closed already.
pub(super) async fn close(connections: &impl Connections, connection: &str) {
    match connections.close(connection).await {
        Ok(()) | Err(PushError::Gone) => {}
        Err(error) => tracing::warn!(%error, "a connection could not be closed"),
    }
}

fn frames_for(socket: &SocketRow, rights: &Rights, events: &[(Audience, Event)]) -> Vec<String> {
    let may_know = |to: &Audience| match to {
        Audience::Number(number) => rights.may_see(number),
        Audience::Person(person) => *person == socket.person || rights.may_manage_users(),
    };
    let told: Vec<Told> = events
        .iter()
        .filter(|(to, _)| may_know(to))
        .map(|(_, event)| Told::Event(event.clone()))
        .collect();
    event::frames(&told)
}

impl Believed {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(
        &self,
        workspace: &WorkspaceId,
        person: &PersonId,
        now_ms: Millis,
    ) -> Option<Option<Rights>> {
        let known = self.lock();
        let (read_ms, rights) = known.get(&(workspace.clone(), person.clone()))?;
        let is_fresh = (*read_ms..*read_ms + BELIEVED_MS).contains(&now_ms);
        is_fresh.then(|| rights.clone())
    }

    fn put(
        &self,
        workspace: &WorkspaceId,
        person: &PersonId,
        now_ms: Millis,
        rights: Option<Rights>,
    ) {
        let mut known = self.lock();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        let _ = known.insert((workspace.clone(), person.clone()), (now_ms, rights));
    }

    fn forget(&self, workspace: &WorkspaceId, person: &PersonId) {
        let _ = self.lock().remove(&(workspace.clone(), person.clone()));
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.n_frames += other.n_frames;
        self.n_closed += other.n_closed;
        self.n_gone += other.n_gone;
    }
}
