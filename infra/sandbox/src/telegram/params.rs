//! The parameters of a call, in any of the forms that Telegram takes: a query, a form, a form with
//! files, JSON. Numbers and objects may come as texts.

use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart},
    http::{Request, header, request::Parts},
};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::Refused;
use crate::record;

/// A file of a call.
#[derive(Debug, Clone)]
pub(crate) struct Uploaded {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Params {
    fields: Map<String, Value>,
    files: Vec<(String, Uploaded)>,
}

impl Params {
    pub(super) async fn read(parts: &Parts, body: Bytes) -> Self {
        let mut params = Self {
            fields: record::query(parts.uri.query()),
            files: Vec::new(),
        };
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            let mut request = Request::new(Body::from(body));
            *request.headers_mut() = parts.headers.clone();
            if let Ok(form) = Multipart::from_request(request, &()).await {
                params.read_form(form).await;
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let text = String::from_utf8_lossy(&body);
            params.fields.extend(record::query(Some(&text)));
        } else if let Ok(Value::Object(fields)) = serde_json::from_slice(&body) {
            params.fields.extend(fields);
        }
        params
    }

    async fn read_form(&mut self, mut form: Multipart) {
        while let Ok(Some(field)) = form.next_field().await {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let mime = field.content_type().unwrap_or_default().to_owned();
            let Ok(bytes) = field.bytes().await else {
                return;
            };
            match file {
                Some(file) => self.files.push((
                    name,
                    Uploaded {
                        name: file,
                        mime,
                        bytes,
                    },
                )),
                None => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    self.fields.insert(name, text.into());
                }
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.fields.get(name)? {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).as_deref(), Some("true" | "True" | "1"))
    }

    /// An object or a list; `null` if it is missing or none.
    pub(super) fn json(&self, name: &str) -> Value {
        match self.fields.get(name) {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
            Some(other) => other.clone(),
            None => Value::Null,
        }
    }

    /// The file of a field: uploaded under its name, or under the one that `attach://` names.
    pub(super) fn file(&self, field: &str) -> Option<Uploaded> {
        let named = self.text(field);
        let attached = named.as_deref().and_then(|it| it.strip_prefix("attach://"));
        let wanted = attached.unwrap_or(field);
        let mut files = self.files.iter();
        files
            .find(|(name, _)| name == wanted)
            .map(|(_, file)| file.clone())
    }

    pub(super) fn chat(&self) -> Result<i64, Refused> {
        self.int("chat_id")
            .ok_or_else(|| Refused::bad("chat_id is empty"))
    }
}
