//! Files of messages: what GREEN-API and GHL keep in object stores behind unguessable links.

use std::{fs, path::PathBuf, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, News},
    ids,
};

/// One file. With a data file the bytes lie in a folder beside it, else in memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    pub(crate) mime: String,
    #[serde(skip)]
    bytes: Option<Bytes>,
}

fn folder(app: &App) -> Option<PathBuf> {
    Some(app.data_file.as_ref()?.with_extension("files"))
}

/// Keeps a file and gives its link.
pub(crate) fn put(app: &App, name: &str, mime: &str, bytes: Bytes) -> String {
    let random = ids::uuid();
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let on_disk = folder(app).is_some_and(|folder| {
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(&random), &bytes))
            .is_ok()
    });
    let file = StoredFile {
        mime: mime.to_owned(),
        bytes: (!on_disk).then_some(bytes),
    };
    app.change(News::Green)
        .kept
        .files
        .insert(random.clone(), file);
    format!("{}/files/{random}/{safe}", app.public_url)
}

/// The same file under a new link; `None` if there is none under this one.
pub(crate) fn renew(app: &App, link: &str) -> Option<String> {
    let (rest, name) = link.rsplit_once('/')?;
    let random = rest.rsplit('/').next()?;
    let file = app.lock().kept.files.get(random).cloned()?;
    let bytes = content(app, random, &file)?;
    Some(put(app, name, &file.mime, bytes))
}

fn content(app: &App, random: &str, file: &StoredFile) -> Option<Bytes> {
    match &file.bytes {
        Some(bytes) => Some(bytes.clone()),
        None => Some(fs::read(folder(app)?.join(random)).ok()?.into()),
    }
}

/// The content behind a link of ours.
pub(crate) fn bytes(app: &App, link: &str) -> Option<Bytes> {
    let random = link.rsplit('/').nth(1)?;
    let file = app.lock().kept.files.get(random).cloned()?;
    content(app, random, &file)
}

/// `GET /files/{random}/{name}`: the name is for people, the random part finds the file.
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Path((random, _)): Path<(String, String)>,
) -> Response {
    let Some(file) = app.lock().kept.files.get(&random).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(bytes) = content(&app, &random, &file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // `nosniff` and a sandbox, because the page is on the same origin.
    let headers = [
        (header::CONTENT_TYPE, file.mime.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    (headers, bytes).into_response()
}

/// The type that a file's name stands for; both providers decide by the name.
pub(crate) fn mime_of(name: &str) -> &'static str {
    let extension = name
        .rsplit_once('.')
        .map_or("", |(_, e)| e)
        .to_ascii_lowercase();
    match extension.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "3gp" => "video/3gpp",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
