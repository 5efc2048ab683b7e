//! The webhook in-process, on tables and queues in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as tests do"
)]

mod actions;
mod common_token;
mod hostile;
mod shapes;
mod support;

use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use greenhub::clock::Clock;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::LocationId;
use greenhub::domain::status::Status;
use greenhub::pipeline::accept::{self, Home};
use greenhub::store::db::{Db as _, Table};
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::memory::{Call, Fate, Hook as DbHook};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use support::{APP, PROVIDER, World, delivery, hub, ids, number};

// AC 66
#[tokio::test]
async fn only_signed_bodies_are_taken() {
    let world = World::new(&[(1, 1)]).await;
    let before = world.db.rows(Table::Chats);
    let body = delivery("M1", json!({})).to_string().into_bytes();
    let good = world.sign(&body);
    let stranger = BASE64.encode(Ed25519KeyPair::generate().unwrap().sign(&body));
    let wrong = [
        None,
        Some(""),
        Some("N/A"),
        Some("n/a"),
        Some("null"),
        Some("%%%"),
        Some(&good[..20]),
        Some(stranger.as_str()),
    ];
    for signature in wrong {
        let status = world.post(signature, &body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{signature:?}");
    }
    let mut changed = body.clone();
    changed.push(b' ');
    for body in [
        changed.as_slice(),
        b"",
        b"{}",
        b"\xff",
        &vec![b'x'; 5 << 20],
    ] {
        let status = world.post(Some(&good), body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.db.rows(Table::Chats), before);
    assert_eq!(world.queue.n_sent(), 0);

    assert_eq!(world.post(Some(&good), &body).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
}

// AC 67, 68, 74, 78
#[tokio::test]
async fn deliveries_of_every_shape_are_taken_and_go_to_the_contact() {
    let check = async |change: Value, expect_address: &str, expect: Content| {
        let world = World::new(&[(1, 1)]).await;
        let body = delivery("M1", change);
        assert_eq!(world.deliver(&body).await, StatusCode::OK, "{body}");
        let [(number, address, message)] = &world.taken().await[..] else {
            panic!("not taken: {body}")
        };
        assert_eq!(
            (number.as_str(), address.as_str()),
            ("n1", expect_address),
            "{body}"
        );
        assert_eq!(message.content, expect, "{body}");
        assert_eq!(message.status, Status::Queued, "{body}");
        let woken: Vec<_> = world.queue.waiting().into_iter().collect();
        assert_eq!(woken.len(), 1, "{body}");
        assert_eq!(woken[0].wake_up.lane(), Lane::Whatsapp, "{body}");
    };
    let text = |text: &str| Content::Text { text: text.into() };
    let person = "79001234567@c.us";
    check(json!({}), person, text("hi")).await;
    let extra = json!({
        "conversationId": "V1", "conversationProviderId": PROVIDER, "customUserId": null,
        "webhookId": "x", "timestamp": "2026-01-01T00:00:00Z", "brand": {"new": [1]},
    });
    check(extra, person, text("hi")).await;
    check(
        json!({ "type": "Custom", "userId": "" }),
        person,
        text("hi"),
    )
    .await;
    check(
        json!({ "type": null, "attachments": null }),
        person,
        text("hi"),
    )
    .await;
    // A bot's message has no user.
    check(
        json!({ "userId": null, "message": "a bot's" }),
        person,
        text("a bot's"),
    )
    .await;
    check(
        json!({ "message": "  two\n\nlines \u{c}" }),
        person,
        text("two\n\nlines"),
    )
    .await;
    check(
        json!({ "phone": "+1 (586) 460-3685" }),
        "15864603685@c.us",
        text("hi"),
    )
    .await;
    check(
        json!({ "phone": "(586) 460-3685" }),
        "15864603685@c.us",
        text("hi"),
    )
    .await;
    check(
        json!({ "phone": "+120363418570879210" }),
        "120363418570879210@g.us",
        text("hi"),
    )
    .await;
    let group = "79001234567-1581234567";
    check(
        json!({ "phone": group }),
        &format!("{group}@g.us"),
        text("hi"),
    )
    .await;
}

#[tokio::test]
async fn an_answer_to_a_message_quotes_it() {
    let world = World::new(&[(1, 1)]).await;
    let body = delivery("M1", json!({ "replyToAltId": "3EB0ABC" }));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    let (_, _, message) = world.taken().await.remove(0);
    let quoted = message.quoted.and_then(|quoted| quoted.remote_id);
    assert_eq!(quoted.as_deref(), Some("3EB0ABC"));
}

// AC 76, 77
#[tokio::test]
async fn what_is_not_for_us_is_answered_200_and_left() {
    let world = World::new(&[(1, 1)]).await;
    let before = world.db.rows(Table::Chats);
    let check = async |body: Value| {
        assert_eq!(world.deliver(&body).await, StatusCode::OK, "{body}");
        assert_eq!(world.db.rows(Table::Chats), before, "{body}");
        assert_eq!(world.queue.n_sent(), 0, "{body}");
    };
    check(delivery("M1", json!({ "message": "" }))).await;
    check(delivery(
        "M1",
        json!({ "message": " \n\u{c}", "attachments": null }),
    ))
    .await;
    check(delivery("M1", json!({ "type": "Email" }))).await;
    check(delivery("M1", json!({ "type": "WhatsApp" }))).await;
    check(delivery(
        "M1",
        json!({ "conversationProviderId": "another" }),
    ))
    .await;
    check(delivery("M1", json!({ "contactId": "" }))).await;
    check(delivery("M1", json!({ "contactId": "../C1" }))).await;
    check(delivery("M1", json!({ "locationId": "L9" }))).await;
    check(delivery("M1", json!({ "locationId": "L1#INSTALL" }))).await;
    check(delivery("", json!({}))).await;
    check(json!({ "type": "BrandNew", "locationId": "L1" })).await;
    check(json!({ "type": "InboundMessage", "locationId": "L1", "body": "ours" })).await;
    check(json!({})).await;
    check(json!([])).await;
    check(json!(null)).await;
    check(json!("N/A")).await;
    for body in [&b""[..], b"{", b"\xff\xfe", b"<html>", &[b'['; 100_000]] {
        let status = world.post(Some(&world.sign(body)), body).await;
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(world.db.rows(Table::Chats), before);
}

// AC 80
#[tokio::test]
async fn the_same_delivery_twice_is_one_message() {
    let world = World::new(&[(1, 1)]).await;
    let body = delivery("M1", json!({}));
    let (first, second) = tokio::join!(world.deliver(&body), world.deliver(&body));
    assert_eq!((first, second), (StatusCode::OK, StatusCode::OK));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
    // Message ids are GoHighLevel's own in each location.
    let other = delivery("M1", json!({ "locationId": "L2" }));
    assert_eq!(world.deliver(&other).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 2);
}

#[tokio::test]
async fn a_location_without_tokens_keeps_its_messages_and_an_uninstalled_one_does_not() {
    let check = async |state: InstallState, expect: usize| {
        let world = World::new(&[(1, 1)]).await;
        let key = keys::install(&LocationId::new("L1"));
        row::change::<InstallRow>(&world.db, &key, |install| {
            install.state = state;
            true
        })
        .await
        .unwrap();
        let body = delivery("M1", json!({}));
        assert_eq!(world.deliver(&body).await, StatusCode::OK);
        assert_eq!(world.taken().await.len(), expect, "{state:?}");
    };
    check(InstallState::Active, 1).await;
    check(InstallState::Suspended, 1).await;
    check(InstallState::NeedsReauthorization, 1).await;
    check(InstallState::Uninstalled, 0).await;
}

// AC 72
#[tokio::test]
async fn what_no_number_can_send_fails_with_a_reason_and_stays_in_its_workspace() {
    let world = World::new(&[]).await;
    for location in ["L1", "L2"] {
        let body = delivery("M1", json!({ "locationId": location }));
        assert_eq!(world.deliver(&body).await, StatusCode::OK);
    }
    let taken = world.taken().await;
    assert_eq!(taken.len(), 2);
    for (_, _, message) in &taken {
        assert_eq!(message.status, Status::Failed);
        let reason = message.status_reason.as_deref().unwrap_or_default();
        assert!(reason.contains("no WhatsApp number"), "{reason}");
        assert!(message.deliveries.is_empty());
    }
    // The same contact's id in two locations is two chats of two workspaces.
    let (first, second) = (&taken[0].2, &taken[1].2);
    assert_ne!(first.chat, second.chat);
    assert_ne!(first.workspace, second.workspace);
    let woken: Vec<_> = world.queue.waiting().into_iter().collect();
    assert!(woken.iter().all(|w| w.wake_up.lane() == Lane::CrmStatus));
    assert_eq!(woken.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_fails_with_its_reason() {
    let check = async |change: Value, expect: &str| {
        let world = World::new(&[(1, 1)]).await;
        let body = delivery("M1", change);
        assert_eq!(world.deliver(&body).await, StatusCode::OK);
        let (_, _, message) = world.taken().await.remove(0);
        assert_eq!(message.status, Status::Failed, "{expect}");
        let reason = message.status_reason.unwrap_or_default();
        assert!(reason.contains(expect), "{reason}");
    };
    check(json!({ "phone": "" }), "no phone number").await;
    check(json!({ "phone": "n/a" }), "no phone number").await;
    check(json!({ "phone": "+120650379300963" }), "no phone number").await;
    check(json!({ "message": "ы".repeat(2 << 20) }), "longer than").await;
}

// AC 69
#[tokio::test]
async fn the_number_is_the_one_that_the_contact_wrote_to_last_else_the_oldest() {
    let world = World::new(&[(2, 1), (1, 1), (9, 2)]).await;
    let body = delivery("M1", json!({}));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    assert_eq!(
        world.taken().await[0].0,
        "n1",
        "the oldest of the workspace"
    );

    let world = World::new(&[(2, 1), (1, 1), (9, 2)]).await;
    // The same person writes to the second number, and to another workspace's.
    for (instance, n) in [(2, 1), (9, 2)] {
        let (workspace, location) = ids(n);
        let home = Home::from(&number(instance, &workspace, &location));
        let hub = hub(&world.db, &world.queue, &world.clock);
        accept::whatsapp_message(&hub, &home, customers_text())
            .await
            .unwrap();
    }
    let body = delivery("M1", json!({}));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    let taken = world.taken().await;
    let sent = taken.iter().find(|(_, _, message)| message.crm.is_some());
    assert_eq!(sent.unwrap().0, "n2");
}

fn customers_text() -> greenhub::domain::event::NewMessage {
    use greenhub::green_api::{map, wire};
    let body = json!({
        "typeWebhook": "incomingMessageReceived", "idMessage": "X1", "timestamp": 1,
        "senderData": { "chatId": "79001234567@c.us", "sender": "79001234567@c.us" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" } },
    });
    let notification = wire::envelope(body.to_string().as_bytes()).unwrap();
    match map::event(&notification) {
        greenhub::domain::event::Event::Message(new) => *new,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tenant_that_was_read_a_moment_ago_is_read_again_only_where_it_matters() {
    let world = World::new(&[(1, 1)]).await;
    let check = async |id: &str, change: Value, expect_reads: u64, expect_number: &str| {
        let n_reads = || world.db.counts().reads.get(&Table::Directory).copied();
        let before = n_reads();
        assert_eq!(world.deliver(&delivery(id, change)).await, StatusCode::OK);
        let reads = n_reads().unwrap_or_default() - before.unwrap_or_default();
        assert_eq!(reads, expect_reads, "{id}");
        let taken = world.taken().await;
        let sent = taken
            .iter()
            .find(|(_, _, message)| message.crm.as_ref().is_some_and(|crm| crm.message_id == id));
        assert_eq!(sent.unwrap().0, expect_number, "{id}");
    };
    check("M1", json!({}), 3, "n1").await;
    check("M2", json!({}), 0, "n1").await;
    // Whoever has no conversation may be meant for a number that came a moment ago.
    let (workspace, location) = ids(1);
    let mut older = number(0, &workspace, &location);
    let key = keys::number(&workspace, &older.number);
    let added = vec![row::save(key, &mut older).unwrap()];
    world.db.write(added).await.unwrap();
    let other = json!({ "contactId": "C2", "phone": "+79007654321" });
    check("M3", other, 3, "n0").await;
    check("M4", json!({}), 0, "n1").await;
}

// AC 12
#[tokio::test]
async fn an_app_that_is_installed_again_takes_messages_at_once() {
    let world = World::new(&[(1, 1)]).await;
    let install = async |state: InstallState| {
        let key = keys::install(&LocationId::new("L1"));
        let changed = row::change::<InstallRow>(&world.db, &key, |install| {
            install.state = state;
            true
        });
        changed.await.unwrap();
    };
    let check = async |id: &str, expect: usize| {
        let body = delivery(id, json!({}));
        assert_eq!(world.deliver(&body).await, StatusCode::OK);
        assert_eq!(world.taken().await.len(), expect, "{id}");
    };
    install(InstallState::Uninstalled).await;
    check("M1", 0).await;
    install(InstallState::Active).await;
    check("M2", 1).await;
}

/// Does something else than reading and writing.
struct Instead(fn(&Call) -> Fate);

impl DbHook for Instead {
    fn before(&self, call: &Call) -> Fate {
        (self.0)(call)
    }

    fn after(&self, _: &Call) -> Fate {
        Fate::Go
    }
}

#[tokio::test(start_paused = true)]
async fn every_failure_of_ours_is_429_so_that_the_delivery_comes_again() {
    let stored = World::new(&[(1, 1)]).await.db;
    let check = async |fate: fn(&Call) -> Fate| {
        let db = stored.hooked(Arc::new(Instead(fate)));
        let world = World::over(db, Clock::paused(1_763_800_000_000));
        let body = delivery("M1", json!({}));
        assert_eq!(world.deliver(&body).await, StatusCode::TOO_MANY_REQUESTS);
    };
    check(|_| Fate::Fail).await;
    check(|call| match call {
        Call::Write(_) => Fate::Fail,
        _ => Fate::Go,
    })
    .await;
    // Never answers.
    check(|call| match call {
        Call::Write(_) => Fate::Crash,
        _ => Fate::Go,
    })
    .await;
    check(|_| panic!("a bug")).await;
    // And when all is well again, the same delivery is taken.
    let world = World::over(stored, Clock::paused(1_763_800_000_000));
    let body = delivery("M1", json!({}));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
}

// AC 12
#[tokio::test]
async fn an_uninstalled_app_takes_nothing_more_from_its_location() {
    let world = World::new(&[(1, 1)]).await;
    let event = |app: &str| {
        json!({
            "type": "UNINSTALL", "appId": app, "locationId": "L1", "companyId": "Co1",
            "timestamp": "2026-11-01T00:00:00.000Z", "webhookId": "1",
        })
    };
    // Another app's event is signed with the same key.
    assert_eq!(world.deliver(&event("another")).await, StatusCode::OK);
    let body = delivery("M1", json!({}));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
    assert_eq!(world.deliver(&event(APP)).await, StatusCode::OK);
    let body = delivery("M2", json!({}));
    assert_eq!(world.deliver(&body).await, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
    let key = keys::install(&LocationId::new("L2"));
    let other: InstallRow = row::load(&world.db, &key).await.unwrap().unwrap();
    assert_eq!(other.state, InstallState::Active);
}
