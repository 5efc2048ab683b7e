//! Linking a phone: codes to scan, codes to type, and what undoes it (GREEN-API contract, QR).

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{Color, EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    app::App,
    clock,
    green_api::{Answer, Call, Refused, change, model::Instance, ok},
    ids,
    validate::{Kind, check, need},
};

/// A code lives so long (GREEN-API contract, QR).
const CODE_LIFE: Duration = Duration::from_secs(20);

/// There is none for a while after a logout; with the real ones up to ten minutes (GREEN-API
/// contract, QR).
const AFTER_LOGOUT: Duration = Duration::from_secs(2);

/// How long a phone takes to be linked after its scan; `starting` meanwhile.
const HANDSHAKE: Duration = Duration::from_secs(1);

/// Pixels for each module of a code, and modules of white around it.
const PIXELS: usize = 6;
const MARGIN: usize = 4;

/// What is shown to whoever wants to link a phone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Linking {
    /// The code in the picture, and since when.
    shown: Option<(String, i64)>,
    /// The code to type.
    typed: Option<String>,
    /// No code before.
    not_before_ms: i64,
}

/// A new code every 20 seconds while no phone is linked; who asks within them gets the same one.
pub(crate) fn qr(call: &Call) -> Answer {
    let now = clock::now_ms();
    let (life, text) = (call.app.scale.ms(CODE_LIFE), ids::api_token());
    let shown = call.change(|i| match i.state.as_str() {
        "notAuthorized" if now < i.linking.not_before_ms => Err("QR code is not ready yet"),
        "notAuthorized" => {
            let shown = i.linking.shown.take();
            let shown = shown.filter(|(_, since)| now < since + life);
            let shown = shown.unwrap_or((format!("2@{text}"), now));
            i.linking.shown = Some(shown.clone());
            Ok(Some(shown.0))
        }
        "starting" => Err("Instance is starting"),
        _ => Ok(None),
    })?;
    match shown {
        Ok(Some(code)) => ok(json!({ "type": "qrCode", "message": picture(&code)? })),
        Ok(None) => ok(json!({
            "type": "alreadyLogged",
            "message": "Instance has auth. You need to make log out",
        })),
        Err(why) => ok(json!({ "type": "error", "message": why })),
    }
}

/// As the real ones do: a PNG in base64.
fn picture(code: &str) -> Result<String, Refused> {
    let broken = |why: String| Refused(axum::http::StatusCode::INTERNAL_SERVER_ERROR, why);
    let code = QrCode::with_error_correction_level(code, EcLevel::L);
    let code = code.map_err(|error| broken(error.to_string()))?;
    let modules = code.width();
    let side = (modules + 2 * MARGIN) * PIXELS;
    let is_dark = |x: usize, y: usize| {
        let at = |pixel: usize| {
            (pixel / PIXELS)
                .checked_sub(MARGIN)
                .filter(|m| *m < modules)
        };
        at(x)
            .zip(at(y))
            .is_some_and(|(x, y)| code[(x, y)] == Color::Dark)
    };
    let pixels = (0..side * side).map(|n| if is_dark(n % side, n / side) { 0 } else { 255 });
    let pixels: Vec<u8> = pixels.collect();
    let mut png = Vec::new();
    let length = u32::try_from(side).unwrap_or_default();
    let mut encoder = png::Encoder::new(&mut png, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| broken(error.to_string()))?;
    Ok(STANDARD.encode(png))
}

/// Eight characters to type into the phone.
pub(crate) fn authorization_code(call: &Call) -> Answer {
    let body = call.json()?;
    if !check(&[need("phoneNumber", Kind::Int)], &body).is_empty() {
        return Err(Refused::bad(
            "Validation failed. Details: 'phoneNumber' must be a number",
        ));
    }
    let code = ids::message_id()[..8].to_owned();
    let is_given = call.change(|i| {
        let is_free = i.state == "notAuthorized";
        if is_free {
            i.linking.typed = Some(code.clone());
        }
        is_free
    })?;
    if is_given {
        ok(json!({ "status": true, "code": code }))
    } else {
        ok(json!({ "status": false, "code": "" }))
    }
}

pub(crate) fn logout(call: &Call) -> Answer {
    let not_before_ms = clock::now_ms() + call.app.scale.ms(AFTER_LOGOUT);
    call.change(|i| {
        i.linking = Linking {
            not_before_ms,
            ..Linking::default()
        };
        i.set_state("notAuthorized");
    })?;
    ok(json!({ "isLogout": true }))
}

/// A person scans the code that is shown, or types the one that was given: `starting` for a moment,
/// then linked. With another phone the number is another account.
pub(crate) fn scan(app: &Arc<App>, id: u64, phone: Option<String>) -> Option<Result<(), &str>> {
    let now = clock::now_ms();
    let life = app.scale.ms(CODE_LIFE);
    let scanned = change(app, id, |i: &mut Instance| {
        if i.state != "notAuthorized" {
            return Err("a phone is linked already");
        }
        let shown = i.linking.shown.as_ref();
        let is_shown = shown.is_some_and(|(_, since)| now < since + life);
        if !is_shown && i.linking.typed.is_none() {
            return Err("no code is shown");
        }
        i.linking = Linking::default();
        if let Some(phone) = phone {
            i.phone = phone;
        }
        i.set_state("starting");
        Ok(())
    })?;
    if scanned.is_ok() {
        let task = app.clone();
        app.spawn(async move {
            task.scale.sleep(HANDSHAKE).await;
            change(&task, id, |i| {
                if i.state == "starting" {
                    i.set_state("authorized");
                }
            });
        });
    }
    Some(scanned)
}
