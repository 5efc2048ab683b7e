//! Sending (GREEN-API contract, sending): the body is checked, the message queued, the id given.

use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, Request},
    http::StatusCode,
    response::IntoResponse as _,
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    clock,
    files::{self, mime_of},
    green_api::{
        Answer, Call, Refused,
        content::{items, text, text_of},
        model::{Object, Queued},
        ok,
    },
    ids,
    validate::{Field, Kind, Violation, check, may, need},
};

const QUOTED: Field = may("quotedMessageId", Kind::Str);
const CHAT: Field = need("chatId", Kind::Str);
const ARCHIVE: Field = may("archiveChat", Kind::Bool);
const TYPING: Field = may("typingTime", Kind::Int);

/// The fields of each method's body.
fn fields(method: &str) -> &'static [Field] {
    const PREVIEW: &[Field] = &[
        need("title", Kind::Str),
        may("description", Kind::Str),
        may("link", Kind::Str),
        may("urlFile", Kind::Str),
        may("jpegThumbnail", Kind::Str),
    ];
    const CONTACT: &[Field] = &[
        need("phoneContact", Kind::Int),
        may("firstName", Kind::Str),
        may("middleName", Kind::Str),
        may("lastName", Kind::Str),
        may("company", Kind::Str),
    ];
    const BUTTON: &[Field] = &[
        need("type", Kind::Enum(&["copy", "call", "url"])),
        need("buttonId", Kind::Str),
        need("buttonText", Kind::Str),
        may("copyCode", Kind::Str),
        may("phoneNumber", Kind::Str),
        may("url", Kind::Str),
    ];
    const OPTION: &[Field] = &[need("optionName", Kind::StrMax(100))];
    const REPLY: &[Field] = &[need("buttonId", Kind::Str), need("buttonText", Kind::Str)];
    match method {
        "sendMessage" => {
            const {
                &[
                    CHAT,
                    need("message", Kind::StrMax(20_000)),
                    QUOTED,
                    may("linkPreview", Kind::Bool),
                    may("typePreview", Kind::Enum(&["small", "large"])),
                    may("customPreview", Kind::Object(PREVIEW)),
                    TYPING,
                    ARCHIVE,
                ]
            }
        }
        "sendFileByUrl" => {
            const {
                &[
                    CHAT,
                    need("urlFile", Kind::Str),
                    need("fileName", Kind::Str),
                    may("caption", Kind::StrMax(20_000)),
                    QUOTED,
                    TYPING,
                    may("typingType", Kind::Enum(&["recording"])),
                    ARCHIVE,
                ]
            }
        }
        "sendLocation" => {
            const {
                &[
                    CHAT,
                    need("latitude", Kind::Num),
                    need("longitude", Kind::Num),
                    may("nameLocation", Kind::Str),
                    may("address", Kind::Str),
                    QUOTED,
                ]
            }
        }
        "sendContact" => const { &[CHAT, need("contact", Kind::Object(CONTACT)), QUOTED] },
        "sendPoll" => {
            const {
                &[
                    CHAT,
                    need("message", Kind::StrMax(255)),
                    need("options", Kind::Objects(OPTION, 2, 12)),
                    may("multipleAnswers", Kind::Bool),
                    QUOTED,
                ]
            }
        }
        "sendInteractiveButtons" => {
            const {
                &[
                    CHAT,
                    need("body", Kind::StrMax(20_000)),
                    may("header", Kind::Str),
                    may("footer", Kind::Str),
                    need("buttons", Kind::Objects(BUTTON, 1, 3)),
                ]
            }
        }
        _ => {
            const {
                &[
                    CHAT,
                    need("body", Kind::StrMax(20_000)),
                    may("header", Kind::Str),
                    may("footer", Kind::Str),
                    need("buttons", Kind::Objects(REPLY, 1, 3)),
                ]
            }
        }
    }
}

fn refuse(violations: &[Violation]) -> Result<(), Refused> {
    let Some(first) = violations.first() else {
        return Ok(());
    };
    let details = match first {
        Violation::Unknown(name) => format!("'{name}' is not allowed"),
        Violation::Missing(name) => format!("'{name}' is required"),
        Violation::Wrong(name, what) => format!("'{name}' {what}"),
    };
    Err(Refused::bad(format!(
        "Validation failed. Details: {details}"
    )))
}

/// `79001234567@c.us`, `…@lid`, `…@g.us` (GREEN-API contract, identifiers).
fn chat_id(body: &Object) -> Result<(), Refused> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let fits = match text_of(body, "chatId").rsplit_once('@') {
        Some((id, "c.us" | "lid")) => digits(id),
        Some((id, "g.us")) => id.split('-').all(digits),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Refused::bad(
            "Validation failed. Details: 'chatId' is invalid",
        ))
    }
}

pub(crate) fn send(call: &Call) -> Answer {
    let body = call.json()?;
    let method = call.method.name;
    refuse(&check(fields(method), &body))?;
    chat_id(&body)?;
    match method {
        "sendFileByUrl" => file(&body)?,
        "sendPoll" => distinct(&body)?,
        _ => {}
    }
    queue(call, method, body).and_then(|id| ok(json!({ "idMessage": id })))
}

/// The extension decides how a file is sent; the link must be a direct one without spaces.
fn file(body: &Object) -> Result<(), Refused> {
    let url = text_of(body, "urlFile");
    let is_web = url::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
    if !is_web || url.contains(char::is_whitespace) {
        return Err(Refused::bad(
            "Validation failed. Details: 'urlFile' must be a direct link",
        ));
    }
    extension(text_of(body, "fileName"))
}

fn extension(name: &str) -> Result<(), Refused> {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => Ok(()),
        _ => Err(Refused::bad(
            "Validation failed. Details: 'fileName' must have an extension",
        )),
    }
}

fn distinct(body: &Object) -> Result<(), Refused> {
    let mut names: Vec<&str> = items(body, "options")
        .map(|o| text(o, "optionName"))
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() == all {
        return Ok(());
    }
    Err(Refused::bad(
        "Validation failed. Details: 'options' must be distinct",
    ))
}

/// 200 means queued, not sent. Nothing recognises a repeated call: there is no idempotency key.
fn queue(call: &Call, method: &str, body: Object) -> Result<String, Refused> {
    let id_message = ids::message_id();
    call.change(|i| {
        i.queue.push_back(Queued {
            id_message: id_message.clone(),
            method: method.into(),
            body,
            at_ms: clock::now_ms(),
        });
    })?;
    Ok(id_message)
}

/// An empty 200; nothing is queued.
pub(crate) fn typing(call: &Call) -> Answer {
    let body = call.json()?;
    let fields = [CHAT, TYPING, may("typingType", Kind::Enum(&["recording"]))];
    refuse(&check(&fields, &body))?;
    chat_id(&body)?;
    Ok(StatusCode::OK.into_response())
}

/// Raw bytes with a type or a `GA-Filename`; the link can be used for many messages.
pub(crate) fn upload(call: &Call) -> Answer {
    let header = |name| call.parts.headers.get(name).and_then(|v| v.to_str().ok());
    let name = header("ga-filename").unwrap_or_default();
    let mime = header("content-type").unwrap_or_else(|| mime_of(name));
    if call.body.is_empty() {
        return Err(Refused::bad(
            "Validation failed. Details: the file is empty",
        ));
    }
    let name = if name.is_empty() {
        format!("file.{}", mime.rsplit('/').next().unwrap_or("bin"))
    } else {
        name.to_owned()
    };
    ok(json!({ "urlFile": files::put(&call.app, &name, mime, call.body.clone()) }))
}

pub(crate) async fn by_upload(mut call: Call) -> Answer {
    let bad = |e: axum::extract::multipart::MultipartError| {
        Refused::bad(format!("bad request data: {e}"))
    };
    let mut request = Request::new(Body::from(call.body.clone()));
    *request.headers_mut() = call.parts.headers.clone();
    *request.method_mut() = call.parts.method.clone();
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| Refused::bad(format!("bad request data: {e}")))?;
    let mut body = Object::new();
    let mut file: Option<(String, Bytes)> = None;
    while let Some(field) = form.next_field().await.map_err(bad)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file_name = field.file_name().unwrap_or_default().to_owned();
            file = Some((file_name, field.bytes().await.map_err(bad)?));
        } else {
            body.insert(name, field.text().await.map_err(bad)?.into());
        }
    }
    call.body = Bytes::new();
    let Some((uploaded, bytes)) = file else {
        return Err(Refused::bad(
            "Validation failed. Details: 'file' is required",
        ));
    };
    let name = body
        .get("fileName")
        .and_then(Value::as_str)
        .unwrap_or(&uploaded)
        .to_owned();
    extension(&name)?;
    let url = files::put(&call.app, &name, mime_of(&name), bytes);
    body.insert("fileName".into(), name.into());
    body.insert("urlFile".into(), url.clone().into());
    refuse(&check(fields("sendFileByUrl"), &body))?;
    chat_id(&body)?;
    let id = queue(&call, "sendFileByUrl", body)?;
    ok(json!({ "idMessage": id, "urlFile": url }))
}
