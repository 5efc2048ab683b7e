//! Notifications of GREEN-API.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{CUSTOMER, I1, until, world};

/// After a refusal the same one comes again after the pause, and nothing passes it by.
#[tokio::test]
async fn a_refused_notification_holds_the_line() {
    // A pause of a minute takes 600 ms.
    let w = world(0.01).await;
    w.hook_up(&["incomingWebhook"], json!({})).await;
    w.app.answer(&[500, 401]);
    for text in ["one", "two", "three"] {
        let body = json!({ "from": "+7 900 555-00-01", "name": "Ann", "text": text });
        let path = format!("/green-api/{I1}/incoming");
        assert_eq!(w.control(Method::POST, &path, Some(body)).await.0, 200);
    }
    let hooks = w.app.wait("incomingMessageReceived", 5).await;
    let texts: Vec<&str> = hooks
        .iter()
        .map(|h| {
            h["messageData"]["textMessageData"]["textMessage"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(texts, ["one", "one", "one", "two", "three"]);
    assert_eq!(hooks[0], hooks[2], "it is the same notification");
    let all = w.app.all();
    for (earlier, later) in [(0, 1), (1, 2)] {
        let pause = all[later].at - all[earlier].at;
        assert!(pause >= Duration::from_millis(590), "{pause:?}");
    }
    let attempts: Vec<_> = w
        .control(Method::GET, "/deliveries?after=0", None)
        .await
        .1
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            (
                d["attempt"].as_u64().unwrap(),
                d["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(attempts, [(1, 500), (2, 401), (3, 200), (1, 200), (1, 200)]);
}

#[tokio::test]
async fn the_token_is_sent_as_a_bearer_unless_it_has_a_scheme() {
    for (token, header) in [
        ("", None),
        ("secret", Some("Bearer secret")),
        ("Basic abc", Some("Basic abc")),
    ] {
        let w = world(0.01).await;
        w.hook_up(&[], json!({ "webhookUrlToken": token })).await;
        let path = format!("/green-api/{I1}/notify");
        w.control(
            Method::POST,
            &path,
            Some(json!({ "typeWebhook": "odd", "x": [1] })),
        )
        .await;
        let hooks = w.app.wait("odd", 1).await;
        assert_eq!(
            hooks[0],
            json!({ "typeWebhook": "odd", "x": [1] }),
            "a raw body is sent raw"
        );
        let hook = &w.app.all()[0];
        assert_eq!(hook.path, "/green");
        assert_eq!(
            hook.headers["content-type"],
            "application/json; charset=utf-8"
        );
        let sent = hook
            .headers
            .get("authorization")
            .map(|v| v.to_str().unwrap());
        assert_eq!(sent, header);
    }
}

/// A switch that is off keeps its notifications back; without an address they wait.
#[tokio::test]
async fn switches_and_the_address_decide() {
    let w = world(0.01).await;
    let incoming = format!("/green-api/{I1}/incoming");
    let text = |t: &str| Some(json!({ "from": CUSTOMER, "text": t }));
    w.control(Method::POST, &incoming, text("nobody listens"))
        .await;
    let raw = json!({ "typeWebhook": "waits" });
    w.control(Method::POST, &format!("/green-api/{I1}/notify"), Some(raw))
        .await;
    w.hook_up(&["incomingWebhook", "stateWebhook"], json!({}))
        .await;
    w.app.wait("waits", 1).await;
    w.control(Method::POST, &incoming, text("heard")).await;
    let heard = w.app.wait("incomingMessageReceived", 1).await;
    assert_eq!(heard[0]["senderData"]["chatId"], CUSTOMER);
    assert_eq!(heard[0]["instanceData"]["idInstance"], I1);
    assert_eq!(w.phone().await.len(), 2, "the phone shows both");
}

/// A changed setting reboots; the same one again does not.
#[tokio::test]
async fn settings_reboot_only_on_a_change() {
    let w = world(0.05).await;
    w.hook_up(&["stateWebhook"], json!({})).await;
    let states = w.app.wait("stateInstanceChanged", 2).await;
    assert_eq!(states[0]["stateInstance"], "starting");
    assert_eq!(states[1]["stateInstance"], "authorized");
    crate::support::pause(1000).await;
    let same = json!({ "stateWebhook": "yes" });
    assert_eq!(w.green("setSettings", Some(same)).await.0, 200);
    assert_eq!(
        w.green("getStateInstance", None).await.1["stateInstance"],
        "authorized"
    );
    for (body, name) in [
        (json!({ "noSuchSetting": "yes" }), "noSuchSetting"),
        (json!({ "stateWebhook": true }), "stateWebhook"),
        (
            json!({ "delaySendMessagesMilliseconds": 100 }),
            "delaySendMessagesMilliseconds",
        ),
    ] {
        crate::support::pause(1000).await;
        let (status, error) = w.green("setSettings", Some(body)).await;
        assert_eq!(status, 400);
        assert!(error["message"].as_str().unwrap().contains(name), "{error}");
    }
}

/// Files, groups and linked ids.
#[tokio::test]
async fn customers_write_in_every_form() {
    let w = world(0.01).await;
    w.hook_up(&["incomingWebhook"], json!({})).await;
    let path = format!("/green-api/{I1}/incoming");
    let file = json!({ "name": "cat.png", "mime": "image/png", "base64": "aGVsbG8=" });
    let bodies = [
        json!({ "from": "79005550001", "text": "look", "file": file }),
        json!({ "from": "79005550001", "text": "hi all", "group": { "id": "120363043968066561", "name": "Team" } }),
        json!({ "from": "120650379300963", "lid": true, "text": "who am I" }),
    ];
    for body in bodies {
        assert_eq!(w.control(Method::POST, &path, Some(body)).await.0, 200);
    }
    let hooks = w.app.wait("incomingMessageReceived", 3).await;
    let data = &hooks[0]["messageData"];
    assert_eq!(data["typeMessage"], "imageMessage");
    assert_eq!(data["fileMessageData"]["caption"], "look");
    let url = data["fileMessageData"]["downloadUrl"].as_str().unwrap();
    let file = w.http.get(url).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(file.bytes().await.unwrap(), "hello");
    assert_eq!(hooks[1]["senderData"]["chatId"], "120363043968066561@g.us");
    assert_eq!(hooks[1]["senderData"]["chatName"], "Team");
    assert_eq!(hooks[1]["senderData"]["sender"], CUSTOMER);
    assert_eq!(hooks[2]["senderData"]["chatId"], "120650379300963@lid");
}

/// A reset ends a pause: what comes next does not wait for what was forgotten.
#[tokio::test]
async fn a_reset_empties_the_line() {
    let w = world(1.0).await;
    w.hook_up(&["incomingWebhook"], json!({})).await;
    w.app.answer(&[500]);
    let path = format!("/green-api/{I1}/incoming");
    w.control(
        Method::POST,
        &path,
        Some(json!({ "from": CUSTOMER, "text": "old" })),
    )
    .await;
    w.app.wait("incomingMessageReceived", 1).await;
    until(|| !w.app.all().is_empty()).await;
    crate::support::pause(100).await;
    w.control(Method::POST, "/reset", None).await;
    w.control(
        Method::POST,
        &path,
        Some(json!({ "from": CUSTOMER, "text": "new" })),
    )
    .await;
    let hooks = w.app.wait("incomingMessageReceived", 2).await;
    assert_eq!(
        hooks[1]["messageData"]["textMessageData"]["textMessage"],
        "new"
    );
    assert_eq!(w.phone().await.len(), 1);
}
