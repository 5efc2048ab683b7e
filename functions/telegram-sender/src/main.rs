//! Wires the Telegram queue to Telegram.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use greenhub::media::link::Links;
use greenhub::pipeline::telegram::Channels;
use greenhub::telegram::client::UPLOAD_TIMEOUT;
use greenhub::{config, http, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use telegram_sender::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let (hub, store) = wiring::hub_with_files_from_env(&aws)?;
    let secrets = wiring::secrets_from_env(&aws)?;
    let app = config::App::from_env()?;
    let api = config::TelegramApi::from_env()?;
    let client = http::client(UPLOAD_TIMEOUT)?;
    let links = Links::new(&app.public_base_url);
    run(service_fn(async |call: LambdaEvent<SqsEvent>| {
        let secret = secrets.get().await?;
        let Some(bot) = wiring::telegram(client.clone(), &api, &secret) else {
            // The lanes stay due, and are woken again.
            tracing::error!("the app's secret has no bot token: nothing is posted");
            return Ok(SqsBatchResponse::default());
        };
        let channels = Channels::new(&hub, &bot, &store, &links);
        let deadline_ms = wiring::deadline_ms(call.context.deadline);
        Ok::<_, Error>(handle(&hub, &channels, call.payload, deadline_ms).await)
    }))
    .await
}
