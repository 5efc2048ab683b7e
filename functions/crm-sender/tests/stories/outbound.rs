//! From the CRM to the customer's phone, and what the CRM is told about it.

use greenhub::pipeline::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{I1, I2, IX, L1, L2, World, text};

const ANN: &str = "79001234567@c.us";

/// Ann has written; her contact.
async fn ann(world: &World) -> String {
    world.customer("79001234567", "hi").await;
    world.shown("+79001234567", 1).await.0
}

async fn receipts_by_hand(world: &World) {
    let auto = json!({ "delivered": false, "read": false });
    world
        .control(Method::PUT, &format!("green-api/{I1}/auto"), auto)
        .await;
}

async fn receipt(world: &World, id: &Value, status: &str) {
    let path = format!("green-api/{I1}/messages/{}/status", id.as_str().unwrap());
    let body = json!({ "status": status });
    world.control(Method::PUT, &path, body).await;
}

/// The statuses that the CRM was told about a message, in order.
async fn told(world: &World, message: &str) -> Vec<String> {
    let calls = world.calls(&format!("/messages/{message}/status")).await;
    let taken = calls.iter().filter(|call| call["status"] == 200);
    taken.map(|call| text(&call["body"], "status")).collect()
}

// AC 68, 81
#[tokio::test]
async fn a_status_follows_what_whatsapp_says_and_never_goes_back() {
    let world = World::new().await;
    receipts_by_hand(&world).await;
    let contact = ann(&world).await;
    let id = world.reply(&contact, "hello").await;
    assert_eq!(world.got(ANN, 1).await, ["hello"]);
    world.settle().await;
    // Taken by the gateway and sent: not delivered yet.
    assert_eq!(world.in_crm(&id).await["status"], "pending");

    let on_phone = &world.phone(ANN).await[0]["idMessage"].clone();
    receipt(&world, on_phone, "delivered").await;
    world.told(&id, "delivered").await;
    receipt(&world, on_phone, "read").await;
    world.told(&id, "read").await;
    for late in ["delivered", "sent", "failed"] {
        let receipt = json!({ "chatId": ANN, "idMessage": on_phone, "status": late });
        world.notify("outgoingMessageStatus", receipt).await;
    }
    world.settle().await;
    assert_eq!(told(&world, &id).await, ["delivered", "read"]);
    let call = &world.calls("/sendMessage/").await[0];
    assert_eq!(call["body"]["chatId"], ANN);
    assert_eq!(call["body"]["message"], "hello");
    // Our own echo is not a second message of the conversation.
    assert_eq!(world.shown("+79001234567", 2).await.1.len(), 2);
}

// AC 81
#[tokio::test]
async fn a_person_without_whatsapp_fails_with_the_reason() {
    let world = World::new().await;
    world
        .control(
            Method::PUT,
            &format!("green-api/{I1}/no-account"),
            json!([ANN]),
        )
        .await;
    let contact = world.add_contact("+79001234567", "Ann", &[]).await;
    let id = world.reply(&contact, "hello").await;
    let shown = world.told(&id, "failed").await;
    let reason = shown["error"]["message"].as_str().unwrap();
    assert!(reason.contains("no WhatsApp account"), "{reason}");
}

// AC 81: receipts before the answer, twice and in the wrong order.
// AC 144
#[tokio::test]
async fn receipts_that_overtake_each_other_end_the_same() {
    let world = World::new().await;
    receipts_by_hand(&world).await;
    let contact = ann(&world).await;
    let id = world.reply(&contact, "hello").await;
    world.got(ANN, 1).await;
    let on_phone = &world.phone(ANN).await[0]["idMessage"].clone();
    for status in ["read", "delivered", "read", "sent"] {
        let receipt = json!({ "chatId": ANN, "idMessage": on_phone, "status": status });
        world.notify("outgoingMessageStatus", receipt).await;
    }
    world.told(&id, "read").await;
    world.settle().await;
    assert_eq!(told(&world, &id).await.last().unwrap(), "read");
    assert_eq!(world.in_crm(&id).await["status"], "read");
}

// AC 82
#[tokio::test]
async fn a_status_that_the_crm_does_not_take_is_told_again_and_is_no_failure() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let fault = |status: u16| {
        let message = "No conversation provider found for this message";
        let body = json!({ "statusCode": status, "message": message });
        json!({ "provider": "ghl", "path_contains": "/status", "times": 2, "status": status, "body": body })
    };
    let faults = [fault(500), fault(403), fault(429)];
    world.faults(json!(faults)).await;
    let id = world.reply(&contact, "hello").await;
    world.told(&id, "read").await;
    let calls = world.calls(&format!("/messages/{id}/status")).await;
    assert!(calls.len() > 6, "{}", calls.len());
    let is_failure = |call: &&Value| call["body"]["status"] == "failed";
    assert_eq!(calls.iter().filter(is_failure).count(), 0);
    assert_eq!(world.got(ANN, 1).await, ["hello"]);
}

// AC 75
#[tokio::test]
async fn each_attachment_is_a_message_and_the_text_goes_with_the_first() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let files = ["a.png", "b.pdf?t=1"].map(|name| format!("{}/{name}", world.attachments));
    let body = json!({ "message": "m", "attachments": files });
    let id = world.reply_with(&contact, body).await;
    world.got(ANN, 2).await;
    let calls = world.calls("/sendFileByUrl/").await;
    let sent: Vec<_> = calls
        .iter()
        .map(|call| {
            let body = &call["body"];
            let caption = body["caption"].as_str().unwrap_or_default();
            (text(body, "fileName"), caption)
        })
        .collect();
    let expect = [("a.png".to_owned(), "m"), ("b.pdf".to_owned(), "")];
    assert_eq!(sent, expect);
    // From where the gateway has them, and not from the agent's address.
    assert_eq!(world.calls("/uploadFile/").await.len(), 2);
    for call in &calls {
        let url = text(&call["body"], "urlFile");
        assert!(!url.starts_with(&world.attachments), "{url}");
    }
    // One message in the CRM, as far as its slowest part.
    world.told(&id, "read").await;
}

// AC 78
#[tokio::test]
async fn a_bots_message_without_a_user_is_sent() {
    let world = World::new().await;
    let contact = ann(&world).await;
    let body = json!({ "message": "a bot's answer", "userId": "" });
    world.reply_with(&contact, body).await;
    assert_eq!(world.got(ANN, 1).await, ["a bot's answer"]);
}

// AC 73
#[tokio::test]
async fn a_number_that_is_not_linked_fails_at_once_if_nothing_is_held() {
    let settings = Settings {
        hold_ms: 0,
        ..Settings::default()
    };
    let world = World::with(settings, &[(I1, L1)]).await;
    let contact = ann(&world).await;
    set_state(&world, "notAuthorized").await;
    let id = world.reply(&contact, "hello").await;
    let shown = world.told(&id, "failed").await;
    let reason = shown["error"]["message"].as_str().unwrap();
    assert!(reason.contains("not connected"), "{reason}");
    world.settle().await;
    assert_eq!(world.calls("/sendMessage/").await.len(), 0);
}

async fn set_state(world: &World, state: &str) {
    let body = json!({ "stateInstance": state });
    world
        .control(Method::PUT, &format!("green-api/{I1}/state"), body)
        .await;
    world
        .until("the state", async || {
            let number = world.number(I1).await;
            (number.state.as_str() == state).then_some(())
        })
        .await;
}

// AC 62: what was held goes out when the number is back.
#[tokio::test]
async fn what_waits_for_a_number_is_sent_once_it_is_linked_again() {
    let world = World::new().await;
    let contact = ann(&world).await;
    set_state(&world, "notAuthorized").await;
    let first = world.reply(&contact, "1").await;
    world.reply(&contact, "2").await;
    world.settle().await;
    assert_eq!(world.calls("/sendMessage/").await.len(), 0);
    assert_eq!(world.in_crm(&first).await["status"], "pending");
    set_state(&world, "authorized").await;
    assert_eq!(world.got(ANN, 2).await, ["1", "2"]);
}

// AC 68, 69, 70, 71
#[tokio::test]
async fn the_tag_names_the_number_and_never_another_workspaces() {
    let numbers = [(I1, L1), (I2, L1), (IX, L2)];
    let world = World::with(Settings::default(), &numbers).await;
    let tag = |id: &str| format!("whatsapp-instance-{id}");
    let cases = [
        ("+79001234501", vec![], I1),
        ("+79001234502", vec![tag(&I1.to_string())], I1),
        (
            "+79001234503",
            vec!["vip".to_owned(), tag(&I2.to_string())],
            I2,
        ),
        ("+79001234504", vec![tag(&IX.to_string())], I1),
        ("+79001234505", vec![tag("abc")], I1),
        ("+79001234506", vec![tag("1101000077")], I1),
        ("+79001234507", vec![tag("-1"), tag(&I2.to_string())], I2),
        ("+79001234508", vec![tag("99999999999999999999")], I1),
    ];
    for (phone, tags, _) in &cases {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let contact = world.add_contact(phone, "Somebody", &tags).await;
        world.reply(&contact, phone).await;
    }
    let calls = world
        .until("all sends", async || {
            let calls = world.calls("/sendMessage/").await;
            (calls.len() >= cases.len()).then_some(calls)
        })
        .await;
    assert_eq!(calls.len(), cases.len());
    for (phone, tags, expect) in &cases {
        let call = calls.iter().find(|call| call["body"]["message"] == *phone);
        let path = text(call.unwrap(), "path");
        assert!(
            path.contains(&format!("/waInstance{expect}/")),
            "{tags:?} {phone}"
        );
    }
}

// AC 72
#[tokio::test]
async fn without_a_number_the_agent_is_told_why() {
    let world = World::with(Settings::default(), &[]).await;
    world.install(L1).await;
    let contact = world.add_contact("+79001234567", "Ann", &[]).await;
    let id = world.reply(&contact, "hello").await;
    let shown = world.told(&id, "failed").await;
    let reason = shown["error"]["message"].as_str().unwrap();
    assert!(reason.contains("no WhatsApp number"), "{reason}");
}

// AC 12
#[tokio::test]
async fn nothing_is_sent_for_a_location_that_removed_the_app() {
    let world = World::new().await;
    let contact = ann(&world).await;
    set_state(&world, "notAuthorized").await;
    world.reply(&contact, "too late").await;
    world.settle().await;
    let event =
        json!({ "type": "UNINSTALL", "locationId": L1, "companyId": "Co9sandboxAgency0001" });
    let sent = world.control(Method::POST, "ghl/event", event).await;
    assert_eq!(sent["status"], 200);
    set_state(&world, "authorized").await;
    world
        .until("the end of what waited", async || {
            let is_over = world.queue.next_visible_ms().is_none();
            is_over.then_some(())
        })
        .await;
    assert_eq!(world.calls("/sendMessage/").await.len(), 0);
}
