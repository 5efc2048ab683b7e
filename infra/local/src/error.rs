//! Why the local system did not start, said so that a person knows what to do next.

use std::{io, path::PathBuf};

/// One variant for each thing that a person does differently about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Programs that have to be installed first, each with how to get it.
    #[error("something has to be installed first:\n{}", .0.iter().map(|m| format!("  - {m}")).collect::<Vec<_>>().join("\n"))]
    Missing(Vec<String>),
    /// Environment variables that are absent or unusable, each with what it should be.
    #[error("settings (environment or .env) have to be corrected:\n{}", .0.iter().map(|m| format!("  - {m}")).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<String>),
    /// Somebody else listens where we want to.
    #[error(
        "port {port} is taken ({what}). Stop what listens there, or choose another with {variable}=<port>"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// What we wanted to serve there.
        what: &'static str,
        /// The environment variable that moves it.
        variable: &'static str,
    },
    /// A program that we started failed.
    #[error("{what} failed: {reason}{}", .log.as_ref().map(|l| format!("\nmore in {}", l.display())).unwrap_or_default())]
    Command {
        /// What it was doing.
        what: String,
        /// Its last words.
        reason: String,
        /// Where all of its words are.
        log: Option<PathBuf>,
    },
    /// The emulator refuses the template, or is not there.
    #[error("{0}")]
    Deploy(String),
    /// The sandbox did not start.
    #[error("the sandbox did not start: {0}")]
    Sandbox(#[from] greenhub_sandbox::SandboxError),
    /// A step of the demo data went otherwise than it must; the system itself runs.
    #[error("demo data: {step}: {reason}")]
    Demo {
        /// Which step.
        step: &'static str,
        /// What came instead. Holds no secret.
        reason: String,
    },
    /// A function answered with an error instead of a result.
    #[error("{function} failed: {reason}")]
    Function {
        /// The name that was asked for.
        function: String,
        /// What the function or the emulator said.
        reason: String,
    },
    /// A file of ours cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One of our own servers cannot be called.
    #[error("a local call failed: {0}")]
    Http(#[from] reqwest::Error),
}

impl Error {
    /// For `map_err` on operations on `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
