//! Bodies written by hand after the contract, one for each type of message and notification.

mod bodies;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::bodies::{all, incoming};
use super::*;
use crate::domain::content::{CallEvent, FileKind, FileMissing, Lost, QuotedExcerpt};
use crate::domain::text::{Lang, TextInput, contact_name, crm_text};
use crate::green_api::wire::{JournalEntry, QueuedEntry, envelope};

fn read(body: &Value) -> Event {
    event(&envelope(body.to_string().as_bytes()).expect("JSON"))
}

fn read_message(body: &Value) -> NewMessage {
    match read(body) {
        Event::Message(message) => *message,
        other => panic!("no message: {other:?}"),
    }
}

fn text(message: &NewMessage, lang: Lang) -> String {
    let input = TextInput {
        content: &message.content,
        quoted: message.quoted.as_ref(),
        direction: message.direction,
        chat: &message.chat,
        author: &message.author,
        phone: message.phone.as_deref(),
    };
    crm_text(input, lang)
}

fn english(message_data: Value) -> String {
    text(&read_message(&incoming(message_data)), Lang::En)
}

/// body → event → English text, one snapshot for each. AC 50, 52–61
#[test]
fn every_type_is_understood_and_put_into_words() {
    for (name, body) in all() {
        let event = read(&body);
        let words = match &event {
            Event::Message(message) => text(message, Lang::En),
            _ => "(no text)".to_owned(),
        };
        insta::assert_snapshot!(name, format!("{event:#?}\n\n--- text ---\n{words}"));
    }
}

#[test]
fn exact_texts() {
    let check = |data: Value, expect: &str| assert_eq!(english(data), expect);
    // AC 44
    check(
        json!({"typeMessage":"textMessage","textMessageData":{"textMessage":" hi "}}),
        "hi",
    );
    // AC 50
    check(
        json!({"typeMessage":"imageMessage","fileMessageData":{"downloadUrl":"https://f/1.jpg","caption":"c"}}),
        "c",
    );
    check(
        json!({"typeMessage":"imageMessage","fileMessageData":{"downloadUrl":"https://f/1.jpg"}}),
        "Received an image file",
    );
    // AC 52
    check(
        json!({"typeMessage":"locationMessage","locationMessageData":{"latitude":1.5,"longitude":-2,"nameLocation":"Cafe","address":"Main 1"}}),
        "User shared a location:\n\n📍 Location: Cafe\n📮 Address: Main 1\n📌 Map: https://www.google.com/maps?q=1.5,-2",
    );
    check(
        json!({"typeMessage":"locationMessage","locationMessageData":{"latitude":0,"longitude":0,"nameLocation":"","address":""}}),
        "User shared a location:\n\n📌 Map: https://www.google.com/maps?q=0,0",
    );
    // AC 53
    check(
        json!({"typeMessage":"contactMessage","contactMessageData":{"displayName":"Bob","vcard":"BEGIN:VCARD\nTEL;type=CELL;waid=79005556677:+7 900 555-66-77\nEND:VCARD"}}),
        "👤 User shared a contact:\nName: Bob\nPhone: +7 900 555-66-77",
    );
    // AC 54
    check(
        json!({"typeMessage":"contactsArrayMessage","messageData":{"contacts":[{"displayName":"Ann","vcard":"TEL:+1 (2) 3"},{"displayName":"Bob","vcard":""}]}}),
        "User shared multiple contacts:\n👤 Ann (+1 (2) 3)\n👤 Bob",
    );
    // AC 55
    check(
        json!({"typeMessage":"pollMessage","pollMessageData":{"name":"Q?","options":[{"optionName":"A"},{"optionName":"B"}],"multipleAnswers":false}}),
        "📊 User sent a poll: Q?\nOptions:\n1. A\n2. B\n(Single answer only)",
    );
    check(
        json!({"typeMessage":"pollUpdateMessage","pollMessageData":{"name":"Q?","stanzaId":"S1","votes":[{"optionName":"A","optionVoters":["1@c.us"]},{"optionName":"B","optionVoters":[]}]}}),
        "Poll \"Q?\" was updated.\nVotes:\n- A: 1 vote(s)\n- B: 0 vote(s)",
    );
    // AC 56
    check(
        json!({"typeMessage":"editedMessage","editedMessageData":{"textMessage":"new","stanzaId":"S1"}}),
        "✏️ User edited a message to: \"new\" (Original ID: S1)",
    );
    check(
        json!({"typeMessage":"deletedMessage","deletedMessageData":{"stanzaId":"S1"}}),
        "🗑️ User deleted a message (ID: S1)",
    );
    // AC 58
    check(
        json!({"typeMessage":"reactionMessage","extendedTextMessageData":{"text":"👍"},"quotedMessage":{"stanzaId":"M1"}}),
        "Reacted 👍 to: a message (ID: M1)",
    );
    // AC 59
    check(
        json!({"typeMessage":"quotedMessage","extendedTextMessageData":{"text":"Yes","stanzaId":"M1"},"quotedMessage":{"stanzaId":"M1","typeMessage":"textMessage","textMessage":"Shall we?"}}),
        "↩️ In reply to: “Shall we?”\n\nYes",
    );
    check(
        json!({"typeMessage":"quotedMessage","extendedTextMessageData":{"text":"Yes"},"quotedMessage":{"stanzaId":"M1","typeMessage":"textMessage","textMessage":"{{SWE001}}"}}),
        "↩️ In reply to: an earlier message\n\nYes",
    );
    // AC 60
    check(
        json!({"typeMessage":"locationMessage"}),
        "A message that can only be seen on the phone (type: locationMessage)",
    );
    check(json!({}), "A message that can only be seen on the phone");
}

/// AC 57: nothing that could be read or pressed is lost.
#[test]
fn every_label_is_in_the_text() {
    let check = |data: Value, words: &[&str]| {
        let text = english(data);
        for word in words {
            assert!(text.contains(word), "{word} in {text}");
        }
    };
    check(
        json!({"typeMessage":"interactiveButtons","interactiveButtons":{"titleText":"T","contentText":"C","footerText":"F","buttons":[
            {"type":"copy","buttonText":"b1","copyCode":"code1"},{"type":"call","buttonText":"b2","phoneNumber":"79000000001"},{"type":"url","buttonText":"b3","url":"https://x.test/"}]}}),
        &[
            "Title: T",
            "\nC\n",
            "Footer: F",
            "• b1 (📋 Copy: \"code1\")",
            "• b2 (📞 79000000001)",
            "• b3 (https://x.test/)",
        ],
    );
    check(
        json!({"typeMessage":"interactiveButtonsReply","interactiveButtonsReply":{"titleText":"T","contentText":"C","footerText":"F","buttons":[{"buttonText":"b1"}]}}),
        &[
            "💬 Interactive reply message with buttons:\nTitle: T\nC\n\nReply options:\n• b1\n\nFooter: F",
        ],
    );
    check(
        json!({"typeMessage":"templateMessage","templateMessage":{"contentText":"C","footer":"F","buttons":[
            {"urlButton":{"displayText":"u","url":"https://x.test/"}},{"callButton":{"displayText":"c","phoneNumber":"+1 (2) 3"}},{"quickReplyButton":{"displayText":"q"}}]}}),
        &[
            "\nC\n\nActions:",
            "• Link: u (https://x.test/)",
            "• Call: c (+1 (2) 3)",
            "• Reply: q",
            "\n\nFooter: F",
        ],
    );
    check(
        json!({"typeMessage":"buttonsMessage","buttonsMessage":{"contentText":"C","footer":"F","buttons":[{"buttonId":"1","buttonText":"b1"},{"buttonId":"2","buttonText":"b2"}]}}),
        &["🔘 User sent a message with buttons:\nC\n\nButtons:\n• b1\n• b2\n\nFooter: F"],
    );
    check(
        json!({"typeMessage":"listMessage","listMessage":{"contentText":"C","title":"T","footer":"F","buttonText":"Open","sections":[
            {"title":"S1","rows":[{"title":"r1"},{"title":"r2","description":"d2"}]},{"title":"S2","rows":[{"title":"r3"}]}]}}),
        &[
            "📝 User sent a list message:\n",
            "C",
            "T",
            "Open",
            "\n\nS1:\n  • r1\n  • r2: d2\n\nS2:\n  • r3\n\nFooter: F",
        ],
    );
    check(
        json!({"typeMessage":"templateButtonsReplyMessage","templateButtonReplyMessage":{"selectedDisplayText":"First"}}),
        &["✅ Button clicked:\n\nFirst"],
    );
}

#[test]
fn calls_have_the_number_and_tell_apart() {
    // AC 61
    let check = |status: Value, expect: &str, kind: IdKind| {
        let message = read_message(
            &json!({"typeWebhook":"incomingCall","from":"79001234567@c.us","idMessage":"C1","status":status}),
        );
        assert_eq!(
            (text(&message, Lang::En).as_str(), message.kind),
            (expect, kind)
        );
        assert_eq!(message.direction, Direction::In);
    };
    check(
        json!("offer"),
        "📞 Incoming call from 79001234567",
        IdKind::CallOffer,
    );
    check(
        Value::Null,
        "📞 Incoming call from 79001234567",
        IdKind::CallOffer,
    );
    check(
        json!("pickUp"),
        "📞 Call answered from 79001234567",
        IdKind::CallPickUp,
    );
    for word in ["hangUp", "hungUp"] {
        check(
            json!(word),
            "📞 Call ended by recipient - 79001234567 (hung up or do not disturb)",
            IdKind::CallHangUp,
        );
    }
    check(
        json!("missed"),
        "📞 Missed call from 79001234567 (caller ended call)",
        IdKind::CallMissed,
    );
    check(
        json!("declined"),
        "📞 Call declined from 79001234567 (timeout)",
        IdKind::CallDeclined,
    );
    check(
        json!("teleported"),
        "📞 Call event from 79001234567 - Status: teleported",
        IdKind::CallOther,
    );

    // `from` of a call that goes out is the account.
    let out = read_message(
        &json!({"typeWebhook":"outgoingCall","from":"79990000000@c.us","idMessage":"C2","status":"missed","isVideo":true,
        "participants":[{"id":"79001234567@c.us","status":"missed"}]}),
    );
    assert_eq!(
        (out.chat.as_str(), out.direction, out.origin),
        ("79001234567@c.us", Direction::Out, Origin::Phone)
    );
    assert_eq!(
        out.content,
        Content::Call {
            event: CallEvent::Missed,
            video: true
        }
    );
}

#[test]
fn who_wrote_and_where() {
    // AC 49
    let group = |sender: Value| {
        let mut body =
            incoming(json!({"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"}}));
        body["senderData"] = sender;
        let message = read_message(&body);
        let name = contact_name(
            &message.chat,
            message.chat_name.as_deref(),
            message.author.name.as_deref(),
            Lang::En,
        );
        (text(&message, Lang::En), name)
    };
    let check = |sender: Value, words: &str, name: &str| {
        assert_eq!(group(sender), (words.to_owned(), name.to_owned()))
    };
    check(
        json!({"chatId":"120363418570879210@g.us","chatName":"Team","sender":"79001234567@c.us","senderName":"~Ann"}),
        "Ann (+79001234567):\n\n hi",
        "[Group] Team",
    );
    check(
        json!({"chatId":"120363418570879210@g.us","sender":"155508384256028@lid","senderName":"","senderContactName":"Jane"}),
        "Jane:\n\n hi",
        "[Group] Unknown Group",
    );
    check(
        json!({"chatId":"120363418570879210@g.us"}),
        "Unknown:\n\n hi",
        "[Group] Unknown Group",
    );
    check(
        json!({"chatId":"79001234567@c.us","senderName":" ","senderContactName":"Anna K"}),
        "hi",
        "Anna K",
    );
    check(
        json!({"chatId":"79001234567@c.us"}),
        "hi",
        "WhatsApp 79001234567",
    );
    check(
        json!({"sender":"79001234567@c.us","senderName":"A\nB"}),
        "hi",
        "A B",
    );
    // AC 65
    check(
        json!({"chatId":"155508384256028@lid","sender":"155508384256028@lid"}),
        "hi",
        "WhatsApp 155508384256028",
    );

    let mut max =
        incoming(json!({"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"}}));
    max["senderData"] =
        json!({"chatId":10000000,"sender":"10000000","senderPhoneNumber":79991112233_u64});
    let message = read_message(&max);
    assert_eq!(
        (message.chat.as_str(), message.phone.as_deref()),
        ("10000000", Some("+79991112233"))
    );
    max["senderData"]["senderPhoneNumber"] = json!(0);
    assert_eq!(read_message(&max).phone, None);
}

#[test]
fn echoes_and_what_was_typed_on_the_phone() {
    // AC 63
    let check = |word: &str, expect: (Direction, Origin, bool)| {
        let mut body =
            incoming(json!({"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"}}));
        body["typeWebhook"] = json!(word);
        let message = read_message(&body);
        assert_eq!(
            (message.direction, message.origin, message.api_echo),
            expect,
            "{word}"
        );
    };
    check(
        "incomingMessageReceived",
        (Direction::In, Origin::Whatsapp, false),
    );
    check(
        "outgoingMessageReceived",
        (Direction::Out, Origin::Phone, false),
    );
    check(
        "outgoingAPIMessageReceived",
        (Direction::Out, Origin::Whatsapp, true),
    );
}

#[test]
fn markers_and_files_without_a_link() {
    let check =
        |data: Value, expect: Content| assert_eq!(read_message(&incoming(data)).content, expect);
    let says =
        |text: &str| json!({"typeMessage":"textMessage","textMessageData":{"textMessage":text}});
    check(
        says("{{SWE001}}"),
        Content::Lost {
            why: Lost::NotSynced,
        },
    );
    check(
        says("{{SWE003}}"),
        Content::Lost {
            why: Lost::Undecryptable,
        },
    );
    check(says("a\u{0}b"), Content::Text { text: "ab".into() });
    let missing = |url: Value| {
        let message = read_message(&incoming(
            json!({"typeMessage":"documentMessage","fileMessageData":{"downloadUrl":url,"fileName":"a.pdf"}}),
        ));
        assert!(!text(&message, Lang::Ru).is_empty());
        match message.content {
            Content::Files { files, .. } => (files[0].kind, files[0].missing),
            other => panic!("no file: {other:?}"),
        }
    };
    assert_eq!(
        missing(json!("{{SWE002}}")),
        (FileKind::Document, Some(FileMissing::TooLarge))
    );
    assert_eq!(
        missing(json!("")),
        (FileKind::Document, Some(FileMissing::NoLink))
    );
    assert_eq!(
        missing(json!(null)),
        (FileKind::Document, Some(FileMissing::NoLink))
    );
    assert_eq!(
        missing(json!("ftp://x")),
        (FileKind::Document, Some(FileMissing::NoLink))
    );
    assert_eq!(
        missing(json!("https://x/a.pdf")),
        (FileKind::Document, None)
    );
}

#[test]
fn words_of_receipts() {
    // AC 81
    let check = |word: &str, expect: Status| {
        let body = json!({"typeWebhook":"outgoingMessageStatus","idMessage":"M1","status":word,"description":"why"});
        match read(&body) {
            Event::Receipt(receipt) => {
                assert_eq!(
                    (receipt.status, receipt.word.as_str(), receipt.chat),
                    (expect, word, None)
                );
                assert_eq!(receipt.description.as_deref(), Some("why"));
            }
            other => panic!("no receipt: {other:?}"),
        }
    };
    check("sent", Status::Sent);
    check("delivered", Status::Delivered);
    check("read", Status::Read);
    for word in [
        "failed",
        "noAccount",
        "notInGroup",
        "yellowCard",
        "suspended",
        "noActiveSession",
    ] {
        check(word, Status::Failed);
    }
    check("pending", Status::Accepted);
    check("something else", Status::Accepted);
}

#[test]
fn states_and_what_is_not_shown() {
    let check = |body: Value, expect: Event| assert_eq!(read(&body), expect, "{body}");
    let state = |state, wid: Option<&str>| Event::State {
        state,
        wid: wid.map(str::to_owned),
    };
    // AC 62
    check(
        json!({"typeWebhook":"stateInstanceChanged","instanceData":{"wid":"79001234567@c.us"},"stateInstance":"authorized"}),
        state(InstanceState::Authorized, Some("79001234567@c.us")),
    );
    check(
        json!({"typeWebhook":"stateInstanceChanged","instanceData":{"wid":""},"stateInstance":"pendingCode"}),
        state(InstanceState::Other("pendingCode".into()), None),
    );
    let hidden = Event::NotShown;
    check(
        json!({"typeWebhook":"stateInstanceChanged"}),
        hidden(NotShown::Incomplete),
    );
    check(
        json!({"typeWebhook":"statusInstanceChanged","statusInstance":"online"}),
        hidden(NotShown::OnlineSignal),
    );
    check(
        json!({"typeWebhook":"incomingBlock","chatId":"1@c.us","chatState":"blocked"}),
        hidden(NotShown::Block),
    );
    check(
        json!({"typeWebhook":"incomingBlock","quotaData":{"method":"correspondents"}}),
        hidden(NotShown::Quota),
    );
    check(
        json!({"typeWebhook":"quotaExceeded","quotaData":{}}),
        hidden(NotShown::Quota),
    );
    check(
        json!({"typeWebhook":"deviceInfo","deviceData":{}}),
        hidden(NotShown::Device),
    );
    check(
        json!({"typeWebhook":"deviceInfo","avatarInfo":{"chatId":"1@c.us"}}),
        hidden(NotShown::Device),
    );
    check(
        json!({"typeWebhook":"somethingNew"}),
        hidden(NotShown::UnknownType),
    );
    check(
        json!({"typeWebhook":"incomingMessageReceived"}),
        hidden(NotShown::Incomplete),
    );
    check(
        json!({"typeWebhook":"outgoingMessageStatus","status":"read"}),
        hidden(NotShown::Incomplete),
    );
    check(json!({}), hidden(NotShown::Incomplete));
    check(json!("text"), hidden(NotShown::Incomplete));
}

#[test]
fn a_missing_id_is_made_up_and_stays_the_same() {
    let mut body =
        incoming(json!({"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"}}));
    body["idMessage"] = json!("");
    let first = read_message(&body).remote_id;
    assert!(first.starts_with("derived:"));
    assert_eq!(first, read_message(&body).remote_id);
    assert_eq!(
        first,
        read_message(&json!({"receiptId": 7, "body": body.clone()})).remote_id
    );
    body["timestamp"] = json!(2);
    assert_ne!(first, read_message(&body).remote_id);
}

#[test]
fn journal_rows_read_like_webhooks() {
    let read = |row: Value| journal(&serde_json::from_value::<JournalEntry>(row).expect("lenient"));
    let row = read(json!({"type":"incoming","idMessage":"J1","timestamp":1706522263,"typeMessage":"quotedMessage","chatId":"79001234567@c.us",
        "extendedTextMessage":{"text":"To the beach","stanzaId":"M1"},"quotedMessage":{"stanzaId":"M1","typeMessage":"pollMessage","pollMessageData":{}},
        "senderId":"79001234567@c.us","senderName":"Ann","isDeleted":false,"editedMessageId":""}))
    .expect("a message");
    assert_eq!(
        row.message.content,
        Content::Text {
            text: "To the beach".into()
        }
    );
    assert_eq!(
        row.message.quoted.map(|quoted| quoted.excerpt),
        Some(QuotedExcerpt::Poll)
    );
    assert_eq!(
        (
            row.message.direction,
            row.message.author.name.as_deref(),
            row.status
        ),
        (Direction::In, Some("Ann"), None)
    );

    let row = read(json!({"type":"outgoing","idMessage":"J2","timestamp":"1706522263","typeMessage":"imageMessage","chatId":"79001234567@c.us",
        "downloadUrl":"https://f/1.jpg","caption":"c","fileName":"1.jpg","mimeType":"image/jpeg","statusMessage":"read","sendByApi":true}))
    .expect("a message");
    assert_eq!(
        (row.status, row.message.api_echo, row.message.origin),
        (Some(Status::Read), true, Origin::Whatsapp)
    );
    assert_eq!(text(&row.message, Lang::En), "c");

    let edited = read(
        json!({"type":"outgoing","idMessage":"J3","typeMessage":"editedMessage","chatId":"1@c.us","textMessage":"new","editedMessageId":"J1","sendByApi":false}),
    );
    let edited = edited.expect("a message").message;
    assert_eq!(
        (edited.origin, edited.content),
        (
            Origin::Phone,
            Content::Edited {
                text: "new".into(),
                target: Some("J1".into())
            }
        )
    );
    assert_eq!(read(json!({"type":"outgoing","typeMessage":""})), None);
    assert_eq!(read(json!(7)), None);
}

#[test]
fn the_gateways_queue() {
    let read =
        |entry: Value| queued(&serde_json::from_value::<QueuedEntry>(entry).unwrap_or_default());
    let check = |method: &str, mut body: Value, expect: Content| {
        body["chatId"] = json!("79001234567@c.us");
        let entry = read(json!({"messageID":"Q1","type":method,"body":body})).expect("an entry");
        assert_eq!(
            (entry.remote_ids, entry.chat.as_str(), entry.content),
            (vec!["Q1".to_owned()], "79001234567@c.us", expect)
        );
    };
    check(
        "sendMessage",
        json!({"message":"hi","typingTime":null}),
        Content::Text { text: "hi".into() },
    );
    check(
        "sendLocation",
        json!({"latitude":1,"longitude":2}),
        Content::Location {
            latitude: 1.0,
            longitude: 2.0,
            name: String::new(),
            address: String::new(),
        },
    );
    check(
        "sendVoiceStatus",
        json!({}),
        Content::Unknown {
            type_name: "sendVoiceStatus".into(),
        },
    );
    let forward = read(
        json!({"messagesIDs":["Q2","Q3"],"type":"ForwardMessages","body":{"chatId":"1@g.us"}}),
    )
    .expect("an entry");
    assert_eq!(forward.remote_ids, ["Q2", "Q3"]);
    assert_eq!(
        read(json!({"type":"sendMessage","body":{"chatId":"1@c.us"}})),
        None
    );
    assert_eq!(read(json!({"messageID":"Q4"})), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("{{SWE002}}")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

/// Replaces, or removes for `None`, the `n`th value inside `value`, counted depth first.
fn mutate(value: &mut Value, n: &mut usize, with: &Option<Value>) {
    let step = |child: &mut Value, n: &mut usize| {
        if *n == 0 {
            *child = with.clone().unwrap_or(Value::Null);
        }
        let reached = *n == 0;
        *n = n.wrapping_sub(1);
        reached
    };
    match value {
        Value::Array(children) => {
            for child in children {
                if step(child, n) {
                    return;
                }
                mutate(child, n, with);
            }
        }
        Value::Object(children) => {
            for child in children.values_mut() {
                if step(child, n) {
                    return;
                }
                mutate(child, n, with);
            }
        }
        _ => {}
    }
}

fn must_have_words(event: &Event) {
    if let Event::Message(message) = event {
        for lang in [Lang::En, Lang::Ru] {
            assert!(!text(message, lang).trim().is_empty(), "{message:?}");
        }
        assert!(!message.remote_id.is_empty());
    }
}

proptest! {
    #[test]
    fn any_json_has_a_meaning(body in any_json()) {
        must_have_words(&read(&body));
        let row = serde_json::from_value::<JournalEntry>(body.clone()).expect("lenient");
        journal(&row);
        if let Ok(entry) = serde_json::from_value::<QueuedEntry>(body) {
            queued(&entry);
        }
    }

    #[test]
    fn a_damaged_body_has_a_meaning(which in any::<usize>(), at in 0..60_usize, with in proptest::option::of(any_json())) {
        let mut bodies = all();
        let (_, mut body) = bodies.swap_remove(which % bodies.len());
        mutate(&mut body, &mut at.clone(), &with);
        must_have_words(&read(&body));
    }

    #[test]
    fn any_bytes_are_refused_or_have_a_meaning(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(notification) = envelope(&bytes) {
            must_have_words(&event(&notification));
        }
    }

    #[test]
    fn half_surrogates_never_cost_a_body(escapes in "(\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\\\\\|x|é){0,6}") {
        let body = format!("{{\"typeWebhook\":\"{escapes}\"}}");
        prop_assert!(envelope(body.as_bytes()).is_ok(), "{}", body);
    }
}

/// Depth costs neither the stack nor the message.
#[test]
fn quotes_within_quotes() {
    let mut quoted = json!({"stanzaId":"deep"});
    for _ in 0..100 {
        quoted = json!({"stanzaId":"M1","typeMessage":"textMessage","textMessage":"x","quotedMessage":quoted});
    }
    let body = incoming(
        json!({"typeMessage":"textMessage","textMessageData":{"textMessage":"hi"},"quotedMessage":quoted}),
    );
    assert_eq!(
        text(&read_message(&body), Lang::En),
        "↩️ In reply to: “x”\n\nhi"
    );
}

/// The published and captured bodies, where they are at hand.
#[test]
fn the_corpus_has_a_meaning() {
    let Some(corpus) = corpus() else {
        println!("skipped: CORPUS is not set");
        return;
    };
    let mut read_files = 0;
    for folder in ["webhooks", "synthetic"] {
        let folder = std::path::Path::new(&corpus).join("green-api").join(folder);
        for file in std::fs::read_dir(&folder).expect("the corpus has this folder") {
            let path = file.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let body = std::fs::read(&path).expect("readable");
            let event = event(&envelope(&body).expect("JSON"));
            must_have_words(&event);
            read_files += 1;
            let new = ["noTypeMessage", "unknownType", "unknownWebhook"];
            let is_new = new.iter().any(|part| name.contains(part));
            let unknown = match &event {
                Event::Message(message) => matches!(message.content, Content::Unknown { .. }),
                Event::NotShown(why) => matches!(why, NotShown::UnknownType | NotShown::Incomplete),
                Event::Receipt(_) | Event::State { .. } => false,
            };
            assert_eq!(unknown, is_new, "{name}: {event:?}");
        }
    }
    assert!(read_files > 100, "{read_files} files");
    corpus_journals(&corpus);
}

fn corpus_journals(corpus: &str) {
    let folder = std::path::Path::new(corpus)
        .join("green-api")
        .join("responses");
    for name in [
        "lastIncomingMessages",
        "lastOutgoingMessages",
        "getChatHistory",
        "getMessage",
    ] {
        let file = std::fs::read(folder.join(format!("{name}.json"))).expect("readable");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        for answer in file["responses"].as_array().expect("answers") {
            let rows = match &answer["body"] {
                Value::Array(rows) => rows.clone(),
                row => vec![row.clone()],
            };
            for row in rows {
                let entry: JournalEntry = serde_json::from_value(row.clone()).expect("lenient");
                let message = journal(&entry).expect("complete").message;
                assert!(!matches!(message.content, Content::Unknown { .. }), "{row}");
            }
        }
    }
    let file = std::fs::read(folder.join("showMessagesQueue.json")).expect("readable");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    for entry in file["responses"][0]["body"].as_array().expect("entries") {
        let entry: QueuedEntry = serde_json::from_value(entry.clone()).expect("lenient");
        assert!(queued(&entry).is_some(), "{entry:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn corpus() -> Option<String> {
    std::env::var("CORPUS").ok()
}
