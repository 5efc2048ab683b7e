//! When a provider is down, slow, over its limit, or takes a call and loses its answer.

use std::time::Duration;

use greenhub::clock::Clock;
use greenhub::store::directory::PauseReason;
use serde_json::{Value, json};

use crate::world::{I1, World, text, texts};

const ANN: &str = "79001234567@c.us";

async fn ann(world: &World) -> String {
    world.customer("79001234567", "hi").await;
    world.shown("+79001234567", 1).await.0
}

fn fault(provider: &str, path: &str, times: u32, what: Value) -> Value {
    let mut fault = json!({ "provider": provider, "path_contains": path, "times": times });
    for (name, value) in what.as_object().unwrap() {
        fault[name] = value.clone();
    }
    json!([fault])
}

// AC 46
#[tokio::test]
async fn whatever_the_crm_does_to_a_post_the_message_is_shown_once_and_in_order() {
    let check = async |times: u32, what: Value| {
        let world = World::new().await;
        ann(&world).await;
        world
            .faults(fault("ghl", "/messages/inbound", times, what.clone()))
            .await;
        for n in 1..=3 {
            world.customer("79001234567", &n.to_string()).await;
        }
        world.shown("+79001234567", 4).await;
        world.settle().await;
        let (_, messages) = world.shown("+79001234567", 4).await;
        assert_eq!(texts(&messages), ["hi", "1", "2", "3"], "{what}");
    };
    check(4, json!({ "status": 503 })).await;
    check(2, json!({ "status": 500 })).await;
    check(3, json!({ "status": 429 })).await;
    check(1, json!({ "status": 201 })).await;
    check(
        1,
        json!({ "status": 502, "body": "<html>bad gateway</html>" }),
    )
    .await;
    check(1, json!({ "drop": true })).await;
    check(2, json!({ "apply_then_drop": true })).await;
}

#[tokio::test]
async fn a_contact_that_was_deleted_is_made_again() {
    let world = World::new().await;
    ann(&world).await;
    let gone =
        json!({ "status": 400, "body": { "statusCode": 400, "message": "Contact not found" } });
    world
        .faults(fault("ghl", "/messages/inbound", 1, gone))
        .await;
    world.customer("79001234567", "again").await;
    let (_, messages) = world.shown("+79001234567", 2).await;
    assert_eq!(texts(&messages), ["hi", "again"]);
    assert_eq!(world.calls("/contacts/upsert").await.len(), 2);
}

// AC 83: what was not taken is sent again, once.
#[tokio::test]
async fn a_send_that_was_refused_for_now_is_repeated() {
    let check = async |times: u32, what: Value| {
        let world = World::new().await;
        let contact = ann(&world).await;
        world
            .faults(fault("green-api", "/sendMessage/", times, what.clone()))
            .await;
        let first = world.reply(&contact, "1").await;
        world.reply(&contact, "2").await;
        assert_eq!(world.got(ANN, 2).await, ["1", "2"], "{what}");
        world.told(&first, "read").await;
        world.settle().await;
        let calls = world.calls("/sendMessage/").await;
        assert_eq!(calls.len(), times as usize + 2, "{what}");
    };
    check(2, json!({ "status": 429 })).await;
    let body = json!({ "message": "instance in starting process try later" });
    check(1, json!({ "status": 400, "body": body })).await;
    // The token was corrected, or the flap is over.
    check(1, json!({ "status": 401 })).await;
    let body = json!({ "message": "instance is starting or not authorized" });
    check(1, json!({ "status": 400, "body": body })).await;
}

// AC 83: the number as a whole cannot send; what waits is held and fails with the reason.
#[tokio::test]
async fn a_number_that_is_out_of_quota_holds_its_messages_and_then_says_why() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let quota = json!({
        "invokeStatus": { "method": "sendMessage", "used": 3, "total": 3,
            "status": "QUOTE_EXCEEDED", "description": "Monthly quota has been exceeded" },
        "correspondentsStatus": { "used": 3, "total": 3, "description": "for 79001234567@c.us" },
    });
    let what = json!({ "status": 466, "body": quota });
    world
        .faults(fault("green-api", "/sendMessage/", 9, what))
        .await;
    let ids = [
        world.reply(&contact, "1").await,
        world.reply(&contact, "2").await,
    ];
    world.settle().await;
    let pause = world.number(I1).await.pause.unwrap();
    assert_eq!(pause.why, PauseReason::Quota);
    assert_eq!(world.in_crm(&ids[0]).await["status"], "pending");
    for id in &ids {
        let shown = world.told(id, "failed").await;
        let reason = shown["error"]["message"].as_str().unwrap();
        assert!(
            reason.contains("quota") || reason.contains("used up"),
            "{reason}"
        );
        assert!(!reason.contains("79001234567"), "{reason}");
    }
    assert_eq!(world.calls("/sendMessage/").await.len(), 1);
    // The customer is heard all the while.
    world.customer("79001234567", "hello?").await;
    world.shown("+79001234567", 4).await;
}

// AC 83: the provider took the message and its answer got lost.
#[tokio::test]
async fn a_send_that_was_taken_is_found_and_never_repeated() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let lost = json!({ "apply_then_drop": true });
    world
        .faults(fault("green-api", "/sendMessage/", 1, lost))
        .await;
    let id = world.reply(&contact, "once and once only").await;
    let next = world.reply(&contact, "and then this").await;
    world.told(&id, "read").await;
    world.told(&next, "read").await;
    world.settle().await;
    let got = world.got(ANN, 2).await;
    assert_eq!(got, ["once and once only", "and then this"]);
    assert_eq!(world.calls("/sendMessage/").await.len(), 2);
    // Nor is the echo a second message in the CRM.
    assert_eq!(world.shown("+79001234567", 3).await.1.len(), 3);
}

// AC 83: nobody can say whether the provider took it.
#[tokio::test]
async fn a_send_of_unknown_outcome_is_left_to_a_person_and_not_repeated() {
    let check = async |what: Value| {
        let world = World::new().await;
        let contact = ann(&world).await;
        world
            .faults(fault("green-api", "/sendMessage/", 1, what.clone()))
            .await;
        let id = world.reply(&contact, "perhaps").await;
        let next = world.reply(&contact, "certainly").await;
        let shown = world.told(&id, "failed").await;
        let reason = text(&shown["error"], "message");
        assert!(reason.contains("nobody knows"), "{what}: {reason}");
        world.told(&next, "read").await;
        assert_eq!(world.got(ANN, 1).await, ["certainly"], "{what}");
        assert_eq!(world.calls("/sendMessage/").await.len(), 2, "{what}");
    };
    check(json!({ "status": 500 })).await;
    check(json!({ "status": 502, "body": "<html>bad gateway</html>" })).await;
    check(json!({ "status": 503 })).await;
    check(json!({ "drop": true })).await;
}

// AC 83, 143: we stop waiting, the provider goes on and takes the message; its echo is all that tells
// the id.
#[tokio::test]
async fn a_send_that_is_taken_after_our_time_out_is_found_and_never_repeated() {
    let mut world = World::new().await;
    let contact = ann(&world).await;
    world.give_up_after(Duration::from_millis(400));
    world
        .faults(fault(
            "green-api",
            "/sendMessage/",
            1,
            json!({ "delay_ms": 900 }),
        ))
        .await;
    let id = world.reply(&contact, "late").await;
    let next = world.reply(&contact, "and then this").await;
    world.told(&id, "read").await;
    world.told(&next, "read").await;
    world.settle().await;
    assert_eq!(world.got(ANN, 2).await, ["late", "and then this"]);
    assert_eq!(world.calls("/sendMessage/").await.len(), 2);
    assert_eq!(world.shown("+79001234567", 3).await.1.len(), 3);
}

// AC 46: the same in the other direction.
#[tokio::test]
async fn a_post_that_is_taken_after_our_time_out_is_found_and_never_repeated() {
    let mut world = World::new().await;
    ann(&world).await;
    world.give_up_after(Duration::from_millis(400));
    let slow = json!({ "delay_ms": 900 });
    world
        .faults(fault("ghl", "/messages/inbound", 1, slow))
        .await;
    for text in ["late", "and then this"] {
        world.customer("79001234567", text).await;
    }
    world.shown("+79001234567", 3).await;
    world.settle().await;
    let (_, messages) = world.shown("+79001234567", 3).await;
    assert_eq!(texts(&messages), ["hi", "late", "and then this"]);
    assert_eq!(world.calls("/messages/inbound").await.len(), 3);
}

// AC 83: no echo comes, and the journals do not answer either, for a while.
#[tokio::test]
async fn a_send_that_was_taken_is_found_in_a_journal_that_failed_at_first() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let since_ms = world.number(I1).await.state_since_ms;
    let silent = json!({ "outgoingAPIMessageWebhook": "no", "outgoingWebhook": "no" });
    // Settings can be written once a second.
    Clock::system().sleep(Duration::from_millis(1_100)).await;
    world.set_settings(I1, silent).await;
    world
        .until("the number's restart", async || {
            let number = world.number(I1).await;
            (number.state.can_send() && number.state_since_ms > since_ms).then_some(())
        })
        .await;
    let of = |path: &str, times: u32, what: Value| fault("green-api", path, times, what)[0].clone();
    let faults = [
        of("/sendMessage/", 1, json!({ "apply_then_drop": true })),
        of("/showMessagesQueue/", 2, json!({ "status": 500 })),
        of("/lastOutgoingMessages/", 2, json!({ "status": 503 })),
    ];
    world.faults(json!(faults)).await;
    let id = world.reply(&contact, "once and once only").await;
    // No receipts come either, so that its part is settled is seen by what follows it.
    let next = world.reply(&contact, "and then this").await;
    world
        .until("the second message", async || {
            // Journals can be asked once a second, of the sandbox's time, which is not set forward.
            Clock::system().sleep(Duration::from_millis(60)).await;
            (world.phone(ANN).await.len() == 2).then_some(())
        })
        .await;
    assert_eq!(
        world.got(ANN, 2).await,
        ["once and once only", "and then this"]
    );
    world.settle().await;
    assert_eq!(world.calls("/sendMessage/").await.len(), 2);
    let calls = world.calls("/waInstance").await;
    let asked: Vec<_> = calls
        .iter()
        .map(|call| {
            let path = text(call, "path");
            let method = path.split('/').nth(2).unwrap_or_default().to_owned();
            (method, call["status"].clone())
        })
        .collect();
    let n_asked = |method: &str| asked.iter().filter(|(asked, _)| asked == method).count();
    assert!(n_asked("showMessagesQueue") > 2, "{asked:?}");
    assert!(n_asked("lastOutgoingMessages") > 2, "{asked:?}");
    for id in [id, next] {
        assert_ne!(world.in_crm(&id).await["status"], "failed");
    }
}

// AC 83: a wrong token is the number's trouble: what waits is held, and then fails with the reason.
#[tokio::test]
async fn a_number_with_a_bad_token_holds_its_messages_and_then_says_why() {
    let check = async |is_corrected: bool| {
        let world = World::new().await;
        let contact = ann(&world).await;
        let path = format!("/waInstance{I1}/");
        let refused = fault("green-api", &path, 99, json!({ "status": 401 }));
        world.faults(refused).await;
        let ids = [
            world.reply(&contact, "1").await,
            world.reply(&contact, "2").await,
        ];
        world.settle().await;
        let pause = world.number(I1).await.pause.unwrap();
        assert_eq!(pause.why, PauseReason::BadToken);
        assert_eq!(world.in_crm(&ids[0]).await["status"], "pending");
        assert_eq!(world.calls("/sendMessage/").await.len(), 1);
        if is_corrected {
            world.faults(json!([])).await;
            assert_eq!(world.got(ANN, 2).await, ["1", "2"]);
            world.told(&ids[1], "read").await;
            return;
        }
        for id in &ids {
            let shown = world.told(id, "failed").await;
            let reason = text(&shown["error"], "message");
            assert!(reason.contains("token"), "{reason}");
        }
        assert_eq!(world.calls("/sendMessage/").await.len(), 1);
        assert_eq!(world.phone(ANN).await.len(), 0);
    };
    check(true).await;
    check(false).await;
}

// AC 83
#[tokio::test]
async fn what_the_provider_refuses_for_good_fails_and_frees_the_lane() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let body = json!({ "message": "Validation failed. Details: 'chatId' is wrong" });
    let what = json!({ "status": 400, "body": body });
    world
        .faults(fault("green-api", "/sendMessage/", 1, what))
        .await;
    let id = world.reply(&contact, "1").await;
    let next = world.reply(&contact, "2").await;
    let shown = world.told(&id, "failed").await;
    assert!(
        text(&shown["error"], "message").contains("refuses"),
        "{shown}"
    );
    world.told(&next, "read").await;
    assert_eq!(world.got(ANN, 1).await, ["2"]);
}
