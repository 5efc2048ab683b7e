//! Files of messages (Telegram contract, limits): a bot fetches 20 MB at most.

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Answer, Refused,
    model::{Media, TgFile},
    params::{Params, Uploaded},
};
use crate::{
    app::{App, News},
    files, ids,
};

const MOST_FETCHED: usize = 20 * 1000 * 1000;

/// Keeps a file, and gives it as a message has it.
pub(super) fn keep(app: &App, field: &str, file: Uploaded, animated: bool) -> Media {
    let mime = match file.mime.as_str() {
        "" | "application/octet-stream" => files::mime_of(&file.name).to_owned(),
        mime => mime.to_owned(),
    };
    let size = file.bytes.len();
    let link = files::put(app, &file.name, &mime, file.bytes);
    let file_id = format!("BQAC{}", ids::hex(&ids::random::<20>()));
    let kept = TgFile {
        name: file.name.clone(),
        mime: mime.clone(),
        size,
        link: link.clone(),
    };
    let mut state = app.change(News::Telegram);
    state.kept.telegram.files.insert(file_id.clone(), kept);
    Media {
        field: field.to_owned(),
        file_id,
        name: file.name,
        mime,
        size,
        link,
        animated,
    }
}

/// `getFile`.
pub(super) fn get(app: &App, params: &Params) -> Answer {
    let id = params.text("file_id").unwrap_or_default();
    let state = app.lock();
    let file = state.kept.telegram.files.get(&id);
    let file = file.ok_or_else(|| Refused::bad("invalid file_id"))?;
    if file.size > MOST_FETCHED {
        return Err(Refused::bad("file is too big"));
    }
    Ok(json!({
        "file_id": id, "file_unique_id": &id[..id.len().min(16)], "file_size": file.size,
        "file_path": path(&id, file),
    }))
}

fn path(id: &str, file: &TgFile) -> String {
    let ending = file
        .name
        .rsplit_once('.')
        .map_or("bin", |(_, ending)| ending);
    format!("documents/{id}.{ending}")
}

/// `/file/bot{token}/{path}`.
pub(super) fn download(app: &Arc<App>, asked: &str) -> Response {
    let id = asked
        .strip_prefix("documents/")
        .and_then(|name| name.split_once('.'))
        .map_or("", |(id, _)| id);
    let found = app.lock().kept.telegram.files.get(id).cloned();
    let bytes = found
        .as_ref()
        .and_then(|file| files::bytes(app, &file.link));
    match (found, bytes) {
        (Some(_), Some(bytes)) => {
            let kind = "application/octet-stream";
            (StatusCode::OK, [(header::CONTENT_TYPE, kind)], bytes).into_response()
        }
        _ => {
            let body: Value = json!({ "ok": false, "error_code": 404, "description": "Not Found" });
            (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
        }
    }
}
