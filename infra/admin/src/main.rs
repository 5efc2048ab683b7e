//! `cargo run -p greenhub-admin -- --help`

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use greenhub::account::setup::SetupError;
use greenhub::clock::Clock;
use greenhub::config;
use greenhub::store::dynamo::Dynamo;
use greenhub_admin::options::{Options, USAGE};
use greenhub_admin::stack::Target;
use greenhub_admin::{Error, setup_link};
use secrecy::ExposeSecret as _;

/// That there is an owner already, for scripts that try.
const HAS_OWNER: u8 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "{error}");
            match error {
                Error::Setup(SetupError::HasOwner) => ExitCode::from(HAS_OWNER),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn run() -> Result<(), Error> {
    let Some(options) = Options::read(std::env::args_os().skip(1))? else {
        return Ok(writeln!(stdout(), "{USAGE}")?);
    };
    let aws = config::aws()?;
    let target = Target::find(&aws, &options.stack).await?;
    let url = options.url.or(target.url).ok_or_else(|| Error::Stack {
        stack: options.stack.clone(),
        why: "it does not know where people reach it: --url".to_owned(),
    })?;
    let db = Dynamo::new(aws_sdk_dynamodb::Client::new(&aws), target.tables);
    let (workspace, offer) = setup_link(&db, &Clock::system(), &options.whose).await?;
    let mut out = stdout();
    writeln!(
        out,
        "The first owner of the workspace {workspace} sets a password here, once within an hour:"
    )?;
    Ok(writeln!(out, "{}", offer.url(&url).expose_secret())?)
}
