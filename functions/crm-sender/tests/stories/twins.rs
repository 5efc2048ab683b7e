//! A location that has the app as its default SMS provider, as an extra channel, or as both.

use std::time::Duration;

use greenhub::domain::sms::{Active, Providers};
use greenhub_sandbox::SandboxConfig;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{L1, World, text};

const ANN: &str = "79001234567@c.us";

/// The app's two.
pub(crate) fn providers() -> Providers {
    let app = SandboxConfig::default().ghl;
    Providers {
        extra: app.conversation_provider_id,
        default: Some(app.default_provider_id),
    }
}

/// What the location has from now on.
async fn has(world: &World, extra: bool, default: bool) {
    let body = json!({ "extra": extra, "default": default });
    let path = format!("ghl/{L1}/providers");
    world.control(Method::PUT, &path, body).await;
}

/// An agent writes in a location that has both; the ids of the two messages.
async fn reply_to_both(world: &World, contact: &str, body: Value) -> [String; 2] {
    let mut asked = json!({ "locationId": L1, "contactId": contact });
    for (name, value) in body.as_object().unwrap() {
        asked[name] = value.clone();
    }
    let sent = world.control(Method::POST, "ghl/reply", asked).await;
    assert_eq!(sent["status"], 200, "{sent}");
    ["messageId", "twinId"].map(|field| text(&sent, field))
}

// AC 80, 81
#[tokio::test]
async fn what_both_providers_bring_is_sent_once_and_both_are_told() {
    let world = World::new().await;
    has(&world, true, true).await;
    let contact = world.add_contact("+79001234567", "Ann", &[]).await;
    let ids = reply_to_both(&world, &contact, json!({ "message": "hello" })).await;
    for id in &ids {
        world.told(id, "read").await;
    }
    world.settle().await;
    assert_eq!(world.got(ANN, 1).await, ["hello"]);
    // The same again is another message, and again one.
    world.pass(Duration::from_secs(1));
    let again = reply_to_both(&world, &contact, json!({ "message": "hello" })).await;
    for id in &again {
        world.told(id, "read").await;
    }
    world.settle().await;
    assert_eq!(world.got(ANN, 2).await, ["hello", "hello"]);
}

// AC 75, 80
#[tokio::test]
async fn files_that_both_providers_bring_are_sent_once() {
    let world = World::new().await;
    has(&world, true, true).await;
    let contact = world.add_contact("+79001234567", "Ann", &[]).await;
    let files = ["a.png", "b.pdf"].map(|name| format!("{}/{name}", world.attachments));
    let body = json!({ "message": "m", "attachments": files });
    let ids = reply_to_both(&world, &contact, body).await;
    for id in &ids {
        world.told(id, "read").await;
    }
    world.settle().await;
    assert_eq!(world.phone(ANN).await.len(), 2);
    assert_eq!(world.calls("/sendFileByUrl/").await.len(), 2);
}

// AC 81
#[tokio::test]
async fn a_failure_is_told_of_both() {
    let world = World::new().await;
    has(&world, true, true).await;
    let path = format!("green-api/{}/no-account", crate::world::I1);
    world.control(Method::PUT, &path, json!([ANN])).await;
    let contact = world.add_contact("+79001234567", "Ann", &[]).await;
    let ids = reply_to_both(&world, &contact, json!({ "message": "hello" })).await;
    for id in &ids {
        let shown = world.told(id, "failed").await;
        let reason = shown["error"]["message"].as_str().unwrap();
        assert!(reason.contains("no WhatsApp account"), "{reason}");
    }
}

// AC 68, 78, 81: what a workflow's "Send SMS" and a bulk action go through.
#[tokio::test]
async fn the_default_provider_alone_sends_and_shows_what_comes_in() {
    let world = World::new().await;
    has(&world, false, true).await;
    // Nobody has told us yet: the first post is refused, and then goes to the right one.
    world.customer("79001234567", "hi").await;
    let (contact, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(messages[0]["messageType"], "TYPE_CUSTOM_SMS");
    let known = world.installed().await.sms.unwrap();
    assert_eq!((known.extra, known.default), (false, true));

    let before = world.calls("/conversations/messages/inbound").await.len();
    world.customer("79001234567", "again").await;
    world.shown("+79001234567", 2).await;
    let calls = world.calls("/conversations/messages/inbound").await;
    assert_eq!(calls.len(), before + 1, "one call for each message");
    let asked = world.calls("/conversationChannels/SMS").await.len();
    assert!(asked <= 2, "{asked}");

    let id = world.reply(&contact, "hello").await;
    assert_eq!(world.got(ANN, 1).await, ["hello"]);
    world.told(&id, "read").await;
    let delivered = world
        .control(Method::GET, "deliveries?provider=ghl", Value::Null)
        .await;
    let urls: Vec<_> = delivered.as_array().unwrap().iter().collect();
    let is_sms = |it: &&&Value| text(it, "url").ends_with("/webhooks/ghl/sms");
    assert_eq!(urls.iter().filter(is_sms).count(), 1);
}

#[tokio::test]
async fn an_extra_channel_that_was_switched_off_does_not_hold_messages_up() {
    let world = World::new().await;
    let known = Active {
        extra: true,
        default: false,
        asked_ms: world.clock.now_ms(),
    };
    world.customer("79001234567", "hi").await;
    let (_, messages) = world.shown("+79001234567", 1).await;
    assert_eq!(messages[0]["messageType"], "TYPE_CUSTOM_PROVIDER_SMS");
    has(&world, false, true).await;
    world.customer("79001234567", "2").await;
    let (_, messages) = world.shown("+79001234567", 2).await;
    assert_eq!(messages[1]["messageType"], "TYPE_CUSTOM_SMS");
    assert_ne!(world.installed().await.sms, Some(known));
    // And back.
    has(&world, true, false).await;
    world.customer("79001234567", "3").await;
    let (_, messages) = world.shown("+79001234567", 3).await;
    assert_eq!(messages[2]["messageType"], "TYPE_CUSTOM_PROVIDER_SMS");
}
