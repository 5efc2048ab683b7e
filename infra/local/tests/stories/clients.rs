//! Others' clients, in `infra/clients`, against what is deployed and what was done so far.

use std::path::Path;

use tokio::process::Command;

use super::corpus;
use super::world::{Outcome, Place, World, ensure};

/// They read what the stories before have left: this one comes after them.
pub async fn others_clients_agree(world: &World<impl Place>) -> Outcome {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients");
    let sandbox = world.stack.sandbox_url();
    let Some(corpus) = corpus::corpus() else {
        println!("skipped: CORPUS is not set");
        return Ok(());
    };
    npm(&dir, &["ci"], &[]).await?;
    let told = [
        ("SANDBOX_URL", &*sandbox),
        ("CORPUS", &*corpus),
        ("LOCATION", &*world.demo.location),
        ("INSTANCE", &*world.demo.instance),
    ];
    npm(&dir, &["test"], &told).await
}

async fn npm(dir: &Path, args: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut npm = Command::new("npm");
    npm.args(args).current_dir(dir);
    npm.envs(environment.iter().copied());
    let done = npm.output().await;
    let done =
        done.map_err(|error| format!("npm: {error}; it comes with Node.js: https://nodejs.org"))?;
    let said = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    println!("{said}");
    ensure!(done.status.success(), "npm {args:?}: {said}{errors}");
    Ok(())
}
