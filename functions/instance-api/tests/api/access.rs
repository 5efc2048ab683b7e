//! Another token for a number.

use axum::http::Method;
use greenhub::account::numbers::instance;
use greenhub::store::directory::{NumberRow, Pause, PauseReason};
use greenhub::store::{keys, row};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::support::{Answer, I1, I2, T1, T2, World, world};

async fn replace(world: &World, session: &str, id: &str, body: Value) -> Answer {
    let path = format!("/api/instances/{id}/access");
    world.second().await;
    world.with(session, Method::PUT, &path, body).await
}

#[tokio::test]
async fn a_number_goes_on_with_a_new_token() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    // GREEN-API's console has made another one, and a send has found that out.
    let address = world.address(&format!("/waInstance{I1}/updateApiToken/{T1}"));
    let new: Value = world
        .http
        .get(address)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let new = new["apiTokenInstance"].as_str().unwrap();
    let number = world.row("w1", &id).await.unwrap();
    let key = keys::number(&number.workspace, &number.number);
    row::change::<NumberRow>(&world.db, &key, |number| {
        number.pause = Some(Pause {
            why: PauseReason::BadToken,
            since_ms: 1,
        });
        true
    })
    .await
    .unwrap();

    let wrong = replace(&world, &alice, &id, json!({ "apiTokenInstance": T2 })).await;
    assert_eq!(wrong.json["code"], "invalid_credentials", "{}", wrong.text);
    assert_eq!(world.list(&alice).await[0]["pause"]["reason"], "bad_token");

    let body = json!({ "apiTokenInstance": format!(" {new} "), "mediaUrl": world.address("") });
    let right = replace(&world, &alice, &id, body).await;
    assert_eq!(right.status, 200, "{}", right.text);
    assert_eq!(right.json["pause"], Value::Null);
    assert_eq!(right.json["configured"], true);
    assert_eq!(right.json["mediaUrl"], format!("{}/", world.address("")));
    assert!(!right.text.contains(new));
    let row = world.row("w1", &id).await.unwrap();
    let used = instance(&row, &world.keys.data_keys).unwrap();
    assert_eq!(used.token.expose_secret(), new);
    // Hosts that nobody told stay.
    assert_eq!(row.api_url, number.api_url);
}

#[tokio::test]
async fn a_number_is_used_at_no_address_but_green_apis() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let before = world.row("w1", &id).await.unwrap();
    let n_calls = world.calls("").await.len();
    for address in [
        "http://169.254.169.254/latest",
        "https://169.254.169.254",
        "https://green-api.com.evil.example",
        "http://localhost:1",
        "https://user:pass@api.green-api.com",
        "https://api.green-api.com:8443",
        "file:///etc/passwd",
    ] {
        for field in ["apiUrl", "mediaUrl"] {
            let body = json!({ "apiTokenInstance": T1, field: address });
            let path = format!("/api/instances/{id}/access");
            let answer = world.with(&alice, Method::PUT, &path, body).await;
            assert_eq!(answer.status, 400, "{address}: {}", answer.text);
            assert_eq!(answer.json["code"], "bad_address", "{field} {address}");
        }
    }
    assert_eq!(world.row("w1", &id).await.unwrap(), before);
    assert_eq!(world.calls("").await.len(), n_calls);
    // Another instance's token is not this one's.
    let other = json!({ "idInstance": I2, "apiTokenInstance": T2 });
    let answer = replace(&world, &alice, &id, other).await;
    assert_eq!(
        answer.json["code"], "invalid_credentials",
        "{}",
        answer.text
    );
}
