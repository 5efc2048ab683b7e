//! What is set about a number.

use axum::http::Method;
use greenhub::account::numbers::Settled;
use greenhub::domain::event::CallMode;
use greenhub::domain::ids::{NumberId, WorkspaceId};
use serde_json::{Value, json};

use super::support::{HUB, I1, T1, World, fault, world};

async fn change(world: &World, session: &str, id: &str, settings: Value) -> Value {
    let path = format!("/api/instances/{id}");
    let body = json!({ "settings": settings });
    world.second().await;
    let answer = world.with(session, Method::PATCH, &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn settings_are_written_where_they_differ() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let shown = &world.list(&alice).await[0]["settings"];
    let expect = json!({
        "delaySendMessagesMilliseconds": 500,
        "markIncomingMessagesReadedOnReply": true,
        "calls": "each_event",
        "newContactsPerDay": 0,
        "autoReply": { "on": false, "text": "", "everyHours": 24, "hours": null },
    });
    assert_eq!(*shown, expect);

    let slower = json!({ "delaySendMessagesMilliseconds": 3000 });
    let changed = change(&world, &alice, &id, slower.clone()).await;
    assert_eq!(changed["settings"]["delaySendMessagesMilliseconds"], 3000);
    assert_eq!(changed["configured"], true);
    assert_eq!(
        world.written(1).await,
        std::slice::from_ref(&slower),
        "nothing else"
    );
    // Sends follow from now on.
    assert_eq!(world.row("w1", &id).await.unwrap().delay_ms, 3000);

    // The same again restarts nothing.
    change(&world, &alice, &id, slower).await;
    assert_eq!(world.written(2).await, Vec::<Value>::new());

    let ticks = json!({ "markIncomingMessagesReadedOnReply": false });
    let changed = change(&world, &alice, &id, ticks).await;
    assert_eq!(
        changed["settings"]["markIncomingMessagesReadedOnReply"],
        false
    );
    let expect = json!({ "markIncomingMessagesReadedOnReply": "no" });
    assert_eq!(world.written(2).await, [expect]);

    // AC 61: a matter of ours, which GREEN-API is not told.
    let calls = json!({ "calls": "outcome_only" });
    let changed = change(&world, &alice, &id, calls).await;
    assert_eq!(changed["settings"]["calls"], "outcome_only");
    assert_eq!(world.written(3).await, Vec::<Value>::new());
    let row = world.row("w1", &id).await.unwrap();
    assert_eq!(row.prefs.calls, CallMode::OutcomeOnly);
    assert_eq!(row.prefs.delay_ms, Some(3000));
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let before = world.row("w1", &id).await.unwrap();
    let path = format!("/api/instances/{id}");
    let check = async |settings: Value, code: &str| {
        let body = json!({ "name": "changed", "settings": settings });
        let answer = world.with(&alice, Method::PATCH, &path, body).await;
        assert_eq!(answer.status, 400, "{settings}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{settings}");
    };
    let delay = |ms: Value| json!({ "delaySendMessagesMilliseconds": ms });
    check(delay(json!(499)), "bad_settings").await;
    check(delay(json!(86_400_001)), "bad_settings").await;
    check(delay(json!(-1)), "bad_body").await;
    check(delay(json!("soon")), "bad_body").await;
    check(json!({ "calls": "never" }), "bad_body").await;
    check(json!({ "newContactsPerDay": 1_001 }), "bad_settings").await;
    check(json!({ "webhookUrl": "https://evil.example" }), "bad_body").await;
    assert_eq!(world.row("w1", &id).await.unwrap(), before);
}

#[tokio::test]
async fn settings_that_were_not_written_are_not_configured_until_they_are() {
    // AC 38
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let trouble = fault("setSettings", json!({ "status": 502, "body": {} }));
    world.faults(json!([trouble])).await;
    let slower = json!({ "delaySendMessagesMilliseconds": 2000 });
    let changed = change(&world, &alice, &id, slower).await;
    assert_eq!(changed["configured"], false);
    assert_eq!(changed["settings"]["delaySendMessagesMilliseconds"], 2000);
    let row = world.row("w1", &id).await.unwrap();
    assert_eq!(row.delay_ms, 500, "that is what GREEN-API still does");
    assert!(row.due_at.is_some());

    world.second().await;
    let hub = HUB.parse().unwrap();
    let (workspace, number) = (WorkspaceId::new("w1"), NumberId::new(&*id));
    let settler = world.settler(&hub);
    let settled = settler.settle_settings(&workspace, &number).await;
    assert_eq!(settled.unwrap(), Settled::Done);
    let row = world.row("w1", &id).await.unwrap();
    assert_eq!((row.delay_ms, row.configured), (2000, true));
}

// AC 110, 137: an answer that the number gives by itself has a text, and keeps to the hours.
#[tokio::test]
async fn what_a_number_answers_by_itself_is_set() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let path = format!("/api/instances/{id}");
    let hours = json!({
        "zone": "Europe/Madrid",
        "week": [{ "day": "monday", "from": "09:00", "to": "14:30" }, { "day": "sunday", "from": "00:00", "to": "24:00" }],
        "holidays": ["2026-12-25"],
        "replies": "while_closed",
    });
    let reply = json!({ "on": true, "text": "Back at nine", "everyHours": 12, "hours": hours });
    let changed = change(&world, &alice, &id, json!({ "autoReply": reply })).await;
    assert_eq!(changed["settings"]["autoReply"], reply);
    assert_eq!(world.list(&alice).await[0]["settings"]["autoReply"], reply);
    assert_eq!(
        world.written(1).await,
        Vec::<Value>::new(),
        "a matter of ours"
    );

    let before = world.row("w1", &id).await.unwrap();
    let check = async |with: Value, status: u16, code: &str| {
        let mut asked = reply.clone();
        for (name, value) in with.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let body = json!({ "settings": { "autoReply": asked } });
        let answer = world.with(&alice, Method::PATCH, &path, body).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (status, &json!(code)),
            "{with}"
        );
    };
    check(json!({ "text": " " }), 422, "auto_reply_without_text").await;
    check(json!({ "text": "a".repeat(4001) }), 422, "bad_auto_reply").await;
    check(json!({ "everyHours": 0 }), 422, "bad_auto_reply").await;
    let with = |name: &str, value: Value| {
        let mut hours = hours.clone();
        hours[name] = value;
        json!({ "hours": hours })
    };
    check(with("zone", json!("Mars/Olympus")), 422, "bad_auto_reply").await;
    let monday = |from: &str, to: &str| json!([{ "day": "monday", "from": from, "to": to }]);
    check(
        with("week", monday("10:00", "09:00")),
        422,
        "bad_auto_reply",
    )
    .await;
    check(
        with("week", monday("10:00", "24:01")),
        422,
        "bad_auto_reply",
    )
    .await;
    check(with("week", monday("10", "12:00")), 422, "bad_auto_reply").await;
    check(
        with(
            "week",
            json!([{ "day": "noday", "from": "10:00", "to": "11:00" }]),
        ),
        400,
        "bad_body",
    )
    .await;
    check(with("holidays", json!(["25.12."])), 422, "bad_auto_reply").await;
    assert_eq!(world.row("w1", &id).await.unwrap(), before);
}
