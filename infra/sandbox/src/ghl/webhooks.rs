//! What GHL sends to the app, signed (GHL contract, outbound; verifying webhooks; delivery
//! behaviour of app webhooks).

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    SandboxError,
    app::{App, News},
    clock, deliver,
    ghl::{model::Message, providers::Shape},
    ids,
    record::Provider,
};

/// Not documented; long enough for anything that answers at all.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The older behaviour: only a 429 was repeated, six times, ten minutes apart.
const AFTER_429: Duration = Duration::from_secs(600);
const TRIES_429: u32 = 6;
/// The newer one, for app webhooks: twelve times, further and further apart.
const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Where app webhooks go.
const APP_WEBHOOKS: &str = "/webhooks/ghl";

/// Signs bodies with Ed25519.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
    pkcs8: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(pkcs8: Option<Vec<u8>>) -> Result<Self, SandboxError> {
        let pkcs8 = match pkcs8 {
            Some(pkcs8) => pkcs8,
            None => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                .map_err(|_| SandboxError::SigningKey)?
                .as_ref()
                .to_vec(),
        };
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8)
            .map_err(|_| SandboxError::SigningKey)?;
        Ok(Self { key, pkcs8 })
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// `X-GHL-Signature` of the raw body.
    fn sign(&self, body: &[u8]) -> String {
        STANDARD.encode(self.key.sign(body).as_ref())
    }

    /// RFC 8410: the fixed head of an Ed25519 key, then its 32 bytes.
    pub(crate) fn public_key_pem(&self) -> String {
        let mut der = vec![
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        der.extend_from_slice(self.key.public_key().as_ref());
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        )
    }
}

/// What an agent types: the body of `POST /_sandbox/ghl/reply`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) location_id: String,
    pub(crate) contact_id: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) attachments: Vec<String>,
    pub(crate) user_id: Option<String>,
    /// `SMS` unless given; `Custom` occurs as well.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) conversation_provider_id: Option<String>,
    /// As if the app were the default SMS provider: no provider and conversation in the payload.
    #[serde(default)]
    pub(crate) as_default_provider: bool,
    /// `replyToAltId` of the payload.
    #[serde(rename = "replyToAltId")]
    pub(crate) reply_to: Option<String>,
}

/// What GHL made of what was typed: a message for each of the location's providers.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) messages: Vec<String>,
    pub(crate) conversation: String,
    pub(crate) deliveries: Vec<Delivery>,
}

/// A payload for one of the app's delivery URLs.
#[derive(Debug)]
pub(crate) struct Delivery {
    path: &'static str,
    payload: Value,
}

/// Which id is unknown.
#[derive(Debug)]
pub(crate) struct Unknown(pub(crate) &'static str);

/// Makes the outbound message, once for each provider that is to send it.
pub(crate) fn reply(app: &App, mut reply: Reply) -> Result<Sent, Unknown> {
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let location = ghl.locations.get(&reply.location_id);
    let location = location.ok_or(Unknown("location"))?;
    let is_comment = reply.kind.as_deref() == Some("InternalComment");
    let shapes: Vec<Shape> = if is_comment {
        Vec::new()
    } else if reply.as_default_provider {
        vec![Shape::Default]
    } else if reply.conversation_provider_id.is_some() {
        vec![Shape::Extra]
    } else {
        location.shapes().collect()
    };
    let contact = ghl.contact_in(&reply.location_id, &reply.contact_id);
    let phone = contact.ok_or(Unknown("contact"))?.phone.clone();
    let conversation = ghl.conversation_of(&reply.location_id, &reply.contact_id);
    reply.user_id = reply.user_id.or_else(|| {
        let of_location =
            |u: &&crate::ghl::model::User| u.location.as_ref() == Some(&reply.location_id);
        ghl.users.values().find(of_location).map(|u| u.id.clone())
    });
    if let Some(c) = ghl.conversations.iter_mut().find(|c| c.id == conversation) {
        c.unread = 0;
    }
    let mut sent = Sent {
        messages: Vec::new(),
        conversation: conversation.clone(),
        deliveries: Vec::new(),
    };
    // A comment goes nowhere, and neither does what LC Phone sends.
    if shapes.is_empty() {
        let kind = if is_comment {
            "TYPE_INTERNAL_COMMENT"
        } else {
            "TYPE_SMS"
        };
        let message = written(&reply, &conversation, kind);
        sent.messages.push(message.id.clone());
        ghl.messages.push(message);
    }
    for shape in shapes {
        let named = reply.conversation_provider_id.clone();
        let provider = named.unwrap_or_else(|| app.ghl.provider_id(shape).to_owned());
        let mut message = written(&reply, &conversation, shape.message_type());
        message.status = "pending".into();
        message.delivered_ms = Some(message.at_ms);
        message.provider = Some(provider.clone());
        let mut payload = json!({
            "contactId": reply.contact_id,
            "locationId": reply.location_id,
            "messageId": message.id,
            "type": reply.kind.as_deref().unwrap_or("SMS"),
            "phone": phone,
            "message": reply.message,
            "attachments": reply.attachments,
            "userId": reply.user_id.clone().unwrap_or_default(),
        });
        if shape == Shape::Extra {
            payload["conversationId"] = conversation.clone().into();
            payload["conversationProviderId"] = provider.into();
        }
        if let Some(alt_id) = &reply.reply_to {
            payload["replyToAltId"] = alt_id.clone().into();
        }
        sent.messages.push(message.id.clone());
        ghl.messages.push(message);
        sent.deliveries.push(Delivery {
            path: shape.delivery_path(),
            payload,
        });
    }
    Ok(sent)
}

/// A message that was typed now, and goes through no provider of the app's.
fn written(reply: &Reply, conversation: &str, kind: &str) -> Message {
    let now = clock::now_ms();
    Message {
        id: ids::ghl_id(),
        conversation: conversation.into(),
        contact: reply.contact_id.clone(),
        location: reply.location_id.clone(),
        outbound: true,
        body: reply.message.clone(),
        attachments: reply.attachments.clone(),
        status: "sent".into(),
        alt_id: None,
        at_ms: now,
        added_ms: now,
        updated_ms: now,
        kind: kind.into(),
        provider: None,
        user: reply.user_id.clone(),
        delivered_ms: None,
        error: None,
        source: "app".into(),
    }
}

fn signed(app: &App, body: &Value) -> (HeaderMap, Vec<u8>) {
    let bytes = body.to_string().into_bytes();
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(signature) = HeaderValue::from_str(&app.signer.sign(&bytes)) {
        headers.insert("x-ghl-signature", signature);
    }
    (headers, bytes)
}

/// One attempt to the app.
async fn attempt(app: &App, path: &str, body: &Value, number: u32) -> Option<u16> {
    let url = format!("{}{path}", app.app_url());
    let (headers, bytes) = signed(app, body);
    deliver::post(app, Provider::Ghl, &url, headers, bytes, number, TIMEOUT).await
}

/// Posts to the delivery URL; gives the first answer. Only a 429 is repeated, later.
pub(crate) async fn deliver(app: &Arc<App>, delivery: Delivery) -> Option<u16> {
    let Delivery { path, payload } = delivery;
    let first = attempt(app, path, &payload, 1).await;
    if first == Some(429) {
        again(app, path, payload, false, first);
    }
    first
}

/// Sends an app webhook (`INSTALL` and so on), completed with what GHL adds.
pub(crate) async fn event(app: &Arc<App>, mut body: Map<String, Value>) -> (String, Option<u16>) {
    let mut fill = |key: &str, value: &str| {
        body.entry(key)
            .or_insert_with(|| value.into())
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    fill("appId", &app.ghl.app_id);
    fill("timestamp", &clock::iso(clock::now_ms()));
    let id = fill("webhookId", &ids::uuid());
    let body = Value::Object(body);
    let first = attempt(app, APP_WEBHOOKS, &body, 1).await;
    if !first.is_some_and(|s| (200..300).contains(&s)) {
        again(app, APP_WEBHOOKS, body, true, first);
    }
    (id, first)
}

/// Repeats in the background until a success or the last try.
fn again(app: &Arc<App>, path: &'static str, body: Value, is_event: bool, first: Option<u16>) {
    let task = app.clone();
    app.spawn(async move {
        let mut status = first;
        let mut number = 1;
        loop {
            let (most, pause) = match status {
                Some(200..300) => return,
                Some(429) => (TRIES_429, AFTER_429),
                _ if is_event => (
                    TRIES,
                    FIRST_PAUSE
                        .saturating_mul(1 << (number - 1))
                        .min(LONGEST_PAUSE),
                ),
                _ => return,
            };
            if number > most {
                return;
            }
            // A reset forgets what waits.
            tokio::select! {
                () = task.scale.sleep(pause) => {}
                () = task.was_reset.notified() => return,
            }
            number += 1;
            status = attempt(&task, path, &body, number).await;
        }
    });
}

/// The `INSTALL` of a sub-account that gets its agency's app without anybody's doing.
pub(crate) async fn installed_by_itself(app: &Arc<App>, location: &str) {
    let mut body = Map::new();
    body.insert("type".into(), "INSTALL".into());
    body.insert("installType".into(), "Location".into());
    body.insert("versionId".into(), app.ghl.app_id.clone().into());
    body.insert("locationId".into(), location.into());
    body.insert("isWhitelabelCompany".into(), false.into());
    event(app, body).await;
}

/// The `INSTALL` that follows a consent, as GHL sends it; it races with the redirect.
pub(crate) fn installed(app: &Arc<App>, location: Option<&str>) {
    let mut body = Map::new();
    let kind = if location.is_some() {
        "Location"
    } else {
        "Company"
    };
    let company = app.lock().kept.ghl.company.clone();
    body.insert("type".into(), "INSTALL".into());
    body.insert("installType".into(), kind.into());
    body.insert("companyId".into(), company.id.into());
    body.insert("companyName".into(), company.name.into());
    body.insert("versionId".into(), app.ghl.app_id.clone().into());
    if let Some(location) = location {
        body.insert("locationId".into(), location.into());
    }
    let task = app.clone();
    app.spawn(async move {
        event(&task, body).await;
    });
}
