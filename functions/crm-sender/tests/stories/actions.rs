//! What workflows send: to the phone, into the conversation, and what is said about it afterwards.

use std::time::Duration;

use greenhub::account::workflow_secret;
use greenhub::clock::Clock;
use greenhub::domain::ids::LocationId;
use greenhub::pipeline::Settings;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{I1, L1, World, text};

const ANN: &str = "79001234567@c.us";
const PHONE: &str = "+79001234567";

/// A workflow of the first location, whose contact is this.
struct Workflow<'a> {
    world: &'a World,
    secret: String,
    contact: String,
}

impl<'a> Workflow<'a> {
    async fn of(world: &'a World, contact: &str) -> Self {
        let location = LocationId::new(L1);
        let made = workflow_secret::renew(&world.db, &world.clock, &world.keys, &location);
        Workflow {
            world,
            secret: made.await.unwrap().secret.expose_secret().to_owned(),
            contact: contact.to_owned(),
        }
    }

    /// Of a person whom somebody has added in the CRM.
    async fn of_ann(world: &'a World) -> Self {
        let contact = world.add_contact(PHONE, "Ann", &[]).await;
        Self::of(world, &contact).await
    }

    /// Comes to an action with these fields; gives the app's answer.
    async fn run(&self, mut data: Value) -> Value {
        data["instanceId"] = I1.to_string().into();
        let body = json!({
            "locationId": L1, "contactId": self.contact, "authorization": self.secret,
            "workflowId": "W1", "data": data,
        });
        let ran = self
            .world
            .control(Method::POST, "ghl/workflow-action", body);
        let ran = ran.await;
        assert_eq!(ran["status"], 200, "{ran}");
        assert_eq!(ran["answer"]["success"], true, "{ran}");
        ran["answer"].clone()
    }

    /// The message of an answer in the CRM, once it is there.
    async fn shown(&self, answer: &Value) -> Value {
        self.world
            .until("the mirrored message", async || {
                let conversation = self.world.conversations(&self.contact).await.pop()?;
                let mut messages = conversation["messages"].as_array()?.iter();
                messages
                    .find(|message| message["altId"] == answer["messageId"])
                    .cloned()
            })
            .await
    }

    /// How many messages the conversation has.
    async fn n_shown(&self) -> usize {
        let conversation = self.world.conversations(&self.contact).await.pop();
        conversation.map_or(0, |it| it["messages"].as_array().unwrap().len())
    }
}

async fn receipts_by_hand(world: &World) {
    let auto = json!({ "delivered": false, "read": false });
    let path = format!("green-api/{I1}/auto");
    world.control(Method::PUT, &path, auto).await;
}

async fn receipt(world: &World, status: &str) {
    let id = text(&world.phone(ANN).await[0], "idMessage");
    let path = format!("green-api/{I1}/messages/{id}/status");
    let body = json!({ "status": status });
    world.control(Method::PUT, &path, body).await;
}

/// The statuses that the CRM took for a message, in order.
async fn told(world: &World, message: &str) -> Vec<String> {
    let calls = world.calls(&format!("/messages/{message}/status")).await;
    let taken = calls.iter().filter(|call| call["status"] == 200);
    taken.map(|call| text(&call["body"], "status")).collect()
}

/// What the gateway was asked to send, without where to.
async fn sent(world: &World, method: &str) -> Vec<Value> {
    let calls = world.calls(&format!("/{method}/")).await;
    calls
        .into_iter()
        .map(|mut call| {
            assert_eq!(call["body"]["chatId"], ANN);
            call["body"].as_object_mut().unwrap().remove("chatId");
            call["body"].clone()
        })
        .collect()
}

// AC 87, AC 95: nothing is kept in a process between the send and what is told about it.
#[tokio::test]
async fn a_text_is_sent_and_its_status_in_the_crm_is_what_whatsapp_says() {
    let world = World::new().await;
    receipts_by_hand(&world).await;
    let workflow = Workflow::of_ann(&world).await;
    let answer = workflow.run(json!({ "message": "hi" })).await;
    assert_eq!(answer["contactId"], workflow.contact.as_str());
    assert_eq!(world.got(ANN, 1).await, ["hi"]);
    assert_eq!(
        sent(&world, "sendMessage").await,
        [json!({ "message": "hi" })]
    );
    let shown = workflow.shown(&answer).await;
    assert_eq!(
        (&shown["direction"], &shown["message"]),
        (&json!("outbound"), &json!("hi"))
    );
    let id = text(&shown, "messageId");
    world.told(&id, "pending").await;
    world.settle().await;
    assert_eq!(told(&world, &id).await, ["pending"]);

    // Longer than any timer of a process that is gone by now.
    Clock::system().sleep(Duration::from_secs(6)).await;
    receipt(&world, "delivered").await;
    world.told(&id, "delivered").await;
    receipt(&world, "read").await;
    world.told(&id, "read").await;
    receipt(&world, "delivered").await;
    world.settle().await;
    assert_eq!(told(&world, &id).await, ["pending", "delivered", "read"]);
    assert_eq!(workflow.n_shown().await, 1);
    // It went in as what was sent elsewhere, which calls nobody's delivery URL.
    assert_eq!(
        world.calls("/conversations/messages/inbound").await.len(),
        1
    );
    assert_eq!(world.phone(ANN).await.len(), 1);
}

// AC 87
#[tokio::test]
async fn a_text_that_does_not_arrive_is_shown_as_failed_with_the_reason() {
    let world = World::new().await;
    let path = format!("green-api/{I1}/no-account");
    world.control(Method::PUT, &path, json!([ANN])).await;
    let workflow = Workflow::of_ann(&world).await;
    let answer = workflow.run(json!({ "message": "hi" })).await;
    let id = text(&workflow.shown(&answer).await, "messageId");
    let shown = world.told(&id, "failed").await;
    let reason = shown["error"]["message"].as_str().unwrap();
    assert!(reason.contains("no WhatsApp account"), "{reason}");
}

// AC 88
#[tokio::test]
async fn a_file_is_sent_and_shown_under_its_caption_or_its_name() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let url = "https://files.example/x/7f3a";
    let check = async |caption: &str, expect: &str| {
        let data = json!({ "url": url, "fileName": "offer.pdf", "caption": caption });
        let shown = workflow.shown(&workflow.run(data).await).await;
        assert_eq!(shown["message"], expect);
        assert_eq!(shown["attachments"], json!([url]));
        assert_eq!(shown["direction"], "outbound");
        world.told(&text(&shown, "messageId"), "read").await;
    };
    check("", "[File: offer.pdf]").await;
    check("our offer", "our offer").await;
    let file = json!({ "urlFile": url, "fileName": "offer.pdf" });
    let mut captioned = file.clone();
    captioned["caption"] = "our offer".into();
    assert_eq!(sent(&world, "sendFileByUrl").await, [file, captioned]);
}

// AC 89
#[tokio::test]
async fn buttons_are_sent_with_what_is_behind_them_and_shown_with_it() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let data = json!({
        "header": "Sale", "body": "Today only", "footer": "Shop",
        "button1Type": "url", "button1Text": "Site", "button1Value": "https://a.example/",
        "button2Type": "call", "button2Text": "Call", "button2Value": "+7 932 984-32-67",
        "button3Type": "copy", "button3Text": "Code", "button3Value": "SALE",
    });
    let shown = workflow.shown(&workflow.run(data).await).await;
    let expect = "Sale\nToday only\nShop\n\nButtons:\n• Site (https://a.example/)\n\
                  • Call (📞 79329843267)\n• Code (📋 SALE)";
    assert_eq!(shown["message"], expect);
    world.told(&text(&shown, "messageId"), "read").await;
    let incomplete = json!({
        "body": "b", "button1Type": "url", "button1Text": "nowhere",
        "button2Type": "copy", "button2Text": "Code", "button2Value": "2",
    });
    workflow.run(incomplete).await;
    let expect = ["Sale\nToday only\nShop\n[Site] [Call] [Code]", "b\n[Code]"];
    assert_eq!(world.got(ANN, 2).await, expect);
    let expect = [
        json!({
            "header": "Sale", "body": "Today only", "footer": "Shop", "buttons": [
                { "type": "url", "buttonId": "1", "buttonText": "Site", "url": "https://a.example/" },
                { "type": "call", "buttonId": "2", "buttonText": "Call", "phoneNumber": "79329843267" },
                { "type": "copy", "buttonId": "3", "buttonText": "Code", "copyCode": "SALE" },
            ],
        }),
        json!({
            "body": "b", "buttons": [
                { "type": "copy", "buttonId": "1", "buttonText": "Code", "copyCode": "2" },
            ],
        }),
    ];
    assert_eq!(sent(&world, "sendInteractiveButtons").await, expect);
}

// AC 90
#[tokio::test]
async fn reply_buttons_are_sent_and_shown() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let data = json!({ "body": "Will you come?", "button1Text": "Yes", "button2Text": "No" });
    let shown = workflow.shown(&workflow.run(data).await).await;
    assert_eq!(
        shown["message"],
        "Will you come?\n\nReply options:\n• Yes\n• No"
    );
    world.told(&text(&shown, "messageId"), "read").await;
    assert_eq!(world.got(ANN, 1).await, ["Will you come?\n[Yes] [No]"]);
    let expect = json!({
        "body": "Will you come?", "buttons": [
            { "buttonId": "1", "buttonText": "Yes" }, { "buttonId": "2", "buttonText": "No" },
        ],
    });
    assert_eq!(sent(&world, "sendInteractiveButtonsReply").await, [expect]);
}

// AC 92
#[tokio::test]
async fn what_cannot_be_shown_yet_is_shown_later_and_never_sent_again() {
    let check = async |times: u32, what: Value| {
        let world = World::new().await;
        let workflow = Workflow::of_ann(&world).await;
        let mut fault = json!({
            "provider": "ghl", "path_contains": "/messages/inbound", "times": times,
        });
        for (name, value) in what.as_object().unwrap() {
            fault[name] = value.clone();
        }
        world.faults(json!([fault])).await;
        let data = json!({ "message": "hi" });
        let answer = workflow.run(data.clone()).await;
        assert_eq!(world.got(ANN, 1).await, ["hi"], "{what}");
        // The platform's own repetitions, during the trouble and after it.
        assert_eq!(workflow.run(data.clone()).await, answer, "{what}");
        let id = text(&workflow.shown(&answer).await, "messageId");
        world.told(&id, "read").await;
        assert_eq!(workflow.run(data).await, answer, "{what}");
        world.settle().await;
        assert_eq!(workflow.n_shown().await, 1, "{what}");
        assert_eq!(sent(&world, "sendMessage").await.len(), 1, "{what}");
    };
    check(3, json!({ "status": 503 })).await;
    check(1, json!({ "status": 429 })).await;
    check(1, json!({ "drop": true })).await;
    check(2, json!({ "apply_then_drop": true })).await;
}

// AC 94
#[tokio::test]
async fn a_group_gets_what_a_workflow_sends_to_its_contact() {
    let world = World::new().await;
    let group = "120363418570879210@g.us";
    let written = json!({
        "idMessage": "G1", "senderData": {
            "chatId": group, "chatName": "Team", "sender": ANN, "senderName": "Ann",
        },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "hi" } },
    });
    world.notify("incomingMessageReceived", written).await;
    let (contact, _) = world.shown("+120363418570879210", 1).await;
    let workflow = Workflow::of(&world, &contact).await;
    let answer = workflow.run(json!({ "message": "to all" })).await;
    assert_eq!(world.got(group, 1).await, ["to all"]);
    assert_eq!(
        world.calls("/sendMessage/").await[0]["body"]["chatId"],
        group
    );
    assert_eq!(workflow.shown(&answer).await["message"], "to all");
}

/// The CRM delivers a message of ours as if an agent had written it; gives our answer.
async fn echo(world: &World, contact: &str, id: &str, message: &str) -> Value {
    let body = json!({
        "type": "SMS", "locationId": L1, "contactId": contact, "messageId": id, "phone": PHONE,
        "message": message, "attachments": [], "userId": "",
    });
    let sent = world.control(Method::POST, "ghl/event", body).await;
    sent["status"].clone()
}

// AC 79
#[tokio::test]
async fn the_crms_echo_of_a_mirrored_message_is_known_by_its_id_whatever_it_says() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let answer = workflow
        .run(json!({ "message": "hi\u{c}\u{c}\n\nthere  " }))
        .await;
    let id = text(&workflow.shown(&answer).await, "messageId");
    world.told(&id, "read").await;
    for message in ["hi\u{c}\u{c}\n\nthere", "hi there", "hi", ""] {
        assert_eq!(echo(&world, &workflow.contact, &id, message).await, 200);
    }
    world.settle().await;
    assert_eq!(sent(&world, "sendMessage").await.len(), 1);
    // What an agent writes is sent, if it is the very same text.
    world
        .reply(&workflow.contact, "hi\u{c}\u{c}\n\nthere")
        .await;
    assert_eq!(world.got(ANN, 2).await.len(), 2);

    // The business's own phone: mirrored in the same way, and not sent by us.
    let typed = json!({
        "idMessage": "T1", "senderData": { "chatId": ANN, "sender": "79001110001@c.us" },
        "messageData": { "typeMessage": "textMessage", "textMessageData": { "textMessage": "typed" } },
    });
    world.notify("outgoingMessageReceived", typed).await;
    let (_, messages) = world.shown(PHONE, 3).await;
    let typed = messages
        .iter()
        .find(|message| message["altId"] == "T1")
        .unwrap();
    world.settle().await;
    let status = echo(
        &world,
        &workflow.contact,
        &text(typed, "messageId"),
        "typed",
    )
    .await;
    assert_eq!(status, 200);
    world.settle().await;
    assert_eq!(sent(&world, "sendMessage").await.len(), 2);
}

// AC 79: the echo comes before we know which message it is of.
#[tokio::test]
async fn an_echo_that_comes_before_its_id_is_known_has_to_come_again() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let lost = json!([{
        "provider": "ghl", "path_contains": "/messages/inbound", "times": 1,
        "apply_then_drop": true,
    }]);
    world.faults(lost).await;
    let answer = workflow.run(json!({ "message": "hi" })).await;
    assert_eq!(world.got(ANN, 1).await, ["hi"]);
    let id = text(&workflow.shown(&answer).await, "messageId");
    assert_eq!(echo(&world, &workflow.contact, &id, "hi").await, 429);
    world.told(&id, "read").await;
    assert_eq!(echo(&world, &workflow.contact, &id, "hi").await, 200);
    world.settle().await;
    assert_eq!(sent(&world, "sendMessage").await.len(), 1);
    assert_eq!(workflow.n_shown().await, 1);
}

// Promise 3, for buttons: an answer that is lost is found in the gateway's journals.
#[tokio::test]
async fn buttons_whose_answer_is_lost_are_found_again_and_not_sent_twice() {
    for (method, data) in [
        (
            "sendInteractiveButtons",
            json!({ "body": "b", "button1Type": "call", "button1Text": "Call", "button1Value": "7932" }),
        ),
        (
            "sendInteractiveButtonsReply",
            json!({ "body": "b", "button1Text": "Yes", "button2Text": "No" }),
        ),
    ] {
        let world = World::with(Settings::default(), &[(I1, L1)]).await;
        let workflow = Workflow::of_ann(&world).await;
        let lost = json!([{
            "provider": "green-api", "path_contains": format!("/{method}/"), "times": 1,
            "apply_then_drop": true,
        }]);
        world.faults(lost).await;
        let answer = workflow.run(data).await;
        let id = text(&workflow.shown(&answer).await, "messageId");
        world.told(&id, "read").await;
        world.settle().await;
        assert_eq!(sent(&world, method).await.len(), 1, "{method}");
        assert_eq!(world.phone(ANN).await.len(), 1, "{method}");
        assert!(!told(&world, &id).await.contains(&"failed".to_owned()));
    }
}

#[tokio::test]
async fn an_agents_answer_to_a_mirrored_message_quotes_it_on_the_phone() {
    let world = World::new().await;
    let workflow = Workflow::of_ann(&world).await;
    let answer = workflow.run(json!({ "message": "hi" })).await;
    let id = text(&workflow.shown(&answer).await, "messageId");
    world.told(&id, "read").await;
    let on_phone = text(&world.phone(ANN).await[0], "idMessage");
    let body = json!({ "message": "as I said", "replyToAltId": answer["messageId"] });
    world.reply_with(&workflow.contact, body).await;
    world.got(ANN, 2).await;
    let quoted = &sent(&world, "sendMessage").await[1]["quotedMessageId"];
    assert_eq!(*quoted, on_phone.as_str());
}
