//! Sessions: how they end.

use axum::http::Method;
use greenhub::store::db::Table;
use serde_json::{Value, json};

use super::support::{Browser, DAY_MS, OWNER, PASSWORD, World, browser, rights, world};

async fn sessions(world: &World, who: &Browser, id: &str) -> Vec<Value> {
    let path = format!("/api/people/{id}/sessions");
    let listed = world
        .call(who, Method::GET, &path, Value::Null)
        .await
        .is(200, "");
    listed.json["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_a_month() {
    let world = world().await;
    let owner = world.owner().await;
    // Used, it lives on; and that is not written with every request.
    world.me(&owner).await.is(200, "");
    let seen = |world: &World| {
        let rows = world.db.rows(Table::Runtime);
        let row = rows
            .into_iter()
            .find(|(key, _)| key.sk == "SIGNIN")
            .unwrap();
        row.1["seen_ms"].clone()
    };
    let before = seen(&world);
    world.later(4 * 60 * 1000);
    world.me(&owner).await.is(200, "");
    assert_eq!(seen(&world), before);
    world.later(60 * 1000);
    world.me(&owner).await.is(200, "");
    assert_ne!(seen(&world), before);
    world.later(13 * DAY_MS);
    world.me(&owner).await.is(200, "");
    world.later(13 * DAY_MS);
    world.me(&owner).await.is(200, "");
    // A month after it began it is over, although it was used.
    world.later(4 * DAY_MS);
    world.me(&owner).await.is(401, "sign_in_needed");
    // Two weeks without use, and it is over.
    let again = world.sign_in(OWNER).await;
    world.later(14 * DAY_MS);
    world.me(&again).await.is(401, "sign_in_needed");
}

#[tokio::test]
async fn log_out_everywhere_ends_every_other_session() {
    // AC 102: the sessions.
    let world = world().await;
    let owner = world.owner().await;
    let id = world.my_id(&owner).await;
    let others = [world.sign_in(OWNER).await, world.sign_in(OWNER).await];
    let listed = sessions(&world, &owner, &id).await;
    assert_eq!(listed.len(), 3, "{listed:?}");
    let current: Vec<_> = listed.iter().filter(|it| it["isCurrent"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(listed[0]["userAgent"], "Browser/1");
    assert_eq!(listed[0]["address"], "203.0.113.7");
    let before = world.person(&id).await.rev;
    let path = format!("/api/people/{id}/sessions");
    world
        .call(&owner, Method::DELETE, &path, Value::Null)
        .await
        .is(204, "");
    for other in &others {
        world.me(other).await.is(401, "sign_in_needed");
    }
    world.me(&owner).await.is(200, "");
    assert_eq!(sessions(&world, &owner, &id).await.len(), 1);
    // Whoever holds a connection for them learns of it by this row.
    assert!(world.person(&id).await.rev > before);
}

#[tokio::test]
async fn one_session_is_ended_and_one_ends_itself() {
    // AC 102
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("", &[])).await;
    let (_, max) = world.add(&owner, "max", rights("u", &[])).await;
    let second = world.sign_in("anna").await;
    let listed = sessions(&world, &max, &id).await;
    assert_eq!(listed.len(), 2);
    let before = world.person(&id).await.rev;
    let newest = listed[0]["id"].as_str().unwrap();
    let path = format!("/api/people/{id}/sessions/{newest}");
    world
        .call(&max, Method::DELETE, &path, Value::Null)
        .await
        .is(204, "");
    world
        .call(&max, Method::DELETE, &path, Value::Null)
        .await
        .is(404, "not_found");
    world.me(&second).await.is(401, "");
    world.me(&anna).await.is(200, "");
    assert!(world.person(&id).await.rev > before);
    // Somebody who manages nobody reaches nobody's but their own.
    let owners = world.my_id(&owner).await;
    let path = format!("/api/people/{owners}/sessions");
    world
        .call(&anna, Method::GET, &path, Value::Null)
        .await
        .is(404, "");
    world
        .call(&anna, Method::DELETE, &path, Value::Null)
        .await
        .is(404, "");
    // An owner's sessions are the owner's affair.
    world
        .call(&max, Method::DELETE, &path, Value::Null)
        .await
        .is(403, "owner_needed");
    world.me(&owner).await.is(200, "");
    let out = world
        .call(&anna, Method::DELETE, "/api/me/session", Value::Null)
        .await;
    let out = out.is(204, "");
    let set = out.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("g-session=; Max-Age=0;"), "{set}");
    world.me(&anna).await.is(401, "");
}

#[tokio::test]
async fn whoever_is_switched_off_is_out_and_stays_out() {
    // AC 103
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("f", &[])).await;
    let path = format!("/api/people/{id}");
    let switch = async |is_active: bool| {
        let body = json!({ "isActive": is_active });
        world
            .call(&owner, Method::PATCH, &path, body)
            .await
            .is(200, "")
    };
    assert_eq!(switch(false).await.json["isActive"], false);
    world.me(&anna).await.is(401, "sign_in_needed");
    world
        .password(&browser(), "anna", PASSWORD)
        .await
        .is(403, "shut_out");
    // Who does not know the password learns nothing.
    world
        .password(&browser(), "anna", "wrong password")
        .await
        .is(401, "wrong_password");
    switch(true).await;
    // The session from before is no way back.
    world.me(&anna).await.is(401, "sign_in_needed");
    world.sign_in("anna").await;

    // A user of GoHighLevel likewise.
    let bob = world.crm_user("bob", false).await;
    let me = world
        .bearer(&bob, Method::GET, "/api/me", Value::Null)
        .await
        .is(200, "");
    let id = me.json["person"].as_str().unwrap().to_owned();
    let path = format!("/api/people/{id}");
    let off = json!({ "isActive": false });
    world
        .call(&owner, Method::PATCH, &path, off)
        .await
        .is(200, "");
    world
        .bearer(&bob, Method::GET, "/api/me", Value::Null)
        .await
        .is(401, "");
}

#[tokio::test]
async fn another_password_or_login_ends_the_other_sessions() {
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("", &[])).await;
    let second = world.sign_in("anna").await;
    let new = "another horse battery";
    let set = async |current: &str, password: &str| {
        let body = json!({ "current": current, "password": password });
        world
            .call(&anna, Method::PUT, "/api/me/password", body)
            .await
    };
    let bad = set("wrong password", "short").await.is(422, "bad_fields");
    let codes: Vec<_> = [0, 1].map(|n| bad.json["fields"][n]["code"].clone()).into();
    assert_eq!(codes, ["wrong", "too_short"]);
    set(PASSWORD, new).await.is(204, "");
    world.me(&anna).await.is(200, "");
    world.me(&second).await.is(401, "");
    world
        .password(&browser(), "anna", PASSWORD)
        .await
        .is(401, "wrong_password");
    world.password(&browser(), "anna", new).await.is(200, "");

    let path = format!("/api/people/{id}");
    let body = json!({ "login": "anna.k" });
    world
        .call(&anna, Method::PATCH, &path, body)
        .await
        .is(200, "");
    world.me(&anna).await.is(200, "");
    world
        .password(&browser(), "anna", new)
        .await
        .is(401, "wrong_password");
    world.password(&browser(), "anna.k", new).await.is(200, "");
    let body = json!({ "login": "anna" });
    world
        .call(&owner, Method::PATCH, &path, body)
        .await
        .is(200, "");
    world.me(&anna).await.is(401, "");
    // Its old name is anybody's again.
    world.add(&owner, "anna.k", rights("", &[])).await;
}
