//! Contacts of GHL.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{L1, L2, world};

/// Found by phone, however it is written; `tags` replaces all tags and `name` the name.
#[tokio::test]
async fn an_upsert_overwrites() {
    let w = world(0.01).await;
    let token = w.access().await;
    let upsert = |mut body: Value| {
        body["locationId"] = L1.into();
        w.ghl_json(&token, Method::POST, "/contacts/upsert", body)
    };
    let (_, first) =
        upsert(json!({ "phone": "+79005550001", "name": "Ann Customer", "tags": ["VIP", "old"] }))
            .await;
    assert_eq!(first["new"], true);
    let id = first["contact"]["id"].as_str().unwrap().to_owned();
    let tags = |tags: Value| json!({ "tags": tags });
    let path = format!("/contacts/{id}/tags");
    let (status, added) = w
        .ghl_json(&token, Method::POST, &path, tags(json!(["new"])))
        .await;
    assert_eq!(
        (status, added["tags"].clone()),
        (201, json!(["new", "old", "vip"]))
    );
    let (_, removed) = w
        .ghl_json(&token, Method::DELETE, &path, tags(json!(["old"])))
        .await;
    assert_eq!(removed["tags"], json!(["new", "vip"]));
    let (_, again) = upsert(json!({ "phone": "7 900 555-00-01" })).await;
    assert_eq!(again["new"], false);
    assert_eq!(again["contact"]["id"], id.as_str());
    assert_eq!(
        again["contact"]["tags"],
        json!(["new", "vip"]),
        "untouched when not sent"
    );
    let (_, replaced) =
        upsert(json!({ "phone": "+79005550001", "name": "Somebody", "tags": ["whatsapp"] })).await;
    assert_eq!(
        replaced["contact"]["tags"],
        json!(["whatsapp"]),
        "all tags are gone"
    );
    assert_eq!(replaced["contact"]["name"], "Somebody");
    let shown = w
        .control(Method::GET, &format!("/ghl/{L1}/contacts"), None)
        .await
        .1;
    assert_eq!(shown.as_array().unwrap().len(), 1);
    assert_eq!(shown[0]["phone"], "+79005550001");
}

#[tokio::test]
async fn bodies_are_checked() {
    let w = world(0.01).await;
    let token = w.access().await;
    let cases = [
        (
            json!({ "locationId": L1, "phone": "+1", "additionalEmails": [] }),
            422,
            "property additionalEmails should not exist",
        ),
        (
            json!({ "phone": "+79005550001" }),
            422,
            "locationId should not be empty",
        ),
        (
            json!({ "locationId": L1, "phone": 79005550001_u64 }),
            422,
            "phone must be a string",
        ),
        (
            json!({ "locationId": L1, "phone": "+79005550001", "tags": "vip" }),
            422,
            "tags must be an array",
        ),
        (
            json!({ "locationId": L1, "phone": "+79005550001", "dndSettings": { "SMS": { "status": "on" } } }),
            422,
            "dndSettings.SMS.status must be one of",
        ),
        (
            json!({ "locationId": L2, "phone": "+79005550001" }),
            403,
            "does not have access to this location",
        ),
    ];
    for (body, status, text) in cases {
        let (got, answer) = w
            .ghl_json(&token, Method::POST, "/contacts/upsert", body.clone())
            .await;
        assert_eq!(got, status, "{body} {answer}");
        let message = &answer["message"];
        assert_eq!(message.is_array(), status == 422, "{answer}");
        assert!(message.to_string().contains(text), "{answer}");
    }
}

#[tokio::test]
async fn contacts_can_be_read_changed_found_and_deleted() {
    let w = world(0.01).await;
    let token = w.access().await;
    let other = w.install(L2).await;
    let other = other["access_token"].as_str().unwrap();
    let id = w.contact(&token, "+79005550001").await;
    let path = format!("/contacts/{id}");
    assert_eq!(
        w.ghl_get(&token, &path).await.1["contact"]["name"],
        "Ann Customer"
    );
    assert_eq!(w.ghl_get(other, &path).await.0, 403);
    let (_, changed) = w
        .ghl_json(&token, Method::PUT, &path, json!({ "lastName": "Client" }))
        .await;
    assert_eq!(changed["contact"]["name"], "Ann Client");
    let find = |number: &str| format!("/contacts/search/duplicate?locationId={L1}&number={number}");
    assert_eq!(
        w.ghl_get(&token, &find("%2B79005550001")).await.1["contact"]["id"],
        id.as_str()
    );
    assert_eq!(
        w.ghl_get(&token, &find("+79005550001")).await.1["contact"],
        Value::Null,
        "a bare + is a space"
    );
    assert_eq!(
        w.ghl_get(&token, &find("%2B79005550002")).await.1["contact"],
        Value::Null
    );
    assert_eq!(
        w.ghl_json(&token, Method::DELETE, &path, json!({})).await.1["succeded"],
        true
    );
    assert_eq!(w.ghl_get(&token, &path).await.0, 400);
    let app = greenhub_sandbox::SandboxConfig::default().ghl;
    let inbound = json!({
        "type": "SMS", "contactId": id, "message": "hi",
        "conversationProviderId": app.conversation_provider_id,
    });
    let (status, body) = w
        .ghl_json(
            &token,
            Method::POST,
            "/conversations/messages/inbound",
            inbound,
        )
        .await;
    assert_eq!(status, 400, "{body}");
}
