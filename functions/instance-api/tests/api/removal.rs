//! Removing numbers.

use axum::http::Method;
use greenhub::store::db::Table;
use serde_json::{Value, json};

use super::support::{ALICE, BOB, CAROL, HUB, I1, L1, L2, T1, World, fault, world};

async fn remove(world: &World, token: &str, id: &str) -> u16 {
    let path = format!("/api/instances/{id}");
    let answer = world.with(token, Method::DELETE, &path, Value::Null).await;
    answer.status
}

/// How many rows each kind of key has.
fn rows(world: &World, prefix: &str) -> usize {
    let rows = world.db.rows(Table::Directory);
    rows.iter()
        .filter(|(key, _)| key.pk.starts_with(prefix) || key.sk.starts_with(prefix))
        .count()
}

#[tokio::test]
async fn a_number_is_let_go_as_it_was_found() {
    // AC 39: only that the address from before is kept; nobody is asked yet.
    let world = world().await;
    let before = "https://other.example/hook?x=1";
    world.set(I1, T1, json!({ "webhookUrl": before })).await;
    world.second().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json["id"].as_str().unwrap();
    let row = world.row("w1", id).await.unwrap();
    assert_eq!(row.webhook_before.as_deref(), Some(before));
    assert_eq!(
        (
            rows(&world, "NUM#"),
            rows(&world, "GREEN#"),
            rows(&world, "HOOK#")
        ),
        (1, 1, 1)
    );

    // AC 40: the address is restored, and nothing is left that a late notification could reach.
    world.second().await;
    assert_eq!(remove(&world, &token, id).await, 204);
    let written = world.written(2).await;
    assert_eq!(
        written,
        [json!({ "webhookUrl": before, "webhookUrlToken": "" })]
    );
    assert_eq!(
        (
            rows(&world, "NUM#"),
            rows(&world, "GREEN#"),
            rows(&world, "HOOK#")
        ),
        (0, 0, 0)
    );
    assert_eq!(remove(&world, &token, id).await, 404);

    // It can be added anew, and is another number then.
    world.second().await;
    let again = world.add(&token, I1, T1).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_ne!(again.json["id"], added.json["id"]);
}

#[tokio::test]
async fn a_number_without_a_past_is_cleared() {
    // AC 40
    let world = world().await;
    // Left over from an installation of ours: nothing to go back to.
    let ours = format!("{HUB}/webhooks/green-api/old");
    world.set(I1, T1, json!({ "webhookUrl": ours })).await;
    world.second().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(world.row("w1", id).await.unwrap().webhook_before, None);
    world.second().await;
    assert_eq!(remove(&world, &token, id).await, 204);
    let written = world.written(2).await;
    assert_eq!(
        written,
        [json!({ "webhookUrl": "", "webhookUrlToken": "" })]
    );
}

#[tokio::test]
async fn a_webhook_that_is_not_ours_any_more_is_left_alone() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    world.second().await;
    let theirs = json!({ "webhookUrl": "https://new.example/hook" });
    world.set(I1, T1, theirs).await;
    world.second().await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(remove(&world, &token, id).await, 204);
    assert_eq!(world.written(2).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_number_is_removed_although_the_provider_does_not_answer() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    world
        .faults(json!([fault(
            "getSettings",
            json!({ "status": 401, "body": {} })
        )]))
        .await;
    let id = added.json["id"].as_str().unwrap();
    assert_eq!(remove(&world, &token, id).await, 204);
    assert!(world.list(&token).await.is_empty());
    assert_eq!((rows(&world, "GREEN#"), rows(&world, "HOOK#")), (0, 0));
}

#[tokio::test]
async fn a_number_is_removed_by_its_own_admins() {
    // AC 25
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let added = world.add(&alice, I1, T1).await;
    let id = added.json["id"].as_str().unwrap();
    let carol = world.sign_in(L2, CAROL).await;
    assert_eq!(remove(&world, &carol, id).await, 404);
    assert_eq!(remove(&world, &carol, &I1.to_string()).await, 404);
    let bob = world.sign_in(L1, BOB).await;
    assert_eq!(remove(&world, &bob, id).await, 403);
    // AC 26
    assert_eq!(remove(&world, &alice, "abc").await, 400);
    assert_eq!(remove(&world, &alice, "%ff").await, 400);
    assert_eq!(remove(&world, &alice, "..%2f..").await, 400);
    assert_eq!(world.list(&alice).await.len(), 1);
    // Nobody has told GREEN-API anything.
    assert_eq!(world.written(1).await, Vec::<Value>::new());
}
