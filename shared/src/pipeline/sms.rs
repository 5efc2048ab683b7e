//! Which of the app's SMS providers a location has: asked when the app is installed, when tokens were
//! renewed, and when a post is refused for its provider; kept with the installation.

use std::time::Duration;

use secrecy::SecretString;

use crate::clock::Clock;
use crate::domain::ids::LocationId;
use crate::domain::sms::{Active, Providers, Shape};
use crate::ghl::client::Ghl;
use crate::ghl::error::GhlError;
use crate::limiter::{lease, policy};
use crate::store::db::{Db, DbError};
use crate::store::directory::InstallRow;
use crate::store::{keys, row};

/// How long the question may wait for its turn. It can be asked another time.
const WITHIN: Duration = Duration::from_secs(2);

/// Whether the location has to be asked again: it never was, or its tokens are newer than its answer.
pub fn is_outdated(install: &InstallRow) -> bool {
    install
        .sms
        .is_none_or(|active| active.asked_ms < install.refreshed_ms)
}

/// Asks the location and keeps its answer. `None` if there was none: what was known stays.
///
/// # Errors
/// The tables'.
pub async fn learn<D: Db>(
    db: &D,
    clock: &Clock,
    ghl: &Ghl,
    providers: &Providers,
    location: &LocationId,
    token: &SecretString,
) -> Result<Option<Active>, DbError> {
    let limit = keys::ghl_limit(location);
    let pace = policy::ghl(ghl.spread().j_s());
    let Ok(turn) = lease::reserve_within(db, clock, &limit, &pace, WITHIN).await? else {
        return Ok(None);
    };
    clock.sleep_until(turn.departure_us(0) / 1000 + 1).await;
    let asked_ms = clock.now_ms();
    let listed = match ghl.sms_providers(token, location).await {
        Ok(answer) => answer.value,
        // It will answer so every time: as if it had none of ours, which changes nothing.
        Err(
            error @ (GhlError::Refused { .. } | GhlError::Misconfigured(_) | GhlError::Gone(_)),
        ) => {
            tracing::warn!(%location, %error, "the location does not tell its SMS providers");
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%location, %error, "the location's SMS providers are not known");
            return Ok(None);
        }
    };
    let has = |shape: Shape| {
        let mut ours = listed
            .iter()
            .filter(|it| providers.by_id(&it.id) == Some(shape));
        // One that could be the location's default, and is not chosen, gets nothing.
        ours.any(|it| shape == Shape::ExtraChannel || it.is_default != Some(false))
    };
    let active = Active {
        extra: has(Shape::ExtraChannel),
        default: has(Shape::DefaultProvider),
        asked_ms,
    };
    let key = keys::install(location);
    row::change::<InstallRow>(db, &key, |install| {
        install.sms = Some(active);
        true
    })
    .await?;
    tracing::info!(%location, extra = active.extra, default = active.default, "SMS providers");
    Ok(Some(active))
}
