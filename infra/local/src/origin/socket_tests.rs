//! Sockets through the origin, against a server that changes the protocol and repeats.

use axum::http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tests::{listen, start};
use super::*;

/// Opens what is asked for, says as whom it was asked, and repeats what it gets. Whoever names no
/// ticket is refused.
async fn gateway(uri: Uri, mut request: Request) -> Response {
    if uri.query() != Some("ticket=t%2B1") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let origin = request.headers().get(header::ORIGIN);
    let origin = origin.map_or("-", |it| it.to_str().unwrap()).to_owned();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut socket = hyper_util::rt::TokioIo::new(upgraded.await.unwrap());
        socket.write_all(origin.as_bytes()).await.unwrap();
        let (mut read, mut write) = tokio::io::split(socket);
        let _ = tokio::io::copy(&mut read, &mut write).await;
        let _ = write.shutdown().await;
    });
    let headers = [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, "proof"),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// A handshake, and the head of the answer.
async fn handshake(url: &str, path: &str) -> (TcpStream, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: key\r\nSec-WebSocket-Version: 13\r\nOrigin: http://o\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

#[tokio::test]
async fn a_socket_passes_through_both_ways() {
    let router = Router::new().route("/_aws/execute-api/def/ws", get(gateway));
    let (_origin, url, client) = start(Some(listen(router).await)).await;
    let (mut socket, head) = handshake(&url, "/ws?ticket=t%2B1").await;
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: proof"), "{head}");
    let every_byte: Vec<u8> = (0..=255).collect();
    socket.write_all(&every_byte).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut got = Vec::new();
    socket.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, [b"http://o".as_slice(), &every_byte].concat());

    let (_, head) = handshake(&url, "/ws").await;
    assert!(head.starts_with("http/1.1 403"), "{head}");
    let plain = client.get(format!("{url}/ws")).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn there_are_no_sockets_before_there_is_a_gateway() {
    let (_origin, url, _) = start(None).await;
    let (_, head) = handshake(&url, "/ws").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
}
