//! Wires `/api/instances…` and `/api/session/ghl`.

use std::time::Duration;

use greenhub::account::keyring::Keyring;
use greenhub::account::numbers::Numbers;
use greenhub::clock::Clock;
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::ids::IdSource;
use greenhub::secrets::Secrets;
use greenhub::store::dynamo::Dynamo;
use greenhub::{config, http, telemetry};
use instance_api::{Api, router};

/// A person waits for three calls to GREEN-API at most, one after another.
const TIMEOUT: Duration = Duration::from_secs(7);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let app = config::App::from_env()?;
    let clock = Clock::system();
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let api = Api {
        numbers: Numbers {
            db: Dynamo::new(
                aws_sdk_dynamodb::Client::new(&aws),
                config::Tables::from_env()?,
            ),
            clock: clock.clone(),
            ids: IdSource::random(),
            green: GreenApi::new(http::client(TIMEOUT)?),
            hosts: config::Green::from_env()?,
            public_base_url: app.public_base_url,
        },
        keyring: Keyring::fetched(Secrets::new(secrets, app.app_secret, clock)),
    };
    lambda_http::run(router(api)).await
}
