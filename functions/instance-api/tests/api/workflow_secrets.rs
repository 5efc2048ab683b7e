//! What a location's workflows prove themselves by.

use axum::http::Method;
use greenhub::account::workflow_secret;
use greenhub::clock::Clock;
use greenhub::domain::ids::LocationId;
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallState, WorkflowSecretRow};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{ALICE, BOB, CAROL, L1, L2, World, world};

const PATH: &str = "/api/workflow-secret";

impl World {
    async fn secret(&self, token: &str, method: Method, expect: u16) -> Value {
        let answer = self.with(token, method, PATH, Value::Null).await;
        assert_eq!(answer.status, expect, "{}", answer.text);
        answer.json
    }

    /// Whether the location's workflows may act with this secret.
    async fn opens(&self, location: &str, secret: &Value) -> bool {
        let (location, secret) = (LocationId::new(location), secret.as_str().unwrap());
        workflow_secret::installation(&self.db, &Clock::system(), &location, &secret.into())
            .await
            .unwrap()
            .is_some()
    }
}

#[tokio::test]
async fn an_admin_makes_a_secret_looks_at_it_and_replaces_it() {
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let none = world.secret(&alice, Method::GET, 200).await;
    assert_eq!(none, json!({ "secret": null, "createdAt": null }));

    let first = world.secret(&alice, Method::POST, 201).await;
    assert_eq!(first["secret"].as_str().unwrap().len(), 43, "256 bits");
    assert_eq!(world.secret(&alice, Method::GET, 200).await, first);
    assert!(world.opens(L1, &first["secret"]).await);
    assert!(!world.opens(L2, &first["secret"]).await);

    let second = world.secret(&alice, Method::POST, 201).await;
    assert_ne!(second["secret"], first["secret"]);
    assert_eq!(world.secret(&alice, Method::GET, 200).await, second);
    assert!(world.opens(L1, &second["secret"]).await);
    assert!(!world.opens(L1, &first["secret"]).await);

    // Each location has its own, and the table has none of them.
    let carol = world.sign_in(L2, CAROL).await;
    let others = world.secret(&carol, Method::POST, 201).await;
    assert!(world.opens(L2, &others["secret"]).await && world.opens(L1, &second["secret"]).await);
    let rows = format!("{:?}", world.db.rows(Table::Directory));
    for secret in [&second, &others] {
        assert!(!rows.contains(secret["secret"].as_str().unwrap()));
    }
    world
        .change_install(L1, |install| install.state = InstallState::Uninstalled)
        .await;
    assert!(!world.opens(L1, &second["secret"]).await);
}

#[tokio::test]
async fn a_plain_user_neither_sees_nor_makes_one() {
    let world = world().await;
    let bob = world.sign_in(L1, BOB).await;
    for method in [Method::GET, Method::POST] {
        let refused = world.secret(&bob, method, 403).await;
        assert_eq!(refused["code"], "admin_needed");
    }
}

#[tokio::test]
async fn a_secret_that_was_moved_or_changed_is_not_shown() {
    let world = world().await;
    let (alice, carol) = (
        world.sign_in(L1, ALICE).await,
        world.sign_in(L2, CAROL).await,
    );
    world.secret(&alice, Method::POST, 201).await;
    world.secret(&carol, Method::POST, 201).await;
    let key = |location: &str| keys::workflow_secret(&LocationId::new(location));
    let stolen = row::load::<WorkflowSecretRow>(&world.db, &key(L1)).await;
    let stolen = stolen.unwrap().unwrap().sealed;
    row::change::<WorkflowSecretRow>(&world.db, &key(L2), |row| {
        row.sealed.clone_from(&stolen);
        true
    })
    .await
    .unwrap();
    let refused = world.secret(&carol, Method::GET, 409).await;
    assert_eq!(refused["code"], "secret_lost");
    world.secret(&carol, Method::POST, 201).await;
    world.secret(&carol, Method::GET, 200).await;
}
