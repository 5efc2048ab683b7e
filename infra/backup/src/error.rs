//! What can go wrong.

use greenhub::backup::vault::BackupError;
use greenhub::config::ConfigError;
use greenhub::store::db::DbError;

/// Why the command gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line.
    #[error("{0}; --help says what there is")]
    Options(#[from] lexopt::Error),
    /// The environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The stack is not there, or none of ours.
    #[error("the stack {stack}: {why}")]
    Stack {
        /// Its name.
        stack: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such backup of both tables.
    #[error("there is no backup {name} of both tables that is ready; `list` says what there is")]
    NoBackup {
        /// Its name.
        name: String,
    },
    /// Listing or taking backups.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The copy that a backup is unpacked into.
    #[error("the copy {table}: {what} failed: {why}")]
    Copy {
        /// Its name.
        table: String,
        /// What was tried.
        what: &'static str,
        /// The service's words.
        why: String,
    },
    /// The tables that are written to.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The report could not be printed.
    #[error("printing failed: {0}")]
    Out(#[from] std::io::Error),
}
