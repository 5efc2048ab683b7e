//! Wires `/webhooks/ghl`.

use std::time::Duration;

use ghl_webhook::{Hook, router};
use greenhub::config::{self, GhlHook};
use greenhub::ghl::client::Ghl;
use greenhub::ghl::signature::PublicKeys;
use greenhub::store::kept::Kept;
use greenhub::{http, telemetry, wiring};

/// A contact's tags have to be there within the time that GoHighLevel waits for our answer.
const TIMEOUT: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let ghl = GhlHook::from_env()?;
    let hook = Hook {
        hub: wiring::hub_from_env(&aws)?,
        secrets: wiring::secrets_from_env(&aws)?,
        public_keys: PublicKeys::parse(&ghl.public_keys)?,
        app_id: ghl.app_id,
        providers: ghl.providers,
        ghl: Ghl::new(http::client(TIMEOUT)?, ghl.api_base),
        tenants: Kept::default(),
    };
    lambda_http::run(router(hook)).await
}
