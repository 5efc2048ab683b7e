//! `cargo run`: the whole system on this machine, until Ctrl-C.

use std::{io::Write as _, process::ExitCode};

use greenhub_local::{Error, Options, Stack};
use tokio::signal::unix::{SignalKind, signal};

mod logs;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\n{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let options = Options::from_environment()?;
    logs::to_file(&options.dir.join("logs"))?;
    let credentials = options.dir.join("credentials.json");
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = asked_to_stop() => {
            say("\nstopped while starting");
            return Ok(());
        }
    };
    say(&format!(
        "\nready\n\n  {}  the product\n  {}  the sandbox: the customer's phone and the CRM\n  \
         {}/custom-page  the page in the CRM, where numbers are managed\n  {}",
        stack.base_url,
        stack.sandbox.url(),
        stack.sandbox.url(),
        if stack.credentials.is_some() {
            format!("{}  the demo data", credentials.display())
        } else {
            format!(
                "{}/oauth/callback is where the real app has to redirect to",
                stack.base_url
            )
        },
    ));
    say(
        "\nCtrl-C stops it and keeps the data. This is for trying and developing, not for a business.",
    );
    asked_to_stop().await;
    say("\nstopping and saving");
    stack.stop().await;
    Ok(())
}

/// Ctrl-C, `kill`, or a closed terminal.
async fn asked_to_stop() {
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without a handler the signal ends the process, and with it its children.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

fn say(text: &str) {
    // Nobody is there to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
