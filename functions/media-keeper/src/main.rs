//! Wires the media queue to the bucket and to GREEN-API.

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use greenhub::green_api::client::GreenApi;
use greenhub::media::fetch::{self, Fetcher};
use greenhub::media::keep::Keep;
use greenhub::{config, http, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use media_keeper::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let (hub, store) = wiring::hub_with_files_from_env(&aws)?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let fetcher = Fetcher::new(config::Green::from_env()?.allowed_local_hosts)?;
    // A file goes to GREEN-API as fast as it comes from where it is.
    let telegram = http::client(fetch::TIMEOUT)?;
    let green = GreenApi::new(telegram.clone());
    let api = config::TelegramApi::from_env()?;
    run(service_fn(async |call: LambdaEvent<SqsEvent>| {
        let secret = secrets.get().await?;
        let bot = wiring::telegram(telegram.clone(), &api, &secret);
        let keep = Keep {
            hub: &hub,
            green: &green,
            keys: Arc::new(secret.data_keys()?),
            fetcher: &fetcher,
            store: &store,
            telegram: bot.as_ref(),
        };
        let deadline_ms = wiring::deadline_ms(call.context.deadline);
        Ok::<_, Error>(handle(&hub, &keep, call.payload, deadline_ms).await)
    }))
    .await
}
