//! Linking a phone to a number (GREEN-API contract, QR).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{I1, World, pause, until, world};

/// What the app is told from a logout to the next linking.
const LINKED: [&str; 3] = ["notAuthorized", "starting", "authorized"];

/// Asks for the code until there is one: none is ready right after a logout.
async fn code(w: &World) -> String {
    loop {
        let told = w.green("qr", None).await.1;
        if told["type"] == "qrCode" {
            return told["message"].as_str().unwrap().to_owned();
        }
        assert_eq!(told["type"], "error", "{told}");
        pause(400).await;
    }
}

async fn scan(w: &World, body: Value) -> u16 {
    let path = format!("/green-api/{I1}/scan");
    w.control(Method::POST, &path, Some(body)).await.0
}

/// The states that the app was told, in order.
fn states(w: &World) -> Vec<Value> {
    let told = w.app.of_type("stateInstanceChanged").into_iter();
    told.map(|body| body["stateInstance"].clone()).collect()
}

/// A code is a picture, and another one after 20 seconds; a scan links the phone, and the app is
/// told of each step. Sandbox time is a tenth.
#[tokio::test]
async fn a_code_is_renewed_until_it_is_scanned() {
    let w = world(0.1).await;
    w.hook_up(&["stateWebhook"], json!({})).await;
    let linked = w.green("qr", None).await.1;
    assert_eq!(linked["type"], "alreadyLogged");
    assert!(
        linked["message"]
            .as_str()
            .unwrap()
            .starts_with("Instance has auth")
    );
    let account = w.green("getWaSettings", None).await.1;
    assert_eq!(account["phone"], "79001110001");
    assert_eq!(scan(&w, json!({})).await, 409, "nothing to scan");

    assert_eq!(w.green("logout", None).await.1["isLogout"], true);
    let told = w.green("qr", None).await.1;
    assert_eq!(told["type"], "error", "not right after a logout");
    assert_eq!(scan(&w, json!({})).await, 409, "no code was shown");
    // Three a second are its rate.
    pause(1_000).await;
    let first = code(&w).await;
    let picture = STANDARD.decode(&first).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let decoder = png::Decoder::new(std::io::Cursor::new(picture));
    assert!(decoder.read_info().unwrap().info().width > 150);
    assert_eq!(code(&w).await, first, "the same within its life");
    pause(2_000).await;
    assert_ne!(code(&w).await, first);

    assert_eq!(scan(&w, json!({ "phone": "+7 900 222-00-02" })).await, 200);
    assert_eq!(w.green("qr", None).await.1["type"], "error", "it starts");
    // Behind the restart that setting it up has caused.
    until(|| states(&w).ends_with(&LINKED.map(Value::from))).await;
    let told = w.app.of_type("stateInstanceChanged");
    let wids: Vec<_> = told[told.len() - LINKED.len()..]
        .iter()
        .map(|it| it["instanceData"]["wid"].clone())
        .collect();
    let wid = "79002220002@c.us";
    assert_eq!(wids, ["", wid, wid], "no account while not linked");
    assert_eq!(w.green("qr", None).await.1["type"], "alreadyLogged");
}

/// The code to type is eight characters, and none is given while a phone is linked.
#[tokio::test]
async fn a_phone_is_linked_by_a_code_that_is_typed() {
    let w = world(0.01).await;
    w.hook_up(&["stateWebhook"], json!({})).await;
    let phone = json!({ "phoneNumber": 79_001_110_001_u64 });
    let refused = w.green("getAuthorizationCode", Some(phone.clone())).await.1;
    assert_eq!(refused, json!({ "status": false, "code": "" }));
    w.green("logout", None).await;
    pause(1_000).await;
    let given = w.green("getAuthorizationCode", Some(phone)).await.1;
    assert_eq!(given["status"], true);
    assert_eq!(given["code"].as_str().unwrap().len(), 8);
    assert_eq!(scan(&w, json!({ "phone": "-" })).await, 400);
    assert_eq!(scan(&w, json!({})).await, 200);
    until(|| states(&w).ends_with(&LINKED.map(Value::from))).await;
    assert_eq!(scan(&w, json!({})).await, 409);
}
