//! Wires the schedule to the sweeper.

use std::sync::Arc;
use std::time::Duration;

use greenhub::ghl::client::Ghl;
use greenhub::green_api::client::GreenApi;
use greenhub::{config, http, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use sweeper::{Sweeper, backups};

/// A refresh of the tokens takes longest, and must not be broken off.
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let app = config::App::from_env()?;
    let api = config::GhlApi::from_env()?;
    let telegram = config::TelegramApi::from_env()?;
    let client = http::client(TIMEOUT)?;
    let (vault, plan) = wiring::backups_from_env(&aws)?;
    run(service_fn(async |call: LambdaEvent<Value>| {
        let secret = secrets.get().await?;
        let (hub, files) = wiring::hub_with_files_from_env(&aws)?;
        let sweeper = Sweeper {
            hub,
            files,
            green: GreenApi::new(client.clone()),
            ghl: Ghl::new(client.clone(), api.api_base.clone()),
            oauth: wiring::oauth(client.clone(), &api, &app, &secret),
            data_keys: Arc::new(secret.data_keys()?),
            providers: api.providers.clone(),
            public_base_url: app.public_base_url.clone(),
            telegram: wiring::telegram(client.clone(), &telegram, &secret)
                .zip(secret.telegram_webhook_secret.clone()),
        };
        backups::rotate(&vault, &sweeper.hub.clock, plan).await;
        // A run holds every client's call within itself: too much for the stack.
        let swept = Box::pin(sweeper.sweep(wiring::deadline_ms(call.context.deadline)));
        Ok::<_, Error>(swept.await?)
    }))
    .await
}
