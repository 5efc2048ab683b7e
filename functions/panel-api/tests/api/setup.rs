//! Links by which people set their passwords; the first owner before all.

use axum::http::Method;
use greenhub::account::audit::Actor;
use greenhub::account::setup::{self, SetupError};
use greenhub::store::db::Table;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::support::{Browser, OWNER, PASSWORD, World, browser, rights, world};

async fn post(world: &World, path: &str, body: Value) -> super::support::Answer {
    world.call(&browser(), Method::POST, path, body).await
}

#[tokio::test]
async fn there_is_nobody_until_somebody_sets_themselves_up() {
    // AC 109
    let world = world().await;
    let rows = world.db.rows(Table::Directory);
    let is_person = |sk: &str| sk.starts_with("PERSON#") || sk == "LOGIN";
    assert!(!rows.iter().any(|(key, _)| is_person(&key.sk)), "{rows:?}");
    for (login, password) in [
        ("admin", "admin"),
        ("owner", "owner"),
        ("", ""),
        ("root", "password"),
    ] {
        world
            .password(&browser(), login, password)
            .await
            .is(401, "wrong_password");
    }
    let first = world.owner_link(&world.workspace).await;
    let token = world.owner_link(&world.workspace).await;
    let token = token.expose_secret();
    let rows = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(!rows.contains(token), "only its hash is kept");
    let look = post(&world, "/api/setup/look", json!({ "token": token }))
        .await
        .is(200, "");
    assert_eq!(look.json["isFirstOwner"], true);
    assert_eq!(look.json["workspaceName"], "Shop");

    // What cannot be right is told by field, and the link works on.
    let mut body = json!({ "token": token, "login": "", "name": " ", "password": PASSWORD });
    let bad = post(&world, "/api/setup", body.clone())
        .await
        .is(422, "bad_fields");
    assert_eq!(bad.json["fields"][0]["field"], "login");
    assert_eq!(bad.json["fields"][0]["code"], "blank");
    assert_eq!(bad.json["fields"][1]["field"], "name");
    body["login"] = json!(OWNER);
    body["name"] = json!("Olga");
    for (password, code) in [
        ("short", "too_short"),
        (OWNER, "is_name"),
        ("password123", "common"),
    ] {
        body["password"] = json!(password);
        let bad = post(&world, "/api/setup", body.clone())
            .await
            .is(422, "bad_fields");
        assert_eq!(bad.json["fields"][0]["code"], code, "{}", bad.text);
    }
    body["password"] = json!(PASSWORD);
    let owner = world.set_up(body.clone()).await;
    let me = world.me(&owner).await.is(200, "");
    assert_eq!(me.json["rights"]["owner"], true);
    // Once, and no other link makes another first owner.
    post(&world, "/api/setup", body.clone())
        .await
        .is(410, "link_over");
    body["token"] = json!(first.expose_secret());
    body["login"] = json!("eve");
    post(&world, "/api/setup", body.clone())
        .await
        .is(410, "link_over");
    post(&world, "/api/setup/look", json!({ "token": token }))
        .await
        .is(410, "link_over");
    let (db, clock) = (&world.db, &world.clock);
    let again = setup::offer_owner(db, clock, &Actor::default(), &world.workspace).await;
    assert!(matches!(again, Err(SetupError::HasOwner)), "{again:?}");
}

#[tokio::test]
async fn of_two_who_set_themselves_up_at_once_one_is_the_owner() {
    // AC 109
    let world = world().await;
    let mut bodies = Vec::new();
    for login in ["olga", "eve"] {
        let token = world.owner_link(&world.workspace).await;
        let token = token.expose_secret();
        bodies.push(json!({ "token": token, "login": login, "name": login, "password": PASSWORD }));
    }
    let second = bodies.pop().unwrap();
    let first = bodies.pop().unwrap();
    let (a, b) = tokio::join!(
        post(&world, "/api/setup", first),
        post(&world, "/api/setup", second)
    );
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [200, 410], "{} {}", a.text, b.text);
}

#[tokio::test]
async fn a_link_ends_with_its_time() {
    // AC 109
    let world = world().await;
    let token = world.owner_link(&world.workspace).await;
    world.later(60 * 60 * 1000);
    let body = json!({
        "token": token.expose_secret(), "login": OWNER, "name": "Olga", "password": PASSWORD,
    });
    post(&world, "/api/setup", body).await.is(410, "link_over");
    post(
        &world,
        "/api/setup",
        json!({ "token": "x", "password": PASSWORD }),
    )
    .await
    .is(410, "");

    let owner = world.owner().await;
    let body = json!({ "name": "Anna", "login": "anna", "rights": rights("", &[]) });
    let added = world
        .call(&owner, Method::POST, "/api/people", body)
        .await
        .is(201, "");
    let url = added.json["setupLink"]["url"].as_str().unwrap();
    let first = added.json["setupLink"]["token"].clone();
    // The secret part is where no server and no log sees it.
    assert_eq!(
        url,
        format!("https://hub.example/setup#{}", first.as_str().unwrap())
    );
    let id = added.json["person"]["id"].as_str().unwrap();
    assert_eq!(added.json["person"]["hasPassword"], false);
    let path = format!("/api/people/{id}/setup-link");
    let again = world
        .call(&owner, Method::POST, &path, Value::Null)
        .await
        .is(201, "");
    let second = again.json["token"].clone();
    let use_it = async |token: &Value| {
        post(
            &world,
            "/api/setup",
            json!({ "token": token, "password": PASSWORD }),
        )
        .await
    };
    use_it(&first).await.is(410, "link_over");
    world.later(71 * 60 * 60 * 1000);
    use_it(&second).await.is(200, "");
    use_it(&second).await.is(410, "link_over");
    world.sign_in("anna").await;
    // A link that is not used in time.
    let again = world
        .call(&owner, Method::POST, &path, Value::Null)
        .await
        .is(201, "");
    world.later(72 * 60 * 60 * 1000);
    use_it(&again.json["token"]).await.is(410, "link_over");
}

#[tokio::test]
async fn an_admin_in_gohighlevel_makes_the_link_for_the_first_owner() {
    // AC 109
    let world = world().await;
    let path = "/api/setup/owner-link";
    let user = world.crm_user("bob", false).await;
    world
        .bearer(&user, Method::POST, path, Value::Null)
        .await
        .is(403, "manager_needed");
    let admin = world.crm_user("alice", true).await;
    let link = world
        .bearer(&admin, Method::POST, path, Value::Null)
        .await
        .is(201, "");
    let token = &link.json["token"];
    let body = json!({ "token": token, "login": OWNER, "name": "Olga", "password": PASSWORD });
    let owner = world.set_up(body).await;
    let me = world.me(&owner).await.is(200, "");
    assert_eq!(me.json["workspace"], world.workspace.to_string());
    world
        .bearer(&admin, Method::POST, path, Value::Null)
        .await
        .is(409, "has_owner");
}

#[tokio::test]
async fn an_owner_gets_a_link_that_installs_the_app_for_their_workspace() {
    let world = world().await;
    let owner = world.owner().await;
    let (_, anna) = world.add(&owner, "anna", rights("uif", &[])).await;
    let make = async |who: &Browser| {
        world
            .call(who, Method::POST, "/api/install-link", Value::Null)
            .await
    };
    make(&anna).await.is(403, "owner_needed");
    let link = make(&owner).await.is(201, "");
    let url = link.json["url"].as_str().unwrap();
    let state = url
        .strip_prefix("https://market.example/install?client_id=x&state=")
        .unwrap();
    assert!(state.len() >= 43, "{url}");
    let rows = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(!rows.contains(state), "only its hash is kept");
}
