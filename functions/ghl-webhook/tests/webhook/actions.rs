//! Workflow actions: who may, what is needed, and what is taken.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use greenhub::clock::Clock;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Destination, Lane};
use greenhub::domain::ids::LocationId;
use greenhub::domain::message::Origin;
use greenhub::domain::status::{InstanceState, Status};
use greenhub::pipeline::accept::{self, Home};
use greenhub::pipeline::action::REPEATED_WITHIN_S;
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallRow, InstallState, NumberRow, Pause, PauseReason};
use greenhub::store::memory::{Call, Fate, Hook as DbHook};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{World, hub, ids, number};

/// An action as GoHighLevel documents it, with these fields of the form.
fn action(data: Value) -> Value {
    let mut body = json!({
        "data": { "instanceId": "1", "message": "hi" },
        "extras": { "locationId": "L1", "contactId": "C1", "workflowId": "W1" },
        "meta": { "key": "send_whatsapp", "version": "1.0" },
        "isMarketplaceAction": true,
    });
    for (name, value) in data.as_object().unwrap() {
        body["data"][name] = value.clone();
    }
    body
}

impl World {
    /// Runs an action in the first location, as its workflow does.
    async fn run(&self, secret: &str, body: &Value) -> (StatusCode, Value) {
        let headers = [
            ("authorization", secret),
            ("locationid", "L1"),
            ("contactphone", "+79001234567"),
        ];
        self.act(&headers, body.to_string().as_bytes()).await
    }

    /// The same, when it has to be refused for this reason.
    async fn refused(&self, secret: &str, body: &Value, expect: &str) {
        let before = self.db.rows(Table::Chats);
        let (status, answer) = self.run(secret, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body} {answer}");
        assert_eq!(answer["success"], false, "{answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(expect), "{error}");
        assert_eq!(self.db.rows(Table::Chats), before, "{body}");
        assert_eq!(self.queue.n_sent(), 0, "{body}");
    }
}

// AC 84
#[tokio::test]
async fn only_the_locations_own_secret_opens() {
    let world = World::new(&[(1, 1), (9, 2)]).await;
    let body = action(json!({})).to_string().into_bytes();
    let check = async |world: &World, authorization: Option<&str>, location: &str, body: &[u8]| {
        let mut headers = vec![("locationid", location), ("contactphone", "+79001234567")];
        headers.extend(authorization.map(|it| ("authorization", it)));
        let (status, answer) = world.act(&headers, body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert_eq!(answer["success"], false);
        assert!(world.taken().await.is_empty(), "{authorization:?}");
        assert_eq!(world.queue.n_sent(), 0);
    };
    // None was made: closed, not open.
    for nothing in [None, Some(""), Some("Bearer "), Some("anything")] {
        check(&world, nothing, "L1", &body).await;
    }
    let old = world.secret("L1").await;
    let secret = world.secret("L1").await;
    let others = world.secret("L2").await;
    for wrong in [
        None,
        Some(""),
        Some("Bearer"),
        Some(&secret[1..]),
        Some(&format!("{secret}x")),
        Some(&secret.to_uppercase()),
        Some(&format!("Basic {secret}")),
        // The one before.
        Some(&old),
        // Another location's.
        Some(&others),
    ] {
        check(&world, wrong, "L1", &body).await;
    }
    check(&world, Some(&secret), "L2", &body).await;
    check(&world, Some(&secret), "nowhere", &body).await;
    check(&world, Some(&secret), "L1#WORKFLOW", &body).await;
    // Garbage is nobody's, too.
    check(&world, None, "L1", b"").await;
    let with_secret = action(json!({ "secret": others }));
    check(&world, Some(&old), "L1", with_secret.to_string().as_bytes()).await;

    // As it stands, after `Bearer`, or in the form.
    for (n, authorization) in [secret.clone(), format!("Bearer {secret}")]
        .iter()
        .enumerate()
    {
        let body = action(json!({ "message": n }));
        let (status, answer) = world.run(authorization, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let in_form = action(json!({ "message": "3", "secret": secret }));
    let (status, answer) = world.run("{{unresolved}}", &in_form).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let not_filled_in = action(json!({ "message": "4", "secret": "{{unresolved}}" }));
    let (status, answer) = world.run(&secret, &not_filled_in).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(world.taken().await.len(), 4);
}

#[tokio::test]
async fn an_uninstalled_location_is_closed_and_one_that_has_to_authorise_is_warned() {
    let check = async |state: InstallState, expect: StatusCode, expect_warning: bool| {
        let world = World::new(&[(1, 1)]).await;
        let secret = world.secret("L1").await;
        let key = keys::install(&LocationId::new("L1"));
        row::change::<InstallRow>(&world.db, &key, |install| {
            install.state = state;
            true
        })
        .await
        .unwrap();
        let (status, answer) = world.run(&secret, &action(json!({}))).await;
        assert_eq!(status, expect, "{state:?} {answer}");
        assert_eq!(answer["warning"].is_string(), expect_warning, "{answer}");
        let n_taken = usize::from(expect == StatusCode::OK);
        assert_eq!(world.taken().await.len(), n_taken, "{state:?}");
    };
    check(InstallState::Active, StatusCode::OK, false).await;
    // AC 92: sent, and shown later.
    check(InstallState::NeedsReauthorization, StatusCode::OK, true).await;
    check(InstallState::Suspended, StatusCode::OK, true).await;
    check(InstallState::Uninstalled, StatusCode::UNAUTHORIZED, false).await;
}

// AC 85
#[tokio::test]
async fn what_every_action_needs_is_asked_for_by_name() {
    let world = World::new(&[(1, 1)]).await;
    let secret = world.secret("L1").await;
    let check = async |location: &str, phone: &str, body: &[u8], expect: &str| {
        let headers = [
            ("authorization", secret.as_str()),
            ("locationid", location),
            ("contactphone", phone),
        ];
        let given: Vec<_> = headers.into_iter().filter(|(_, it)| *it != "-").collect();
        let (status, answer) = world.act(&given, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{expect} {answer}");
        assert_eq!(answer["success"], false);
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(expect), "{error}");
        assert!(world.taken().await.is_empty());
    };
    let whole = action(json!({})).to_string().into_bytes();
    let phone = "+79001234567";
    for nothing in ["-", "", "  "] {
        check(nothing, phone, &whole, "`locationid`").await;
        check("L1", nothing, &whole, "`contactphone`").await;
    }
    for nothing in [Value::Null, json!(""), json!(" "), json!({}), json!([1])] {
        let body = action(json!({ "instanceId": nothing }));
        check("L1", phone, body.to_string().as_bytes(), "`instanceId`").await;
    }
    for broken in [&b""[..], b"{", b"\xff", &[b'['; 100_000]] {
        check("L1", phone, broken, "not JSON").await;
    }
    check("L1", phone, b"{}", "`data`").await;
    check("L1", phone, br#"{"data":[]}"#, "`data`").await;
    check("L1", "{{contact.phone}}", &whole, "no phone number").await;
    check("L1", "n/a", &whole, "no phone number").await;

    let (status, answer) = world
        .run(&secret, &action(json!({ "instanceId": 1 })))
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let huge = action(json!({ "message": "x".repeat(300 << 10) }));
    let (status, answer) = world.run(&secret, &huge).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer["success"], false);
}

// AC 86
#[tokio::test]
async fn a_number_that_is_not_the_locations_or_cannot_send_sends_nothing() {
    let world = World::new(&[(1, 1), (9, 2)]).await;
    let secret = world.secret("L1").await;
    // Another workspace's number is as unknown as one that nobody has.
    for instance in ["9", "7", "12ab", "-1", "99999999999999999999", "n1"] {
        let body = action(json!({ "instanceId": instance }));
        world.refused(&secret, &body, "no WhatsApp number").await;
    }
    let (workspace, location) = ids(1);
    let key = keys::number(&workspace, &number(1, &workspace, &location).number);
    let set = async |state: InstanceState, pause: Option<PauseReason>| {
        row::change::<NumberRow>(&world.db, &key, |number| {
            number.state = state.clone();
            number.pause = pause.map(|why| Pause { why, since_ms: 1 });
            true
        })
        .await
        .unwrap();
    };
    set(InstanceState::NotAuthorized, None).await;
    let body = action(json!({}));
    world
        .refused(&secret, &body, "not connected (notAuthorized)")
        .await;
    set(InstanceState::Authorized, Some(PauseReason::Quota)).await;
    world.refused(&secret, &body, "quota").await;
    set(InstanceState::Authorized, None).await;
    let (status, answer) = world.run(&secret, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

// AC 91
#[tokio::test]
async fn an_action_without_what_its_kind_needs_sends_nothing() {
    let world = World::new(&[(1, 1)]).await;
    let secret = world.secret("L1").await;
    let check = async |data: Value, expect: &str| {
        let mut body = action(json!({}));
        body["data"] = data;
        body["data"]["instanceId"] = "1".into();
        world.refused(&secret, &body, expect).await;
    };
    check(json!({}), "`message`").await;
    check(json!({ "url": "https://f.example/a.png" }), "`fileName`").await;
    check(json!({ "url": "a.png", "fileName": "a.png" }), "`url`").await;
    check(json!({ "body": "b", "button1Type": "url" }), "button").await;
    check(json!({ "button1Text": "Yes" }), "`body`").await;
    check(json!({ "message": "ы".repeat(20_001) }), "20000 characters").await;
    let file = json!({
        "url": "https://f.example/a.png", "fileName": "a.png", "caption": "x".repeat(1025),
    });
    check(file, "1024 characters").await;
}

// AC 93
#[tokio::test]
async fn an_action_that_names_two_locations_is_refused() {
    let world = World::new(&[(1, 1), (9, 2)]).await;
    let secret = world.secret("L1").await;
    for other in [json!("L2"), json!("l1"), json!("{{location.id}}"), json!(1)] {
        let mut body = action(json!({}));
        body["extras"]["locationId"] = other;
        world.refused(&secret, &body, "another location").await;
    }
    let mut body = action(json!({}));
    body["extras"] = json!({ "contactId": "C1" });
    let (status, answer) = world.run(&secret, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

// AC 87
#[tokio::test]
async fn an_action_is_a_message_to_the_phone_and_to_the_crm() {
    let world = World::new(&[(1, 1)]).await;
    let secret = world.secret("L1").await;
    let (status, answer) = world.run(&secret, &action(json!({}))).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let [(number, address, message)] = &world.taken().await[..] else {
        panic!("not one message")
    };
    assert_eq!(
        (number.as_str(), address.as_str()),
        ("n1", "79001234567@c.us")
    );
    assert_eq!(message.content, Content::Text { text: "hi".into() });
    assert_eq!(
        (message.origin, message.status),
        (Origin::Workflow, Status::Queued)
    );
    let destinations: Vec<_> = message.deliveries.keys().copied().collect();
    assert_eq!(destinations, [Destination::Whatsapp, Destination::Crm]);
    let expect = json!({
        "success": true, "messageId": message.reference(), "contactId": "C1",
    });
    assert_eq!(answer, expect);
    let mut lanes: Vec<_> = world
        .queue
        .waiting()
        .iter()
        .map(|it| it.wake_up.lane())
        .collect();
    lanes.sort();
    assert_eq!(lanes, [Lane::Whatsapp, Lane::Crm]);
}

// AC 94
#[tokio::test]
async fn groups_and_people_without_a_phone_are_reached_where_they_are() {
    let world = World::new(&[(1, 1)]).await;
    let secret = world.secret("L1").await;
    let run = async |contact: &str, phone: &str, text: &str| {
        let mut body = action(json!({ "message": text }));
        body["extras"]["contactId"] = contact.into();
        let headers = [
            ("authorization", secret.as_str()),
            ("locationid", "L1"),
            ("contactphone", phone),
        ];
        let (status, answer) = world.act(&headers, body.to_string().as_bytes()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let taken = world.taken().await;
        let is_it = |content: &Content| *content == Content::Text { text: text.into() };
        let found = taken.iter().find(|(_, _, message)| is_it(&message.content));
        found.unwrap().1.clone()
    };
    // A stand-in for the phone is all that the CRM has of a group.
    let group = "120363418570879210@g.us";
    assert_eq!(run("C1", "+120363418570879210", "1").await, group);
    assert_eq!(
        run("C2", "79001234567-1581234567", "2").await,
        "79001234567-1581234567@g.us"
    );
    // Once the contact has its conversation, that alone counts.
    assert_eq!(run("C1", "+120363418570879210", "3").await, group);
    assert_eq!(run("C1", "n/a", "4").await, group);

    let (workspace, location) = ids(1);
    let home = Home::from(&number(1, &workspace, &location));
    let hub = hub(&world.db, &world.queue, &world.clock);
    let written = lids_text();
    let chat = written.chat.clone();
    let accept::Accepted::New(claim) = accept::whatsapp_message(&hub, &home, written)
        .await
        .unwrap()
    else {
        panic!("not taken")
    };
    let key = keys::contact_chat(
        &location,
        &greenhub::domain::ids::ContactId::new("C3"),
        &home.number,
    );
    let mut known = greenhub::store::chats::ContactChatRow {
        rev: 0,
        number: home.number.clone(),
        chat: claim.chat,
    };
    let write = row::save(key, &mut known).unwrap();
    greenhub::store::db::Db::write(&world.db, vec![write])
        .await
        .unwrap();
    assert_eq!(run("C3", "+120650379300963", "5").await, chat.as_str());
}

fn lids_text() -> greenhub::domain::event::NewMessage {
    use greenhub::green_api::{map, wire};
    let body = json!({
        "typeWebhook": "incomingMessageReceived", "idMessage": "X1", "timestamp": 1,
        "senderData": { "chatId": "120650379300963@lid", "sender": "120650379300963@lid" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" } },
    });
    let notification = wire::envelope(body.to_string().as_bytes()).unwrap();
    match map::event(&notification) {
        greenhub::domain::event::Event::Message(new) => *new,
        other => panic!("{other:?}"),
    }
}

// AC 92
#[tokio::test(start_paused = true)]
async fn the_same_action_again_is_the_same_message_for_a_quarter_of_an_hour() {
    let stored = World::new(&[(1, 1)]).await.db;
    let world = World::over(stored, Clock::paused(1_763_800_000_000));
    let secret = world.secret("L1").await;
    let body = action(json!({}));
    let (first, second) = tokio::join!(world.run(&secret, &body), world.run(&secret, &body));
    assert_eq!(first, second);
    assert_eq!(first.0, StatusCode::OK, "{}", first.1);
    assert_eq!(world.taken().await.len(), 1);
    // A repetition is answered whatever has become of the number meanwhile.
    let (workspace, location) = ids(1);
    let key = keys::number(&workspace, &number(1, &workspace, &location).number);
    let set = async |state: InstanceState| {
        row::change::<NumberRow>(&world.db, &key, |number| {
            number.state = state.clone();
            true
        })
        .await
        .unwrap();
    };
    set(InstanceState::NotAuthorized).await;
    let within = Duration::from_secs(REPEATED_WITHIN_S as u64 - 1);
    world.clock.sleep(within).await;
    assert_eq!(world.run(&secret, &body).await, first);
    assert_eq!(world.taken().await.len(), 1);
    set(InstanceState::Authorized).await;

    // What differs in anything is another one.
    for (n, other) in [json!({ "message": "hi!" }), json!({ "reference": "2" })]
        .iter()
        .enumerate()
    {
        let (status, answer) = world.run(&secret, &action(other.clone())).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_ne!(answer["messageId"], first.1["messageId"]);
        assert_eq!(world.taken().await.len(), 2 + n);
    }
    // And later the same is meant again.
    world.clock.sleep(Duration::from_secs(2)).await;
    let (status, answer) = world.run(&secret, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_ne!(answer["messageId"], first.1["messageId"]);
    assert_eq!(world.taken().await.len(), 4);
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
async fn every_failure_of_ours_is_429_so_that_the_action_comes_again() {
    let first = World::new(&[(1, 1)]).await;
    let (secret, stored) = (first.secret("L1").await, first.db);
    let check = async |fate: fn(&Call) -> Fate| {
        let db = stored.hooked(Arc::new(Instead(fate)));
        let world = World::over(db, Clock::paused(1_763_800_000_000));
        let (status, _) = world.run(&secret, &action(json!({}))).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    };
    check(|_| Fate::Fail).await;
    check(|call| match call {
        Call::Write(_) => Fate::Fail,
        _ => Fate::Go,
    })
    .await;
    check(|call| match call {
        Call::Write(_) => Fate::Crash,
        _ => Fate::Go,
    })
    .await;
    check(|_| panic!("a bug")).await;
    let world = World::over(stored, Clock::paused(1_763_800_000_000));
    let (status, _) = world.run(&secret, &action(json!({}))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.taken().await.len(), 1);
}
