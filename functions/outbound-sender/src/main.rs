//! Wires the outbound queue to GREEN-API.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::whatsapp::{CALL_MS, Whatsapp};
use greenhub::{config, http, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use outbound_sender::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let hub = wiring::hub_from_env(&aws)?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let green = GreenApi::new(http::client(Duration::from_millis(CALL_MS as u64))?);
    run(service_fn(async |call: LambdaEvent<SqsEvent>| {
        let keys = Arc::new(secrets.get().await?.data_keys()?);
        let whatsapp = Whatsapp::new(&hub, &green, keys);
        let deadline_ms = wiring::deadline_ms(call.context.deadline);
        let answer = handle(&hub, &whatsapp, call.payload, deadline_ms).await;
        green.spread().tell(hub.clock.now_ms());
        Ok::<_, Error>(answer)
    }))
    .await
}
