//! What strangers may send, in any form: nothing of it ends a run, and nothing of it is taken for what
//! it is not.
//!
//! Some hundred of each in a test run. `PROPTEST_CASES=500000 cargo test --workspace --test fuzz` goes
//! on for minutes.

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use greenhub::crypto::sha256_hex;
use greenhub::ghl::action::Action;
use greenhub::ghl::signature::PublicKeys;
use greenhub::ghl::sso::UserContext;
use greenhub::realtime::map::{Change, news};
use greenhub::store::db::Range;
use greenhub::store::keys;
use greenhub::{ghl, green_api, media};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// JSON as somebody might write it who knows some of our names.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Words that mean something to us, ids, and what nobody expects.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "incomingMessageReceived",
        "outgoingAPIMessageReceived",
        "outgoingMessageStatus",
        "stateInstanceChanged",
        "incomingCall",
        "textMessage",
        "imageMessage",
        "pollUpdateMessage",
        "editedMessage",
        "OutboundMessage",
        "INSTALL",
        "UNINSTALL",
        "SMS",
        "79001234567@c.us",
        "120363043968066561@g.us",
        "1203630439680@lid",
        "authorized",
        "delivered",
        "",
    ]);
    prop_oneof![known.prop_map(str::to_owned), "\\PC{0,40}", ".{0,12}"]
}

fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "typeWebhook",
        "instanceData",
        "idInstance",
        "wid",
        "idMessage",
        "timestamp",
        "senderData",
        "chatId",
        "sender",
        "senderName",
        "messageData",
        "typeMessage",
        "textMessageData",
        "textMessage",
        "fileMessageData",
        "downloadUrl",
        "caption",
        "quotedMessage",
        "pollMessageData",
        "votes",
        "status",
        "stateInstance",
        "type",
        "locationId",
        "contactId",
        "messageId",
        "attachments",
        "message",
        "phone",
        "companyId",
        "appId",
        "data",
        "extras",
        "rev",
        "workspace",
        "chat",
        "number",
        "seq",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{0,12}"]
}

/// A notification in GREEN-API's frame, with anything in its places.
fn notification() -> impl Strategy<Value = Vec<u8>> {
    let framed = (text(), value(), value(), value()).prop_map(|(kind, sender, message, more)| {
        json!({
            "typeWebhook": kind, "instanceData": {"idInstance": 1101, "wid": "79@c.us"},
            "timestamp": 1_763_800_000, "idMessage": "3EB0", "senderData": sender,
            "messageData": message, "stateInstance": more, "status": more,
        })
    });
    bytes_of(prop_oneof![framed, value()])
}

/// The bytes of JSON, sometimes cut off or with one of them altered.
fn bytes_of(json: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<u8>> {
    let harm = prop_oneof![
        6 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    (json, harm).prop_map(|(json, harm)| {
        let mut bytes = json.to_string().into_bytes();
        match harm {
            Some((at, byte)) if byte < 64 => bytes.truncate(at.index(bytes.len())),
            Some((at, byte)) => {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            None => {}
        }
        bytes
    })
}

fn keys_of_ghl() -> &'static PublicKeys {
    static KEYS: OnceLock<PublicKeys> = OnceLock::new();
    // The published one, which is the template's default.
    let published = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";
    KEYS.get_or_init(|| PublicKeys::parse(published).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        // What failed is told; a file of it belongs to whoever looked.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_notification_has_a_meaning_or_is_not_json(body in notification()) {
        if let Ok(read) = green_api::wire::envelope(&body) {
            let event = green_api::map::event(&read);
            prop_assert_eq!(event, green_api::map::event(&read));
        } else {
            prop_assert!(serde_json::from_slice::<Map<String, Value>>(&body).is_err());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = green_api::wire::envelope(&body).map(|read| green_api::map::event(&read));
        let _ = ghl::wire::delivery_or_event(&body);
        let _ = Action::read(&body);
        let _ = media::sniff::is_page(&body);
    }

    #[test]
    fn a_delivery_of_the_crm_is_read_or_refused(body in bytes_of(value())) {
        let _ = ghl::wire::delivery_or_event(&body);
        let _ = Action::read(&body);
    }

    #[test]
    fn no_made_up_signature_is_taken(
        body in prop::collection::vec(any::<u8>(), 0..200),
        header in prop_oneof![
            "\\PC{0,120}",
            prop::collection::vec(any::<u8>(), 64..=64).prop_map(|bytes| BASE64.encode(bytes)),
        ],
    ) {
        prop_assert!(keys_of_ghl().verify(&body, Some(&header)).is_err());
        prop_assert!(keys_of_ghl().verify(&body, None).is_err());
    }

    #[test]
    fn no_made_up_user_context_opens(
        text in "\\PC{0,200}",
        bytes in prop::collection::vec(any::<u8>(), 0..160),
    ) {
        let secret = "secret".to_owned().into();
        prop_assert!(UserContext::decrypt(&text, &secret).is_err());
        let salted = BASE64.encode([b"Salted__".as_slice(), &bytes].concat());
        prop_assert!(UserContext::decrypt(&salted, &secret).is_err());
    }

    #[test]
    fn the_address_of_a_file_leads_to_one_number_or_nowhere(token in "\\PC{0,80}") {
        if let Some((number, link)) = media::link::read_token(&token) {
            let key = keys::file_link(&number, link);
            // Neither half can reach into another partition.
            prop_assert_eq!(key.pk.matches('#').count(), 2, "{:?}", key);
        }
    }

    #[test]
    fn a_row_of_a_stream_is_told_or_left_out(
        pk in "(CHAT|WS|LOC)#\\PC{0,12}",
        sk in "(CHAT|M#L#|NUM#|PERSON#|INSTALL|\\PC{0,8})\\PC{0,8}",
        old in value(),
        new in value(),
    ) {
        let image = |value: Value| serde_dynamo::to_item(value).ok();
        let change = Change { pk, sk, old: image(old), new: image(new) };
        let _ = news(&change);
    }

    #[test]
    fn whatever_is_shown_as_a_ticket_finds_one_row_at_most(ticket in "\\PC{0,200}") {
        let key = keys::socket_ticket(&sha256_hex(&ticket));
        prop_assert_eq!(key.pk.len(), "TICKET#".len() + 64);
        prop_assert!(key.pk.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#'));
    }

    #[test]
    fn a_persons_sockets_are_nobody_elses(
        person in "[a-f0-9]{1,32}", other in "[a-f0-9]{1,32}", connection in "[A-Za-z0-9=_-]{1,20}"
    ) {
        let workspace = greenhub::domain::ids::WorkspaceId::new("w");
        let [person, other] = [person, other].map(greenhub::domain::ids::PersonId::new);
        let (_, range) = keys::sockets_of(&workspace, &person);
        let Range::Text { from, to } = range else { unreachable!() };
        let sk = keys::listed_socket(&workspace, &other, &connection).sk;
        prop_assert_eq!(from <= sk && sk <= to, person == other);
    }
}
