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
        sms: None,
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
        // Its numbers are to be let go of.
        assert_eq!(install.due_at == Some(INSTALLED_MS + 5_000), gone);
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
    check(agency, Applied::Ignored, Active).await;
    let mut unknown = event(What::Uninstall, later);
    unknown.location = None;
    unknown.company = Some(CompanyId::new("C2"));
    check(unknown, Applied::Ignored, Active).await;

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
