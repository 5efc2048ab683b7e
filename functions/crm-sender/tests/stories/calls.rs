//! What is shown of calls.

use std::time::Duration;

use greenhub::domain::event::CallMode;
use serde_json::json;

use crate::world::{I1, World, texts};

const CALLER: &str = "79001234567";

/// The number's calls are shown once.
async fn outcome_only() -> World {
    let world = World::new().await;
    world
        .prefer(I1, |prefs| prefs.calls = CallMode::OutcomeOnly)
        .await;
    world
}

/// WhatsApp tells of these events of one call, one after the other.
async fn call(world: &World, id: &str, events: &[&str]) {
    for status in events {
        let call = json!({
            "from": format!("{CALLER}@c.us"), "idMessage": id, "status": status,
        });
        world.notify("incomingCall", call).await;
        world.settle().await;
    }
}

async fn shown(world: &World) -> Vec<String> {
    world.settle().await;
    let Some(contact) = world.contacts(&format!("+{CALLER}")).await.pop() else {
        return Vec::new();
    };
    let contact = contact["contactId"].as_str().unwrap().to_owned();
    let conversations = world.conversations(&contact).await;
    texts(conversations[0]["messages"].as_array().unwrap())
}

// AC 61
#[tokio::test]
async fn every_step_of_a_call_has_words_of_its_own() {
    let world = World::new().await;
    let steps = [
        "offer",
        "pickUp",
        "hangUp",
        "missed",
        "declined",
        "teleported",
    ];
    for (n, status) in steps.iter().enumerate() {
        let call = json!({
            "from": "79001234567@c.us", "idMessage": format!("CALL{n}"), "status": status,
        });
        world.notify("incomingCall", call).await;
    }
    let (_, messages) = world.shown("+79001234567", steps.len()).await;
    let mut shown = texts(&messages);
    assert!(
        shown.iter().all(|text| text.contains("79001234567")),
        "{shown:?}"
    );
    assert!(shown[5].contains("teleported"), "{shown:?}");
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), steps.len());
}

// AC 61
#[tokio::test]
async fn each_event_of_one_call_is_shown_and_each_of_them_once() {
    let world = World::new().await;
    call(
        &world,
        "C1",
        &["offer", "offer", "pickUp", "hangUp", "pickUp", "hungUp"],
    )
    .await;
    assert_eq!(
        shown(&world).await,
        [
            "📞 Incoming call from 79001234567",
            "📞 Call answered from 79001234567",
            "📞 Call ended by recipient - 79001234567 (hung up or do not disturb)",
        ]
    );
}

// AC 61
#[tokio::test]
async fn a_call_can_be_one_message() {
    let check = async |events: &[&str], expect: &str| {
        let world = outcome_only().await;
        call(&world, "C1", events).await;
        assert_eq!(shown(&world).await, [expect], "{events:?}");
        // The ring that waited is forgotten, and not shown later.
        world.later(Duration::from_secs(200));
        assert_eq!(shown(&world).await, [expect], "{events:?}");
    };
    let missed = "📞 Missed call from 79001234567 (caller ended call)";
    let answered = "📞 Call answered from 79001234567";
    check(&["offer", "missed", "missed"], missed).await;
    check(&["offer", "pickUp", "hangUp"], answered).await;
    check(&["missed", "offer"], missed).await;
}

// AC 61
#[tokio::test]
async fn a_call_whose_outcome_nobody_tells_is_shown_as_ringing_and_holds_nothing_up() {
    let world = outcome_only().await;
    call(&world, "C1", &["offer"]).await;
    assert_eq!(shown(&world).await, Vec::<String>::new());
    world.customer(CALLER, "I tried to call").await;
    world.shown(&format!("+{CALLER}"), 1).await;
    assert_eq!(shown(&world).await, ["I tried to call"]);

    let expect = ["I tried to call", "📞 Incoming call from 79001234567"];
    let (_, messages) = world.shown(&format!("+{CALLER}"), 2).await;
    assert_eq!(texts(&messages), expect);
    // Too late to be a second message.
    call(&world, "C1", &["missed"]).await;
    assert_eq!(shown(&world).await, expect);
    // The next call is another one.
    call(&world, "C2", &["offer", "declined"]).await;
    assert_eq!(shown(&world).await.len(), 3);
}
