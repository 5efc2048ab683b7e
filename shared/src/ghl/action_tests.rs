use serde_json::json;

use super::*;
use crate::domain::content::FileKind;

fn action(data: Value) -> Action {
    let body = json!({
        "data": data,
        "extras": { "locationId": "L1", "contactId": "C1", "workflowId": "W1" },
        "meta": { "key": "send_whatsapp", "version": "1.0" },
        "isMarketplaceAction": true,
    });
    Action::read(body.to_string().as_bytes()).expect("an action")
}

fn menu(kind: MenuKind, texts: [&str; 3], items: &[(&str, MenuAction)]) -> Content {
    let [title, body, footer] = texts.map(str::to_owned);
    Content::Menu(Menu {
        menu: kind,
        title,
        body,
        footer,
        opener: String::new(),
        items: items
            .iter()
            .map(|(label, action)| MenuItem {
                section: String::new(),
                label: (*label).to_owned(),
                description: String::new(),
                action: action.clone(),
            })
            .collect(),
    })
}

#[test]
fn filled_fields_tell_what_is_to_be_sent() {
    // AC 87, AC 88, AC 89, AC 90
    let check = |data: Value, expect: Content| {
        let read = action(data.clone()).content;
        assert_eq!(read, Ok(expect), "{data}");
    };
    let text = |text: &str| Content::Text { text: text.into() };
    check(json!({ "message": " hi\n" }), text("hi"));
    check(json!({ "message": 7, "url": "" }), text("7"));
    check(
        json!({ "message": "hi", "url": null, "button1Type": " " }),
        text("hi"),
    );

    let file = |url: &str, name: &str, kind, caption: &str| Content::Files {
        files: vec![File {
            kind,
            url: Some(url.into()),
            name: name.into(),
            mime: String::new(),
            missing: None,
            copy: None,
        }],
        caption: caption.into(),
    };
    let url = "https://f.example/x/photo.PNG";
    check(
        json!({ "url": url, "fileName": "a.pdf", "caption": "c", "message": "unused" }),
        file(url, "a.pdf", FileKind::Document, "c"),
    );
    check(
        json!({ "url": url, "fileName": "../our photo" }),
        file(url, "our photo.PNG", FileKind::Image, ""),
    );

    let (link, call, copy) = (
        MenuAction::Url("https://a.example".into()),
        MenuAction::Call("79329843267".into()),
        MenuAction::Copy("SALE".into()),
    );
    check(
        json!({
            "header": "h", "body": "b", "footer": "f",
            "button1Type": "url", "button1Text": "Site", "button1Value": "https://a.example",
            "button2Type": "CALL", "button2Text": "Call", "button2Value": "+7 (932) 984-32-67",
            "button3Type": "copy", "button3Text": "Code", "button3Value": "SALE",
        }),
        menu(
            MenuKind::Interactive,
            ["h", "b", "f"],
            &[("Site", link.clone()), ("Call", call), ("Code", copy)],
        ),
    );
    // Incomplete ones are left out.
    check(
        json!({
            "body": "b",
            "button1Type": "copy", "button1Text": "Code",
            "button2Type": "call", "button2Text": "Call", "button2Value": "nobody",
            "button3Type": "url", "button3Text": "Site", "button3Value": "https://a.example",
            "button4Type": "url", "button4Text": "Four", "button4Value": "https://a.example",
        }),
        menu(MenuKind::Interactive, ["", "b", ""], &[("Site", link)]),
    );
    check(
        json!({ "body": "b", "button1Text": "Yes", "button2Text": "No", "button3Text": "" }),
        menu(
            MenuKind::InteractiveReply,
            ["", "b", ""],
            &[("Yes", MenuAction::Reply), ("No", MenuAction::Reply)],
        ),
    );
}

#[test]
fn what_a_kind_lacks_is_named() {
    // AC 91
    let check = |data: Value, expect: NotAMessage| {
        let read = action(data.clone()).content;
        assert_eq!(read, Err(expect), "{data}");
    };
    check(json!({}), NotAMessage::NoMessage);
    check(json!({ "message": " \n" }), NotAMessage::NoMessage);
    check(
        json!({ "body": "b", "header": "h" }),
        NotAMessage::NoMessage,
    );
    let url = "https://f.example/a.png";
    check(json!({ "url": url }), NotAMessage::NoFileName);
    check(
        json!({ "url": url, "fileName": " ../ " }),
        NotAMessage::NoFileName,
    );
    check(
        json!({ "url": "https://f.example/a", "fileName": "a" }),
        NotAMessage::NoFileEnding,
    );
    for url in [
        "a.png",
        "ftp://f.example/a.png",
        "javascript:alert(1)",
        "/etc/passwd",
    ] {
        check(
            json!({ "url": url, "fileName": "a.png" }),
            NotAMessage::BadUrl,
        );
    }
    check(
        json!({ "button1Type": "url", "button1Text": "x", "button1Value": "y" }),
        NotAMessage::NoBody,
    );
    check(
        json!({ "body": "b", "button1Type": "url" }),
        NotAMessage::NoButton,
    );
    check(
        json!({ "body": "b", "button1Type": "dial", "button1Text": "x", "button1Value": "y" }),
        NotAMessage::NoButton,
    );
    check(json!({ "button2Text": "Yes" }), NotAMessage::NoBody);
}

#[test]
fn a_body_is_an_action_or_is_not() {
    let check = |body: &[u8], expect: NotAnAction| {
        let read = Action::read(body).map(|_| ());
        assert_eq!(read, Err(expect), "{}", String::from_utf8_lossy(body));
    };
    check(b"", NotAnAction::NotJson);
    check(b"<html>", NotAnAction::NotJson);
    check(b"null", NotAnAction::NoData);
    check(b"[]", NotAnAction::NoData);
    check(br#"{"data":"message","extras":{}}"#, NotAnAction::NoData);
    let bare = Action::read(br#"{"data":{},"extras":null}"#).expect("an action");
    assert!(bare.location.is_none() && bare.contact.is_none() && bare.instance.is_none());
    let odd =
        br#"{"data":{"instanceId":1101000001},"extras":{"contactId":"../C","locationId":"{{x}}"}}"#;
    let odd = Action::read(odd).expect("an action");
    assert_eq!(odd.instance.as_deref(), Some("1101000001"));
    assert_eq!(odd.location.as_deref(), Some("{{x}}"));
    assert_eq!(odd.contact, None);
    assert_eq!(location("{{x}}"), None);
    assert_eq!(location("L1"), Some(LocationId::new("L1")));
}

#[test]
fn the_same_action_has_the_same_fingerprint_and_no_other_has() {
    // AC 92
    let first = action(json!({ "instanceId": "1", "message": "hi" }));
    let of = |data: Value, phone: &str| action(data).fingerprint(phone);
    let expect = first.fingerprint("+1");
    assert_eq!(
        of(json!({ "message": "hi", "instanceId": "1" }), "+1"),
        expect
    );
    // How it proves itself is no part of what it says.
    let with_secret = json!({ "instanceId": "1", "message": "hi", "secret": "s" });
    assert_eq!(of(with_secret, "+1"), expect);
    let others = [
        of(json!({ "instanceId": "1", "message": "hi" }), "+2"),
        of(json!({ "instanceId": "2", "message": "hi" }), "+1"),
        of(
            json!({ "instanceId": "1", "message": "hi", "reference": "2" }),
            "+1",
        ),
    ];
    assert!(!others.contains(&expect));
}
