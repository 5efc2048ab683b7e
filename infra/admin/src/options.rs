//! What the command is told.

use std::ffi::OsString;

use greenhub::domain::ids::{LocationId, WorkspaceId};
use lexopt::ValueExt as _;
use lexopt::prelude::{Long, Value};
use url::Url;

use crate::Whose;

/// What is printed for `--help`, and when something is wrong.
pub const USAGE: &str = "\
Makes the link by which a workspace gets its first owner. It works once, within an hour.

  cargo run -p greenhub-admin -- setup-link --stack STACK [--name NAME | --location ID | --workspace ID]

  --stack STACK      name of the CloudFormation stack; region, credentials and AWS_ENDPOINT_URL come
                     from the environment
  --name NAME        a new workspace of this name; the default, with the name Greenhub
  --location ID      the workspace of a GoHighLevel location in which the app is installed
  --workspace ID     the workspace of this id
  --url URL          where people reach the stack, if it does not know itself
  --help             this text";

/// What the command is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The stack's name.
    pub stack: String,
    /// Which workspace gets an owner.
    pub whose: Whose,
    /// Where people reach the stack.
    pub url: Option<Url>,
}

impl Options {
    /// Reads arguments, without the program's name. `None` if only the usage is asked for.
    ///
    /// # Errors
    /// What is unknown, missing or wrong.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = lexopt::Parser::from_args(arguments);
        let (mut is_told, mut stack, mut url) = (false, None, None);
        let mut whose: Option<Whose> = None;
        while let Some(argument) = arguments.next()? {
            let told = match argument {
                Value(command) if command == "setup-link" && !is_told => {
                    is_told = true;
                    continue;
                }
                Long("help") => return Ok(None),
                Long("stack") => {
                    stack = Some(arguments.value()?.string()?);
                    continue;
                }
                Long("url") => {
                    url = Some(arguments.value()?.parse()?);
                    continue;
                }
                Long("name") => Whose::New(arguments.value()?.string()?),
                Long("location") => Whose::Location(LocationId::new(arguments.value()?.string()?)),
                Long("workspace") => {
                    Whose::Workspace(WorkspaceId::new(arguments.value()?.string()?))
                }
                other => return Err(other.unexpected()),
            };
            if whose.replace(told).is_some() {
                return Err("one of --name, --location and --workspace is enough".into());
            }
        }
        if !is_told {
            return Err("the command setup-link is missing".into());
        }
        Ok(Some(Options {
            stack: stack.ok_or("--stack is missing")?,
            whose: whose.unwrap_or_else(|| Whose::New("Greenhub".to_owned())),
            url,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_which_workspace() {
        let check = |line: &str, expect: Result<Option<Whose>, &str>| {
            let got = Options::read(line.split_whitespace());
            let got = got.map(|told| told.map(|told| told.whose));
            assert_eq!(
                got.map_err(|error| error.to_string()),
                expect.map_err(str::to_owned),
                "{line}"
            );
        };
        let location = || Whose::Location(LocationId::new("L"));
        check(
            "setup-link --stack s",
            Ok(Some(Whose::New("Greenhub".to_owned()))),
        );
        check(
            "setup-link --stack s --name Shop",
            Ok(Some(Whose::New("Shop".to_owned()))),
        );
        check("setup-link --location L --stack s", Ok(Some(location())));
        check("--help", Ok(None));
        check("setup-link", Err("--stack is missing"));
        check("--stack s", Err("the command setup-link is missing"));
        check(
            "setup-link --stack s --what",
            Err("invalid option '--what'"),
        );
        check(
            "setup-link --stack s --location L --workspace w",
            Err("one of --name, --location and --workspace is enough"),
        );
    }
}
