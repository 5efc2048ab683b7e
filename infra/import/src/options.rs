//! What the command is told.

use std::ffi::OsString;
use std::path::PathBuf;

use greenhub::clock::{self, Millis};
use greenhub::domain::text::Lang;
use lexopt::ValueExt as _;
use lexopt::prelude::Long;
use secrecy::SecretString;

/// What is printed for `--help`, and when something is wrong.
pub const USAGE: &str = "\
Brings locations, tokens and numbers over from the MySQL database of the older adapter.

  cargo run -p greenhub-import -- --env FILE --to STACK [--dry-run]

  --env FILE             the older adapter's .env: its DATABASE_URL, and what is compared or kept
  --from URL             the database, if it is not at DATABASE_URL as seen from here:
                         mysql://user:password@host:3306/name
  --to STACK             name of the CloudFormation stack; region, credentials and AWS_ENDPOINT_URL
                         come from the environment
  --dry-run              says what would be done, and writes nothing
  --stopped-at TIME      when the older adapter was stopped, like 2026-01-31T18:00:00Z, at most a day
                         ago: what came since then is looked for. Without it, now
  --lang en|ru           language of the texts that are written into the CRM; en unless told
  --keep-workflow-token  workflows go on with GHL_WORKFLOW_TOKEN for 90 days, or until their location
                         has made a secret of its own
  --help                 this text";

/// What the command is told.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The older adapter's `.env` file.
    pub env: Option<PathBuf>,
    /// The database's address, with its password.
    pub from: Option<SecretString>,
    /// The stack's name.
    pub to: String,
    /// Writes nothing.
    pub dry_run: bool,
    /// When the older adapter was stopped.
    pub stopped_at: Option<Millis>,
    /// Of new workspaces.
    pub lang: Lang,
    /// Has the older adapter's workflow token open its locations for a time.
    pub keep_workflow_token: bool,
}

impl Options {
    /// Reads arguments, without the program's name. `None` if only the usage is asked for.
    ///
    /// # Errors
    /// What is unknown, missing or wrong.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Option<Self>, lexopt::Error> {
        let arguments = lexopt::Parser::from_args(arguments);
        Self::read_all(arguments).map_err(|error| match error {
            // The value may be the database's address.
            lexopt::Error::UnexpectedValue { option, .. } => {
                format!("{option} takes no value").into()
            }
            error => error,
        })
    }

    fn read_all(mut arguments: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Options::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("env") => options.env = Some(arguments.value()?.into()),
                // Not quoted if it is wrong: there is a password in it.
                Long("from") => {
                    let from = arguments.value()?.into_string();
                    let from = from.map_err(|_| "--from is not text")?;
                    options.from = Some(from.into());
                }
                Long("to") => options.to = arguments.value()?.string()?,
                Long("dry-run") => options.dry_run = true,
                Long("stopped-at") => {
                    let told = arguments.value()?.string()?;
                    let at_ms = clock::parse_rfc3339(&told);
                    options.stopped_at =
                        Some(at_ms.ok_or("--stopped-at is a time like 2026-01-31T18:00:00Z")?);
                }
                Long("lang") => {
                    options.lang = match arguments.value()?.string()?.as_str() {
                        "en" => Lang::En,
                        "ru" => Lang::Ru,
                        _ => return Err("--lang is en or ru".into()),
                    }
                }
                Long("keep-workflow-token") => options.keep_workflow_token = true,
                Long("help") => return Ok(None),
                // What stands alone may be the database's address.
                lexopt::Arg::Value(_) => return Err("an option is missing before a value".into()),
                other => return Err(other.unexpected()),
            }
        }
        match options.to.is_empty() {
            true => Err("--to is missing".into()),
            false => Ok(Some(options)),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn options_are_read() {
        let all = [
            "--env",
            "old/.env",
            "--from=mysql://u:pw@h/d",
            "--to",
            "greenhub",
            "--dry-run",
            "--stopped-at",
            "2026-01-31T18:00:00Z",
            "--lang",
            "ru",
            "--keep-workflow-token",
        ];
        let read = Options::read(all).unwrap().unwrap();
        assert_eq!(read.env, Some("old/.env".into()));
        assert_eq!(read.from.unwrap().expose_secret(), "mysql://u:pw@h/d");
        assert_eq!(read.to, "greenhub");
        assert_eq!(read.stopped_at, Some(1_769_882_400_000));
        assert_eq!(read.lang, Lang::Ru);
        assert!(read.dry_run && read.keep_workflow_token);
        assert!(Options::read(["--help"]).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_address() {
        let check = |arguments: &[&str], expect: &str| {
            let error = Options::read(arguments).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        };
        check(&[], "--to is missing");
        check(&["--to"], "missing argument");
        check(&["--into", "x"], "--into");
        check(&["mysql://u:hunter@h/d"], "an option is missing");
        check(
            &["--dry-run=mysql://u:hunter@h/d"],
            "--dry-run takes no value",
        );
        check(&["--to", "s", "--lang", "de"], "en or ru");
        check(&["--to", "s", "--stopped-at", "noon"], "a time like");
    }
}
