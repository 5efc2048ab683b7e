//! What survives a restart.

use greenhub_sandbox::{SandboxConfig, SandboxError, start};
use reqwest::Method;
use serde_json::json;

use crate::support::{CUSTOMER, I1, L1, config, temp_file, world_with};

#[tokio::test]
async fn accounts_tokens_messages_and_the_key_survive() {
    let data_file = Some(temp_file("survive"));
    let config = || SandboxConfig {
        data_file: data_file.clone(),
        ..config(0.01)
    };
    let w = world_with(config()).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let path = format!("/green-api/{I1}/incoming");
    let file = json!({ "name": "a.txt", "base64": "aGVsbG8=" });
    w.control(
        Method::POST,
        &path,
        Some(json!({ "from": CUSTOMER, "text": "hi", "file": file })),
    )
    .await;
    let state = format!("/green-api/{I1}/state");
    w.control(
        Method::PUT,
        &state,
        Some(json!({ "stateInstance": "notAuthorized" })),
    )
    .await;
    w.send_text("waits in the queue").await;
    let (phone, pem) = (w.phone().await, w.sandbox.ghl_public_key_pem());
    w.sandbox.shutdown().await;

    let w = world_with(config()).await;
    assert_eq!(w.sandbox.ghl_public_key_pem(), pem);
    let kept = w.phone().await;
    assert_eq!(kept, phone);
    let random = kept[0]["file"]["url"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .nth(1)
        .unwrap()
        .to_owned();
    let file = w
        .request(Method::GET, &format!("/files/{random}/a.txt"))
        .send()
        .await
        .unwrap();
    assert_eq!(file.bytes().await.unwrap(), "hello");
    assert_eq!(
        w.ghl_get(&token, &format!("/contacts/{contact}")).await.0,
        200
    );
    assert_eq!(w.ghl_get(&token, &format!("/locations/{L1}")).await.0, 200);
    assert_eq!(w.green("getMessagesCount", None).await.1["count"], 1);
    w.control(
        Method::PUT,
        &state,
        Some(json!({ "stateInstance": "authorized" })),
    )
    .await;
    while w.phone().await.len() < 2 {
        crate::support::pause(10).await;
    }
}

#[tokio::test]
async fn a_broken_file_and_a_taken_port_are_errors() {
    let path = temp_file("broken");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "{").unwrap();
    let error = start(SandboxConfig {
        data_file: Some(path),
        ..config(1.0)
    })
    .await
    .unwrap_err();
    assert!(matches!(error, SandboxError::Data { .. }), "{error}");
    let taken = start(config(1.0)).await.unwrap();
    let error = start(SandboxConfig {
        addr: taken.addr,
        ..config(1.0)
    })
    .await
    .unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }), "{error}");
    let mut bad_key = config(1.0);
    bad_key.ghl.signing_key_pkcs8 = Some(vec![1, 2, 3]);
    assert!(matches!(
        start(bad_key).await.unwrap_err(),
        SandboxError::SigningKey
    ));
    // A stopped sandbox frees its port.
    let addr = taken.addr;
    taken.shutdown().await;
    start(SandboxConfig {
        addr,
        ..config(1.0)
    })
    .await
    .unwrap();
}
