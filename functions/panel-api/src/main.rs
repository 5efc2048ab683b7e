//! Wires the panel's API.

use std::sync::Arc;
use std::time::Duration;

use greenhub::account::keyring::Keyring;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::secrets::Secrets;
use greenhub::{config, http, telemetry, wiring};
use panel_api::telegram::Bots;
use panel_api::{Api, router};

/// A person waits for one call to GREEN-API or to Telegram.
const TIMEOUT: Duration = Duration::from_secs(7);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let app = config::App::from_env()?;
    let web = config::Web::from_env()?;
    let (hub, files) = wiring::hub_with_files_from_env(&aws)?;
    let telegram = config::TelegramApi::from_env()?;
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let api = Api {
        files: Arc::new(files),
        green: GreenApi::new(http::client(TIMEOUT)?),
        addresses: Addresses::new(config::edge_key()),
        install_url: wiring::install_url(&web, &app),
        public_base_url: app.public_base_url,
        telegram: Bots {
            at: Some((http::client(TIMEOUT)?, telegram.api_base)),
        },
        keyring: Keyring::fetched(Secrets::new(secrets, app.app_secret, hub.clock.clone())),
        codes: None,
        hub,
    };
    lambda_http::run(router(api)).await
}
