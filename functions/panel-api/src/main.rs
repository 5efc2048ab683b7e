//! Wires the panel's API.

use greenhub::account::keyring::Keyring;
use greenhub::http::address::Addresses;
use greenhub::secrets::Secrets;
use greenhub::{config, telemetry, wiring};
use panel_api::{Api, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let app = config::App::from_env()?;
    let web = config::Web::from_env()?;
    let hub = wiring::hub_from_env(&aws)?;
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let api = Api {
        addresses: Addresses::new(config::edge_key()),
        install_url: wiring::install_url(&web, &app),
        public_base_url: app.public_base_url,
        keyring: Keyring::fetched(Secrets::new(secrets, app.app_secret, hub.clock.clone())),
        hub,
    };
    lambda_http::run(router(api)).await
}
