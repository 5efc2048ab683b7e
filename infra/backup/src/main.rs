//! `cargo run -p greenhub-backup -- --help`

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use greenhub::clock::Clock;
use greenhub::config;
use greenhub_backup::error::Error;
use greenhub_backup::options::{Options, USAGE};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be there to read it; the code tells as well.
            let _ = writeln!(stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let Some(options) = Options::read(std::env::args_os().skip(1))? else {
        return Ok(writeln!(stdout(), "{USAGE}")?);
    };
    let aws = config::aws()?;
    greenhub_backup::run(&options, &aws, &Clock::system(), &mut stdout()).await
}
