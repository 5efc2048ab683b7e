//! The proxy against a server that repeats what it was sent.

use axum::{body::Bytes, http::Uri};

use super::*;

/// Answers with the path that it saw, the interesting headers, and the body it got.
async fn echo(uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let seen = format!(
        "{uri}|{}|{}",
        headers
            .get("x-ghl-signature")
            .map_or("-", |v| v.to_str().unwrap()),
        headers
            .get("x-forwarded-host")
            .map_or("-", |v| v.to_str().unwrap()),
    );
    let mut answer = (StatusCode::IM_A_TEAPOT, body).into_response();
    answer.headers_mut().insert("x-seen", seen.parse().unwrap());
    answer
        .headers_mut()
        .append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
    answer
        .headers_mut()
        .append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
    answer
}

pub(super) async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// An origin in front of an echo, and its address.
async fn origin(connected: bool) -> (Origin, String, reqwest::Client) {
    if !connected {
        return start(None).await;
    }
    let router = Router::new()
        .route("/_ministack/ready", get(|| async { "" }))
        .fallback(echo);
    start(Some(listen(router).await)).await
}

/// An origin, its address and a client; `emulator` is what it is in front of.
pub(super) async fn start(emulator: Option<String>) -> (Origin, String, reqwest::Client) {
    let client = crate::stack::client().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = Origin::start(port, client.clone()).await.unwrap();
    if let Some(emulator) = emulator {
        // A folder of this crate: it has no pages.
        let files = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sandbox = "http://localhost:1".into();
        origin.connect(&emulator, ("abc", "def"), sandbox, files);
    }
    (origin, format!("http://127.0.0.1:{port}"), client)
}

#[tokio::test]
async fn a_webhook_passes_through_byte_for_byte() {
    let (_origin, url, client) = origin(true).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let answer = client
        .post(format!("{url}/webhooks/green-api/k%2Fey?a=1%202&b=%D0%B6"))
        .header("X-GHL-Signature", "c2ln+/=")
        .header("connection", "keep-alive")
        .body(every_byte.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    let host = url.strip_prefix("http://").unwrap();
    assert_eq!(
        answer.headers()["x-seen"],
        format!(
            "/_aws/execute-api/abc/$default/webhooks/green-api/k%2Fey?a=1%202&b=%D0%B6|c2ln+/=|{host}"
        ),
    );
    let cookies: Vec<_> = answer
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(answer.bytes().await.unwrap(), every_byte);
}

#[tokio::test]
async fn paths_go_where_they_belong() {
    let check = async |connected: bool, path: &str, expect: u16| {
        let (_origin, url, client) = origin(connected).await;
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(
            answer.status().as_u16(),
            expect,
            "{path}, connected: {connected}"
        );
    };
    check(true, "/api/instances", 418).await;
    check(true, "/oauth/callback?code=1", 418).await;
    check(true, "/", 200).await;
    check(true, "/f/n.0a/a.png", 418).await;
    check(true, "/apiary", 404).await;
    check(true, "/files", 404).await;
    check(true, "/webhook", 404).await;
    check(true, "/app/whatsapp", 404).await;
    check(false, "/api/instances", 503).await;
    check(false, "/webhooks/ghl", 503).await;
    check(false, "/app/whatsapp", 503).await;
    check(false, "/", 200).await;
}

#[tokio::test]
async fn a_body_that_the_gateway_would_refuse_is_refused() {
    let (_origin, url, client) = origin(true).await;
    let large = vec![0; MAX_BODY + 1];
    let answer = client
        .post(format!("{url}/webhooks/ghl"))
        .body(large)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

// AC 160
#[tokio::test]
async fn health_follows_readiness() {
    let (origin, url, client) = origin(true).await;
    let status = async || {
        client
            .get(format!("{url}/healthz"))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status().await, StatusCode::SERVICE_UNAVAILABLE);
    origin.ready();
    assert_eq!(status().await, StatusCode::OK);
    origin.stop().await;
    assert!(client.get(format!("{url}/healthz")).send().await.is_err());
}
