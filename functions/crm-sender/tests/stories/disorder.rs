//! When notifications come twice and in the wrong order.

use greenhub::domain::message::Message;
use greenhub::domain::status::Status;
use greenhub::store::db::Table;
use greenhub::store::row;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::world::{World, text, texts};

const ANN: &str = "79001234567@c.us";

fn message(id: &str, text: &str, at_s: i64) -> Value {
    json!({
        "idMessage": id, "timestamp": at_s,
        "senderData": { "chatId": ANN, "sender": ANN, "senderName": "Ann" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": text } },
    })
}

fn receipt(status: &str) -> Value {
    json!({ "chatId": ANN, "idMessage": "P1", "status": status })
}

fn call(status: &str) -> Value {
    json!({ "from": ANN, "idMessage": "C1", "status": status })
}

/// A conversation as WhatsApp had it: what Ann wrote, what was typed on the phone and what became of
/// that, and a call.
fn notifications() -> Vec<(&'static str, Value)> {
    let mut quoting = message("M3", "three", 1_763_800_003);
    quoting["messageData"]["quotedMessage"] =
        json!({ "stanzaId": "M1", "typeMessage": "textMessage", "textMessage": "one" });
    vec![
        (
            "incomingMessageReceived",
            message("M1", "one", 1_763_800_001),
        ),
        (
            "incomingMessageReceived",
            message("M2", "two", 1_763_800_002),
        ),
        ("incomingMessageReceived", quoting),
        (
            "outgoingMessageReceived",
            message("P1", "typed", 1_763_800_004),
        ),
        ("outgoingMessageStatus", receipt("sent")),
        ("outgoingMessageStatus", receipt("delivered")),
        ("outgoingMessageStatus", receipt("read")),
        ("incomingCall", call("offer")),
        ("incomingCall", call("missed")),
    ]
}

// AC 45, 81
#[tokio::test]
async fn notifications_that_come_twice_and_in_the_wrong_order_end_the_same() {
    for seed in 0..6 {
        let world = World::new().await;
        let mut all = [notifications(), notifications()].concat();
        all.shuffle(&mut StdRng::seed_from_u64(seed));
        // They are posted in the order in which the first of each came, with the times they have.
        let mut expect = Vec::new();
        for (kind, body) in &all {
            world.notify(kind, body.clone()).await;
            let shown = match body["idMessage"].as_str().unwrap() {
                "M1" => "one",
                "M2" => "two",
                "M3" => "↩️ In reply to: “one”\n\nthree",
                "P1" if *kind == "outgoingMessageReceived" => "typed",
                "C1" if body["status"] == "offer" => "📞 Incoming call from 79001234567",
                "C1" => "📞 Missed call from 79001234567 (caller ended call)",
                _ => continue,
            };
            if !expect.contains(&shown) {
                expect.push(shown);
            }
        }
        world.shown("+79001234567", expect.len()).await;
        world.settle().await;
        let (_, messages) = world.shown("+79001234567", expect.len()).await;
        let posts = world.calls("/conversations/messages/").await;
        let posted: Vec<_> = posts
            .iter()
            .map(|post| text(&post["body"], "message"))
            .collect();
        assert_eq!(posted, expect, "seed {seed}");
        let mut shown = texts(&messages);
        shown.sort();
        expect.sort();
        assert_eq!(shown, expect, "seed {seed}");
        assert_eq!(status_of(&world, "P1"), Status::Read, "seed {seed}");
    }
}

/// The status of a message with this id of WhatsApp's, of which there is one.
fn status_of(world: &World, whatsapp_id: &str) -> Status {
    let rows = world.db.rows(Table::Chats).into_iter();
    let mut found = rows
        .filter(|(key, _)| key.sk.starts_with("M#L#"))
        .map(|(_, item)| row::read::<Message>(item).unwrap())
        .filter(|message| message.whatsapp_id.as_deref() == Some(whatsapp_id));
    let message = found.next().unwrap();
    assert_eq!(found.next(), None);
    message.status
}
