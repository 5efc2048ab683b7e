//! Why nothing was brought over, or not everything.

use std::io;
use std::path::PathBuf;

use greenhub::config::ConfigError;
use greenhub::crypto::CryptoError;
use greenhub::secrets::SecretsError;
use greenhub::store::db::DbError;

/// One variant for each thing that a person does differently about it. None quotes an address of
/// the database, which has a password in it, or a row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Options that there are not, or that are missing.
    #[error("{0}\n\n{usage}", usage = crate::options::USAGE)]
    Options(#[from] lexopt::Error),
    /// The older adapter's settings cannot be read.
    #[error("{path}: {why}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; its lines are not quoted.
        why: &'static str,
    },
    /// Nobody has said where the database is.
    #[error("where is the database? Give --from, or --env with a file that has DATABASE_URL in it")]
    NoDatabase,
    /// The database's address is none.
    #[error("the database's address {0}; it is mysql://user:password@host:3306/name")]
    Address(&'static str),
    /// The database does not answer, or refuses.
    #[error("the older adapter's database: {0}")]
    Database(#[from] mysql_async::Error),
    /// The database does not answer.
    #[error("the older adapter's database does not answer")]
    NoAnswer,
    /// It is not the older adapter's.
    #[error("this is not a database of the older adapter: {0}")]
    Schema(String),
    /// The environment does not say how to reach AWS.
    #[error(
        "{0}; AWS_REGION and credentials have to be in the environment, for example by \
         `eval \"$(aws configure export-credentials --format env)\"`"
    )]
    Aws(#[from] ConfigError),
    /// The stack is not there, or is none of ours.
    #[error("the stack {stack}: {why}")]
    Stack {
        /// Its name.
        stack: String,
        /// What is wrong.
        why: String,
    },
    /// Its secret cannot be read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// There is no key to seal tokens with.
    #[error(transparent)]
    Keys(#[from] CryptoError),
    /// Refresh tokens work for the client alone that they were given to.
    #[error(
        "the older adapter has the client id {old}, and the stack has {new}: GoHighLevel's tokens \
         work for the client that got them and for no other. Deploy the stack with the older \
         adapter's client id"
    )]
    OtherClient {
        /// The older adapter's.
        old: String,
        /// The stack's.
        new: String,
    },
    /// The workflow token is to be kept, and there is none, or one that can be guessed.
    #[error(
        "--keep-workflow-token needs --env with a file that has a GHL_WORKFLOW_TOKEN of at least \
         {shortest} characters in it",
        shortest = greenhub::account::common_token::SHORTEST
    )]
    NoWorkflowToken,
    /// The stack's tables. What was written stays; the same command goes on from there.
    #[error("{0}. Run the same command again: it goes on where it stopped")]
    Tables(#[from] DbError),
    /// The report cannot be printed.
    #[error("the report cannot be printed: {0}")]
    Output(#[from] io::Error),
}
