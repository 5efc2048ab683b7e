//! Wires the CRM queue to GoHighLevel.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use crm_sender::handle;
use greenhub::ghl::client::Ghl;
use greenhub::media::link::Links;
use greenhub::pipeline::crm::Crm;
use greenhub::{config, http, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

/// A refresh of the tokens takes longest, and must not be broken off.
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let hub = wiring::hub_from_env(&aws)?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let app = config::App::from_env()?;
    let api = config::GhlApi::from_env()?;
    let client = http::client(TIMEOUT)?;
    let ghl = Ghl::new(client.clone(), api.api_base.clone());
    let links = Links::new(&app.public_base_url);
    run(service_fn(async |call: LambdaEvent<SqsEvent>| {
        let secret = secrets.get().await?;
        let oauth = wiring::oauth(client.clone(), &api, &app, &secret);
        let keys = Arc::new(secret.data_keys()?);
        let crm = Crm::new(&hub, &ghl, &oauth, keys, &api.providers, &links);
        let deadline_ms = wiring::deadline_ms(call.context.deadline);
        let answer = handle(&hub, &crm, call.payload, deadline_ms).await;
        ghl.spread().tell(hub.clock.now_ms());
        Ok::<_, Error>(answer)
    }))
    .await
}
