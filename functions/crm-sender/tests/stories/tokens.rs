//! One refresh of the tokens, whoever asks.

use greenhub::domain::delivery::{Destination, PartState};
use greenhub::domain::message::Message;
use greenhub::store::db::Table;
use greenhub::store::directory::InstallState;
use greenhub::store::row;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{L1, World, texts};

async fn expire_at_ghl(world: &World) {
    let path = format!("ghl/{L1}/expire-tokens");
    world.control(Method::POST, &path, Value::Null).await;
}

// AC 14
#[tokio::test]
async fn a_token_that_ends_within_minutes_is_refreshed_first() {
    let world = World::new().await;
    let before = world.installed().await;
    world.token_ends(world.clock.now_ms() + 4 * 60_000).await;
    world.customer("79001234567", "hi").await;
    world.shown("+79001234567", 1).await;
    assert_eq!(n_refreshes(&world).await, 1);
    let calls = world.calls("").await;
    let is = |call: &Value, path: &str| call["path"].as_str().unwrap().contains(path);
    let refresh = calls
        .iter()
        .rposition(|call| is(call, "/oauth/token"))
        .unwrap();
    let upsert = calls
        .iter()
        .position(|call| is(call, "/contacts/upsert"))
        .unwrap();
    assert!(refresh < upsert);
    let form = calls[refresh]["body"].to_string();
    assert!(form.contains("grant_type=refresh_token"), "{}", form.len());
    assert!(form.contains("user_type=Location"), "{}", form.len());

    let after = world.installed().await;
    assert_ne!(after.access_sealed, before.access_sealed);
    assert_ne!(after.refresh_sealed, before.refresh_sealed);
    assert!(after.expires_ms > world.clock.now_ms() + 23 * 3_600_000);
    world.customer("79001234567", "again").await;
    world.shown("+79001234567", 2).await;
    assert_eq!(n_refreshes(&world).await, 1);
}

// AC 15
#[tokio::test]
async fn twenty_workers_with_an_expired_token_make_one_refresh() {
    let check = async |is_known_to_be_expired: bool| {
        let world = World::new().await;
        expire_at_ghl(&world).await;
        if is_known_to_be_expired {
            world.token_ends(0).await;
        }
        let phone = |n: u32| format!("790012345{n:02}");
        for n in 0..20 {
            world.customer(&phone(n), "hi").await;
        }
        // All of them wait before the first is worked off.
        let mut n_looks = 0;
        while world.queue.waiting().len() < 20 {
            n_looks += 1;
            assert!(n_looks < 2000, "the webhooks never came");
            greenhub::clock::Clock::system()
                .sleep(std::time::Duration::from_millis(5))
                .await;
        }
        for n in 0..20 {
            world.shown(&format!("+{}", phone(n)), 1).await;
        }
        assert_eq!(n_refreshes(&world).await, 1, "{is_known_to_be_expired}");
        assert_eq!(world.calls("/messages/inbound").await.len(), 20);
        assert_eq!(world.installed().await.state, InstallState::Active);
    };
    check(true).await;
    check(false).await;
}

fn unauthorized(times: u32) -> Value {
    json!([{
        "provider": "ghl", "path_contains": "/messages/inbound", "times": times, "status": 401,
        "body": { "statusCode": 401, "message": "Invalid JWT" },
    }])
}

// AC 16
#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_call_repeated_once() {
    let world = World::new().await;
    world.customer("79001234567", "1").await;
    world.shown("+79001234567", 1).await;

    world.faults(unauthorized(1)).await;
    world.customer("79001234567", "2").await;
    world.shown("+79001234567", 2).await;
    assert_eq!(n_refreshes(&world).await, 1);
    assert_eq!(world.calls("/messages/inbound").await.len(), 3);

    // Refused again: an error, and no loop.
    world.faults(unauthorized(2)).await;
    world.customer("79001234567", "3").await;
    world.settle().await;
    assert_eq!(n_refreshes(&world).await, 2);
    assert_eq!(world.calls("/messages/inbound").await.len(), 5);
    let part = open_part(&world).unwrap();
    assert!(matches!(part.state, PartState::Retry { .. }), "{part:?}");
    assert!(part.error.is_some());
    let (_, messages) = world.shown("+79001234567", 3).await;
    assert_eq!(texts(&messages), ["1", "2", "3"]);
}

/// The first part on its way to the CRM that is not there yet.
fn open_part(world: &World) -> Option<greenhub::domain::delivery::Part> {
    let rows = world.db.rows(Table::Chats).into_iter();
    rows.filter(|(key, _)| key.sk.starts_with("M#L#"))
        .map(|(_, item)| row::read::<Message>(item).unwrap())
        .find_map(|message| {
            let delivery = message.deliveries.get(&Destination::Crm)?;
            let part = delivery.parts.first()?;
            (part.state != PartState::Done).then(|| part.clone())
        })
}

// AC 17
#[tokio::test]
async fn a_dead_refresh_token_is_noted_and_what_waits_is_kept() {
    let world = World::new().await;
    world.token_ends(0).await;
    world
        .faults(json!([{
            "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "status": 400,
            "body": { "error": "invalid_grant", "error_description": "Invalid grant: refresh token is invalid" },
        }]))
        .await;
    for text in ["1", "2"] {
        world.customer("79001234567", text).await;
    }
    world.settle().await;
    let install = world.installed().await;
    assert_eq!(install.state, InstallState::NeedsReauthorization);
    assert_eq!(install.problem.as_deref(), Some("invalid_grant"));
    assert_eq!(n_refreshes(&world).await, 1);
    assert_eq!(world.calls("/messages/inbound").await.len(), 0);
    assert_eq!(open_part(&world).unwrap().state, PartState::Pending);

    world.install(L1).await;
    let (_, messages) = world.shown("+79001234567", 2).await;
    assert_eq!(texts(&messages), ["1", "2"]);
}

/// How often the tokens were refreshed.
async fn n_refreshes(world: &World) -> usize {
    let calls = world.calls("/oauth/token").await;
    calls
        .iter()
        .filter(|call| call["body"].to_string().contains("refresh_token"))
        .count()
}
