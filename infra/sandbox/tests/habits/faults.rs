//! Faults, among them connections that end without an answer.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{CUSTOMER, I1, TOKEN1, World, answer, pause, world};

async fn set(w: &World, faults: Value) {
    let (status, body) = w.control(Method::PUT, "/faults", Some(faults)).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_fault_answers_so_many_times() {
    let w = world(0.01).await;
    set(
        &w,
        json!([
            { "provider": "green-api", "path_contains": "/sendMessage/", "times": 2, "status": 502, "body": "<h1>Bad Gateway</h1>" },
            { "provider": "green-api", "path_contains": "/sendMessage/", "times": 1, "status": 466, "body": { "x": 1 } },
            { "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "delay_ms": 300 },
        ]),
    )
    .await;
    let send = || {
        w.green(
            "sendMessage",
            Some(json!({ "chatId": CUSTOMER, "message": "hi" })),
        )
    };
    assert_eq!(send().await.0, 502);
    assert_eq!(w.green("getSettings", None).await.0, 200, "another path");
    assert_eq!(send().await.0, 502);
    assert_eq!(send().await, (466, json!({ "x": 1 })));
    assert_eq!(send().await.0, 200);
    pause(100).await;
    assert_eq!(w.phone().await.len(), 1, "a replaced answer has no effect");
    let before = Instant::now();
    assert_eq!(w.token(&[("grant_type", "refresh_token")]).await.0, 400);
    assert!(
        before.elapsed().as_millis() >= 300,
        "a delay alone changes nothing else"
    );
    assert_eq!(w.control(Method::GET, "/faults", None).await.1, json!([]));
    let unknown = json!([{ "provider": "nobody", "path_contains": "", "times": 1 }]);
    assert_eq!(
        w.control(Method::PUT, "/faults", Some(unknown)).await.0,
        422
    );
}

/// The caller sees a broken connection either way; only the effect differs.
#[tokio::test]
async fn connections_are_dropped_before_or_after_the_effect() {
    for (fault, effect) in [("drop", 0), ("apply_then_drop", 1)] {
        let w = world(0.01).await;
        let mut wanted =
            json!({ "provider": "green-api", "path_contains": "sendMessage", "times": 1 });
        wanted[fault] = true.into();
        set(&w, json!([wanted])).await;
        let request = w
            .request(
                Method::POST,
                &format!("/waInstance{I1}/sendMessage/{TOKEN1}"),
            )
            .json(&json!({ "chatId": CUSTOMER, "message": "hi" }));
        let error = request.send().await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
        pause(100).await;
        assert_eq!(w.phone().await.len(), effect, "{fault}");
        let calls = w
            .control(Method::GET, "/calls?provider=green-api", None)
            .await
            .1;
        assert_eq!(calls[0]["status"], Value::Null);
        assert_eq!(calls[0]["body"]["message"], "hi");
        assert_eq!(
            w.green("getStateInstance", None).await.0,
            200,
            "later calls are fine"
        );
    }
}

/// A caller's patience ends, the provider's work does not.
#[tokio::test]
async fn what_was_asked_is_done_although_the_caller_hangs_up() {
    let w = world(0.01).await;
    let slow = json!({ "provider": "green-api", "path_contains": "sendMessage", "times": 1, "delay_ms": 400 });
    set(&w, json!([slow])).await;
    let path = format!("/waInstance{I1}/sendMessage/{TOKEN1}");
    let request = w
        .request(Method::POST, &path)
        .timeout(std::time::Duration::from_millis(100))
        .json(&json!({ "chatId": CUSTOMER, "message": "hi" }));
    let error = request.send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(w.phone().await.len(), 0);
    pause(600).await;
    assert_eq!(w.phone().await.len(), 1);
}

#[tokio::test]
async fn a_token_answer_can_be_lost() {
    let w = world(0.01).await;
    let token = w.install(crate::support::L1).await;
    set(&w, json!([{ "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "apply_then_drop": true }])).await;
    let refresh = token["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let app = greenhub_sandbox::SandboxConfig::default().ghl;
    let mut all = vec![
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secret.as_str()),
    ];
    all.extend(form);
    assert!(
        w.request(Method::POST, "/oauth/token")
            .form(&all)
            .send()
            .await
            .is_err()
    );
    let (status, _) = answer(w.request(Method::POST, "/oauth/token").form(&all)).await;
    assert_eq!(status, 400, "the lost answer used the token up");
}
