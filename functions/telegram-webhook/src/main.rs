//! Wires `/webhooks/telegram`.

use std::time::Duration;

use greenhub::{config, http, telemetry, wiring};
use telegram_webhook::{Hook, router};

/// What Telegram is told at once must not take longer than it waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let hook = Hook {
        hub: wiring::hub_from_env(&aws)?,
        secrets: wiring::secrets_from_env(&aws)?,
        api: config::TelegramApi::from_env()?,
        http: http::client(TIMEOUT)?,
    };
    lambda_http::run(router(hook)).await
}
