//! Messages of GHL, both ways.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{L1, World, answer, pause, until, world};

fn provider() -> String {
    greenhub_sandbox::SandboxConfig::default()
        .ghl
        .conversation_provider_id
}

async fn inbound(w: &World, token: &str, body: Value) -> (u16, Value) {
    w.ghl_json(token, Method::POST, "/conversations/messages/inbound", body)
        .await
}

#[tokio::test]
async fn what_comes_in_is_kept() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let first = json!({
        "type": "SMS", "contactId": contact, "conversationProviderId": provider(),
        "message": "question", "altId": "ABC", "direction": "inbound",
        "date": "2026-11-20T12:00:00.000Z", "attachments": ["https://files.example/a.jpg"],
    });
    let (status, answer) = inbound(&w, &token, first).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["success"], true);
    assert_eq!(answer["contactId"], contact.as_str());
    let conversation = answer["conversationId"].as_str().unwrap();
    // What was sent elsewhere is logged, and not delivered to us.
    let mirrored = json!({
        "type": "SMS", "conversationId": conversation, "conversationProviderId": provider(),
        "message": "answer from the phone", "direction": "outbound", "altId": "DEF",
    });
    let (_, second) = inbound(&w, &token, mirrored).await;
    assert_eq!(
        second["conversationId"], conversation,
        "one conversation per contact"
    );
    let shown = w
        .control(Method::GET, &format!("/ghl/{L1}/conversations"), None)
        .await
        .1;
    assert_eq!(shown.as_array().unwrap().len(), 1);
    let messages = &shown[0]["messages"];
    assert_eq!(messages[0]["direction"], "inbound");
    assert_eq!(messages[0]["message"], "question");
    assert_eq!(messages[0]["altId"], "ABC");
    assert_eq!(
        messages[0]["attachments"],
        json!(["https://files.example/a.jpg"])
    );
    assert_eq!(messages[0]["at_ms"], 1_795_176_000_000_u64);
    assert_eq!(messages[1]["direction"], "outbound");
    pause(100).await;
    assert!(w.app.of_type("SMS").is_empty());

    // Reading: nested, newest first, with altId; the export has a cursor.
    let path = format!("/conversations/{conversation}/messages?limit=1");
    let page = w.ghl_get(&token, &path).await.1;
    assert_eq!(page["messages"]["messages"][0]["altId"], "DEF");
    assert_eq!(page["messages"]["nextPage"], true);
    let last = page["messages"]["lastMessageId"].as_str().unwrap();
    let page = w
        .ghl_get(&token, &format!("{path}&lastMessageId={last}"))
        .await
        .1;
    assert_eq!(page["messages"]["messages"][0]["altId"], "ABC");
    assert_eq!(page["messages"]["nextPage"], false);
    let export =
        format!("/conversations/messages/export?locationId={L1}&contactId={contact}&limit=1");
    let page = w.ghl_get(&token, &export).await.1;
    assert_eq!(
        (&page["messages"][0]["altId"], &page["total"]),
        (&json!("DEF"), &json!(2))
    );
    let next = format!("{export}&cursor={}", page["nextCursor"].as_str().unwrap());
    let page = w.ghl_get(&token, &next).await.1;
    assert_eq!(page["messages"][0]["altId"], "ABC");
    assert_eq!(page["nextCursor"], Value::Null);
    let late = format!("{export}&startDate=2100-01-01T00:00:00Z");
    assert_eq!(w.ghl_get(&token, &late).await.1["total"], 0);
    let one = format!(
        "/conversations/messages/{}",
        messages[0]["messageId"].as_str().unwrap()
    );
    assert_eq!(
        w.ghl_get(&token, &one).await.1["messageType"],
        "TYPE_CUSTOM_PROVIDER_SMS"
    );
    // The search lags.
    pause(60).await;
    let search = format!("/conversations/search?locationId={L1}&contactId={contact}");
    assert_eq!(
        w.ghl_get(&token, &search).await.1["conversations"][0]["id"],
        conversation
    );
}

#[tokio::test]
async fn inbound_bodies_are_checked() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let good = json!({ "type": "SMS", "contactId": contact, "message": "hi", "conversationProviderId": provider() });
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    let cases = [
        (
            with("attachments", json!([])),
            422,
            "attachments must contain at least 1 elements",
        ),
        (
            with("attachments", json!("https://a.example/a")),
            422,
            "attachments must be an array",
        ),
        (
            with("type", json!("Sms")),
            422,
            "type must be one of the following values: SMS",
        ),
        (
            with("locationId", json!(L1)),
            422,
            "property locationId should not exist",
        ),
        (with("date", json!("yesterday")), 422, "date must be"),
        (
            with("conversationProviderId", json!("5a9db0c00000000000000bad")),
            400,
            "You don't have access to the conversationProvider",
        ),
        (
            with("contactId", json!("NoSuchContact0000000")),
            400,
            "not found",
        ),
        (
            json!({ "type": "SMS", "message": "hi", "conversationProviderId": provider() }),
            422,
            "contactId should not be empty",
        ),
        (with("message", json!("")), 400, "text or attachments"),
        (good.clone(), 201, "success"),
    ];
    for (body, expected, text) in cases {
        let (status, answer) = inbound(&w, &token, body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer.to_string().contains(text), "{answer}");
    }
    // Without a provider it is a success that is none.
    let mut body = good.clone();
    body.as_object_mut()
        .unwrap()
        .remove("conversationProviderId");
    let response = w
        .ghl(&token, Method::POST, "/conversations/messages/inbound")
        .json(&body);
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.bytes().await.unwrap().is_empty());
    let shown = w
        .control(Method::GET, &format!("/ghl/{L1}/conversations"), None)
        .await
        .1;
    assert_eq!(shown[0]["messages"].as_array().unwrap().len(), 1);
}

/// The signature is over the raw bytes, with the key that the sandbox shows.
#[tokio::test]
async fn an_agents_answer_is_delivered_signed() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let reply = json!({
        "locationId": L1, "contactId": contact, "message": "¡hola!",
        "attachments": ["https://files.example/b.pdf"], "userId": "Us2sandboxAcmeBob001",
    });
    let (status, sent) = w.control(Method::POST, "/ghl/reply", Some(reply)).await;
    assert_eq!(status, 200, "{sent}");
    let hook = w
        .app
        .all()
        .into_iter()
        .find(|h| h.json["type"] == "SMS")
        .unwrap();
    assert_eq!(hook.path, "/webhooks/ghl");
    assert_eq!(
        hook.json,
        json!({
            "contactId": contact, "locationId": L1, "messageId": sent["messageId"], "type": "SMS",
            "phone": "+79005550001", "message": "¡hola!",
            "attachments": ["https://files.example/b.pdf"], "userId": "Us2sandboxAcmeBob001",
            "conversationId": sent["conversationId"], "conversationProviderId": provider(),
        })
    );
    let pem = w.sandbox.ghl_public_key_pem();
    let der: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    let der = STANDARD.decode(der).unwrap();
    let signature = STANDARD
        .decode(hook.headers["x-ghl-signature"].as_bytes())
        .unwrap();
    let key = UnparsedPublicKey::new(&ED25519, &der[12..]);
    key.verify(&hook.raw, &signature).unwrap();
    let mut changed = hook.raw.to_vec();
    changed[5] ^= 1;
    assert!(key.verify(&changed, &signature).is_err());
    assert!(hook.headers.get("x-wh-signature").is_none());

    let plain = json!({ "locationId": L1, "contactId": contact, "message": "x", "type": "Custom", "asDefaultProvider": true });
    w.control(Method::POST, "/ghl/reply", Some(plain)).await;
    let custom = &w.app.of_type("Custom")[0];
    assert!(
        custom.get("conversationProviderId").is_none() && custom.get("conversationId").is_none()
    );
    let unknown = json!({ "locationId": L1, "contactId": "nobody", "message": "x" });
    assert_eq!(
        w.control(Method::POST, "/ghl/reply", Some(unknown)).await.0,
        404
    );
}

/// Right after the delivery a status is refused with a 403 that is no authorization failure.
#[tokio::test]
async fn a_status_can_be_too_early() {
    // Five seconds take two.
    let w = world(0.4).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let reply = json!({ "locationId": L1, "contactId": contact, "message": "hi" });
    let sent = w.control(Method::POST, "/ghl/reply", Some(reply)).await.1;
    let path = format!(
        "/conversations/messages/{}/status",
        sent["messageId"].as_str().unwrap()
    );
    let put = |body: Value| w.ghl_json(&token, Method::PUT, &path, body);
    let (status, error) = put(json!({ "status": "delivered" })).await;
    assert_eq!(status, 403);
    assert_eq!(
        error["message"],
        "No conversation provider found for this message"
    );
    pause(2050).await;
    let cases = [
        (json!({ "status": "sent" }), 422),
        (
            json!({ "status": "failed", "error": { "code": "1", "type": "x" } }),
            422,
        ),
        (
            json!({ "status": "failed", "error": { "code": "1", "type": "x", "message": "y" } }),
            200,
        ),
        (json!({ "status": "delivered" }), 200),
        (json!({ "status": "read" }), 200),
    ];
    for (body, expected) in cases {
        assert_eq!(put(body.clone()).await.0, expected, "{body}");
    }
    let shown = w
        .control(Method::GET, &format!("/ghl/{L1}/conversations"), None)
        .await
        .1;
    assert_eq!(shown[0]["messages"][0]["status"], "read");
}

/// A message made through the API goes to the delivery URL as well; a comment does not.
#[tokio::test]
async fn sending_through_the_api_calls_the_delivery_url() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let send = |kind: &str| {
        let body = json!({ "type": kind, "contactId": contact, "message": "note" });
        w.ghl_json(&token, Method::POST, "/conversations/messages", body)
    };
    let (status, sent) = send("SMS").await;
    assert_eq!(status, 201);
    assert_eq!(
        w.app.wait("SMS", 1).await[0]["messageId"],
        sent["messageId"]
    );
    assert_eq!(send("InternalComment").await.0, 201);
    pause(100).await;
    assert!(w.app.of_type("InternalComment").is_empty());
    let body = json!({ "locationId": L1, "contactId": contact });
    let (status, made) = w
        .ghl_json(&token, Method::POST, "/conversations/", body)
        .await;
    assert_eq!(status, 201);
    assert_eq!(made["conversation"]["id"], sent["conversationId"]);
}

/// Deliveries are repeated after a 429 only, app webhooks after everything but a 2xx.
#[tokio::test]
async fn refused_webhooks_are_repeated() {
    // Ten minutes take 600 ms.
    let w = world(0.001).await;
    let token = w.access().await;
    w.app.wait("INSTALL", 1).await;
    let contact = w.contact(&token, "+79005550001").await;
    let reply =
        |text: &str| Some(json!({ "locationId": L1, "contactId": contact, "message": text }));
    w.app.answer(&[429, 429]);
    w.control(Method::POST, "/ghl/reply", reply("busy")).await;
    let all = w.app.wait("SMS", 3).await;
    assert!(all.iter().all(|m| m["message"] == "busy"));
    w.app.answer(&[500]);
    w.control(Method::POST, "/ghl/reply", reply("broken")).await;
    w.app.answer(&[500, 503]);
    let event = json!({ "type": "ContactUpdate", "locationId": L1, "id": contact });
    let (_, sent) = w.control(Method::POST, "/ghl/event", Some(event)).await;
    let events = w.app.wait("ContactUpdate", 3).await;
    assert!(events.iter().all(|e| e["webhookId"] == sent["webhookId"]));
    until(|| w.app.of_type("SMS").len() == 4).await;
    pause(1500).await;
    assert_eq!(w.app.of_type("SMS").len(), 4, "a 500 loses a delivery");
    assert_eq!(w.app.of_type("ContactUpdate").len(), 3);
    let app = greenhub_sandbox::SandboxConfig::default().ghl.app_id;
    assert_eq!(events[0]["appId"], app.as_str());
}

/// Uploads: five files of five megabytes, of known types.
#[tokio::test]
async fn files_can_be_uploaded() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let upload = |name: &str, contact: &str, size: usize| {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"contactId\"\r\n\r\n{contact}\r\n--b\r\nContent-Disposition: form-data; name=\"fileAttachment\"; filename=\"{name}\"\r\n\r\n{}\r\n--b--\r\n",
            "x".repeat(size)
        );
        answer(
            w.ghl(&token, Method::POST, "/conversations/messages/upload")
                .header("content-type", "multipart/form-data; boundary=b")
                .body(form),
        )
    };
    let (status, body) = upload("a.jpg", &contact, 10).await;
    assert_eq!(status, 200, "{body}");
    let url = body["uploadedFiles"]["a.jpg"].as_str().unwrap();
    assert_eq!(
        w.http
            .get(url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .len(),
        10
    );
    assert_eq!(upload("a.exe", &contact, 10).await.0, 415);
    assert_eq!(upload("a.jpg", &contact, (5 << 20) + 1).await.0, 413);
    assert_eq!(upload("a.jpg", "nobody", 10).await.0, 400);
}
