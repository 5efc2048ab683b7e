use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(body: &Value) -> Incoming {
    delivery_or_event(body.to_string().as_bytes()).unwrap()
}

fn unknown(type_name: &str) -> Incoming {
    Incoming::Unknown {
        type_name: type_name.to_owned(),
    }
}

#[test]
fn a_delivery_is_taken_with_and_without_what_is_not_documented() {
    // AC 67
    let check = |body: Value, expect: ProviderDelivery| {
        assert_eq!(read(&body), Incoming::Delivery(Box::new(expect)), "{body}");
    };
    let least = ProviderDelivery {
        location: LocationId::new("L1"),
        message_id: "M1".into(),
        type_name: "SMS".into(),
        contact: None,
        phone: None,
        message: String::new(),
        attachments: vec![],
        user_id: None,
        conversation_id: None,
        provider_id: None,
        custom_user_id: None,
        reply_to_alt_id: None,
        at_ms: None,
    };
    check(
        json!({"type": "SMS", "locationId": "L1", "messageId": "M1"}),
        least.clone(),
    );
    check(
        json!({
            "type": "SMS", "locationId": "L1", "messageId": "M1", "contactId": "", "phone": null,
            "message": "", "attachments": null, "userId": "", "conversationId": null,
            "conversationProviderId": "", "customUserId": "", "replyToAltId": "", "new": {"a": [1]},
        }),
        least.clone(),
    );
    check(
        json!({"locationId": "L1", "messageId": "M1"}),
        ProviderDelivery {
            type_name: String::new(),
            ..least.clone()
        },
    );
    check(
        json!({
            "type": "Custom", "locationId": "L1", "messageId": "M1", "contactId": "C1",
            "phone": "+79001234567", "message": "hi\n", "userId": "U1", "conversationId": "V1",
            "conversationProviderId": "prov1", "customUserId": "X1",
            "replyToAltId": "wamid.HBgNNTUxMTk4+/=",
            "attachments": ["https://files.example/a.png ", {"url": "https://files.example/b.pdf"}, "", 7, {}],
        }),
        ProviderDelivery {
            location: LocationId::new("L1"),
            message_id: "M1".into(),
            type_name: "Custom".into(),
            contact: Some(ContactId::new("C1")),
            phone: Some("+79001234567".into()),
            message: "hi\n".into(),
            attachments: vec![
                "https://files.example/a.png".into(),
                "https://files.example/b.pdf".into(),
            ],
            user_id: Some("U1".into()),
            conversation_id: Some("V1".into()),
            provider_id: Some("prov1".into()),
            custom_user_id: Some("X1".into()),
            reply_to_alt_id: Some("wamid.HBgNNTUxMTk4+/=".into()),
            at_ms: None,
        },
    );
}

#[test]
fn only_text_channels_are_ours() {
    // AC 76
    let check = |type_name: &str, expect: bool| {
        let Incoming::Delivery(delivery) =
            read(&json!({"type": type_name, "locationId": "L1", "messageId": "M1"}))
        else {
            panic!("{type_name} is a channel");
        };
        assert_eq!(delivery.is_text_channel(), expect, "{type_name}");
    };
    check("SMS", true);
    check("Custom", true);
    check("", true);
    check("Email", false);
    check("RCS", false);
    check("WhatsApp", false);
}

#[test]
fn what_cannot_be_placed_is_unknown_and_never_an_error() {
    let check = |body: Value, expect: &str| assert_eq!(read(&body), unknown(expect), "{body}");
    check(
        json!({"type": "SomethingNew", "locationId": "L1"}),
        "SomethingNew",
    );
    check(json!({"type": "SMS", "locationId": "L1"}), "SMS");
    check(json!({"type": "SMS", "messageId": "M1"}), "SMS");
    check(
        json!({"type": "SMS", "messageId": "../M1", "locationId": "L1"}),
        "SMS",
    );
    check(
        json!({"type": "SMS", "messageId": "M1", "locationId": "L1#L2"}),
        "SMS",
    );
    check(
        json!({"type": "SMS", "messageId": "M1", "locationId": "L".repeat(65)}),
        "SMS",
    );
    check(
        json!({"type": "SMS", "messageId": ["M1"], "locationId": "L1"}),
        "SMS",
    );
    check(json!({"type": "INSTALL"}), "INSTALL");
    check(
        json!({"type": "UNINSTALL", "locationId": "a/b"}),
        "UNINSTALL",
    );
    check(
        json!({"type": "ContactUpdate", "locationId": "L1"}),
        "ContactUpdate",
    );
    check(
        json!({"type": "OutboundMessage", "locationId": "L1"}),
        "OutboundMessage",
    );
    check(json!({"type": ["SMS"]}), "");
    check(json!({}), "");
    check(json!([]), "");
    check(json!("SMS"), "");
    check(json!(null), "");
    check(json!({"type": "é".repeat(100)}), &"é".repeat(64));
}

#[test]
fn events_are_read() {
    // AC 11, AC 12
    let check = |mut body: Value, expect: What| {
        let base = json!({
            "appId": "A1", "locationId": "L1", "companyId": "K1",
            "timestamp": "2026-11-20T12:00:01.250Z", "webhookId": "5b1c0e51-7a41",
        });
        for (key, value) in base.as_object().unwrap() {
            body.as_object_mut()
                .unwrap()
                .entry(key.clone())
                .or_insert(value.clone());
        }
        let expect = AppEvent {
            app_id: Some("A1".into()),
            location: Some(LocationId::new("L1")),
            company: Some(CompanyId::new("K1")),
            webhook_id: Some("5b1c0e51-7a41".into()),
            at_ms: Some(1_795_176_001_250),
            what: expect,
        };
        assert_eq!(read(&body), Incoming::Event(Box::new(expect)), "{body}");
    };
    let person = Contact {
        id: ContactId::new("P1"),
        phone: None,
        tags: vec![],
        dnd_sms: None,
    };
    check(
        json!({"type": "INSTALL", "userId": "U1", "companyName": "Ex", "whitelabelDetails": {"domain": "app.ex.example"}}),
        What::Install(Install {
            user_id: Some("U1".into()),
            company_name: Some("Ex".into()),
            whitelabel_domain: Some("app.ex.example".into()),
        }),
    );
    check(
        json!({"type": "INSTALL", "whitelabelDetails": {}}),
        What::Install(Install {
            user_id: None,
            company_name: None,
            whitelabel_domain: None,
        }),
    );
    check(json!({"type": "UNINSTALL"}), What::Uninstall);
    check(json!({"type": "UPDATE"}), What::Update);
    check(
        json!({
            "type": "OutboundMessage", "messageId": "M2", "originalMessageId": "M1", "body": "hi",
            "contactId": "P1", "conversationId": "V1", "messageType": "SMS", "status": "pending",
            "attachments": [], "from": {}, "to": {},
        }),
        What::OutboundMessage(Box::new(OutboundMessage {
            message_id: "M2".into(),
            original_message_id: Some("M1".into()),
            contact: Some(ContactId::new("P1")),
            conversation_id: Some("V1".into()),
            provider_id: None,
            message_type: Some("SMS".into()),
            status: Some("pending".into()),
            body: "hi".into(),
            attachments: vec![],
        })),
    );
    check(
        json!({"type": "ContactUpdate", "id": "P1", "phone": "+79001234567", "tags": ["vip"], "dnd": false}),
        What::ContactUpdate(Contact {
            phone: Some("+79001234567".into()),
            tags: vec!["vip".into()],
            dnd_sms: Some(false),
            ..person.clone()
        }),
    );
    check(
        json!({"type": "ContactCreate", "id": "P1"}),
        What::ContactCreate(person.clone()),
    );
    check(
        json!({"type": "ContactDelete", "id": "P1"}),
        What::ContactDelete(person.clone()),
    );
    check(
        json!({"type": "ContactTagUpdate", "id": "P1"}),
        What::ContactTagUpdate(person.clone()),
    );
    let dnd = |status: &str| json!({"type": "ContactDndUpdate", "id": "P1", "dnd": true, "dndSettings": {"SMS": {"status": status}}});
    let with_dnd = |dnd| {
        What::ContactDndUpdate(Contact {
            dnd_sms: Some(dnd),
            ..person.clone()
        })
    };
    check(dnd("active"), with_dnd(true));
    check(dnd("permanent"), with_dnd(true));
    check(dnd("inactive"), with_dnd(false));
    check(
        json!({"type": "ConversationUnreadUpdate", "id": "V1", "contactId": "P1", "unreadCount": 3}),
        What::ConversationUnread {
            conversation_id: "V1".into(),
            contact: Some(ContactId::new("P1")),
            n_unread: 3,
        },
    );
    check(
        json!({"type": "ConversationUpdate", "oldConversationId": "V0", "newConversationId": "V1"}),
        What::ConversationMerged {
            from: "V0".into(),
            into: "V1".into(),
        },
    );
    check(
        json!({"type": "LocationUpdate", "id": "L1", "locationId": "L9", "name": "Shop"}),
        What::LocationUpdate {
            name: Some("Shop".into()),
        },
    );
    check(
        json!({"type": "InboundMessage"}),
        What::NotOurs("InboundMessage".into()),
    );
}

#[test]
fn an_event_may_lack_nearly_everything() {
    // AC 12
    let event = read(&json!({"type": "UNINSTALL", "companyId": "K1", "timestamp": "yesterday"}));
    let expect = AppEvent {
        app_id: None,
        location: None,
        company: Some(CompanyId::new("K1")),
        webhook_id: None,
        at_ms: None,
        what: What::Uninstall,
    };
    assert_eq!(event, Incoming::Event(Box::new(expect)));
}

#[test]
fn a_text_that_was_cut_in_an_emoji_is_not_lost() {
    let check = |escaped: &str, expect: &str| {
        let body =
            format!(r#"{{"type":"SMS","locationId":"L1","messageId":"M1","message":"{escaped}"}}"#);
        let Ok(Incoming::Delivery(delivery)) = delivery_or_event(body.as_bytes()) else {
            panic!("{escaped} is a message");
        };
        assert_eq!(delivery.message, expect, "{escaped}");
    };
    check(r"hi \ud83d\ude00", "hi 😀");
    check(r"hi \ud83d", "hi \u{fffd}");
    check(r"\uDE00 hi", "\u{fffd} hi");
    check(r"\ud83d\ud83d\ude00\ude00", "\u{fffd}😀\u{fffd}");
    check(r"\ud83d\n", "\u{fffd}\n");
    check(r"\\ud83d \ud83d", r"\ud83d �");
    check("é\\ud83d é", "é\u{fffd} é");
}

#[test]
fn broken_json_is_told_apart() {
    let check = |body: &[u8]| assert_eq!(delivery_or_event(body), Err(NotJson));
    check(b"");
    check(b"{");
    check(b"type=SMS");
    check(b"{\"type\":\"\\ud8");
    check(b"{\"type\":\"\\");
    check(&b"[".repeat(100_000));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(
        type_name in proptest::sample::select(vec!["SMS", "INSTALL", "OutboundMessage", "ContactDndUpdate"]),
        key in proptest::sample::select(vec!["messageId", "locationId", "attachments", "timestamp", "dndSettings"]),
        value in proptest::sample::select(vec![json!(1e300), json!([[]]), json!({"SMS": 1}), json!("\u{0}"), json!(null)]),
    ) {
        let mut body = json!({"type": type_name, "messageId": "M1", "locationId": "L1", "id": "P1"});
        body[key] = value;
        prop_assert!(delivery_or_event(body.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn no_bytes_make_it_panic(body in any::<Vec<u8>>(), escapes in r#"(\\|u|d8|de|00|"|é){0,12}"#) {
        let _ = delivery_or_event(&body);
        let _ = delivery_or_event(escapes.as_bytes());
    }
}
