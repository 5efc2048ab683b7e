//! Numbers that somebody else has: another system, or another workspace.

use axum::http::Method;
use greenhub::crypto::sha256_hex;
use greenhub::domain::ids::IdInstance;
use greenhub::store::db::{Db, Table};
use greenhub::store::directory::{NumberRow, OwnerRow};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{ALICE, CAROL, HUB, I1, L1, L2, T1, T2, World, world};

const THEIRS: &str = "https://user:pass@hooks.other.example/in?secret=s3cret";

async fn add(world: &World, session: &str, agreed: Value) -> (u16, Value) {
    let mut body = json!({ "idInstance": I1, "apiTokenInstance": T1 });
    for (name, value) in agreed.as_object().unwrap() {
        body[name] = value.clone();
    }
    world.second().await;
    let answer = world
        .with(session, Method::POST, "/api/instances", body)
        .await;
    assert!(!answer.text.contains("s3cret") && !answer.text.contains("pass"));
    (answer.status, answer.json)
}

fn n_rows(world: &World) -> usize {
    world.db.rows(Table::Directory).len()
}

#[tokio::test]
async fn another_systems_webhook_is_taken_over_when_that_is_agreed_to() {
    // AC 39
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    world
        .set(
            I1,
            T1,
            json!({ "webhookUrl": THEIRS, "webhookUrlToken": "their-token" }),
        )
        .await;
    let rows = n_rows(&world);
    for agreed in [
        json!({}),
        json!({ "takeOver": false }),
        json!({ "transfer": true }),
    ] {
        let (status, told) = add(&world, &alice, agreed).await;
        assert_eq!(status, 409, "{told}");
        assert_eq!(told["code"], "webhook_elsewhere");
        assert_eq!(told["host"], "hooks.other.example");
    }
    assert_eq!(n_rows(&world), rows);
    assert_eq!(world.written(1).await, Vec::<Value>::new());

    let (status, added) = add(&world, &alice, json!({ "takeOver": true })).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!(added["webhookBefore"], "hooks.other.example");
    assert_eq!(added["configured"], true);
    let row = world
        .row("w1", added["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(row.webhook_before.as_deref(), Some(THEIRS));
    assert!(row.webhook_token_before_sealed.is_some());
}

#[tokio::test]
async fn our_own_webhook_is_nobody_elses() {
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    // As the adapter before this program has left it.
    let ours = format!("{HUB}/webhooks/green-api");
    world.set(I1, T1, json!({ "webhookUrl": ours })).await;
    let (status, added) = add(&world, &alice, json!({})).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!(added["webhookBefore"], Value::Null);
}

#[tokio::test]
async fn a_number_moves_to_another_workspace_by_its_token() {
    // AC 37
    let world = world().await;
    let (alice, carol) = (
        world.sign_in(L1, ALICE).await,
        world.sign_in(L2, CAROL).await,
    );
    world
        .set(
            I1,
            T1,
            json!({ "webhookUrl": THEIRS, "webhookUrlToken": "their-token" }),
        )
        .await;
    let (_, first) = add(&world, &alice, json!({ "takeOver": true })).await;
    let first = first["id"].as_str().unwrap().to_owned();
    let theirs = world.row("w1", &first).await.unwrap();

    // Only who has its token learns that somebody has it, and nothing about whom.
    let mut wrong = json!({ "idInstance": I1, "apiTokenInstance": T2, "transfer": true });
    world.second().await;
    let guess = world
        .with(&carol, Method::POST, "/api/instances", wrong.take())
        .await;
    assert_eq!(guess.json["code"], "invalid_credentials", "{}", guess.text);
    let (status, told) = add(&world, &carol, json!({})).await;
    assert_eq!((status, &told["code"]), (409, &json!("instance_elsewhere")));
    assert!(!told.to_string().contains("w1") && !told.to_string().contains(L1));
    assert!(world.row("w1", &first).await.is_some());

    let (status, moved) = add(&world, &carol, json!({ "transfer": true })).await;
    assert_eq!(status, 201, "{moved}");
    let second = moved["id"].as_str().unwrap();
    assert_ne!(second, first, "history stays behind");
    assert_eq!(moved["configured"], true);
    assert!(world.row("w1", &first).await.is_none());
    assert!(world.list(&alice).await.is_empty());
    assert_eq!(world.list(&carol).await.len(), 1);
    let path = format!("/api/instances/{first}");
    let old = world.with(&alice, Method::GET, &path, Value::Null).await;
    assert_eq!(old.status, 404);

    // Nothing leads to the old number any more, and its conversations end one day.
    let owner = keys::instance_owner(IdInstance(I1));
    let owner: OwnerRow = row::load(&world.db, &owner).await.unwrap().unwrap();
    assert_eq!(owner.number.as_str(), second);
    let context = NumberRow::seal_context(&theirs.workspace, &theirs.number, NumberRow::HOOK_KEY);
    let hook = world.keys.data_keys.open(&theirs.hook_key_sealed, &context);
    let hook = keys::hook(&sha256_hex(secrecy::ExposeSecret::expose_secret(
        &hook.unwrap(),
    )));
    assert!(world.db.get(&hook).await.unwrap().is_none());
    let gone = keys::gone_number(&theirs.workspace, &theirs.number);
    assert!(world.db.get(&gone).await.unwrap().is_some());
    // GREEN-API has another address and another token of ours.
    let written = world.written(1).await;
    assert_eq!(written.len(), 2);
    assert_ne!(written[0]["webhookUrl"], written[1]["webhookUrl"]);
    assert_ne!(written[0]["webhookUrlToken"], written[1]["webhookUrlToken"]);

    // Removed at last, it goes back to the system that had it before all of us.
    world.second().await;
    let path = format!("/api/instances/{second}");
    let removed = world.with(&carol, Method::DELETE, &path, Value::Null).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    assert_eq!(
        world.written(3).await,
        [json!({ "webhookUrl": THEIRS, "webhookUrlToken": "their-token" })]
    );
}
