//! The webhook in-process, on tables and queues in memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod mutations;
mod support;

use std::sync::Arc;

use axum::http::StatusCode;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::Lane;
use greenhub::domain::status::Status;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings, sweep};
use greenhub::store::db::Table;
use greenhub::store::directory::{Pause, PauseReason};
use greenhub::store::memory::{Call, Fate, Hook};
use serde_json::{Value, json};

use support::{ONE, TWO, World, frame, incoming, post, secrets_of, text};

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

// AC 42, 43, 112
#[tokio::test]
async fn only_the_numbers_own_token_at_its_own_address_opens() {
    let world = World::new().await;
    let before = (world.db.rows(Table::Chats), world.db.rows(Table::Directory));
    let body = bytes(&text("M1", "hi"));
    let of_two = bytes(&json!({ "instanceData": { "idInstance": TWO }, "typeWebhook": "x" }));
    let (key, token) = secrets_of(ONE);
    let (_, other) = secrets_of(TWO);
    let keyed = format!("/{key}");
    let right = format!("Bearer {token}");
    let check = async |path: &str, authorization: Option<&str>, body: &[u8]| {
        let status = world.post(path, authorization, body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {authorization:?}");
        assert_eq!(world.db.rows(Table::Chats), before.0, "{path}");
        assert_eq!(world.db.rows(Table::Directory), before.1, "{path}");
        assert_eq!(world.queue.n_sent(), 0, "{path}");
    };
    for path in [keyed.as_str(), ""] {
        check(path, None, &body).await;
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer  ",
            "anything",
            &token,
            &format!("bearer {token}"),
            &format!("Basic {token}"),
            &format!("Bearer {token} "),
            &format!("Bearer  {token}"),
            &format!("Bearer {token}x"),
            &format!("Bearer {}", &token[1..]),
            &format!("Bearer {other}"),
            "Bearer N/A",
            "Bearer null",
        ] {
            check(path, Some(wrong), &body).await;
        }
    }
    // An address that nobody has, and paths that are none.
    check("/no-such-key", Some(&right), &body).await;
    check(&format!("/{}", "k".repeat(3000)), Some(&right), &body).await;
    check("/%00", Some(&right), &body).await;
    // A body of another instance, under a token that is right.
    check(&keyed, Some(&right), &of_two).await;
    // Without a key, the instance has to be told and known.
    check("", Some(&right), &of_two).await;
    for unknown in [
        json!({ "instanceData": { "idInstance": 7 } }),
        json!({ "instanceData": { "idInstance": -1 } }),
        json!({ "instanceData": { "idInstance": "12ab" } }),
        json!({ "instanceData": { "idInstance": 1e300 } }),
        json!({ "instanceData": [] }),
        json!({}),
        json!([]),
        json!(null),
    ] {
        check("", Some(&right), &bytes(&unknown)).await;
    }
    check("", Some(&right), b"").await;
    check("", Some(&right), b"{").await;
    check("", Some(&right), b"\xff\xfe").await;
}

#[tokio::test]
async fn a_number_without_a_token_is_closed() {
    // AC 43
    let world = World::new().await;
    world
        .change_number(|number| number.hook_token_sha256 = String::new())
        .await;
    let (key, token) = secrets_of(ONE);
    for authorization in ["Bearer anything", "Bearer ", &format!("Bearer {token}")] {
        let body = bytes(&text("M1", "hi"));
        let status = world
            .post(&format!("/{key}"), Some(authorization), body)
            .await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
}

#[tokio::test]
async fn a_message_is_taken_once_and_its_lane_woken_every_time() {
    // AC 45
    let world = World::new().await;
    let (key, token) = secrets_of(ONE);
    let right = format!("Bearer {token}");
    let body = bytes(&text("M1", " hi "));
    let (first, second) = tokio::join!(world.notify(body.clone()), world.notify(body.clone()));
    assert_eq!((first, second), (StatusCode::OK, StatusCode::OK));
    // The address of numbers that were set up before there were keys.
    assert_eq!(world.post("", Some(&right), body).await, StatusCode::OK);
    let another = bytes(&text("M2", "there"));
    let at = format!("/{key}");
    assert_eq!(world.post(&at, Some(&right), another).await, StatusCode::OK);

    let texts: Vec<_> = world.messages().into_iter().map(|m| m.content).collect();
    let expect = ["hi", "there"].map(|text| Content::Text { text: text.into() });
    assert_eq!(texts, expect);
    assert_eq!(world.queue.n_sent(), 4);
    let lanes = world.queue.waiting().into_iter();
    assert!(
        lanes
            .map(|w| w.wake_up.lane())
            .all(|lane| lane == Lane::Crm)
    );
}

#[tokio::test]
async fn a_warm_text_costs_two_reads_one_transaction_and_one_wake_up() {
    let world = World::new().await;
    assert_eq!(world.notify(bytes(&text("M1", "a"))).await, StatusCode::OK);
    let (before, sent) = (world.db.counts(), world.queue.n_sent());
    assert_eq!(world.notify(bytes(&text("M2", "b"))).await, StatusCode::OK);
    let after = world.db.counts();
    let total = |counts: &std::collections::BTreeMap<Table, u64>| counts.values().sum::<u64>();
    let reads = total(&after.reads) - total(&before.reads);
    assert!(reads <= 2, "{reads} reads");
    assert_eq!(after.transactions - before.transactions, 1);
    assert_eq!(total(&after.writes) - total(&before.writes), 3);
    assert_eq!(world.queue.n_sent() - sent, 1);
}

#[tokio::test]
async fn a_changed_token_works_at_once_and_the_old_one_no_longer_than_half_a_minute() {
    let world = World::new().await;
    let (key, _) = secrets_of(ONE);
    let path = format!("/{key}");
    assert_eq!(world.notify(bytes(&text("M1", "a"))).await, StatusCode::OK);
    let sha256 = greenhub::crypto::sha256_hex("new");
    world
        .change_number(|number| number.hook_token_sha256.clone_from(&sha256))
        .await;
    let body = bytes(&text("M2", "b"));
    let status = world.post(&path, Some("Bearer new"), body).await;
    assert_eq!(status, StatusCode::OK);
    world.later(30_001);
    let status = world.notify(bytes(&text("M3", "c"))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_number_that_gets_a_crm_is_heard_there_from_the_next_message_on() {
    let world = World::new().await;
    world.change_number(|number| number.location = None).await;
    assert_eq!(world.notify(bytes(&text("M1", "a"))).await, StatusCode::OK);
    let location = greenhub::domain::ids::LocationId::new("L1");
    world
        .change_number(|number| number.location = Some(location.clone()))
        .await;
    assert_eq!(world.notify(bytes(&text("M2", "b"))).await, StatusCode::OK);
    let n_deliveries: Vec<_> = world
        .messages()
        .iter()
        .map(|m| m.deliveries.len())
        .collect();
    assert_eq!(n_deliveries, [0, 1]);
}

#[tokio::test]
async fn the_state_of_the_number_is_written_down() {
    // AC 62
    let world = World::new().await;
    let check = async |state: &str, wid: &str, expect_wid: &str, expect_pause: bool| {
        let mut body = frame("stateInstanceChanged", json!({ "stateInstance": state }));
        body["instanceData"]["wid"] = wid.into();
        assert_eq!(world.notify(bytes(&body)).await, StatusCode::OK);
        let number = world.number(ONE).await;
        assert_eq!(number.state.as_str(), state);
        assert_eq!(number.wid.as_deref(), Some(expect_wid), "{state}");
        assert_eq!(number.pause.is_some(), expect_pause, "{state}");
    };
    let pause = |why| Some(Pause { why, since_ms: 1 });
    world
        .change_number(|n| n.pause = pause(PauseReason::BadToken))
        .await;
    check("suspended", "79001110001@c.us", "79001110001@c.us", true).await;
    check("notAuthorized", "", "79001110001@c.us", true).await;
    check("somethingNew", "", "79001110001@c.us", true).await;
    check("authorized", "79001110002@c.us", "79001110002@c.us", false).await;
    world
        .change_number(|n| n.pause = pause(PauseReason::Quota))
        .await;
    check("authorized", "79001110002@c.us", "79001110002@c.us", true).await;
    assert_eq!(world.messages(), []);
}

// AC 144
#[tokio::test]
async fn receipts_meet_their_message_in_whatever_order() {
    // AC 81
    let world = World::new().await;
    let receipt = |status: &str| {
        let more = json!({
            "chatId": "79001234567@c.us", "idMessage": "P1", "status": status, "sendByApi": false,
        });
        bytes(&frame("outgoingMessageStatus", more))
    };
    let mut typed = text("P1", "from the phone");
    typed["typeWebhook"] = "outgoingMessageReceived".into();
    for body in [
        receipt("read"),
        bytes(&typed),
        receipt("delivered"),
        receipt("sent"),
    ] {
        assert_eq!(world.notify(body).await, StatusCode::OK);
    }
    let statuses: Vec<_> = world.messages().into_iter().map(|m| m.status).collect();
    assert_eq!(statuses, [Status::Read]);
}

// AC 127
#[tokio::test]
async fn whatever_an_authenticated_sender_posts_is_answered_200_and_kept() {
    // AC 60, 64
    let check = async |body: Vec<u8>, expect_messages: usize, expect_quarantined: usize| {
        let world = World::new().await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        assert_eq!(world.notify(body).await, StatusCode::OK, "{shown}");
        assert_eq!(world.messages().len(), expect_messages, "{shown}");
        assert_eq!(world.quarantined().len(), expect_quarantined, "{shown}");
    };
    let thumbnail = "A".repeat(300_000);
    let picture = json!({
        "typeMessage": "imageMessage",
        "fileMessageData": {
            "downloadUrl": "https://media.example/a.jpg", "caption": "c", "fileName": "a.jpg",
            "mimeType": "image/jpeg", "jpegThumbnail": thumbnail,
        },
    });
    check(bytes(&incoming("M1", picture)), 1, 0).await;
    let data = json!({ "typeMessage": "locationMessage" });
    check(bytes(&incoming("M1", data)), 1, 1).await;
    let data = json!({ "typeMessage": "hologramMessage", "hologram": {} });
    check(bytes(&incoming("M1", data)), 1, 1).await;
    check(bytes(&text("M1", &"x".repeat(5 << 20))), 1, 1).await;
    check(bytes(&text(&"i".repeat(5000), "hi")), 1, 0).await;
    let mut named = text("M1", "hi");
    named["senderData"]["senderName"] = "n".repeat(1 << 20).into();
    check(bytes(&named), 1, 1).await;
    check(bytes(&text("M1", "nul \u{0} and \u{202e}")), 1, 0).await;
    check(bytes(&text("M1", "")), 1, 0).await;

    check(b"".to_vec(), 0, 1).await;
    check(b"{".to_vec(), 0, 1).await;
    check(b"<html>".to_vec(), 0, 1).await;
    check(b"\xff\xfe\x00".to_vec(), 0, 1).await;
    check(b"null".to_vec(), 0, 1).await;
    check("[".repeat(100_000).into_bytes(), 0, 1).await;
    check(vec![b'x'; 5 << 20], 0, 1).await;
    let broken = bytes(&text("M1", "A\u{1}Z"));
    let broken = String::from_utf8(broken)
        .unwrap()
        .replace("\\u0001", "\\ud83d");
    check(broken.into_bytes(), 1, 0).await;
    let mut broken = bytes(&text("M1", "A~Z"));
    let at = broken.iter().position(|byte| *byte == b'~').unwrap();
    broken[at] = 0xff;
    check(broken, 1, 0).await;
    check(bytes(&frame("brandNewEvent", json!({ "a": 1 }))), 0, 1).await;
    check(bytes(&frame("incomingMessageReceived", json!({}))), 0, 1).await;
    let long = json!({ "stateInstance": "s".repeat(1 << 20) });
    check(bytes(&frame("stateInstanceChanged", long)), 0, 1).await;
    let long = json!({ "idMessage": "P1", "status": "w".repeat(1 << 20) });
    check(bytes(&frame("outgoingMessageStatus", long)), 0, 1).await;
    for (kind, more) in [
        ("deviceInfo", json!({ "deviceData": {} })),
        (
            "statusInstanceChanged",
            json!({ "statusInstance": "online" }),
        ),
        (
            "incomingBlock",
            json!({ "chatId": "1@c.us", "chatState": "blocked" }),
        ),
        ("quotaExceeded", json!({ "quotaData": { "used": 9 } })),
    ] {
        check(bytes(&frame(kind, more)), 0, 0).await;
    }
}

// AC 40
#[tokio::test]
async fn what_is_late_for_a_removed_number_is_answered_and_does_nothing() {
    let world = World::new().await;
    world.remove(ONE).await;
    let before = (world.db.rows(Table::Chats), world.db.rows(Table::Directory));
    let (key, token) = secrets_of(ONE);
    let keyed = format!("/{key}");
    let (right, wrong) = (format!("Bearer {token}"), "Bearer guess".to_owned());
    let body = bytes(&text("M1", "too late"));
    let check = async |path: &str, authorization: &str, expect: StatusCode| {
        let status = world.post(path, Some(authorization), body.clone()).await;
        assert_eq!(status, expect, "{path} {authorization}");
    };
    for path in [keyed.as_str(), ""] {
        check(path, &right, StatusCode::OK).await;
        check(path, &wrong, StatusCode::UNAUTHORIZED).await;
    }
    assert_eq!(world.db.rows(Table::Chats), before.0);
    assert_eq!(world.db.rows(Table::Directory), before.1);
    assert_eq!(world.queue.n_sent(), 0);
    // GREEN-API keeps what it has for a day; after two nobody is expected any more.
    world.later(2 * 24 * 3600 * 1000);
    check(&keyed, &right, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_body_is_read_up_to_six_megabytes_and_for_its_owner_only() {
    let world = World::new().await;
    let (key, token) = secrets_of(ONE);
    let check = async |path: &str, token: &str, n_bytes: usize, expect: StatusCode| {
        let bearer = format!("Bearer {token}");
        let status = world.post(path, Some(&bearer), vec![b'x'; n_bytes]).await;
        assert_eq!(status, expect, "{path} {n_bytes}");
    };
    let keyed = format!("/{key}");
    check(&keyed, &token, 5 << 20, StatusCode::OK).await;
    check(&keyed, "wrong", 5 << 20, StatusCode::UNAUTHORIZED).await;
    check(&keyed, "wrong", 7 << 20, StatusCode::UNAUTHORIZED).await;
    check(&keyed, &token, 7 << 20, StatusCode::PAYLOAD_TOO_LARGE).await;
    check("", "wrong", 7 << 20, StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn what_is_quarantined_is_kept_with_its_reason_and_cut_to_fit() {
    let world = World::new().await;
    let body = "ы".repeat(400_000);
    assert_eq!(world.notify(body.clone()).await, StatusCode::OK);
    let [kept] = &world.quarantined()[..] else {
        panic!("one row")
    };
    assert_eq!(kept.why, "not JSON");
    assert_eq!(kept.n_bytes, body.len());
    assert!(body.starts_with(&kept.body) && kept.body.len() > 300_000);
}

/// Fails the writes, or the wake-ups.
struct Down {
    writes: bool,
    wake_ups: bool,
}

impl Hook for Down {
    fn before(&self, call: &Call) -> Fate {
        let is_down = match call {
            Call::Write(_) => self.writes,
            Call::Wake { .. } => self.wake_ups,
            Call::Get(_) | Call::Query(_) => false,
        };
        if is_down { Fate::Fail } else { Fate::Go }
    }

    fn after(&self, _: &Call) -> Fate {
        Fate::Go
    }
}

#[tokio::test]
async fn a_failure_of_ours_is_500_so_that_the_notification_comes_again() {
    let world = World::new().await;
    let (key, token) = secrets_of(ONE);
    let down = Arc::new(Down {
        writes: true,
        wake_ups: false,
    });
    let router = world.restarted(&world.db.hooked(down), &world.queue);
    let (path, bearer) = (format!("/{key}"), format!("Bearer {token}"));
    for body in [
        bytes(&text("M1", "hi")),
        bytes(&frame(
            "stateInstanceChanged",
            json!({ "stateInstance": "blocked" }),
        )),
        bytes(&frame(
            "outgoingMessageStatus",
            json!({ "idMessage": "P1", "status": "read" }),
        )),
        b"not JSON".to_vec(),
    ] {
        let status = post(&router, &path, Some(&bearer), body).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(world.db.rows(Table::Chats), []);
}

#[tokio::test]
async fn a_wake_up_that_got_lost_is_made_good_by_the_sweeper() {
    let world = World::new().await;
    let (key, token) = secrets_of(ONE);
    let down = Arc::new(Down {
        writes: false,
        wake_ups: true,
    });
    let router = world.restarted(&world.db, &world.queue.hooked(down));
    let (path, bearer) = (format!("/{key}"), format!("Bearer {token}"));
    let status = post(&router, &path, Some(&bearer), bytes(&text("M1", "hi"))).await;
    assert_eq!((status, world.queue.n_sent()), (StatusCode::OK, 0));

    world.later(sweep::GRACE_MS + 1);
    let hub = Hub {
        db: world.db.clone(),
        queue: world.queue.clone(),
        clock: world.clock(),
        ids: IdSource::random(),
        settings: Settings::default(),
    };
    sweep::wake_due_lanes(&hub).await.unwrap();
    let woken: Vec<_> = world.queue.waiting().into_iter().collect();
    assert_eq!(woken.len(), 1);
    assert_eq!(woken[0].wake_up.lane(), Lane::Crm);
}

// A tenant's rows are found through what it proved to be, and through nothing in its bodies.
#[tokio::test]
async fn the_same_message_of_two_numbers_is_two_messages() {
    let world = World::new().await;
    let (key, token) = secrets_of(TWO);
    assert_eq!(world.notify(bytes(&text("M1", "hi"))).await, StatusCode::OK);
    let mut other = text("M1", "hi");
    other["instanceData"]["idInstance"] = TWO.into();
    let (path, bearer) = (format!("/{key}"), format!("Bearer {token}"));
    let status = world.post(&path, Some(&bearer), bytes(&other)).await;
    assert_eq!(status, StatusCode::OK);
    let mut workspaces: Vec<_> = world.messages().into_iter().map(|m| m.workspace).collect();
    workspaces.sort();
    let workspaces: Vec<_> = workspaces.iter().map(|id| id.as_str()).collect();
    assert_eq!(workspaces, ["w1", "w2"]);
}
