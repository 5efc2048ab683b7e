//! The account: settings, state, and the address book.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    green_api::{Answer, Call, Refused, change, model::Object, ok},
    ids, seeds,
};

/// How long a reboot takes here; the real ones take up to five minutes.
const REBOOT: Duration = Duration::from_secs(2);

pub(crate) fn get_settings(call: &Call) -> Answer {
    call.read(|i| {
        let mut all = i.settings.clone();
        all.insert("wid".into(), i.wid().into());
        ok(all.into())
    })?
}

/// Unknown keys are refused; a change reboots the instance (GREEN-API contract, account).
pub(crate) fn set_settings(call: &Call) -> Answer {
    let wanted = call.json()?;
    if wanted.is_empty() {
        return Err(Refused::bad(
            "Validation failed. Details: at least one setting is required",
        ));
    }
    let known = seeds::settings();
    for (key, value) in &wanted {
        let fits = match (key.as_str(), known.get(key)) {
            ("delaySendMessagesMilliseconds", _) => value
                .as_u64()
                .is_some_and(|ms| (500..=86_400_000).contains(&ms)),
            ("webhookUrl", _) => value.as_str().is_some_and(|url| {
                url.is_empty() || url.starts_with("http://") || url.starts_with("https://")
            }),
            (_, Some(Value::String(flag))) if flag == "yes" || flag == "no" => {
                value == "yes" || value == "no"
            }
            (_, Some(_)) => value.is_string(),
            (_, None) => {
                return Err(Refused::bad(format!(
                    "Validation failed. Details: '{key}' is not allowed"
                )));
            }
        };
        if !fits {
            return Err(Refused::bad(format!(
                "Validation failed. Details: '{key}' has a wrong value"
            )));
        }
    }
    let reboots = call.change(|i| {
        let changes = wanted.iter().any(|(k, v)| i.settings.get(k) != Some(v));
        i.settings.extend(wanted);
        changes && i.authorized()
    })?;
    if reboots {
        restart(call)?;
    }
    ok(json!({ "saveSettings": true }))
}

/// `starting` for a moment, then what it was.
fn restart(call: &Call) -> Result<(), Refused> {
    call.change(|i| i.set_state("starting"))?;
    let (app, id) = (call.app.clone(), call.id);
    call.app.spawn(async move {
        app.scale.sleep(REBOOT).await;
        change(&app, id, |i| {
            if i.state == "starting" {
                i.set_state("authorized");
            }
        });
    });
    Ok(())
}

pub(crate) fn state(call: &Call) -> Answer {
    ok(json!({ "stateInstance": call.read(|i| i.state.clone())? }))
}

/// Empty strings while not authorized (GREEN-API contract, account).
pub(crate) fn wa_settings(call: &Call) -> Answer {
    call.read(|i| {
        let linked = i.state != "notAuthorized";
        ok(json!({
            "avatar": "",
            "phone": if linked { i.phone.as_str() } else { "" },
            "stateInstance": i.state,
            "deviceId": if linked { format!("{}:8@s.whatsapp.net", i.phone) } else { String::new() },
        }))
    })?
}

pub(crate) fn reboot(call: &Call) -> Answer {
    if call.read(super::model::Instance::authorized)? {
        restart(call)?;
    }
    ok(json!({ "isReboot": true }))
}

/// The old token is dead at once (GREEN-API contract, account).
pub(crate) fn update_token(call: &Call) -> Answer {
    let token = ids::api_token();
    call.change(|i| i.token.clone_from(&token))?;
    ok(json!({ "apiTokenInstance": token }))
}

/// What asks WhatsApp itself works only while linked.
fn linked(call: &Call) -> Result<(), Refused> {
    if call.read(super::model::Instance::authorized)? {
        return Ok(());
    }
    Err(Refused::bad("instance is starting or not authorized"))
}

pub(crate) fn check_whatsapp(call: &Call) -> Answer {
    linked(call)?;
    let body: Object = call.json()?;
    let chat = match (&body.get("phoneNumber"), &body.get("chatId")) {
        (Some(Value::Number(n)), _) if n.is_u64() => format!("{n}@c.us"),
        (None, Some(Value::String(chat))) if chat.contains('@') => chat.clone(),
        _ => {
            return Err(Refused::bad(
                "Validation failed. Details: 'phoneNumber' must be a number",
            ));
        }
    };
    let exists = call.read(|i| !i.no_account.contains(&chat))?;
    let mut out = json!({ "existsWhatsapp": exists });
    if exists {
        out["chatId"] = chat.into();
    }
    ok(out)
}

fn kind(chat: &str) -> &'static str {
    if chat.ends_with("@g.us") {
        "group"
    } else {
        "user"
    }
}

pub(crate) fn contacts(call: &Call) -> Answer {
    linked(call)?;
    call.read(|i| {
        let all: Vec<Value> = i
            .names
            .iter()
            .map(
                |(id, name)| json!({ "id": id, "name": name, "contactName": "", "type": kind(id) }),
            )
            .collect();
        ok(all.into())
    })?
}

pub(crate) fn chats(call: &Call) -> Answer {
    linked(call)?;
    let count = call
        .query("count")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(usize::MAX);
    call.read(|i| {
        let mut seen: Vec<&str> = Vec::new();
        for message in i.messages.iter().rev() {
            if !seen.contains(&message.chat_id.as_str()) {
                seen.push(&message.chat_id);
            }
        }
        let all: Vec<Value> = seen
            .into_iter()
            .take(count)
            .map(|id| {
                json!({
                    "id": id, "name": i.name_of(id), "type": kind(id), "archive": false,
                    "ephemeralExpiration": 0, "ephemeralSettingTimestamp": 0,
                })
            })
            .collect();
        ok(all.into())
    })?
}
