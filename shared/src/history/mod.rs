//! Importing a number's old conversations: a job that can be stopped, goes on after a crash, and
//! tells how far it is.
//!
//! The job's row is in the directory, one for each number; each chat of its plan has a row of its own,
//! which is also its report. [`Imports`] is what people do with it, [`Worker`] does the work, and
//! [`crate::pipeline::history`] puts the messages into their place.

mod plan;
mod work;

use std::time::Duration;

use crate::clock::{Clock, Millis};
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::domain::status::InstanceState;
use crate::queue::{ImportWakeUp, Queue};
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::history::{self, Counts, ImportOptions, ImportRow, Phase};
use crate::store::{keys, row};

pub use self::work::{LEASE_MS, Worker};

/// How long an import waits for a phone to be linked, if it is to wait.
pub const WAIT_MS: Millis = 60_000;

/// When the sweeper wakes an import that nobody is at: a run that lives has written by then.
const LOOK_AFTER_MS: Millis = LEASE_MS + 30_000;

/// What people do with imports.
#[derive(Debug)]
pub struct Imports<'a, D, Q> {
    /// The tables.
    pub db: &'a D,
    /// The queues.
    pub queue: &'a Q,
    /// The time.
    pub clock: &'a Clock,
}

/// Why an import is not begun, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The workspace has no such number, or the number no such import.
    #[error("there is no such import")]
    NotFound,
    /// One is under way.
    #[error("the number's import is in progress")]
    InProgress,
    /// No phone is linked to the number.
    #[error("no phone is linked to the number ({0})")]
    NotAuthorized(String),
    /// Not as it stands: it is at its end, or is not paused.
    #[error("the import is {0}")]
    NotNow(&'static str),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl<D: Db, Q: Queue> Imports<'_, D, Q> {
    /// Begins an import. A number without a phone is refused, unless `waits`: then the import waits
    /// [`WAIT_MS`] for one to be linked.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn start(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
        options: ImportOptions,
        waits: bool,
    ) -> Result<ImportRow, ImportError> {
        let key = keys::number(workspace, number);
        let found = row::load::<NumberRow>(self.db, &key).await?;
        let state = found.ok_or(ImportError::NotFound)?.state;
        let now_ms = self.clock.now_ms();
        let phase = match state {
            InstanceState::Authorized => Phase::Planning,
            _ if waits => Phase::Waiting {
                until_ms: now_ms + WAIT_MS,
            },
            state => return Err(ImportError::NotAuthorized(state.as_str().to_owned())),
        };
        let before = history::import(self.db, workspace, number).await?;
        if before.as_ref().is_some_and(|it| it.phase.is_open()) {
            return Err(ImportError::InProgress);
        }
        if options.failed_only && before.as_ref().is_none_or(|it| it.counts.chats_failed == 0) {
            return Err(ImportError::NotNow("without chats that failed"));
        }
        let mut import = ImportRow {
            rev: before.as_ref().map_or(0, |it| it.rev),
            workspace: workspace.clone(),
            number: number.clone(),
            options,
            phase,
            counts: Counts::default(),
            cursor: None,
            trouble: None,
            trouble_since_ms: None,
            started_ms: now_ms,
            measured: None,
            ended_ms: None,
            due_at: None,
            due_shard: None,
        };
        if import.options.failed_only
            && let Some(before) = before
        {
            // Again what was chosen then.
            import.options = ImportOptions {
                failed_only: true,
                ..before.options
            };
        }
        import.set_due(Some(now_ms + LOOK_AFTER_MS));
        let write = row::save(keys::import(workspace, number), &mut import)?;
        match self.db.write(vec![write]).await {
            Ok(()) => {}
            // Somebody else has begun one at this moment.
            Err(DbError::Condition { .. } | DbError::Conflict) => {
                return Err(ImportError::InProgress);
            }
            Err(error) => return Err(error.into()),
        }
        wake(self.queue, workspace, number, Duration::ZERO).await;
        Ok(import)
    }

    /// Stops an import until it is let go on. What runs ends its step first.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn pause(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<ImportRow, ImportError> {
        self.change(workspace, number, |import, _| {
            if !import.phase.is_at_work() {
                return Err(import.phase.as_str());
            }
            import.phase = Phase::Paused;
            import.measured = None;
            import.set_due(None);
            Ok(())
        })
        .await
    }

    /// Lets an import go on that was paused.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn resume(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<ImportRow, ImportError> {
        let resumed = self
            .change(workspace, number, |import, now_ms| {
                if import.phase != Phase::Paused {
                    return Err(import.phase.as_str());
                }
                // It may have been stopped before it knew what there is.
                import.phase = match import.counts.chats {
                    0 => Phase::Planning,
                    _ => Phase::Running,
                };
                import.measured = Some((now_ms, import.counts.chats_done));
                import.set_due(Some(now_ms + LOOK_AFTER_MS));
                Ok(())
            })
            .await?;
        wake(self.queue, workspace, number, Duration::ZERO).await;
        Ok(resumed)
    }

    /// Ends an import. What it has stored stays.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn cancel(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<ImportRow, ImportError> {
        self.change(workspace, number, |import, now_ms| {
            if !import.phase.is_open() {
                return Err(import.phase.as_str());
            }
            import.end(Phase::Cancelled, now_ms);
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        workspace: &WorkspaceId,
        number: &NumberId,
        mut change: impl FnMut(&mut ImportRow, Millis) -> Result<(), &'static str> + Send,
    ) -> Result<ImportRow, ImportError> {
        let now_ms = self.clock.now_ms();
        let mut refused = None;
        let key = keys::import(workspace, number);
        let changed = row::change::<ImportRow>(self.db, &key, |import| {
            refused = change(import, now_ms).err();
            refused.is_none()
        })
        .await?;
        match (changed, refused) {
            (None, _) => Err(ImportError::NotFound),
            (_, Some(why)) => Err(ImportError::NotNow(why)),
            (Some(import), None) => Ok(import),
        }
    }
}

/// Wakes a worker. A wake-up that gets lost is made up for by the sweeper.
pub async fn wake(queue: &impl Queue, workspace: &WorkspaceId, number: &NumberId, delay: Duration) {
    let wake_up = ImportWakeUp::NumberV1 {
        workspace: workspace.clone(),
        number: number.clone(),
    };
    if let Err(error) = queue.wake_import(wake_up, delay).await {
        tracing::warn!(%number, %error, "an import is left to the sweeper");
    }
}
