//! Linking a phone, and what else GREEN-API does with a number when a person asks.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use greenhub::clock::parse_rfc3339;
use serde_json::{Value, json};

use super::support::{ALICE, Answer, I1, L1, T1, World, fault, world};

async fn ask(world: &World, session: &str, method: Method, id: &str, what: &str) -> Answer {
    let path = format!("/api/instances/{id}/{what}");
    world.with(session, method, &path, Value::Null).await
}

async fn qr(world: &World, session: &str, id: &str) -> Value {
    let answer = ask(world, session, Method::GET, id, "qr").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Asks as the page does, until it is told this.
async fn until(world: &World, session: &str, id: &str, status: &str) -> Value {
    for _ in 0..20 {
        let told = qr(world, session, id).await;
        if told["status"] == status {
            return told;
        }
        world.second().await;
    }
    panic!("{status} was never told");
}

#[tokio::test]
async fn a_phone_is_linked_by_a_code_that_is_renewed() {
    // AC 115: the part without a screen.
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let linked = until(&world, &alice, &id, "linked").await;
    assert_eq!(
        linked,
        json!({ "status": "linked", "phone": "+79001110001" })
    );

    let out = ask(&world, &alice, Method::POST, &id, "logout").await;
    assert_eq!(out.status, 200, "{}", out.text);
    assert_eq!(out.json["state"], "notAuthorized");
    assert_eq!(out.json["phone"], Value::Null);

    let code = until(&world, &alice, &id, "code").await;
    let image = code["image"].as_str().unwrap();
    let png = image.strip_prefix("data:image/png;base64,").unwrap();
    assert!(STANDARD.decode(png).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(code["pollAfterMs"], 2000);
    let ends = parse_rfc3339(code["expiresAt"].as_str().unwrap()).unwrap();
    let left = ends - world.clock.now_ms();
    assert!((0..=20_000).contains(&left), "{left}");
    // The end of a code stays the same however often it is looked at.
    world.second().await;
    world.second().await;
    let again = qr(&world, &alice, &id).await;
    assert_eq!(
        (&again["image"], &again["expiresAt"]),
        (&code["image"], &code["expiresAt"])
    );

    let other = json!({ "phone": "79002220002" });
    world.control(Method::POST, I1, "scan", other).await;
    let linked = until(&world, &alice, &id, "linked").await;
    assert_eq!(linked["phone"], "+79002220002");
    let shown = &world.list(&alice).await[0];
    assert_eq!(shown["state"], "authorized");
    assert_eq!(shown["phone"], "+79002220002");
}

// AC 115
#[tokio::test]
async fn however_many_look_green_api_is_asked_once_in_two_seconds() {
    // AC 115
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.unlink(I1).await;
    let mut viewers = vec![alice];
    while viewers.len() < 10 {
        viewers.push(world.sign_in(L1, ALICE).await);
    }
    let began_ms = world.clock.now_ms();
    for _ in 0..4 {
        let looks = viewers.iter().map(|viewer| qr(&world, viewer, &id));
        let all = futures::future::join_all(looks).await;
        assert_eq!(all[0]["status"], "code");
        assert!(all.iter().all(|told| told["image"] == all[0]["image"]));
        world.second().await;
    }
    let passed_ms = world.clock.now_ms() - began_ms;
    let calls = world.calls("qr").await;
    let at: Vec<i64> = calls
        .iter()
        .map(|call| call["at_ms"].as_i64().unwrap())
        .collect();
    let most = passed_ms / 2000 + 1;
    assert!(
        (1..=most).contains(&(at.len() as i64)),
        "{at:?} in {passed_ms}"
    );
    // Within what the clocks of two processes differ by.
    assert!(
        at.windows(2).all(|pair| pair[1] - pair[0] >= 1_900),
        "{at:?}"
    );
}

#[tokio::test]
async fn whoever_holds_the_lease_is_waited_for_and_not_for_ever() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.unlink(I1).await;
    world
        .faults(json!([fault("qr", json!({ "delay_ms": 1200 }))]))
        .await;
    let (one, other) = futures::join!(qr(&world, &alice, &id), qr(&world, &alice, &id));
    assert_eq!(one["status"], "code");
    assert_eq!(one["image"], other["image"]);
    assert_eq!(world.calls("qr").await.len(), 1);
}

#[tokio::test]
async fn a_code_that_cannot_be_is_explained() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.unlink(I1).await;
    let check = async |answer: Value, status: &str, words: &str| {
        world.faults(json!([fault("qr", answer)])).await;
        world.later(3_000);
        let told = qr(&world, &alice, &id).await;
        assert_eq!(told["status"], status, "{told}");
        assert!(told["reason"].as_str().unwrap().contains(words), "{told}");
        assert_eq!(told["pollAfterMs"], 2000);
        assert!(!told.to_string().contains(T1));
    };
    let told = |kind: &str, message: &str| json!({ "status": 200, "body": { "type": kind, "message": message } });
    check(told("error", "not yet"), "wait", "not yet").await;
    check(told("timeout", "100 s"), "wait", "100 s").await;
    // Not everything that GREEN-API may send is shown to a browser as a picture.
    check(told("qrCode", "\"><script>"), "wait", "no picture").await;
    check(told("qrCode", "aGVsbG8="), "wait", "no picture").await;
    check(json!({ "status": 429, "body": {} }), "wait", "less often").await;
    check(json!({ "status": 502, "body": {} }), "wait", "GREEN-API").await;
    check(json!({ "drop": true }), "wait", "GREEN-API").await;

    // What only a person can put right is a refusal, and stands at the number.
    let expired = "Instance account is expired. Renew your instance from personal area";
    let body = json!({ "status": 400, "body": { "message": expired } });
    world.faults(json!([fault("qr", body)])).await;
    world.later(3_000);
    let answer = ask(&world, &alice, Method::GET, &id, "qr").await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_eq!(answer.json["code"], "instance_unusable");
    assert_eq!(answer.json["reason"], "expired");
    assert_eq!(world.list(&alice).await[0]["pause"]["reason"], "expired");
}

#[tokio::test]
async fn a_phone_is_linked_by_a_code_to_type() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.restarted().await;
    let pair = async |phone: Value| {
        let path = format!("/api/instances/{id}/pairing-code");
        world.second().await;
        let body = json!({ "phone": phone });
        world.with(&alice, Method::POST, &path, body).await
    };
    let check = async |phone: Value, expect: u16, code: &str| {
        let answer = pair(phone.clone()).await;
        assert_eq!(answer.status, expect, "{phone}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{phone}");
    };
    check(json!("+79001110001"), 409, "already_linked").await;
    check(json!("hello"), 400, "bad_phone").await;
    check(json!(""), 400, "bad_phone").await;
    check(json!(7), 400, "bad_body").await;

    world.unlink(I1).await;
    // National in the workspace's country.
    let given = pair(json!("(713) 514-6416")).await;
    assert_eq!(given.status, 200, "{}", given.text);
    assert_eq!(given.json["phone"], "+17135146416");
    assert_eq!(given.json["code"].as_str().unwrap().len(), 8);
    let calls = world.calls("getAuthorizationCode").await;
    let asked = &calls.last().unwrap()["body"]["phoneNumber"];
    assert_eq!(*asked, json!(17_135_146_416_u64));

    world
        .faults(json!([fault(
            "getAuthorizationCode",
            json!({ "status": 500, "body": {} })
        )]))
        .await;
    check(json!("+79001110001"), 503, "try_again").await;
}

#[tokio::test]
async fn a_number_is_restarted_and_asked_for_its_state() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.later(3_000);
    let booted = ask(&world, &alice, Method::POST, &id, "reboot").await;
    assert_eq!(booted.status, 200, "{}", booted.text);
    assert_eq!(booted.json["state"], "starting");
    assert_eq!(booted.json["phone"], "+79001110001");
    assert_eq!(world.calls("reboot").await.len(), 1);

    // Within two seconds nobody asks again.
    let n_calls = world.calls("getWaSettings").await.len();
    let soon = ask(&world, &alice, Method::POST, &id, "check").await;
    assert_eq!(soon.json["state"], "starting");
    assert_eq!(world.calls("getWaSettings").await.len(), n_calls);
    world
        .control(
            Method::PUT,
            I1,
            "state",
            json!({ "stateInstance": "yellowCard" }),
        )
        .await;
    world.later(3_000);
    world.second().await;
    let checked = ask(&world, &alice, Method::POST, &id, "check").await;
    // AC 62: whatever GREEN-API calls it.
    assert_eq!(checked.json["state"], "yellowCard", "{}", checked.text);

    let check = async |fault_body: Value, what: &str, expect: u16, code: &str| {
        world.faults(json!([fault(what, fault_body)])).await;
        world.later(3_000);
        let answer = ask(&world, &alice, Method::POST, &id, what).await;
        assert_eq!(answer.status, expect, "{what}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{what}");
    };
    let refused = json!({ "status": 400, "body": { "message": "instance in starting process" } });
    check(refused.clone(), "logout", 409, "not_now").await;
    check(refused, "reboot", 409, "not_now").await;
    let broken = json!({ "status": 502, "body": {} });
    check(broken.clone(), "logout", 503, "try_again").await;
    check(broken, "reboot", 503, "try_again").await;
    let unknown = json!({ "status": 401, "body": { "message": "Unauthorized" } });
    check(unknown, "reboot", 409, "instance_unusable").await;
    assert_eq!(world.list(&alice).await[0]["pause"]["reason"], "bad_token");
}

// AC 117: everything about a number is asked for and put right once a minute, whoever asks.
#[tokio::test]
async fn a_number_is_refreshed_once_a_minute() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    world.restarted().await;
    let theirs = json!({ "outgoingWebhook": "no" });
    world.set(I1, T1, theirs.clone()).await;
    world.restarted().await;
    world.later(3_000);
    let n_written = world.written(0).await.len();
    let refresh = async || ask(&world, &alice, Method::POST, &id, "refresh").await;
    let answer = refresh().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["sending"]["allowed"], "all");
    let put_right = json!({ "outgoingWebhook": "yes" });
    assert_eq!(world.written(n_written).await, [put_right]);

    let n_calls = world.calls("getWaSettings").await.len();
    let again = refresh().await;
    assert_eq!(
        (again.status, &again.json["code"]),
        (429, &json!("cool_down"))
    );
    let wait_s = again.json["retryAfter"].as_i64().unwrap();
    assert!((55..=60).contains(&wait_s), "{wait_s}");
    assert_eq!(world.calls("getWaSettings").await.len(), n_calls);
    world.later(60_000);
    world.restarted().await;
    assert_eq!(refresh().await.status, 200);
    let elsewhere = "0123456789abcdef0123456789abcdef";
    let unknown = ask(&world, &alice, Method::POST, elsewhere, "refresh").await;
    assert_eq!(unknown.status, 404);
}
