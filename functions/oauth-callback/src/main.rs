//! Wires `GET /oauth/callback`.

use std::time::Duration;

use greenhub::account::keyring::Keyring;
use greenhub::clock::Clock;
use greenhub::http::address::Addresses;
use greenhub::pipeline::ids::IdSource;
use greenhub::secrets::Secrets;
use greenhub::store::dynamo::Dynamo;
use greenhub::{config, http, telemetry};
use oauth_callback::{Callback, router};

/// A refresh or a code works once: its answer is waited for as long as the gateway lets us.
const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let app = config::App::from_env()?;
    let clock = Clock::system();
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let callback = Callback {
        db: Dynamo::new(
            aws_sdk_dynamodb::Client::new(&aws),
            config::Tables::from_env()?,
        ),
        clock: clock.clone(),
        ids: IdSource::random(),
        keyring: Keyring::fetched(Secrets::new(secrets, app.app_secret, clock)),
        http: http::client(TIMEOUT)?,
        app: config::Ghl::from_env()?,
        public_base_url: app.public_base_url,
        addresses: Addresses::new(config::edge_key()),
    };
    lambda_http::run(router(callback)).await
}
