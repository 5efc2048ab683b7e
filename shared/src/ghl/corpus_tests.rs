//! The clients against a collection of samples and official documents that is not part of the
//! project. `CORPUS` names its folder, from the workspace's root or absolute; without it these
//! tests say so and pass.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::crypto::BASE64;
use crate::domain::ids::{CompanyId, ContactId, LocationId};
use crate::domain::message::{CrmStatus, Direction};

use super::client::Ghl;
use super::error::GhlError;
use super::locations::Which;
use super::map::status_update;
use super::messages::{ExportQuery, InboundPost};
use super::oauth::{OAuth, UserType};
use super::signature::{PublicKeys, SignatureError};
use super::sso::{SsoError, UserContext};
use super::test_server::{Call, Server, http_client, json as reply_json};
use super::wire::{Incoming, delivery_or_event};

fn folder() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's setting, not the program's"
    )]
    let corpus = std::env::var_os("CORPUS");
    let Some(corpus) = corpus else {
        println!("skipped: CORPUS is not set");
        return None;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Some(root.join(corpus).join("gohighlevel"))
}

fn read(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    serde_json::from_str(&text).unwrap()
}

fn str<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer}"))
}

#[test]
fn signatures_of_the_vectors() {
    // AC 66
    let Some(folder) = folder() else { return };
    let vectors = read(folder.join("vectors/vectors.json"));
    let pem = str(&vectors, "/signature/ed25519PublicKeyPem");
    let spki: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let keys = PublicKeys::parse(&spki).unwrap();
    let body = str(&vectors, "/signature/rawBodyUtf8");
    let signature = str(&vectors, "/signature/xGhlSignature");
    let check = |body: &str, header: Option<&str>, expect| {
        assert_eq!(keys.verify(body.as_bytes(), header), expect);
    };
    check(body, Some(signature), Ok(()));
    check(body, None, Err(SignatureError::Missing));
    check(body, Some("N/A"), Err(SignatureError::Missing));
    check(
        &body.replace("Olá", "Ola"),
        Some(signature),
        Err(SignatureError::Wrong),
    );
    check(
        &body.replace(",\"", ", \""),
        Some(signature),
        Err(SignatureError::Wrong),
    );
    let hex: String = BASE64
        .decode(signature)
        .unwrap()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    check(body, Some(&hex), Err(SignatureError::Garbled));
    // RSA's signature has another length.
    check(
        body,
        Some(str(&vectors, "/signature/xWhSignature")),
        Err(SignatureError::Garbled),
    );

    let real = std::fs::read_to_string(folder.join("keys/ghl-ed25519.pub.pem")).unwrap();
    let real: String = real.lines().filter(|line| !line.starts_with('-')).collect();
    PublicKeys::parse(&format!("{spki},{real}")).unwrap();
}

#[test]
fn user_contexts_of_the_vectors() {
    // AC 18, AC 19, AC 20
    let Some(folder) = folder() else { return };
    let sso = &read(folder.join("vectors/vectors.json"))["sso"];
    let secret = SecretString::from(str(sso, "/sharedSecret"));
    let decrypt = |text: &str, secret: &SecretString| UserContext::decrypt(text, secret);
    let location = decrypt(str(sso, "/location/ciphertext"), &secret).unwrap();
    assert_eq!(location.user_id, str(sso, "/location/plaintext/userId"));
    assert_eq!(
        location.location().map(LocationId::as_str),
        Ok(str(sso, "/location/plaintext/activeLocation"))
    );
    let agency = decrypt(str(sso, "/agency/ciphertext"), &secret).unwrap();
    assert!(agency.is_agency_owner);
    assert_eq!(agency.location(), Err(SsoError::NoLocation));
    let whole = str(sso, "/location/ciphertext");
    assert_eq!(
        decrypt(whole, &SecretString::from("wrong")),
        Err(SsoError::Garbage)
    );
    assert_eq!(
        decrypt(&whole[..whole.len() - 24], &secret),
        Err(SsoError::Garbage)
    );
}

#[test]
fn every_sample_of_a_webhook_is_placed() {
    // AC 67
    let Some(folder) = folder() else { return };
    let mut n = 0;
    for entry in std::fs::read_dir(folder.join("samples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let body = std::fs::read(&path).unwrap();
        let incoming = delivery_or_event(&body).unwrap();
        match incoming {
            Incoming::Delivery(_) => assert!(name.starts_with("provider-outbound."), "{name}"),
            Incoming::Event(_) => {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert!(body["type"].is_string(), "{name}");
            }
            // No webhooks of these addresses.
            Incoming::Unknown { type_name } => {
                let others = ["errors", "oauth.", "workflow-", "external-auth."];
                let is_other = others.iter().any(|start| name.starts_with(start));
                assert!(is_other && type_name.is_empty(), "{name}");
            }
        }
        n += 1;
    }
    assert!(n > 20, "only {n} samples");
}

#[tokio::test]
async fn every_sample_of_an_error_has_its_variant() {
    let Some(folder) = folder() else { return };
    let samples = read(folder.join("samples/errors.json"));
    for (name, sample) in samples.as_object().unwrap() {
        let status = sample["http"].as_u64().unwrap_or(500);
        let server = Server::start(reply_json(
            status.try_into().unwrap(),
            sample["body"].clone(),
        ))
        .await;
        let token = SecretString::from("t");
        let error = if name.starts_with("oauth.") {
            app(&server)
                .refresh(&token, UserType::Location)
                .await
                .unwrap_err()
        } else {
            api(&server)
                .put_status(&token, "M1", &status_update(CrmStatus::Read, None))
                .await
                .unwrap_err()
        };
        let expected = match name.as_str() {
            "oauth.refresh.used-or-expired" => matches!(error, GhlError::InvalidGrant),
            "oauth.location.inactive" => matches!(error, GhlError::LocationInactive),
            "oauth.code.not-found" => matches!(error, GhlError::BadCode),
            "oauth.unknown-field" => matches!(error, GhlError::Refused { status: 422, .. }),
            "token.expired-or-bad" => matches!(error, GhlError::Unauthorized(_)),
            "token.other-tenant" => matches!(error, GhlError::OtherTenant(_)),
            "status.too-early-or-not-ours" => matches!(error, GhlError::NotYet(_)),
            "upload.unknown-conversation" => matches!(error, GhlError::Unavailable { .. }),
            "rate" => matches!(error, GhlError::RateLimited { .. }),
            "inbound.attachments" | "upload.too-large" | "contacts.unknown-field" => {
                matches!(error, GhlError::Refused { .. })
            }
            name if name.starts_with("inbound.") => matches!(error, GhlError::WrongProvider(_)),
            name if name.starts_with("version.") || name.starts_with("token.") => {
                matches!(error, GhlError::Misconfigured(_))
            }
            _ => panic!("no expectation for {name}"),
        };
        assert!(expected, "{name}: {error:?}");
    }
}

#[tokio::test]
async fn every_sample_of_a_token_answer_is_read() {
    let Some(folder) = folder() else { return };
    for (name, user_type) in [
        ("oauth.token.location.json", UserType::Location),
        ("oauth.token.company-bulk.json", UserType::Company),
        ("oauth.location-token.v2021-07-28.json", UserType::Location),
    ] {
        let server = Server::start(reply_json(200, read(folder.join("samples").join(name)))).await;
        let tokens = app(&server).exchange("X").await.unwrap();
        assert_eq!(tokens.user_type, user_type, "{name}");
        assert_eq!(
            tokens.location.is_some(),
            user_type == UserType::Location,
            "{name}"
        );
    }
}

fn api(server: &Server) -> Ghl {
    Ghl::new(http_client(), server.base.clone()).with_timeout(Duration::from_secs(5))
}

fn app(server: &Server) -> OAuth {
    let redirect = "https://app.example/oauth/callback".to_owned();
    OAuth::new(
        http_client(),
        server.base.clone(),
        "a-b".into(),
        SecretString::from("s"),
        redirect,
    )
}

#[tokio::test]
async fn every_call_is_as_the_official_documents_want_it() {
    // AC 1, AC 7, AC 44, AC 81
    let Some(folder) = folder() else { return };
    let server = Server::start(reply_json(200, json!({"messageId": "M1", "messages": []}))).await;
    let (ghl, app, token) = (api(&server), app(&server), SecretString::from("t"));
    let (location, contact) = (LocationId::new("L1"), ContactId::new("P1"));
    let post = |attachments: Vec<String>, direction| InboundPost {
        type_name: "SMS",
        contact_id: contact.clone(),
        conversation_provider_id: "prov1".into(),
        message: "hi".into(),
        attachments,
        alt_id: Some("3EB0".into()),
        direction,
        date: Some("2026-11-20T12:00:01.250Z".into()),
    };
    let export = ExportQuery {
        location: location.clone(),
        contact: Some(contact.clone()),
        start_ms: Some(0),
        cursor: Some("c".into()),
    };
    // What the calls make of the answer is not this test's matter.
    let _ = ghl
        .upsert_contact(&token, &location, "+79001234567", Some("RU"))
        .await;
    let _ = ghl.set_contact_name(&token, &contact, "Anna").await;
    let _ = ghl
        .update_contact_phone(&token, &contact, "+79001234567")
        .await;
    let _ = ghl.add_tags(&token, &contact, &["a"]).await;
    let _ = ghl.get_contact(&token, &contact).await;
    let _ = ghl
        .search_duplicate(&token, &location, "+79001234567")
        .await;
    let _ = ghl.get_location(&token, &location).await;
    let _ = ghl.post_inbound(&token, &post(vec![], Direction::In)).await;
    let _ = ghl
        .post_inbound(
            &token,
            &post(vec!["https://x/a.png".into()], Direction::Out),
        )
        .await;
    for status in [
        CrmStatus::Pending,
        CrmStatus::Delivered,
        CrmStatus::Read,
        CrmStatus::Failed,
    ] {
        let _ = ghl
            .put_status(&token, "M1", &status_update(status, None))
            .await;
    }
    let _ = ghl.export_messages(&token, &export).await;
    let _ = app.exchange("X").await;
    let _ = app.refresh(&token, UserType::Company).await;
    let company = CompanyId::new("C1");
    let _ = ghl.location_token(&token, &company, &location).await;
    for which in [Which::From(100), Which::One(&location)] {
        let _ = ghl.installed_locations(&token, &company, "a", which).await;
    }

    let calls = server.calls();
    assert_eq!(calls.len(), 19);
    for call in calls {
        let document = call.path.split('/').nth(1).unwrap();
        check_call(
            &read(folder.join(format!("openapi/{document}.json"))),
            &call,
        );
    }
}

/// Checks one call against an OpenAPI document: path, parameters, body.
fn check_call(document: &Value, call: &Call) {
    let what = format!("{} {}", call.method, call.path);
    let operation = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        // A literal path goes before one with parameters.
        .filter(|(template, _)| is_path(template, &call.path))
        .min_by_key(|(template, _)| template.matches('{').count())
        .and_then(|(_, methods)| methods.get(call.method.to_lowercase()))
        .unwrap_or_else(|| panic!("{what} is not documented"));
    let none = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&none);
    let of_kind = |kind: &'static str| parameters.iter().filter(move |p| p["in"] == kind);
    for parameter in of_kind("query") {
        let name = str(parameter, "/name");
        let sent = call.query.iter().find(|(key, _)| key == name);
        assert!(
            sent.is_some() || parameter["required"] != true,
            "{what}: {name} is missing"
        );
        if let (Some((_, value)), Some(words)) = (sent, parameter["schema"]["enum"].as_array()) {
            assert!(words.contains(&json!(value)), "{what}: {name}={value}");
        }
    }
    for (key, _) in &call.query {
        assert!(
            of_kind("query").any(|p| p["name"] == **key),
            "{what}: {key} is not documented"
        );
    }
    for parameter in of_kind("header") {
        let name = str(parameter, "/name");
        let sent = call
            .header(name)
            .unwrap_or_else(|| panic!("{what}: no {name}"));
        let words = parameter["schema"]["enum"].as_array().unwrap();
        assert!(words.contains(&json!(sent)), "{what}: {name}: {sent}");
    }
    let content = &operation["requestBody"]["content"];
    if let Some(media) = content.get("application/json") {
        check_value(document, &media["schema"], &call.json(), &what);
    } else if let Some(media) = content.get("application/x-www-form-urlencoded") {
        let form = call
            .form()
            .into_iter()
            .map(|(k, v)| (k, json!(v)))
            .collect::<Map<_, _>>();
        check_value(document, &media["schema"], &Value::Object(form), &what);
    } else {
        assert_eq!(call.body, "", "{what}");
    }
}

fn is_path(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(t, p)| t.starts_with('{') || t == p)
}

/// What GoHighLevel itself checks: required and unknown fields, types, words.
fn check_value(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return check_value(
            document,
            document.pointer(&reference[1..]).unwrap(),
            value,
            at,
        );
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check_value(document, part, value, at);
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is none of {words:?}");
    }
    match schema["type"].as_str() {
        Some("object") => {
            let object = value
                .as_object()
                .unwrap_or_else(|| panic!("{at} is no object"));
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    object.contains_key(name.as_str().unwrap()),
                    "{at}: {name} is missing"
                );
            }
            for (name, value) in object {
                let schema = &schema["properties"][name];
                assert!(!schema.is_null(), "{at}: {name} is not documented");
                check_value(document, schema, value, &format!("{at}.{name}"));
            }
        }
        Some("array") => {
            let items = value
                .as_array()
                .unwrap_or_else(|| panic!("{at} is no list"));
            assert!(!items.is_empty(), "{at}: an empty list is refused");
            items
                .iter()
                .for_each(|item| check_value(document, &schema["items"], item, at));
        }
        Some("string") => assert!(value.is_string(), "{at} is no text"),
        Some("boolean") => assert!(value.is_boolean(), "{at} is no boolean"),
        Some("number") => assert!(value.is_number(), "{at} is no number"),
        Some(other) => panic!("{at}: {other} is not checked"),
        None => {}
    }
}
