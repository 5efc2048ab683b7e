//! Wires `/webhooks/green-api`.

use green_api_webhook::router;
use greenhub::{config, telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    lambda_http::run(router(wiring::hub_from_env(&aws)?)).await
}
