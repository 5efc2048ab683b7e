//! Files, handed over and asked for.

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::{GreenApi, Instance, address, media_url, text};
use crate::domain::chat_id::Alias;
use crate::green_api::error::{GreenApiError, explained};

/// A file that is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Its ending decides how it is shown.
    pub name: &'a str,
    /// By its content.
    pub mime: &'a str,
    /// In bytes, if it is known.
    pub length: Option<u64>,
}

impl GreenApi {
    /// `uploadFile`: hands a file over and returns the address under which it can be sent, for 15
    /// days. `length` is what is known of its length.
    pub async fn upload_file(
        &self,
        to: &Instance,
        file: Upload<'_>,
        body: reqwest::Body,
    ) -> Result<String, GreenApiError> {
        let at = Instance {
            api_url: to
                .media_url
                .clone()
                .unwrap_or_else(|| media_url(&to.api_url)),
            ..to.clone()
        };
        let mut request = self
            .http
            .request(Method::POST, address(&at, "uploadFile")?)
            .header(CONTENT_TYPE, file.mime)
            .header("GA-Filename", header_text(file.name))
            .body(body);
        if let Some(length) = file.length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let answer: Map<String, Value> = self.call(request, to, "uploadFile").await?;
        text(&answer, "urlFile").ok_or_else(|| explained(&answer, &to.token))
    }

    /// `downloadFile`: has a message's file fetched from WhatsApp once more and returns its address.
    pub async fn download_file(
        &self,
        to: &Instance,
        chat: &Alias,
        id: &str,
    ) -> Result<String, GreenApiError> {
        let body = json!({ "chatId": chat, "idMessage": id });
        let answer: Map<String, Value> = self.post(to, "downloadFile", &body).await?;
        text(&answer, "downloadUrl").ok_or_else(|| explained(&answer, &to.token))
    }
}

/// Headers are ASCII; whatever is not is left out, the ending is.
fn header_text(name: &str) -> String {
    name.chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::extract::{Request, State};
    use axum::http::{StatusCode, header};
    use url::Url;

    use super::*;
    use crate::domain::ids::IdInstance;

    /// What a request was: path, type, name, length, body.
    type Seen = Arc<Mutex<Vec<String>>>;

    async fn note(
        State((seen, answer)): State<(Seen, (u16, &'static str))>,
        request: Request,
    ) -> (StatusCode, &'static str) {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let header = |name: &str| {
            let value = head.headers.get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or("-").to_owned()
        };
        *seen.lock().unwrap() = vec![
            head.uri.path().to_owned(),
            header(header::CONTENT_TYPE.as_str()),
            header("ga-filename"),
            header(header::CONTENT_LENGTH.as_str()),
            String::from_utf8_lossy(&body).into_owned(),
        ];
        (StatusCode::from_u16(answer.0).unwrap(), answer.1)
    }

    async fn server(status: u16, body: &'static str) -> (Url, Seen) {
        let seen = Seen::default();
        let app = Router::new()
            .fallback(note)
            .with_state((Arc::clone(&seen), (status, body)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url.parse().unwrap(), seen)
    }

    fn green_api() -> GreenApi {
        GreenApi::new(crate::http::client(Duration::from_secs(2)).unwrap())
    }

    fn at(api_url: Url, media_url: Option<Url>) -> Instance {
        Instance {
            id: IdInstance(1_101_000_001),
            token: "t0ken".into(),
            api_url,
            media_url,
        }
    }

    // AC 75
    #[tokio::test]
    async fn a_file_is_handed_to_the_media_host_with_its_name_and_length() {
        let check = async |name: &str, length: Option<u64>, expect: [&str; 4]| {
            let (media, seen) = server(200, r#"{"urlFile":"https://m.example/1.png"}"#).await;
            let nowhere = "http://127.0.0.1:9".parse().unwrap();
            let file = Upload {
                name,
                mime: "image/png",
                length,
            };
            let pieces = futures::stream::iter(["12", "345"].map(Ok::<_, std::io::Error>));
            let body = reqwest::Body::wrap_stream(pieces);
            let to = at(nowhere, Some(media));
            let url = green_api().upload_file(&to, file, body).await;
            assert_eq!(url.as_deref(), Ok("https://m.example/1.png"));
            let seen = seen.lock().unwrap().clone();
            assert_eq!(seen[0], "/waInstance1101000001/uploadFile/t0ken");
            assert_eq!(seen[1..], expect, "{name}");
        };
        check("cat.png", Some(5), ["image/png", "cat.png", "5", "12345"]).await;
        check("cat.png", None, ["image/png", "cat.png", "-", "12345"]).await;
        check(
            "кот\r\n.png",
            None,
            ["image/png", "_____.png", "-", "12345"],
        )
        .await;
    }

    // AC 51
    #[tokio::test]
    async fn a_file_is_asked_for_anew_by_chat_and_message() {
        let chat = Alias::from_phone_digits("79001234567");
        let ask = async |status: u16, body: &'static str| {
            let (api, seen) = server(status, body).await;
            let url = green_api().download_file(&at(api, None), &chat, "M1").await;
            let seen = seen.lock().unwrap().clone();
            assert_eq!(seen[0], "/waInstance1101000001/downloadFile/t0ken");
            let asked: Value = serde_json::from_str(&seen[4]).unwrap();
            let expect = json!({ "chatId": "79001234567@c.us", "idMessage": "M1" });
            assert_eq!(asked, expect);
            url
        };
        let found = ask(200, r#"{"downloadUrl":"https://m.example/1.png"}"#).await;
        assert_eq!(found.as_deref(), Ok("https://m.example/1.png"));
        // So it says that WhatsApp no longer has the file.
        let gone = ask(500, r#"{"message":"file not found"}"#).await;
        assert!(
            matches!(gone, Err(GreenApiError::Ambiguous { .. })),
            "{gone:?}"
        );
        let empty = ask(200, r#"{"downloadUrl":""}"#).await;
        assert!(
            matches!(empty, Err(GreenApiError::Ambiguous { .. })),
            "{empty:?}"
        );
    }
}
