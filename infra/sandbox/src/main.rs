//! Runs the sandbox by itself: `cargo run -p greenhub-sandbox`.

use std::{env, error::Error, net::SocketAddr, path::PathBuf};

use greenhub_sandbox::{SandboxConfig, start};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .init();
    let sandbox = start(config()?).await?;
    tracing::info!(url = sandbox.url(), "the sandbox serves");
    tokio::signal::ctrl_c().await?;
    sandbox.shutdown().await;
    Ok(())
}

/// `SANDBOX_PORT` (3100), `SANDBOX_TIME_SCALE` (1), `SANDBOX_DATA` (a file; nowhere),
/// `SANDBOX_URL` (what links say) and `APP_URL` (`http://localhost:3000`).
#[expect(
    clippy::disallowed_methods,
    reason = "the configuration of a program of its own"
)]
fn config() -> Result<SandboxConfig, Box<dyn Error>> {
    let port: u16 = env::var("SANDBOX_PORT").map_or(Ok(3100), |v| v.parse())?;
    let defaults = SandboxConfig::default();
    Ok(SandboxConfig {
        addr: SocketAddr::from(([127, 0, 0, 1], port)),
        public_url: env::var("SANDBOX_URL").ok(),
        app_url: env::var("APP_URL").unwrap_or(defaults.app_url),
        time_scale: env::var("SANDBOX_TIME_SCALE").map_or(Ok(1.0), |v| v.parse())?,
        data_file: env::var("SANDBOX_DATA").ok().map(PathBuf::from),
        ghl: defaults.ghl,
    })
}
