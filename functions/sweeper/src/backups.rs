//! Backups of the tables, at their times.

use greenhub::backup::rotation::{self, Plan};
use greenhub::backup::vault::Vault;
use greenhub::clock::Clock;

/// Takes the backups that are due and removes those that have had their time. What fails is tried
/// again ten minutes later, and in the log until then.
pub async fn rotate(vault: &impl Vault, clock: &Clock, plan: Plan) {
    if !rotation::is_time_to_look(clock.now_ms()) {
        return;
    }
    match rotation::rotate(vault, clock, plan).await {
        Ok(rotated) if rotated.taken + rotated.removed > 0 => {
            tracing::info!(taken = rotated.taken, removed = rotated.removed, "backups");
        }
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "left to the next look"),
    }
}
