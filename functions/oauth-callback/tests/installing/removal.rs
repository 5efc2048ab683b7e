//! The app is removed: tokens go, sends stop, numbers get their own settings back; and all of it is
//! made good by installing it again.

use std::time::Duration;

use greenhub::account::events::Applied;
use greenhub::account::numbers::{Agreed, NewNumber, Numbers};
use greenhub::config;
use greenhub::domain::ids::{CompanyId, LocationId, WorkspaceId};
use greenhub::green_api::client::GreenApi;
use greenhub::pipeline::ids::IdSource;
use greenhub::store::agency::{CompanyRow, MemberState};
use greenhub::store::directory::{InstallState, NumberRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use reqwest::Method;
use serde_json::{Value, json};
use sweeper::Report;

use super::support::{COMPANY, HUB, I1, I2, L1, L2, World, world};

const BEFORE: &str = "https://other.example/hook?x=1";

/// The numbers of these locations, each set up by somebody else before.
async fn with_numbers(numbers: &[(u64, &str)]) -> (World, Vec<NumberRow>) {
    let world = world().await;
    for location in [L1, L2] {
        world.install(&format!("location_id={location}")).await;
    }
    let at_sandbox = format!("http://{}", world.sandbox.addr);
    let numbers_of = Numbers {
        db: world.db.clone(),
        clock: world.clock.clone(),
        ids: IdSource::random(),
        green: GreenApi::new(world.http.clone()),
        hosts: config::Green {
            default_base: Some(at_sandbox.parse().unwrap()),
            allowed_local_hosts: vec![at_sandbox],
        },
        public_base_url: HUB.parse().unwrap(),
    };
    let mut added = Vec::new();
    for (id, location) in numbers {
        set_webhook(&world, *id, BEFORE).await;
        let token = account(&world, *id).await["apiTokenInstance"].clone();
        let token = token.as_str().unwrap().into();
        let install = world.installation(location).await.unwrap();
        let id = id.to_string();
        let new = NewNumber::read(&id, &token, None, None, None, &numbers_of.hosts).unwrap();
        let location = LocationId::new(*location);
        let number = add(&numbers_of, &world, &install.workspace, &location, new).await;
        added.push(number);
    }
    (world, added)
}

/// GREEN-API takes each of these calls once a second, whatever the sandbox's pace.
async fn second() {
    greenhub::clock::Clock::system()
        .sleep(Duration::from_millis(1_050))
        .await;
}

/// A run of the sweeper that may call GREEN-API.
async fn sweep(world: &World) -> Report {
    second().await;
    world.sweep().await
}

async fn add(
    numbers: &Numbers<MemoryDb>,
    world: &World,
    workspace: &WorkspaceId,
    location: &LocationId,
    new: NewNumber,
) -> NumberRow {
    second().await;
    let data_keys = &world.keys.data_keys;
    let agreed = Agreed {
        take_over: true,
        transfer: false,
    };
    let number = numbers
        .add(data_keys, workspace, Some(location), new, agreed)
        .await;
    let number = look(world, &number.unwrap()).await;
    assert!(number.configured);
    number
}

/// Somebody sets where an instance's notifications go.
async fn set_webhook(world: &World, id: u64, url: &str) {
    let token = account(world, id).await["apiTokenInstance"].clone();
    let path = format!("/waInstance{id}/setSettings/{}", token.as_str().unwrap());
    let request = world.http.post(world.address(&path));
    let set = request.json(&json!({ "webhookUrl": url })).send().await;
    assert!(set.unwrap().status().is_success());
}

async fn account(world: &World, id: u64) -> Value {
    let accounts = world.control(Method::GET, "accounts", Value::Null).await;
    let accounts = accounts["greenApi"]["instances"].as_array().unwrap();
    let account = accounts.iter().find(|it| it["idInstance"] == id);
    account.unwrap().clone()
}

async fn look(world: &World, number: &NumberRow) -> NumberRow {
    let key = keys::number(&number.workspace, &number.number);
    row::load(&world.db, &key).await.unwrap().unwrap()
}

/// Where an instance's notifications go.
async fn webhook(world: &World, id: u64) -> String {
    let account = account(world, id).await;
    account["webhookUrl"].as_str().unwrap().to_owned()
}

async fn is_ours(world: &World, id: u64) -> bool {
    webhook(world, id).await.starts_with(HUB)
}

fn removal(location: Option<&str>) -> Value {
    match location {
        Some(location) => json!({ "type": "UNINSTALL", "locationId": location }),
        None => json!({ "type": "UNINSTALL", "companyId": COMPANY }),
    }
}

#[tokio::test]
async fn a_location_that_removes_the_app_gets_its_numbers_back() {
    // AC 12
    let (world, numbers) = with_numbers(&[(I1, L1), (I2, L1)]).await;
    assert!(is_ours(&world, I1).await && is_ours(&world, I2).await);
    world.pass(120_000);
    assert_eq!(
        world.event(removal(Some(L1)), 0).await,
        Applied::Uninstalled
    );
    let gone = world.installation(L1).await.unwrap();
    assert_eq!(gone.state, InstallState::Uninstalled);
    assert!(gone.access_sealed.is_empty() && gone.refresh_sealed.is_empty());

    // GREEN-API is down for one of them.
    world
        .fault(json!({
            "provider": "green-api", "path_contains": format!("/waInstance{I1}/setSettings"),
            "times": 1, "status": 503,
        }))
        .await;
    let report = sweep(&world).await;
    assert_eq!(report.numbers_released, 1);
    assert!(is_ours(&world, I1).await);
    assert_eq!(webhook(&world, I2).await, BEFORE);
    let report = sweep(&world).await;
    assert_eq!(report.numbers_released, 1);
    assert_eq!(webhook(&world, I1).await, BEFORE);

    // Then they are left alone, and the other location never noticed.
    world.pass(3_600_000);
    let n_calls = world.calls("green-api", "").await.len();
    sweep(&world).await;
    assert_eq!(world.calls("green-api", "").await.len(), n_calls);
    for number in &numbers {
        assert_eq!(look(&world, number).await.due_at, None);
    }
    assert!(world.works(L2).await);

    // Installed again, they are ours again; what somebody set meanwhile is kept for next time.
    let newer = "https://newer.example/hook";
    set_webhook(&world, I2, newer).await;
    let page = world.install(&format!("location_id={L1}")).await;
    assert!(page.status.is_success());
    sweep(&world).await;
    assert!(is_ours(&world, I1).await && is_ours(&world, I2).await);
    for (number, before) in numbers.iter().zip([BEFORE, newer]) {
        let number = look(&world, number).await;
        assert!(number.configured);
        assert_eq!(number.webhook_before.as_deref(), Some(before));
        assert_eq!(number.location, Some(LocationId::new(L1)));
    }
}

#[tokio::test]
async fn installing_again_at_once_lets_go_of_nothing() {
    // AC 12
    let (world, numbers) = with_numbers(&[(I1, L1)]).await;
    world.pass(120_000);
    world.event(removal(Some(L1)), 0).await;
    world.install(&format!("location_id={L1}")).await;
    // Late, and told again.
    assert_eq!(
        world.event(removal(Some(L1)), -60_000).await,
        Applied::Stale
    );
    let report = sweep(&world).await;
    assert_eq!(report.numbers_released, 0);
    assert!(is_ours(&world, I1).await);
    assert!(look(&world, &numbers[0]).await.configured);
}

#[tokio::test]
async fn a_number_that_cannot_be_given_back_is_given_up() {
    let (world, numbers) = with_numbers(&[(I1, L1)]).await;
    world.pass(120_000);
    world.event(removal(Some(L1)), 0).await;
    world
        .fault(json!({
            "provider": "green-api", "path_contains": "/getSettings", "times": 1000, "status": 401,
        }))
        .await;
    sweep(&world).await;
    let wait_ms = look(&world, &numbers[0]).await.due_at.unwrap() - world.clock.now_ms();
    assert!((800_000..900_001).contains(&wait_ms), "{wait_ms}");
    world.pass(7 * 24 * 3_600_000);
    sweep(&world).await;
    assert_eq!(look(&world, &numbers[0]).await.due_at, None);
}

#[tokio::test]
async fn an_agency_that_removes_the_app_removes_it_from_all() {
    // AC 12
    let (world, _) = with_numbers(&[(I1, L1), (I2, L2)]).await;
    world.install(&format!("company_id={COMPANY}")).await;
    world.pass(120_000);
    assert_eq!(world.event(removal(None), -600_000).await, Applied::Stale);
    assert!(world.works(L1).await);
    assert_eq!(world.event(removal(None), 0).await, Applied::Uninstalled);
    let company = world.company().await.unwrap();
    assert_eq!(company.state, InstallState::Uninstalled);
    assert!(company.access_sealed.is_empty() && company.refresh_sealed.is_empty());
    for location in [L1, L2] {
        let gone = world.installation(location).await.unwrap();
        assert_eq!(gone.state, InstallState::Uninstalled, "{location}");
        assert!(gone.access_sealed.is_empty() && gone.refresh_sealed.is_empty());
    }
    sweep(&world).await;
    assert!(!is_ours(&world, I1).await && !is_ours(&world, I2).await);
    let members = world.members().await;
    assert!(members.iter().all(|it| it.state == MemberState::Gone));
    assert_eq!(world.company().await.unwrap().due_at, None);
    // Late news of one of them bring nothing back.
    let install = json!({ "type": "INSTALL", "locationId": L1, "companyId": COMPANY });
    assert_eq!(world.event(install, -100_000).await, Applied::Stale);
    sweep(&world).await;
    let state = world.installation(L1).await.unwrap().state;
    assert_eq!(state, InstallState::Uninstalled);

    world.pass(60_000);
    let page = world.install(&format!("company_id={COMPANY}")).await;
    assert_eq!(page.figure("Connected"), Some("2"), "{}", page.html);
    sweep(&world).await;
    assert!(is_ours(&world, I1).await && is_ours(&world, I2).await);
}

#[tokio::test]
async fn an_agencys_removal_that_is_broken_off_is_finished_by_the_sweeper() {
    // AC 12
    let (world, _) = with_numbers(&[(I1, L1)]).await;
    world.pass(120_000);
    // Only the agency's own row was written: as if the function had ended there.
    let company = CompanyId::new(COMPANY);
    let now_ms = world.clock.now_ms();
    let key = keys::company(&company);
    let mut left = CompanyRow::without_tokens(&company);
    left.wipe(now_ms);
    left.set_due(Some(now_ms));
    let write = row::save(key, &mut left).unwrap();
    greenhub::store::db::Db::write(&world.db, vec![write])
        .await
        .unwrap();
    sweep(&world).await;
    sweep(&world).await;
    assert_eq!(
        world.installation(L1).await.unwrap().state,
        InstallState::Uninstalled
    );
    assert_eq!(
        world.installation(L2).await.unwrap().state,
        InstallState::Uninstalled
    );
    assert!(!is_ours(&world, I1).await);
}

#[tokio::test]
async fn a_removal_while_tokens_are_made_is_not_undone() {
    let world = world().await;
    // The answer with the tokens takes its time, and the app is gone before it comes.
    world
        .fault(json!({
            "provider": "ghl", "path_contains": "/oauth/locationToken", "times": 1,
            "delay_ms": 1500,
        }))
        .await;
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let path = format!("/oauth/callback?code={code}");
    let removed = async {
        loop {
            let made = world.calls("ghl", "/oauth/locationToken").await;
            if made
                .iter()
                .any(|call| call["body"].to_string().contains(L2))
            {
                break;
            }
            world.clock.sleep(Duration::from_millis(20)).await;
        }
        for location in [L1, L2] {
            world.event(removal(Some(location)), 1_000).await;
        }
    };
    let (page, ()) = futures::join!(world.open(&path), removed);
    assert!(page.status.is_success());
    for location in [L1, L2] {
        let install = world.installation(location).await;
        let is_active = install.is_some_and(|it| it.state == InstallState::Active);
        assert!(!is_active, "{location}: {}", page.html);
    }
}
