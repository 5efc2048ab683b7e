//! A message that an agent, a workflow or a bot wrote to a contact.

use std::sync::Arc;
use std::time::Duration;

use greenhub::clock::Millis;
use greenhub::domain::ids::ContactId;
use greenhub::domain::sms::Shape;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::limiter::{lease, policy};
use greenhub::pipeline::accept::Accepted;
use greenhub::pipeline::inbox::{self, Taken, Tenant};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};

use crate::{Hook, Later};

/// The longest that is waited for a contact's tags.
const TAGS_TIMEOUT: Duration = Duration::from_secs(3);

/// How much of that the question may wait for its turn.
const DEPART_WITHIN: Duration = Duration::from_secs(1);

/// Takes the message, which was handed to `shape`, one of the app's providers, if to any; says what became of it, for the log.
///
/// # Errors
/// GoHighLevel has to try again.
pub(crate) async fn take<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    shape: Option<Shape>,
    delivery: &ProviderDelivery,
) -> Result<&'static str, Later> {
    let (db, now_ms) = (&hook.hub.db, hook.hub.clock.now_ms());
    let mut taken = Taken::Outdated;
    if let Some(tenant) = hook.tenants.get(&delivery.location, now_ms) {
        taken = offer(hook, &tenant, true, shape, delivery).await?;
    }
    if taken == Taken::Outdated {
        let key = keys::install(&delivery.location);
        let Some(install) = row::load::<InstallRow>(db, &key).await? else {
            return Ok("the app is not installed there");
        };
        let tenant = Arc::new(Tenant::of(db, install).await?);
        // One without the app may get it at any moment, and messages must not miss that.
        if tenant.install.state != InstallState::Uninstalled {
            let location = delivery.location.clone();
            hook.tenants.keep(location, Arc::clone(&tenant), now_ms);
        }
        taken = offer(hook, &tenant, false, shape, delivery).await?;
    }
    match taken {
        Taken::Accepted(Accepted::Duplicate) => Ok("duplicate"),
        Taken::Accepted(Accepted::Twin) => Ok("the other provider's twin"),
        Taken::Accepted(Accepted::New(_) | Accepted::Parked) => Ok("accepted"),
        Taken::Ignored(why) => Ok(why),
        Taken::Later(why) => Err(Later::NotYet(why)),
        Taken::Outdated => Err(Later::NotYet("not decided")),
    }
}

async fn offer<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    tenant: &Tenant,
    is_kept: bool,
    shape: Option<Shape>,
    delivery: &ProviderDelivery,
) -> Result<Taken, DbError> {
    let tags = |contact| tags(hook, &tenant.install, contact);
    inbox::delivery(&hook.hub, tenant, is_kept, shape, delivery, tags).await
}

/// The contact's tags, if GoHighLevel tells them in time.
///
/// The token is used as it stands and never renewed here: a renewal that is broken off by our
/// deadline would lose the only refresh token.
async fn tags<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    install: &InstallRow,
    contact: ContactId,
) -> Option<Vec<String>> {
    let (hub, location) = (&hook.hub, &install.location);
    if install.state != InstallState::Active || install.expires_ms <= hub.clock.now_ms() {
        return None;
    }
    let asked = async {
        let secret = hook.secrets.get().await.ok()?;
        let context = InstallRow::seal_context(location, InstallRow::ACCESS);
        let token = secret
            .data_keys()
            .ok()?
            .open(&install.access_sealed, &context);
        let token = token.ok()?;
        let key = keys::ghl_limit(location);
        let gcra = policy::ghl(hook.ghl.spread().j_s());
        let slot = lease::reserve_within(&hub.db, &hub.clock, &key, &gcra, DEPART_WITHIN).await;
        let departs_ms: Millis = slot.ok()?.ok()?.departure_us(0) / 1000 + 1;
        hub.clock.sleep_until(departs_ms).await;
        let answer = hook.ghl.get_contact(&token, &contact).await;
        answer.ok().map(|answer| answer.value.tags)
    };
    let told = tokio::time::timeout(TAGS_TIMEOUT, asked)
        .await
        .ok()
        .flatten();
    if told.is_none() {
        tracing::warn!(%location, "a contact's tags are not known; the oldest number is taken");
    }
    told
}
