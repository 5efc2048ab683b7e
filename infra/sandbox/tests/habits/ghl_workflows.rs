//! Workflows that call the app.

use reqwest::Method;
use serde_json::json;

use crate::support::{L1, L2, world};

#[tokio::test]
async fn an_action_comes_unsigned_with_the_headers_of_the_portals_form() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let run = json!({
        "locationId": L1, "contactId": contact, "authorization": "the secret",
        "workflowId": "W1", "data": { "instanceId": "1", "message": "hi" },
    });
    let (status, ran) = w
        .control(Method::POST, "/ghl/workflow-action", Some(run))
        .await;
    assert_eq!((status, &ran["status"]), (200, &json!(200)), "{ran}");
    let hooks = w.app.all();
    let hook = hooks
        .iter()
        .find(|hook| hook.path == "/webhooks/workflow-action")
        .unwrap();
    let header = |name: &str| hook.headers.get(name).map(|it| it.to_str().unwrap());
    assert_eq!(header("authorization"), Some("the secret"));
    assert_eq!(header("locationid"), Some(L1));
    assert_eq!(header("contactphone"), Some("+79005550001"));
    assert_eq!(header("x-ghl-signature"), None);
    let expect = json!({
        "data": { "instanceId": "1", "message": "hi" },
        "extras": { "locationId": L1, "contactId": contact, "workflowId": "W1" },
        "meta": { "key": "send_whatsapp", "version": "1.0" },
        "isMarketplaceAction": true,
    });
    assert_eq!(hook.json, expect);

    let elsewhere = json!({ "locationId": L2, "contactId": contact, "data": {} });
    let (status, _) = w
        .control(Method::POST, "/ghl/workflow-action", Some(elsewhere))
        .await;
    assert_eq!(status, 404, "another location's contact");
}
