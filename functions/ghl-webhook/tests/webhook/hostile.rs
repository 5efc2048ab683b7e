//! Signatures that are nearly right, and signed bodies that are anything at all.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use greenhub::domain::content::Content;
use greenhub::store::db::Table;
use serde_json::{Value, json};

use crate::support::{World, delivery};

// AC 66
#[tokio::test]
async fn a_signature_is_good_for_its_own_body_as_it_was_sent_and_in_one_form() {
    let world = World::new(&[(1, 1)]).await;
    let body = delivery("M1", json!({})).to_string().into_bytes();
    let good = world.sign(&body);
    let raw = BASE64.decode(&good).unwrap();
    let mut flipped = raw.clone();
    flipped[0] ^= 1;
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let other = world.sign(delivery("M2", json!({})).to_string().as_bytes());
    let wrong = [
        BASE64.encode(flipped),
        BASE64.encode(&raw[..63]),
        BASE64.encode([raw.as_slice(), &[0]].concat()),
        BASE64.encode([0; 64]),
        BASE64.encode([]),
        hex,
        other,
        format!("{good},{good}"),
        format!("sha256={good}"),
        good.to_lowercase(),
        "A".repeat(100_000),
    ];
    for signature in wrong {
        let status = world.post(Some(&signature), &body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{signature}");
    }
    // Equal JSON is not the same body.
    let spaced = String::from_utf8(body.clone()).unwrap().replace(',', ", ");
    let status = world.post(Some(&good), spaced.as_bytes()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.taken().await.len(), 0);
    assert_eq!(world.post(Some(&good), &body).await, StatusCode::OK);
}

#[tokio::test]
async fn a_signed_body_is_read_up_to_six_megabytes_whatever_it_is() {
    let world = World::new(&[(1, 1)]).await;
    let before = world.db.rows(Table::Chats);
    let check = async |body: Vec<u8>, expect: StatusCode| {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let status = world.post(Some(&world.sign(&body)), &body).await;
        assert_eq!(status, expect, "{shown} ({} bytes)", body.len());
    };
    let padded = |n: usize| {
        delivery(
            "M1",
            json!({ "locationId": "L9", "padding": "x".repeat(n) }),
        )
    };
    check(vec![b'x'; 5 << 20], StatusCode::OK).await;
    check(padded(5 << 20).to_string().into_bytes(), StatusCode::OK).await;
    check(b"[".repeat(1 << 20), StatusCode::OK).await;
    check(b"\xff\xfe\x00".to_vec(), StatusCode::OK).await;
    check(vec![b'x'; 7 << 20], StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(world.db.rows(Table::Chats), before);
}

// What can be read of a body that is broken is taken: it is signed, and nobody sends it again.
#[tokio::test]
async fn broken_characters_and_numbers_cost_themselves_and_not_the_message() {
    let check = async |from: &str, to: &[u8], expect: &str| {
        let world = World::new(&[(1, 1)]).await;
        let body = delivery("M1", json!({ "message": "A~Z", "extra": "@" })).to_string();
        let (head, tail) = body.split_once(from).unwrap();
        let body = [head.as_bytes(), to, tail.as_bytes()].concat();
        let status = world.post(Some(&world.sign(&body)), &body).await;
        assert_eq!(status, StatusCode::OK);
        let (_, _, message) = world.taken().await.remove(0);
        let expect = Content::Text {
            text: expect.to_owned(),
        };
        assert_eq!(message.content, expect);
    };
    check("~", b"\xff", "A\u{fffd}Z").await;
    check("~", b"\\ud83d", "A\u{fffd}Z").await;
    check("\"@\"", b"1e999", "A~Z").await;
    let deep = [b"[".repeat(400), b"]".repeat(400)].concat();
    check("\"@\"", &deep, "A~Z").await;
}

// AC 70, promise 6: ids in a body find nothing but what belongs to the location that they name.
#[tokio::test]
async fn ids_that_are_none_or_anothers_reach_nothing() {
    let world = World::new(&[(1, 1), (9, 2)]).await;
    let check = async |change: Value, expect_numbers: &[&str]| {
        let before = world.taken().await.len();
        let body = delivery(&format!("M{before}"), change.clone());
        assert_eq!(world.deliver(&body).await, StatusCode::OK, "{change}");
        let taken = world.taken().await;
        assert_eq!(taken.len() - before, expect_numbers.len(), "{change}");
        let new = taken
            .iter()
            .filter(|(_, _, message)| {
                message
                    .crm
                    .as_ref()
                    .is_some_and(|crm| crm.message_id == format!("M{before}"))
            })
            .map(|(number, ..)| number.as_str());
        assert_eq!(new.collect::<Vec<_>>(), expect_numbers, "{change}");
    };
    check(json!({ "locationId": "L2" }), &["n9"]).await;
    check(json!({ "locationId": 1 }), &[]).await;
    check(json!({ "locationId": ["L1"] }), &[]).await;
    check(json!({ "locationId": { "$ne": null } }), &[]).await;
    check(json!({ "locationId": "L1/../L2" }), &[]).await;
    check(json!({ "locationId": "L1\u{0}" }), &[]).await;
    check(json!({ "locationId": "x".repeat(3000) }), &[]).await;
    check(json!({ "messageId": [-1] }), &[]).await;
    check(json!({ "messageId": "M#1" }), &[]).await;
    check(json!({ "contactId": "C1#CHAT#n9" }), &[]).await;
    check(json!({ "contactId": 7.5 }), &[]).await;
    // The number of another location, named wherever an id can be.
    let named = json!({
        "instanceId": 9, "number": "n9", "workspace": "w2", "conversationId": "n9",
        "customUserId": "n9", "userId": "n9",
    });
    check(named, &["n1"]).await;
}
