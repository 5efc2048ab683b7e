//! Why there is no table.

use std::io;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// An option that there is not.
    #[error("{0}; there are --write and --lambda-dir DIR")]
    Options(#[from] lexopt::Error),
    /// A file, a socket or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The functions could not be built, or are not where they were said to be.
    #[error("the functions: {0}")]
    Functions(String),
    /// A function did not do what it has to.
    #[error("{function} {why}")]
    Function {
        /// Its name.
        function: String,
        /// What it did instead.
        why: String,
    },
    /// A binary could not be packed.
    #[error("{function} cannot be zipped: {source}")]
    Zip {
        /// Its name.
        function: String,
        /// Why.
        source: zip::result::ZipError,
    },
}

impl Error {
    /// For `map_err`: what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}
