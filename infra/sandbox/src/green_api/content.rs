//! What a message says, in the forms of the webhooks and of the journals (GREEN-API contract,
//! messageData).

use serde_json::{Value, json};

use crate::{
    files::mime_of,
    green_api::model::{Content, FileRef, Object},
};

/// A text field of a body, `""` if it is not one.
pub(crate) fn text_of<'a>(body: &'a Object, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The same of any value.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list in a body.
pub(crate) fn items<'a>(body: &'a Object, name: &str) -> impl Iterator<Item = &'a Value> {
    body.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(map) => map,
        _ => Object::new(),
    }
}

/// A text message. Echoes of the API write it as an extended text, customers as a plain one.
pub(crate) fn text_content(text: &str, extended: bool) -> Content {
    let (kind, data) = if extended {
        let data = json!({
            "extendedTextMessageData": {
                "text": text, "description": "", "title": "", "previewType": "None",
                "jpegThumbnail": "", "forwardingScore": 0, "isForwarded": false,
            }
        });
        ("extendedTextMessage", data)
    } else {
        (
            "textMessage",
            json!({ "textMessageData": { "textMessage": text } }),
        )
    };
    Content {
        kind: kind.into(),
        data: object(data),
        flat: object(json!({ "textMessage": text })),
        flat_kind: "textMessage".into(),
        text: text.into(),
        file: None,
    }
}

/// A file message; its type follows the mime type.
pub(crate) fn file_content(file: FileRef, caption: &str) -> Content {
    let kind = match file.mime.split('/').next() {
        Some("image") => "imageMessage",
        Some("video") => "videoMessage",
        Some("audio") => "audioMessage",
        _ => "documentMessage",
    };
    let flat = object(json!({
        "downloadUrl": file.url, "caption": caption, "fileName": file.name,
        "jpegThumbnail": "", "mimeType": file.mime, "isAnimated": false,
        "forwardingScore": 0, "isForwarded": false,
    }));
    Content {
        kind: kind.into(),
        data: object(json!({ "fileMessageData": flat })),
        flat,
        flat_kind: kind.into(),
        text: caption.into(),
        file: Some(file),
    }
}

/// The message that a checked body stands for.
pub(crate) fn content(method: &str, body: &Object) -> Content {
    let simple = |kind: &str, key: &str, flat_key: &str, data: Value, text: String| Content {
        kind: kind.into(),
        flat: object(json!({ flat_key: data })),
        data: object(json!({ key: data })),
        flat_kind: kind.into(),
        text,
        file: None,
    };
    match method {
        "sendMessage" => text_content(text_of(body, "message"), true),
        "sendFileByUrl" => {
            let name = text_of(body, "fileName");
            let file = FileRef {
                url: text_of(body, "urlFile").into(),
                name: name.into(),
                mime: mime_of(name).into(),
            };
            file_content(file, text_of(body, "caption"))
        }
        "sendLocation" => {
            let (name, address) = (text_of(body, "nameLocation"), text_of(body, "address"));
            let data = json!({
                "nameLocation": name, "address": address, "jpegThumbnail": "",
                "latitude": body.get("latitude"), "longitude": body.get("longitude"),
                "forwardingScore": 0, "isForwarded": false,
            });
            let shown = format!("{name} {address}").trim().to_owned();
            simple(
                "locationMessage",
                "locationMessageData",
                "location",
                data,
                shown,
            )
        }
        "sendContact" => {
            let contact = body.get("contact").cloned().unwrap_or_default();
            let name = ["firstName", "middleName", "lastName"]
                .map(|part| text(&contact, part))
                .join(" ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            let phone = contact
                .get("phoneContact")
                .map(Value::to_string)
                .unwrap_or_default();
            let vcard = format!(
                "BEGIN:VCARD\nVERSION:3.0\nN:{};{};{};;\nFN:{name}\nTEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD",
                text(&contact, "lastName"),
                text(&contact, "firstName"),
                text(&contact, "middleName"),
            );
            let data = json!({
                "displayName": name, "vcard": vcard, "forwardingScore": 0, "isForwarded": false,
            });
            let shown = format!("{name} +{phone}");
            simple(
                "contactMessage",
                "contactMessageData",
                "contact",
                data,
                shown,
            )
        }
        "sendPoll" => {
            let options: Vec<&str> = items(body, "options")
                .map(|o| text(o, "optionName"))
                .collect();
            let shown = format!("{}\n- {}", text_of(body, "message"), options.join("\n- "));
            let data = json!({
                "name": text_of(body, "message"),
                "options": body.get("options"),
                "multipleAnswers": body.get("multipleAnswers") == Some(&Value::Bool(true)),
            });
            simple(
                "pollMessage",
                "pollMessageData",
                "pollMessageData",
                data,
                shown,
            )
        }
        _ => {
            let buttons: Vec<Value> = items(body, "buttons")
                .map(|b| {
                    let mut button = b.clone();
                    if button.get("type").is_none() {
                        button["type"] = "reply".into();
                    }
                    button
                })
                .collect();
            let names: Vec<&str> = buttons.iter().map(|b| text(b, "buttonText")).collect();
            let texts = ["header", "body", "footer"].map(|name| text_of(body, name));
            let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
            let shown = format!("{}\n[{}]", texts.join("\n"), names.join("] ["));
            let data = json!({
                "titleText": text_of(body, "header"),
                "contentText": text_of(body, "body"),
                "footerText": text_of(body, "footer"),
                "buttons": buttons,
            });
            simple(
                "interactiveButtons",
                "interactiveButtons",
                "interactiveButtons",
                data,
                shown,
            )
        }
    }
}
