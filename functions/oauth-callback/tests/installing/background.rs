//! What goes on without a person: events of the app, the sweeper, refused tokens.

use greenhub::account::events::Applied;
use greenhub::clock::Millis;
use greenhub::store::agency::{MemberProblem, MemberState};
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{COMPANY, L1, L2, World, world};

const L9: &str = "Lo9sandboxLater00001";
const HOUR_MS: Millis = 3_600_000;

fn event(kind: &str, location: Option<&str>, company: Option<&str>) -> Value {
    let mut event = json!({ "type": kind });
    if let Some(location) = location {
        event["locationId"] = location.into();
    }
    if let Some(company) = company {
        event["companyId"] = company.into();
    }
    event
}

async fn agency() -> World {
    let world = world().await;
    world.install(&format!("company_id={COMPANY}")).await;
    world
}

#[tokio::test]
async fn a_location_that_gets_the_app_later_gets_its_token() {
    // AC 11
    let check = async |event: Value, n_runs: usize| {
        let world = agency().await;
        world.location(L9, "Later").await;
        let told_ms = world.clock.now_ms();
        assert_eq!(world.event(event.clone(), 0).await, Applied::Installing);
        assert!(world.installation(L9).await.is_none());
        for _ in 0..n_runs {
            world.sweep().await;
        }
        let install = world.installation(L9).await;
        assert_eq!(install.unwrap().state, InstallState::Active, "{event}");
        assert!(world.works(L9).await);
        // Its name and country were not in the event.
        world.pass(300_000);
        world.sweep().await;
        let workspace = world.workspace(L9).await;
        assert_eq!(
            (workspace.name.as_str(), workspace.country.as_deref()),
            ("Later", Some("US"))
        );
        // The same event once more changes nothing.
        let before = world.installation(L9).await;
        let ago_ms = told_ms - world.clock.now_ms();
        world.event(event, ago_ms).await;
        world.sweep().await;
        let now = world.installation(L9).await.unwrap();
        assert_eq!(now.access_sealed, before.unwrap().access_sealed);
    };
    check(event("INSTALL", Some(L9), Some(COMPANY)), 1).await;
    // Automatic installations may come without the agency: it is looked for.
    check(event("INSTALL", Some(L9), None), 2).await;
}

#[tokio::test]
async fn an_event_may_come_before_the_agencys_tokens() {
    // AC 11
    let world = world().await;
    world.location(L9, "Later").await;
    let told = event("INSTALL", Some(L9), Some(COMPANY));
    assert_eq!(world.event(told, 0).await, Applied::Installing);
    let agencys = event("INSTALL", None, Some(COMPANY));
    assert_eq!(world.event(agencys, 0).await, Applied::Installing);
    world.sweep().await;
    let member = world.members().await.remove(0);
    assert_eq!(member.problem, Some(MemberProblem::NoAgencyToken));
    assert!(member.due_at.is_some());
    let page = world.install(&format!("company_id={COMPANY}")).await;
    assert_eq!(page.figure("Connected"), Some("3"), "{}", page.html);
    assert!(world.works(L9).await);
}

#[tokio::test]
async fn a_persons_own_installation_asks_no_agency() {
    // The event comes first, or last.
    for is_first in [true, false] {
        let world = world().await;
        let mut told = event("INSTALL", Some(L1), Some(COMPANY));
        told["userId"] = "Us1sandboxAcmeAlice1".into();
        if is_first {
            world.event(told.clone(), 0).await;
        }
        world.install(&format!("location_id={L1}")).await;
        if !is_first {
            world.event(told, -2_000).await;
        }
        let before = world.installation(L1).await.unwrap();
        for _ in 0..20 {
            world.sweep().await;
        }
        let members = world.members().await;
        assert_eq!((members.len(), members[0].state), (1, MemberState::Done));
        assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 0);
        let after = world.installation(L1).await.unwrap();
        assert_eq!(after.access_sealed, before.access_sealed);
    }
}

#[tokio::test]
async fn a_token_that_nobody_can_make_is_waited_for_some_minutes() {
    let world = world().await;
    world
        .event(event("INSTALL", Some(L9), Some(COMPANY)), 0)
        .await;
    world.event(event("INSTALL", Some(L2), None), 0).await;
    for _ in 0..60 {
        world.sweep().await;
    }
    let member = world.members().await.remove(0);
    assert_eq!((member.state, member.due_at), (MemberState::GivenUp, None));
    assert!((4..10).contains(&member.attempts), "{}", member.attempts);
    // Of the other nothing is left, and nobody was asked for it.
    let orphan = keys::orphan(&greenhub::domain::ids::LocationId::new(L2));
    let left: Option<greenhub::store::agency::OrphanRow> =
        row::load(&world.db, &orphan).await.unwrap();
    assert!(left.is_none());
    assert_eq!(world.calls("ghl", "/oauth").await.len(), 0);
}

#[tokio::test]
async fn an_installation_that_is_older_than_the_removal_brings_nothing_back() {
    let world = agency().await;
    let removal = event("UNINSTALL", Some(L1), Some(COMPANY));
    let install = event("INSTALL", Some(L1), Some(COMPANY));
    world.pass(HOUR_MS);
    assert_eq!(world.event(removal, 0).await, Applied::Uninstalled);
    assert_eq!(world.event(install.clone(), -1_000).await, Applied::Stale);
    world.sweep().await;
    let state = world.installation(L1).await.unwrap().state;
    assert_eq!(state, InstallState::Uninstalled);
    // A later one does.
    assert_eq!(world.event(install, 1_000).await, Applied::Installing);
    world.sweep().await;
    assert!(world.works(L1).await);
}

#[tokio::test]
async fn an_agencys_tokens_are_kept_fresh_and_its_list_is_read_again() {
    let world = agency().await;
    let before = world.company().await.unwrap();
    world.location(L9, "Later").await;
    // Its event got lost: GoHighLevel knows, and we do not.
    let lost = json!({ "type": "INSTALL", "locationId": L9 });
    world.control(Method::POST, "ghl/event", lost).await;
    world.pass(20 * HOUR_MS);
    world.sweep().await;
    let after = world.company().await.unwrap();
    assert_ne!(after.refresh_sealed, before.refresh_sealed);
    assert_eq!((after.state, after.listing), (InstallState::Active, None));
    assert!(after.expires_ms > world.clock.now_ms() + 23 * HOUR_MS);
    assert!(world.works(L9).await);
    // Who had tokens keeps them.
    assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 3);
    // An hour later it is looked at again, and nothing is asked.
    let n_calls = world.calls("ghl", "/oauth").await.len();
    world.pass(HOUR_MS);
    world.sweep().await;
    assert_eq!(
        world.calls("ghl", "/oauth/installedLocations").await.len(),
        2
    );
    assert!(world.calls("ghl", "/oauth").await.len() <= n_calls + 3);
}

#[tokio::test]
async fn a_dead_refresh_token_is_replaced_by_the_agencys() {
    // AC 17
    let world = agency().await;
    let refused = json!({
        "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "status": 400,
        "body": { "error": "invalid_grant" },
    });
    let ends = |install: &mut InstallRow| {
        install.expires_ms = 0;
        install.set_due(0);
        true
    };
    let key = keys::install(&greenhub::domain::ids::LocationId::new(L1));
    world.pass(HOUR_MS);
    row::change(&world.db, &key, ends).await.unwrap();
    world.fault(refused.clone()).await;
    world.sweep().await;
    let marked = world.installation(L1).await.unwrap();
    assert_eq!(marked.state, InstallState::NeedsReauthorization);
    world.sweep().await;
    assert_eq!(
        world.installation(L1).await.unwrap().state,
        InstallState::Active
    );
    assert!(world.works(L1).await);

    // Without an agency only a person can help; it is noted, and asked for once.
    world
        .event(event("UNINSTALL", None, Some(COMPANY)), 0)
        .await;
    world.pass(HOUR_MS);
    world.install(&format!("location_id={L1}")).await;
    row::change(&world.db, &key, ends).await.unwrap();
    world.fault(refused).await;
    let n_asked = world.calls("ghl", "/oauth/token").await.len();
    for _ in 0..10 {
        world.sweep().await;
    }
    let install = world.installation(L1).await.unwrap();
    assert_eq!(install.state, InstallState::NeedsReauthorization);
    assert_eq!(install.problem.as_deref(), Some("invalid_grant"));
    assert_eq!(world.calls("ghl", "/oauth/token").await.len(), n_asked + 1);
}

#[tokio::test]
async fn a_paused_location_is_not_a_revoked_one() {
    let world = world().await;
    world.install(&format!("location_id={L1}")).await;
    let active = format!("ghl/{L1}/active");
    world
        .control(Method::PUT, &active, json!({ "active": false }))
        .await;
    world.pass(24 * HOUR_MS);
    world.sweep().await;
    let paused = world.installation(L1).await.unwrap();
    assert_eq!(paused.state, InstallState::Suspended);
    assert!(!paused.refresh_sealed.is_empty());
    let n_asked = world.calls("ghl", "/oauth/token").await.len();
    // It is asked for again after an hour and not before.
    for _ in 0..30 {
        world.sweep().await;
    }
    assert_eq!(world.calls("ghl", "/oauth/token").await.len(), n_asked);
    world
        .control(Method::PUT, &active, json!({ "active": true }))
        .await;
    world.pass(HOUR_MS);
    world.sweep().await;
    assert_eq!(
        world.installation(L1).await.unwrap().state,
        InstallState::Active
    );
    assert!(world.works(L1).await);
}
