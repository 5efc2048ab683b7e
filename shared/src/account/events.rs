//! What GoHighLevel tells about the app itself: it was removed, or installed (GHL contract,
//! webhooks to subscribe, state machine per location).

use crate::clock::Clock;
use crate::domain::ids::LocationId;
use crate::ghl::wire::{AppEvent, What};
use crate::store::db::{Db, DbError};
use crate::store::directory::{InstallRow, InstallState};
use crate::store::{keys, row};

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The location's tokens are wiped and nothing is sent for it any more.
    Uninstalled,
    /// It is older than the installation: events may come late and out of order.
    Stale,
    /// The app was installed; the tokens come by the callback.
    Installing,
    /// Another app's: all apps' events are signed with the same key.
    OtherApp,
    /// The whole agency's. Its locations' own events and their tokens tell the same.
    Agency,
    /// Nothing that this is about, or a location that we do not know.
    Ignored,
}

/// Applies an event that was verified to be GoHighLevel's. `app_id` is our app's.
///
/// # Errors
/// The tables; the event has to be delivered again then.
pub async fn apply(
    db: &impl Db,
    clock: &Clock,
    app_id: &str,
    event: &AppEvent,
) -> Result<Applied, DbError> {
    if event.app_id.as_deref().is_some_and(|told| told != app_id) {
        return Ok(Applied::OtherApp);
    }
    match (&event.what, &event.location) {
        (What::Uninstall, Some(location)) => uninstall(db, clock, location, event.at_ms).await,
        (What::Install(_), Some(location)) => {
            tracing::info!(%location, "GoHighLevel says that the app was installed");
            Ok(Applied::Installing)
        }
        (What::Uninstall | What::Install(_), None) => {
            let company = event.company.as_ref().map(ToString::to_string);
            tracing::warn!(company, event = ?event.what, "an agency's event is left alone");
            Ok(Applied::Agency)
        }
        _ => Ok(Applied::Ignored),
    }
}

async fn uninstall(
    db: &impl Db,
    clock: &Clock,
    location: &LocationId,
    at_ms: Option<i64>,
) -> Result<Applied, DbError> {
    let mut applied = Applied::Ignored;
    row::change::<InstallRow>(db, &keys::install(location), |install| {
        if at_ms.is_some_and(|at_ms| at_ms < install.installed_ms) {
            applied = Applied::Stale;
            return false;
        }
        applied = Applied::Uninstalled;
        if install.state == InstallState::Uninstalled {
            return false;
        }
        install.state = InstallState::Uninstalled;
        install.access_sealed.clear();
        install.refresh_sealed.clear();
        install.scope.clear();
        install.expires_ms = 0;
        install.refreshed_ms = clock.now_ms();
        install.problem = None;
        install.due_at = None;
        install.due_shard = None;
        true
    })
    .await?;
    tracing::info!(%location, ?applied, "GoHighLevel says that the app was removed");
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{CompanyId, WorkspaceId};
    use crate::ghl::wire::Install;
    use crate::store::memory::MemoryDb;

    const APP: &str = "app1";
    const INSTALLED_MS: i64 = 1_700_000_000_000;

    fn event(what: What, at_ms: Option<i64>) -> AppEvent {
        AppEvent {
            app_id: Some(APP.to_owned()),
            location: Some(LocationId::new("L1")),
            company: None,
            webhook_id: None,
            at_ms,
            what,
        }
    }

    fn installed() -> InstallRow {
        let mut install = InstallRow {
            rev: 0,
            location: LocationId::new("L1"),
            workspace: WorkspaceId::new("w"),
            company: Some(CompanyId::new("C1")),
            state: InstallState::Active,
            access_sealed: "a".to_owned(),
            refresh_sealed: "r".to_owned(),
            expires_ms: INSTALLED_MS + 1,
            refreshed_ms: INSTALLED_MS,
            scope: "contacts.readonly".to_owned(),
            installed_ms: INSTALLED_MS,
            problem: None,
            reconciled_ms: 0,
            due_at: None,
            due_shard: None,
        };
        install.set_due(INSTALLED_MS);
        install
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_applied_to_its_own_installation() {
        // AC 12: the part about tokens and further sends.
        let clock = Clock::paused(INSTALLED_MS + 5_000);
        let check = async |event: AppEvent, expect: Applied, expect_state: InstallState| {
            let db = MemoryDb::new();
            let key = keys::install(&LocationId::new("L1"));
            let write = row::save(key.clone(), &mut installed()).unwrap();
            db.write(vec![write]).await.unwrap();
            // GoHighLevel delivers events more than once.
            for _ in 0..2 {
                let applied = apply(&db, &clock, APP, &event).await.unwrap();
                assert_eq!(applied, expect, "{event:?}");
            }
            let install = row::load::<InstallRow>(&db, &key).await.unwrap().unwrap();
            assert_eq!(install.state, expect_state, "{event:?}");
            let gone = install.state == InstallState::Uninstalled;
            assert_eq!(install.access_sealed.is_empty(), gone);
            assert_eq!(install.refresh_sealed.is_empty(), gone);
            assert_eq!(install.due_shard.is_none(), gone);
        };
        use InstallState::{Active, Uninstalled};
        let later = Some(INSTALLED_MS + 1);
        check(
            event(What::Uninstall, later),
            Applied::Uninstalled,
            Uninstalled,
        )
        .await;
        check(
            event(What::Uninstall, None),
            Applied::Uninstalled,
            Uninstalled,
        )
        .await;
        let late = Some(INSTALLED_MS - 1);
        check(event(What::Uninstall, late), Applied::Stale, Active).await;

        let mut other = event(What::Uninstall, later);
        other.app_id = Some("app2".to_owned());
        check(other, Applied::OtherApp, Active).await;
        let mut unsaid = event(What::Uninstall, later);
        unsaid.app_id = None;
        check(unsaid, Applied::Uninstalled, Uninstalled).await;
        let mut elsewhere = event(What::Uninstall, later);
        elsewhere.location = Some(LocationId::new("L2"));
        check(elsewhere, Applied::Ignored, Active).await;
        let mut agency = event(What::Uninstall, later);
        agency.location = None;
        check(agency, Applied::Agency, Active).await;

        let install = Install {
            user_id: None,
            company_name: None,
            whitelabel_domain: None,
        };
        check(
            event(What::Install(install), later),
            Applied::Installing,
            Active,
        )
        .await;
        check(event(What::Update, later), Applied::Ignored, Active).await;
    }
}
