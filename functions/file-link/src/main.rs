//! Wires `/f/…` to the bucket.

use file_link::{FileLinks, router};
use greenhub::{config, telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let (hub, store) = wiring::file_links_from_env(&aws)?;
    lambda_http::run(router(FileLinks { hub, store })).await
}
