//! What the command is told.

use std::ffi::OsString;

use lexopt::ValueExt as _;
use lexopt::prelude::{Long, Value};

/// What is printed for `--help`, and when something is wrong.
pub const USAGE: &str = "\
Backups of the tables `directory` and `chats` of a stack.

  cargo run -p greenhub-backup -- list    --stack STACK
  cargo run -p greenhub-backup -- take    --stack STACK
  cargo run -p greenhub-backup -- restore --stack STACK --name NAME
  cargo run -p greenhub-backup -- senders --stack STACK on|off

  list       what there is
  take       one more, now; the stack takes them by itself as its parameters say
  restore    writes the rows of a backup that are missing in the tables, with the senders switched
             off before; what is there is never overwritten
  senders    has messages sent again, or stops that; without a word: how it stands

  --stack STACK   name of the CloudFormation stack; region, credentials and AWS_ENDPOINT_URL come from
                  the environment
  --name NAME     the backup, as `list` calls it
  --help          this text";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Says what there is.
    List,
    /// Takes a backup.
    Take,
    /// Writes what is missing.
    Restore {
        /// Out of which backup.
        name: String,
    },
    /// Switches the senders, or says how they stand.
    Senders {
        /// `None` to ask.
        on: Option<bool>,
    },
}

/// What the command is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The stack's name.
    pub stack: String,
    /// What is to be done.
    pub command: Command,
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
        let (mut stack, mut name, mut words) = (None, None, Vec::new());
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("stack") => stack = Some(arguments.value()?.string()?),
                Long("name") => name = Some(arguments.value()?.string()?),
                Long("help") => return Ok(None),
                Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected()),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = match (&words[..], name) {
            (["list"], None) => Command::List,
            (["take"], None) => Command::Take,
            (["restore"], Some(name)) => Command::Restore { name },
            (["restore"], None) => return Err("--name is missing".into()),
            (["senders"], None) => Command::Senders { on: None },
            (["senders", "on"], None) => Command::Senders { on: Some(true) },
            (["senders", "off"], None) => Command::Senders { on: Some(false) },
            _ => return Err("one of list, take, restore and senders is wanted".into()),
        };
        let stack = stack.ok_or("--stack is missing")?;
        Ok(Some(Options { stack, command }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let check = |line: &str, expect: Option<Command>| {
            let read = Options::read(line.split(' '));
            let command = read.ok().flatten().map(|options| options.command);
            assert_eq!(command, expect, "{line}");
        };
        let restore = |name: &str| Command::Restore { name: name.into() };
        check("list --stack s", Some(Command::List));
        check("--stack s take", Some(Command::Take));
        check("restore --stack s --name=x", Some(restore("x")));
        check("senders --stack s", Some(Command::Senders { on: None }));
        check(
            "senders off --stack s",
            Some(Command::Senders { on: Some(false) }),
        );
        check("restore --stack s", None);
        check("list", None);
        check("list twice --stack s", None);
        check("list --stack s --name x", None);
        check("--all --stack s", None);
        assert_eq!(Options::read(["--help"]).unwrap(), None);
    }
}
