//! Wires the sockets' routes `$connect`, `$disconnect` and `$default`.

use aws_lambda_events::event::apigw::ApiGatewayWebsocketProxyRequest;
use greenhub::realtime::browser::Sockets;
use greenhub::realtime::gateway::Gateway;
use greenhub::{config, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use realtime::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let named = config::Sockets::from_env()?;
    let (db, clock) = wiring::tables_from_env(&aws)?;
    let sockets = Sockets {
        db,
        clock,
        connections: Gateway::new(&aws, named.endpoint.as_str()),
        origin: named.public_base_url.origin().ascii_serialization(),
    };
    run(service_fn(
        async |call: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
            Ok::<_, Error>(handle(&sockets, call.payload).await)
        },
    ))
    .await
}
