//! Wires the streams of `directory` and `chats` to the sockets.

use greenhub::realtime::fanout::Fanout;
use greenhub::realtime::gateway::Gateway;
use greenhub::{config, telemetry, wiring};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use stream_fanout::{StreamEvent, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(config::log_level()?);
    let aws = config::aws()?;
    let connections = Gateway::new(&aws, config::sockets_endpoint()?.as_str());
    let (db, clock) = wiring::tables_from_env(&aws)?;
    let fanout = Fanout::new(db, clock, connections);
    run(service_fn(async |call: LambdaEvent<StreamEvent>| {
        handle(&fanout, call.payload).await.map_err(Error::from)
    }))
    .await
}
