//! The accounts of a fresh sandbox: the same ones every time, so that tools can know them.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    ghl::model::{Company, Ghl, Location, User},
    green_api::model::Instance,
};

/// Three WhatsApp numbers.
pub(crate) fn instances() -> BTreeMap<u64, Instance> {
    [
        (
            1_101_000_001,
            "d75b3a66374942c5b3c019c698abc2067e151558acbd412345",
            "79001110001",
            "Acme Plumbing",
        ),
        (
            1_101_000_002,
            "4c0e9a1f7b3d42e8a6d5508e21f9c7b3e4a86d1f0b5c4e9a7d",
            "79001110002",
            "Beta Dental",
        ),
        (
            1_101_000_009,
            "9e2f6b8c1d704a53bb07e4c68f12d39a5c7e0b416d8f4a23c1",
            "79001110009",
            "Spare number",
        ),
    ]
    .into_iter()
    .map(|(id, token, phone, name)| {
        (
            id,
            Instance::new(id, token.into(), phone.into(), name.into()),
        )
    })
    .collect()
}

/// One agency with two sub-accounts and their people.
pub(crate) fn ghl() -> Ghl {
    let company = Company {
        id: "Co9sandboxAgency0001".into(),
        name: "Sandbox Agency".into(),
    };
    let location = |id: &str, name: &str, timezone: &str, phone: &str| Location {
        id: id.into(),
        name: name.into(),
        country: "US".into(),
        timezone: timezone.into(),
        phone: phone.into(),
        active: true,
        installed_at: None,
        extra_channel: true,
        default_provider: false,
    };
    let user = |id: &str, name: &str, email: &str, location: Option<&str>| User {
        id: id.into(),
        name: name.into(),
        email: email.into(),
        role: "admin".into(),
        location: location.map(Into::into),
    };
    let (acme, beta) = ("Lo1sandboxAcmePlumb1", "Lo2sandboxBetaDental");
    Ghl {
        locations: [
            location(acme, "Acme Plumbing", "America/New_York", "+12125550101"),
            location(beta, "Beta Dental", "America/Los_Angeles", "+13105550102"),
        ]
        .into_iter()
        .map(|l| (l.id.clone(), l))
        .collect(),
        users: [
            user(
                "Us0sandboxAgencyAdm1",
                "Olivia Agency",
                "olivia@agency.example",
                None,
            ),
            user(
                "Us1sandboxAcmeAlice1",
                "Alice Acme",
                "alice@acme.example",
                Some(acme),
            ),
            User {
                role: "user".into(),
                ..user(
                    "Us2sandboxAcmeBob001",
                    "Bob Acme",
                    "bob@acme.example",
                    Some(acme),
                )
            },
            user(
                "Us3sandboxBetaCarol1",
                "Carol Beta",
                "carol@beta.example",
                Some(beta),
            ),
        ]
        .into_iter()
        .map(|u| (u.id.clone(), u))
        .collect(),
        ..Ghl::new(company)
    }
}

/// The settings of a new instance: everything off (GREEN-API contract, settings).
pub(crate) fn settings() -> serde_json::Map<String, serde_json::Value> {
    let all = json!({
        "countryInstance": "", "typeAccount": "", "webhookUrl": "", "webhookUrlToken": "",
        "delaySendMessagesMilliseconds": 500,
        "markIncomingMessagesReaded": "no", "markIncomingMessagesReadedOnReply": "no",
        "sharedSession": "no", "proxyInstance": "system proxy",
        "outgoingWebhook": "no", "outgoingMessageWebhook": "no", "outgoingAPIMessageWebhook": "no",
        "incomingWebhook": "no", "deviceWebhook": "no", "statusInstanceWebhook": "no",
        "stateWebhook": "no", "enableMessagesHistory": "no", "keepOnlineStatus": "no",
        "pollMessageWebhook": "no", "incomingBlockWebhook": "no", "incomingCallWebhook": "no",
        "editedMessageWebhook": "no", "deletedMessageWebhook": "no",
    });
    match all {
        serde_json::Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}
