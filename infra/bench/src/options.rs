//! What the command is told.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::{Long, ValueExt as _};

/// What the command is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Keeps the table in docs/benchmarks.md, too.
    pub(crate) write: bool,
    /// Where the functions' binaries are; without it they are built for this machine.
    pub(crate) lambda_dir: Option<PathBuf>,
}

impl Options {
    /// Reads arguments, without the program's name.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, lexopt::Error> {
        let mut options = Options::default();
        let mut arguments = lexopt::Parser::from_args(arguments);
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("write") => options.write = true,
                Long("lambda-dir") => {
                    options.lambda_dir = Some(arguments.value()?.parse()?);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let check = |arguments: &[&str], expect: Option<Options>| {
            assert_eq!(Options::read(arguments).ok(), expect, "{arguments:?}");
        };
        check(&[], Some(Options::default()));
        check(
            &["--write", "--lambda-dir", "a/b"],
            Some(Options {
                write: true,
                lambda_dir: Some("a/b".into()),
            }),
        );
        check(&["--lambda-dir"], None);
        check(&["--wrote"], None);
        check(&["write"], None);
    }
}
