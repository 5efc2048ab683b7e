//! Wires the queue of imports to GREEN-API.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use greenhub::green_api::client::GreenApi;
use greenhub::history::Worker;
use greenhub::{config, http, telemetry, wiring};
use history_import::handle;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

/// The longest call: a chat can have ten thousand messages.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let hub = wiring::hub_from_env(&aws)?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let green = GreenApi::new(http::client(TIMEOUT)?);
    run(service_fn(async |call: LambdaEvent<SqsEvent>| {
        let worker = Worker {
            hub: &hub,
            green: &green,
            data_keys: Arc::new(secrets.get().await?.data_keys()?),
        };
        let deadline_ms = wiring::deadline_ms(call.context.deadline);
        Ok::<_, Error>(handle(&worker, call.payload, deadline_ms).await)
    }))
    .await
}
