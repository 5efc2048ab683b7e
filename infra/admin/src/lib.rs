//! `greenhub-admin`: what only whoever deployed a stack may do to it, by AWS's credentials.
//!
//! A workspace has no owner until somebody uses a link that was made for that. This makes one; whoever
//! may write the stack's tables may do so anyway.

pub mod options;
pub mod stack;

use greenhub::account::audit::Actor;
use greenhub::account::setup::{self, Offer, SetupError};
use greenhub::clock::Clock;
use greenhub::domain::ids::{LocationId, WorkspaceId};
use greenhub::pipeline::ids::IdSource;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::InstallRow;
use greenhub::store::{keys, row};

/// Which workspace gets an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A new one of this name.
    New(String),
    /// The one that a location of GoHighLevel is linked to.
    Location(LocationId),
    /// The one of this id.
    Workspace(WorkspaceId),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed after the command.
    #[error("{0}\n\n{usage}", usage = options::USAGE)]
    Options(#[from] lexopt::Error),
    /// The environment.
    #[error(transparent)]
    Config(#[from] greenhub::config::ConfigError),
    /// The stack is none of ours, or AWS refuses.
    #[error("the stack {stack} cannot be used: {why}")]
    Stack {
        /// Its name.
        stack: String,
        /// In AWS's words or ours.
        why: String,
    },
    /// The app was never installed in the location.
    #[error("the app is not installed in the location {0}")]
    NoLocation(LocationId),
    /// There is no such workspace, or it has an owner.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Nobody reads what is printed.
    #[error("nothing can be printed: {0}")]
    Print(#[from] std::io::Error),
}

/// Makes a link for the first owner of a workspace.
///
/// # Errors
/// [`Error`]; of a workspace that has an owner [`SetupError::HasOwner`].
pub async fn setup_link(
    db: &impl Db,
    clock: &Clock,
    whose: &Whose,
) -> Result<(WorkspaceId, Offer), Error> {
    let workspace = match whose {
        Whose::New(name) => setup::make_workspace(db, clock, &IdSource::random(), name).await?,
        Whose::Workspace(workspace) => workspace.clone(),
        Whose::Location(location) => {
            let install = row::load::<InstallRow>(db, &keys::install(location)).await?;
            let install = install.ok_or_else(|| Error::NoLocation(location.clone()))?;
            install.workspace
        }
    };
    let actor = Actor {
        person: None,
        name: "greenhub-admin".to_owned(),
    };
    let offer = setup::offer_owner(db, clock, &actor, &workspace).await?;
    Ok((workspace, offer))
}
