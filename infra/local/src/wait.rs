//! The one place that sleeps: this is tooling that waits for real processes in real time.

use std::time::Duration;

#[expect(
    clippy::disallowed_methods,
    reason = "real processes are waited for in real time"
)]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
