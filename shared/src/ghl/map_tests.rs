use proptest::prelude::*;

use serde_json::{Value, json};

use crate::domain::event::Author;
use crate::domain::ids::{ChatId, LocationId, NumberId, WorkspaceId};
use crate::domain::message::{Direction, Origin};
use crate::domain::status::Status;

use super::*;

fn message(content: Content) -> Message {
    Message {
        workspace: WorkspaceId::new("w"),
        number: NumberId::new("n"),
        chat: ChatId::new("c"),
        seq: 1,
        rev: 1,
        direction: Direction::In,
        origin: Origin::Whatsapp,
        at_ms: 1_795_176_001_250,
        accepted_ms: 0,
        whatsapp_id: Some("3EB0".into()),
        author: Author::default(),
        content,
        quoted: None,
        status: Status::Accepted,
        status_reason: None,
        deliveries: Default::default(),
        crm: None,
        crm_twin: None,
        telegram: None,
        steps: Vec::new(),
        marks: crate::domain::message::Marks::default(),
        changed_ms: 0,
        stuck_ms: None,
        discarded: None,
    }
}

fn text() -> Content {
    Content::Text {
        text: " hi ".into(),
    }
}

fn missing(name: &str) -> File {
    File {
        kind: FileKind::Document,
        url: None,
        name: name.into(),
        mime: String::new(),
        missing: Some(FileMissing::NoLink),
        copy: None,
    }
}

#[test]
fn a_message_is_posted_with_all_that_is_known_of_it() {
    // AC 44, AC 63
    let url = "https://app.example/f/x/a.png";
    let check = |message: Message, part: usize, text: &str, expect: Value| {
        let files = message.files().iter().filter_map(|file| file.url.clone());
        let files: Vec<_> = files.collect();
        let post = inbound_post(&message, part, text, files, &ContactId::new("P1"), "prov1");
        assert_eq!(serde_json::to_value(&post).unwrap(), expect);
    };
    check(
        message(text()),
        0,
        "hi",
        json!({
            "type": "SMS", "contactId": "P1", "conversationProviderId": "prov1", "message": "hi",
            "altId": "3EB0", "direction": "inbound", "date": "2026-11-20T12:00:01.250Z",
        }),
    );
    check(
        Message {
            direction: Direction::Out,
            origin: Origin::Phone,
            ..message(text())
        },
        0,
        "hi",
        json!({
            "type": "SMS", "contactId": "P1", "conversationProviderId": "prov1", "message": "hi",
            "altId": "3EB0", "direction": "outbound", "date": "2026-11-20T12:00:01.250Z",
        }),
    );
    let file = File {
        url: Some(url.into()),
        missing: None,
        ..missing("a.png")
    };
    check(
        Message {
            whatsapp_id: None,
            at_ms: i64::MAX,
            ..message(Content::Files {
                files: vec![missing("b"), file.clone()],
                caption: "".into(),
            })
        },
        0,
        "",
        json!({
            "type": "SMS", "contactId": "P1", "conversationProviderId": "prov1",
            "attachments": [url], "direction": "inbound",
        }),
    );
    // A file that comes after its text has an id of its own.
    check(
        message(Content::Files {
            files: vec![file],
            caption: "c".into(),
        }),
        2,
        "📎",
        json!({
            "type": "SMS", "contactId": "P1", "conversationProviderId": "prov1", "message": "📎",
            "attachments": [url], "altId": "3EB0~2", "direction": "inbound",
            "date": "2026-11-20T12:00:01.250Z",
        }),
    );
}

#[test]
fn an_answer_to_a_file_that_came_later_answers_its_message() {
    let check = |alt_id: &str, expect: &str| assert_eq!(whatsapp_id(alt_id), expect);
    check("3EB0", "3EB0");
    check("3EB0~2", "3EB0");
    check("3EB0~2~x", "3EB0~2~x");
}

#[test]
fn only_a_failure_has_a_reason() {
    // AC 81
    let check = |status: CrmStatus, reason: Option<&str>, expect: Value| {
        assert_eq!(
            serde_json::to_value(status_update(status, reason)).unwrap(),
            expect
        );
    };
    let failed = |message: &str| {
        json!({
            "status": "failed",
            "error": {"code": "1", "type": "delivery_failed", "message": message},
        })
    };
    check(CrmStatus::Pending, None, json!({"status": "pending"}));
    check(
        CrmStatus::Delivered,
        Some("x"),
        json!({"status": "delivered"}),
    );
    check(CrmStatus::Read, None, json!({"status": "read"}));
    check(
        CrmStatus::Failed,
        Some(" no account "),
        failed("no account"),
    );
    check(
        CrmStatus::Failed,
        Some(" "),
        failed("The message could not be delivered."),
    );
    check(
        CrmStatus::Failed,
        None,
        failed("The message could not be delivered."),
    );
    check(
        CrmStatus::Failed,
        Some(&"é".repeat(501)),
        failed(&"é".repeat(500)),
    );
}

fn delivery(message: &str, attachments: &[&str]) -> ProviderDelivery {
    ProviderDelivery {
        location: LocationId::new("L1"),
        message_id: "M1".into(),
        type_name: "SMS".into(),
        contact: None,
        phone: None,
        message: message.into(),
        attachments: attachments.iter().map(|&url| url.to_owned()).collect(),
        user_id: None,
        conversation_id: None,
        provider_id: None,
        custom_user_id: None,
        reply_to_alt_id: Some("3EB0".into()),
        at_ms: None,
    }
}

#[test]
fn a_delivery_becomes_a_content() {
    // AC 75, AC 76
    let check = |message: &str, attachments: &[&str], expect: Option<Content>| {
        let wanted = from_delivery(&delivery(message, attachments));
        assert_eq!(wanted.quoted.as_deref(), Some("3EB0"));
        assert_eq!(wanted.into_content(), expect, "{message:?} {attachments:?}");
    };
    let image = File {
        kind: FileKind::Image,
        url: Some("https://x.example/a.png".into()),
        name: "a.png".into(),
        mime: String::new(),
        missing: None,
        copy: None,
    };
    let pdf = File {
        kind: FileKind::Document,
        url: Some("https://x.example/b.pdf".into()),
        name: "b.pdf".into(),
        ..image.clone()
    };
    check("", &[], None);
    check(" \n\u{c}", &[], None);
    check("hi\u{c}\n", &[], Some(Content::Text { text: "hi".into() }));
    check(
        "m",
        &["https://x.example/a.png", "https://x.example/b.pdf"],
        Some(Content::Files {
            files: vec![image.clone(), pdf],
            caption: "m".into(),
        }),
    );
    check(
        "",
        &[
            "https://x.example/a.png",
            "not an address",
            "file:///etc/passwd",
        ],
        Some(Content::Files {
            files: vec![image, missing(""), missing("")],
            caption: "".into(),
        }),
    );
}

#[test]
fn names_and_kinds_are_read_from_the_address() {
    let check = |address: &str, name: &str, kind: FileKind| {
        let file = file(address);
        assert_eq!((file.name.as_str(), file.kind), (name, kind), "{address}");
    };
    check("https://x.example/a.PNG", "a.PNG", FileKind::Image);
    check(
        "https://x.example/d/v.mp4?alt=media&token=1",
        "v.mp4",
        FileKind::Video,
    );
    check(
        "https://x.example/o/loc%2Fconv%2Fvoice.ogg?alt=media",
        "voice.ogg",
        FileKind::Audio,
    );
    check(
        "https://x.example/%D0%A1%D1%87%D1%91%D1%82%20+1.pdf",
        "Счёт +1.pdf",
        FileKind::Document,
    );
    check("https://x.example/", "", FileKind::Document);
    check("https://x.example", "", FileKind::Document);
    check(
        "https://x.example/noextension",
        "noextension",
        FileKind::Document,
    );
    check(
        "https://x.example/%2e%2e%2f..%5c..%00%0a.bashrc",
        "bashrc",
        FileKind::Document,
    );
    check("https://x.example/%ff.jpg", "\u{fffd}.jpg", FileKind::Image);
    let long = format!("{}.pdf", "a".repeat(500));
    check(
        &format!("https://x.example/{long}"),
        &long[384..],
        FileKind::Document,
    );
    check("ftp://x.example/a.png", "", FileKind::Document);
}

proptest! {
    #[test]
    fn no_address_makes_it_panic(address in any::<String>(), path in any::<String>()) {
        let _ = file(&address);
        let file = file(&format!("https://x.example/{path}"));
        prop_assert!(!file.name.contains(['/', '\\', '\0', '\n']));
        prop_assert!(file.name.chars().count() <= MAX_NAME);
    }
}
