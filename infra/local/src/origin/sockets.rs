//! `/ws`: a connection that stays. It is opened at the API of the sockets as the browser asks, and
//! from then on bytes go to and fro.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

/// What a handshake is made of, besides the address (RFC 6455, 4.1); the rest is the browser's own.
const HANDSHAKE: [HeaderName; 5] = [
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::ORIGIN,
    header::USER_AGENT,
];

/// Opens a socket at `api`, an address without its question.
pub(super) async fn forward(client: &reqwest::Client, api: &str, mut request: Request) -> Response {
    let is_handshake = request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !is_handshake {
        let needed = [(header::UPGRADE, "websocket")];
        return (
            StatusCode::UPGRADE_REQUIRED,
            needed,
            "a socket is opened here\n",
        )
            .into_response();
    }
    let question = request.uri().query();
    let target = question.map_or_else(|| api.to_owned(), |query| format!("{api}?{query}"));
    let mut headers = only(request.headers(), &HANDSHAKE);
    let upgrade = header::HeaderValue::from_static("upgrade");
    headers.insert(header::CONNECTION, upgrade);
    let websocket = header::HeaderValue::from_static("websocket");
    headers.insert(header::UPGRADE, websocket);

    let answer = match client.get(target).headers(headers).send().await {
        Ok(answer) => answer,
        Err(error) => return super::unreachable(&error),
    };
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return (answer.status(), answer.bytes().await.unwrap_or_default()).into_response();
    }
    let accepted = [
        header::CONNECTION,
        header::UPGRADE,
        header::SEC_WEBSOCKET_ACCEPT,
        header::SEC_WEBSOCKET_PROTOCOL,
    ];
    let headers = only(answer.headers(), &accepted);
    let browser = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (Ok(browser), Ok(mut gateway)) = (browser.await, answer.upgrade().await) else {
            return;
        };
        // However it ends, the browser opens another.
        let _ = copy_bidirectional(&mut TokioIo::new(browser), &mut gateway).await;
    });
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let named = names.iter().filter_map(|name| {
        let value = headers.get(name)?;
        Some((name.clone(), value.clone()))
    });
    named.collect()
}
