//! Workflow actions under the one token that all locations of the older adapter had in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::StatusCode;
use greenhub::account::common_token::{self, Allowed, CommonToken};
use greenhub::clock::Clock;
use greenhub::domain::ids::LocationId;
use serde_json::json;

use super::support::World;

const TOKEN: &str = "shared-by-all-workflows";
const DAY_MS: i64 = 24 * 3_600_000;

async fn run(world: &World, location: &str, token: &str, message: &str) -> StatusCode {
    let body = json!({
        "data": { "instanceId": location.replace('L', ""), "message": message },
        "extras": { "locationId": location, "contactId": "C1" },
        "meta": { "key": "message", "version": "1.0" },
        "isMarketplaceAction": true,
    });
    let headers = [
        ("authorization", token),
        ("locationid", location),
        ("contactphone", "+79001234567"),
    ];
    world.act(&headers, body.to_string().as_bytes()).await.0
}

// AC 84
#[tokio::test]
async fn it_opens_the_locations_that_were_brought_over_until_they_have_their_own() {
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::shifted(Arc::clone(&ahead_ms));
    let filled = World::new(&[(1, 1), (2, 2)]).await;
    let world = World::over(filled.db.clone(), clock.clone());
    let allow = async |location: &str, token: &str, days: i64| {
        let until_ms = clock.now_ms() + days * DAY_MS;
        let token = CommonToken::new(&token.into(), until_ms).unwrap();
        let location = LocationId::new(location);
        common_token::allow(&world.db, &location, &token)
            .await
            .unwrap()
    };
    let check = async |location: &str, token: &str, message: &str, expect: StatusCode| {
        let status = run(&world, location, token, message).await;
        assert_eq!(status, expect, "{location} {message}");
    };

    check(
        "L1",
        TOKEN,
        "nobody has allowed it",
        StatusCode::UNAUTHORIZED,
    )
    .await;
    assert_eq!(allow("L1", TOKEN, 90).await, Allowed::Now);
    check("L1", TOKEN, "now", StatusCode::OK).await;
    check("L2", TOKEN, "not there", StatusCode::UNAUTHORIZED).await;
    for wrong in ["", "Bearer ", &TOKEN[1..], "shared-by-all-Workflows"] {
        check("L1", wrong, "another", StatusCode::UNAUTHORIZED).await;
    }
    // Asked again, nothing changes: neither the token nor the time.
    assert_eq!(
        allow("L1", "another-token-of-all", 900).await,
        Allowed::Before
    );
    check("L1", "another-token-of-all", "no", StatusCode::UNAUTHORIZED).await;

    // A secret of its own ends it, and it does not come back.
    let own = world.secret("L1").await;
    check("L1", TOKEN, "ended", StatusCode::UNAUTHORIZED).await;
    check("L1", &own, "own", StatusCode::OK).await;
    assert_eq!(allow("L1", TOKEN, 90).await, Allowed::HasOwn);
    check("L1", TOKEN, "still ended", StatusCode::UNAUTHORIZED).await;

    // So does time.
    assert_eq!(allow("L2", TOKEN, 90).await, Allowed::Now);
    ahead_ms.fetch_add(90 * DAY_MS - 60_000, Ordering::SeqCst);
    check("L2", TOKEN, "the last minute", StatusCode::OK).await;
    ahead_ms.fetch_add(60_000, Ordering::SeqCst);
    check("L2", TOKEN, "too late", StatusCode::UNAUTHORIZED).await;
    assert_eq!(world.taken().await.len(), 3);
}

#[test]
fn a_token_that_can_be_guessed_opens_nothing() {
    let check = |token: &str, expect: bool| {
        let taken = CommonToken::new(&token.into(), 1);
        assert_eq!(taken.is_some(), expect, "{token}");
    };
    check("", false);
    check("fifteen-letters", false);
    check("sixteen--letters", true);
}
