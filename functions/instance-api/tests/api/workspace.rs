//! What holds for all numbers of a workspace.

use axum::http::Method;
use greenhub::store::directory::WorkspaceRow;
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{ALICE, CAROL, I1, I2, L1, L2, T1, T2, world};

#[tokio::test]
async fn the_order_of_the_rules_and_the_default_number_are_set() {
    // AC 69
    let world = world().await;
    let (alice, oldest) = world.added(I1, T1).await;
    world.clock.sleep(std::time::Duration::from_millis(5)).await;
    let newest = world.add(&alice, I2, T2).await;
    let newest = newest.json["id"].as_str().unwrap();
    let answer = world
        .with(&alice, Method::GET, "/api/workspace", Value::Null)
        .await;
    let expect = json!({
        "id": "w1", "name": "Shop w1", "lang": "en", "country": "US",
        "routing": {
            "order": ["last_conversation", "tag", "default"], "defaultInstance": null,
        },
    });
    assert_eq!(answer.json, expect);
    let defaults = async || -> Vec<Value> {
        let list = world.list(&alice).await.into_iter();
        let defaults = list.filter(|number| number["isDefault"] == true);
        defaults.map(|number| number["id"].clone()).collect()
    };
    assert_eq!(defaults().await, std::slice::from_ref(&oldest));

    let change = async |body: Value| {
        world
            .with(&alice, Method::PATCH, "/api/workspace", body)
            .await
    };
    let changed = change(json!({ "routing": { "defaultInstance": newest } })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.json["routing"]["defaultInstance"], newest);
    assert_eq!(defaults().await, [newest]);
    let order = json!(["tag", "last_conversation", "default"]);
    let changed = change(json!({ "lang": "ru", "routing": { "order": order } })).await;
    assert_eq!(changed.json["routing"]["order"], order);
    assert_eq!(changed.json["routing"]["defaultInstance"], newest);
    assert_eq!(changed.json["lang"], "ru");
    let key = keys::workspace(&greenhub::domain::ids::WorkspaceId::new("w1"));
    let row: WorkspaceRow = row::load(&world.db, &key).await.unwrap().unwrap();
    assert_eq!(row.routing.default.unwrap().as_str(), newest);

    // A default number that is removed leaves it to the oldest one.
    let path = format!("/api/instances/{newest}");
    world.second().await;
    let removed = world.with(&alice, Method::DELETE, &path, Value::Null).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    assert_eq!(defaults().await, std::slice::from_ref(&oldest));
    let changed = change(json!({ "routing": { "defaultInstance": null } })).await;
    assert_eq!(changed.json["routing"]["defaultInstance"], Value::Null);

    let check = async |body: Value, expect: u16, code: &str| {
        let answer = change(body.clone()).await;
        assert_eq!(answer.status, expect, "{body}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{body}");
    };
    let order = |order: Value| json!({ "routing": { "order": order } });
    check(order(json!(["tag"])), 400, "bad_routing").await;
    check(order(json!([])), 400, "bad_routing").await;
    check(order(json!(["default", "tag"])), 400, "bad_routing").await;
    check(order(json!(["tag", "tag", "default"])), 400, "bad_routing").await;
    check(order(json!(["nearest", "default"])), 400, "bad_body").await;
    check(json!({ "lang": "xx" }), 400, "bad_body").await;
    check(json!({ "name": "x" }), 400, "bad_body").await;
    // Somebody else's number is nobody's.
    let carol = world.sign_in(L2, CAROL).await;
    world.second().await;
    let theirs = world.add(&carol, I2, T2).await;
    assert_eq!(theirs.status, 201, "{}", theirs.text);
    let theirs = &theirs.json["id"];
    let body = json!({ "routing": { "defaultInstance": theirs } });
    check(body, 404, "not_found").await;
    let nobody = json!({ "routing": { "defaultInstance": "../NUM#1" } });
    check(nobody, 404, "not_found").await;
    let mine = world.sign_in(L1, ALICE).await;
    let answer = world
        .with(&mine, Method::GET, "/api/workspace", Value::Null)
        .await;
    assert_eq!(answer.json["routing"]["defaultInstance"], Value::Null);
}
