//! Wires `/api/session…`, `/api/workspace` and `/api/instances…`.

use std::time::Duration;

use greenhub::account::keyring::Keyring;
use greenhub::account::numbers::Numbers;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::secrets::Secrets;
use greenhub::{config, http, telemetry, wiring};
use instance_api::{Api, PageConfig, router};

/// A person waits for three calls to GREEN-API at most, one after another.
const TIMEOUT: Duration = Duration::from_secs(7);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let app = config::App::from_env()?;
    let web = config::Web::from_env()?;
    let hub = wiring::hub_from_env(&aws)?;
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let api = Api {
        page: PageConfig {
            install_url: wiring::install_url(&web, &app).into(),
            parent_origins: web.parent_origins,
        },
        addresses: Addresses::new(config::edge_key()),
        keyring: Keyring::fetched(Secrets::new(secrets, app.app_secret, hub.clock.clone())),
        numbers: Numbers {
            db: hub.db.clone(),
            clock: hub.clock.clone(),
            ids: hub.ids.clone(),
            green: GreenApi::new(http::client(TIMEOUT)?),
            hosts: config::Green::from_env()?,
            public_base_url: app.public_base_url,
        },
        hub,
    };
    lambda_http::run(router(api)).await
}
