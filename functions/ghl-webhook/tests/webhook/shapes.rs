//! Both of the app's providers in one location: what each one is handed, and what both are.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use greenhub::clock::Clock;
use greenhub::domain::delivery::Lane;
use greenhub::domain::message::Message;
use greenhub::domain::status::Status;
use greenhub::pipeline::settle::{self, Change};
use greenhub::store::chats::{ChatRow, IdRow};
use greenhub::store::memory::{Call, Fate};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use crate::Instead;
use crate::support::{DEFAULT, PROVIDER, World, delivery, hub, ids};

const NOW: i64 = 1_763_800_000_000;

/// As the extra channel gets it.
fn extra(id: &str, change: Value) -> Value {
    let mut body = delivery(id, change);
    body["conversationProviderId"] = PROVIDER.into();
    body["conversationId"] = "V1".into();
    body["customUserId"] = "X1".into();
    body
}

/// A world whose time goes by as it is told.
async fn world() -> World {
    let stored = World::new(&[(1, 1)]).await.db;
    World::over(stored, Clock::paused(NOW))
}

async fn deliver(world: &World, body: &Value) -> StatusCode {
    match body["conversationProviderId"].as_str() {
        Some(PROVIDER) => world.deliver(body).await,
        _ => world.deliver_as_sms(body).await,
    }
}

async fn taken(world: &World) -> Vec<Message> {
    world.taken().await.into_iter().map(|it| it.2).collect()
}

/// The CRM's ids of a message.
fn crm_ids(message: &Message) -> Vec<&str> {
    let shown = message.crm_messages();
    shown.map(|crm| crm.message_id.as_str()).collect()
}

// AC 67, 77
#[tokio::test]
async fn each_shape_is_taken_at_either_address_and_another_apps_at_none() {
    let check = async |at_default: bool, body: Value, expect: usize| {
        let world = World::new(&[(1, 1)]).await;
        let status = match at_default {
            true => world.deliver_as_sms(&body).await,
            false => world.deliver(&body).await,
        };
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(world.taken().await.len(), expect, "{at_default} {body}");
    };
    for at_default in [false, true] {
        check(at_default, delivery("M1", json!({})), 1).await;
        check(at_default, extra("M1", json!({})), 1).await;
        check(at_default, extra("M1", json!({ "type": "Custom" })), 1).await;
        let named = json!({ "conversationProviderId": DEFAULT });
        check(at_default, delivery("M1", named), 1).await;
        let another = json!({ "conversationProviderId": "another" });
        check(at_default, delivery("M1", another), 0).await;
        check(at_default, delivery("M1", json!({ "type": "Email" })), 0).await;
    }
}

// AC 66
#[tokio::test]
async fn the_default_providers_address_takes_signed_bodies_only() {
    let world = World::new(&[(1, 1)]).await;
    let body = delivery("M1", json!({})).to_string().into_bytes();
    let other = world.sign(b"{}");
    for signature in [None, Some(""), Some(other.as_str())] {
        let status = world.post_to("/webhooks/ghl/sms", signature, &body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{signature:?}");
    }
    assert!(world.taken().await.is_empty());
    let good = world.sign(&body);
    let status = world.post_to("/webhooks/ghl/sms", Some(&good), &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
}

// AC 80
#[tokio::test(start_paused = true)]
async fn what_both_providers_bring_is_one_message_with_two_ids() {
    let files = json!({ "message": "m", "attachments": ["https://f.example/a.png"] });
    for change in [json!({}), files, json!({ "message": " hi\n" })] {
        for first_is_extra in [true, false] {
            let world = world().await;
            let mut bodies = [extra("E1", change.clone()), delivery("D1", json!({}))];
            if change.get("attachments").is_some() {
                bodies[1] = delivery("D1", change.clone());
            }
            if !first_is_extra {
                bodies.reverse();
            }
            for body in &bodies {
                assert_eq!(deliver(&world, body).await, StatusCode::OK);
                world.clock.sleep(Duration::from_secs(9)).await;
            }
            // And each once more, however late.
            world.clock.sleep(Duration::from_secs(3_600)).await;
            for body in &bodies {
                assert_eq!(deliver(&world, body).await, StatusCode::OK);
            }
            let messages = taken(&world).await;
            let expect: Vec<_> = bodies.iter().map(|it| it["messageId"].as_str()).collect();
            assert_eq!(messages.len(), 1, "{change} {first_is_extra}");
            let shown: Vec<_> = crm_ids(&messages[0]).into_iter().map(Some).collect();
            assert_eq!(shown, expect, "{change} {first_is_extra}");
            // Both ids are claimed: the journal's comparison knows them.
            for id in ["E1", "D1"] {
                let key = keys::ghl_id(&ids(1).1, id);
                let id: IdRow = row::load(&world.db, &key).await.unwrap().unwrap();
                assert_eq!(id.claimed.unwrap().seq, 1);
                assert_eq!(id.expires_at, None);
            }
        }
    }
}

// AC 80
#[tokio::test]
async fn both_providers_at_one_moment_are_one_message() {
    for _ in 0..20 {
        let world = World::new(&[(1, 1)]).await;
        let (e, d) = (extra("E1", json!({})), delivery("D1", json!({})));
        let (first, second, third, fourth) = tokio::join!(
            world.deliver(&e),
            world.deliver_as_sms(&d),
            world.deliver(&e),
            world.deliver_as_sms(&d),
        );
        for status in [first, second, third, fourth] {
            assert_eq!(status, StatusCode::OK);
        }
        let messages = taken(&world).await;
        assert_eq!(messages.len(), 1);
        assert_eq!(crm_ids(&messages[0]).len(), 2);
    }
}

// AC 80
#[tokio::test(start_paused = true)]
async fn what_was_not_taken_at_first_is_still_one_message() {
    // The first attempt of one fails, is lost before or after it is written, and comes again, before
    // the other and after it, ten minutes later.
    let fates: [fn(&Call) -> Fate; 2] = [
        |call| match call {
            Call::Write(_) => Fate::Fail,
            _ => Fate::Go,
        },
        |call| match call {
            Call::Write(_) => Fate::Crash,
            _ => Fate::Go,
        },
    ];
    for fate in fates {
        for failing_first in [true, false] {
            let stored = World::new(&[(1, 1)]).await.db;
            let time = json!({ "timestamp": "2025-11-22T08:26:40.000Z" });
            let (e, d) = (extra("E1", time), delivery("D1", json!({})));
            let broken = World::over(stored.hooked(Arc::new(Instead(fate))), Clock::paused(NOW));
            let good = World::over(stored.clone(), Clock::paused(NOW));
            if failing_first {
                assert_eq!(broken.deliver(&e).await, StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(good.deliver_as_sms(&d).await, StatusCode::OK);
            } else {
                assert_eq!(good.deliver_as_sms(&d).await, StatusCode::OK);
                assert_eq!(broken.deliver(&e).await, StatusCode::TOO_MANY_REQUESTS);
            }
            let later = World::over(stored.clone(), Clock::paused(NOW + 600_000));
            assert_eq!(later.deliver(&e).await, StatusCode::OK);
            let messages = taken(&later).await;
            assert_eq!(messages.len(), 1, "{failing_first}");
            assert_eq!(crm_ids(&messages[0]), ["D1", "E1"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_twice_is_sent_twice() {
    let check = async |bodies: &[(u64, Value)], expect: usize| {
        let world = world().await;
        for (after_s, body) in bodies {
            world.clock.sleep(Duration::from_secs(*after_s)).await;
            assert_eq!(deliver(&world, body).await, StatusCode::OK);
        }
        assert_eq!(world.taken().await.len(), expect, "{bodies:?}");
    };
    let d = |id: &str| delivery(id, json!({}));
    let e = |id: &str| extra(id, json!({}));
    // An agent may say "ok" twice.
    check(&[(0, d("D1")), (0, d("D2"))], 2).await;
    check(&[(0, e("E1")), (1, e("E2"))], 2).await;
    check(&[(0, e("E1")), (11, d("D1"))], 2).await;
    // Two by both.
    check(&[(0, d("D1")), (0, d("D2")), (1, e("E1")), (1, e("E2"))], 2).await;
    check(&[(0, d("D1")), (0, e("E1")), (1, e("E2")), (1, d("D2"))], 2).await;
    check(&[(0, d("D1")), (0, e("E1")), (1, e("E2"))], 2).await;
    // Another text, file, contact or location.
    let other = |change: Value| extra("E1", change);
    check(&[(0, d("D1")), (0, other(json!({ "message": "ho" })))], 2).await;
    let file = json!({ "attachments": ["https://f.example/a.png"] });
    check(&[(0, d("D1")), (0, other(file))], 2).await;
    let contact = json!({ "contactId": "C2" });
    check(&[(0, d("D1")), (0, other(contact))], 2).await;
    let location = json!({ "locationId": "L2" });
    check(&[(0, d("D1")), (0, other(location))], 2).await;
}

// AC 72, 81
#[tokio::test(start_paused = true)]
async fn a_twin_that_comes_late_is_told_what_became_of_the_first() {
    let world = world().await;
    assert_eq!(
        deliver(&world, &delivery("D1", json!({}))).await,
        StatusCode::OK
    );
    let first = taken(&world).await.remove(0);
    let hub = hub(&world.db, &world.queue, &world.clock);
    let changed = settle::change_message(&hub, &first.chat, first.seq, |message| {
        message.status = Status::Failed;
        for crm in message.crm_messages_mut() {
            crm.told = Some(greenhub::domain::message::CrmStatus::Failed);
        }
        Change::Write
    });
    assert_eq!(changed.await.unwrap().unwrap().untold(), None);
    assert_eq!(
        deliver(&world, &extra("E1", json!({}))).await,
        StatusCode::OK
    );
    let message = taken(&world).await.remove(0);
    let (untold, _) = message.untold().unwrap();
    assert_eq!(untold.message_id, "E1");
    let chat: ChatRow = row::load(&world.db, &keys::chat(&first.chat))
        .await
        .unwrap()
        .unwrap();
    assert!(chat.due(Lane::CrmStatus).is_some());
    assert!(chat.untold.contains(&first.seq));
}
