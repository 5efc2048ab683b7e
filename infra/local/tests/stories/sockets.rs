//! A browser's socket through the one origin: what it is told, and when it ends.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::world::{Outcome, World, ensure};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub async fn a_browser_is_told_what_happens_until_its_session_ends(world: &World) -> Outcome {
    // AC 102, AC 152, AC 154
    let base = &world.stack.base_url;
    let token = signs_in(world).await?;
    let url = ticket(world, &token).await?;
    let refused = open(&url, "https://evil.example").await;
    ensure!(refused.is_err(), "a foreign page opened a socket");
    let mut socket = open(&url, base).await?;
    let again = open(&url, base).await;
    ensure!(again.is_err(), "a ticket opened a second socket");
    let without = open(url.split('?').next().unwrap_or_default(), base).await;
    ensure!(without.is_err(), "a socket was opened without a ticket");

    let hello = Message::text(r#"{"action":"hello"}"#);
    socket.send(hello).await.map_err(words)?;
    until(&mut socket, "a greeting", |told| told["action"] == "hello").await?;

    world
        .customer_writes("79005550177", "Sock", "is anybody there?")
        .await?;
    let told = until(&mut socket, "the message", |told| {
        told["topic"] == "message" && told["action"] == "insert"
    })
    .await?;
    ensure!(told["seq"] == 1 && told["rev"].is_u64(), "{told}");
    ensure!(told.get("content").is_none(), "{told}");

    let viewing = json!({ "action": "viewing", "chat": told["chat_id"] });
    let viewing = Message::text(viewing.to_string());
    socket.send(viewing).await.map_err(words)?;
    let chat = told["chat_id"].as_str().unwrap_or_default().to_owned();
    let present = world
        .eventually("somebody in the chat", || async {
            let url = format!("{base}/api/chats/{chat}/presence");
            let answer = world.client.get(url).bearer_auth(&token).send();
            let answer = answer.await.map_err(words)?.json::<Value>();
            let present = answer.await.map_err(words)?;
            Ok(present.get(0).cloned())
        })
        .await?;
    ensure!(present["doing"] == "viewing", "{present}");

    let url = format!("{base}/api/session");
    let ended = world.client.delete(url).bearer_auth(&token).send().await;
    let status = ended.map_err(words)?.status();
    ensure!(status == StatusCode::NO_CONTENT, "signing out: {status}");
    let closed = async {
        while let Some(Ok(frame)) = socket.next().await {
            if frame.is_close() {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(5), closed).await;
    ensure!(in_time.is_ok(), "the socket outlived its session by 5 s");
    Ok(())
}

/// An admin of the demo's location opens our page; gives the session's token.
async fn signs_in(world: &World) -> Result<String, String> {
    let path = format!("ghl/{}/sso?user=socket&role=admin", world.demo.location);
    let context = world.control("GET", &path, Value::Null).await?;
    let url = format!("{}/api/session/ghl", world.stack.base_url);
    let body = json!({ "encryptedData": context["payload"] });
    let answer = world.client.post(url).json(&body).send().await;
    let answer = answer.map_err(words)?.json::<Value>().await;
    let token = answer.map_err(words)?["token"].as_str().map(str::to_owned);
    token.ok_or_else(|| "no session".to_owned())
}

/// The address of a socket with a fresh ticket.
async fn ticket(world: &World, token: &str) -> Result<String, String> {
    let url = format!("{}/api/socket-tickets", world.stack.base_url);
    let answer = world.client.post(url).bearer_auth(token).send().await;
    let answer = answer.map_err(words)?;
    let status = answer.status();
    ensure!(status == StatusCode::CREATED, "a ticket: {status}");
    let body: Value = answer.json().await.map_err(words)?;
    Ok(body["url"].as_str().unwrap_or_default().to_owned())
}

async fn open(url: &str, origin: &str) -> Result<Socket, String> {
    let mut request = url.into_client_request().map_err(words)?;
    let origin = origin.parse().map_err(words)?;
    let _ = request.headers_mut().insert("origin", origin);
    let (socket, _) = connect_async(request).await.map_err(words)?;
    Ok(socket)
}

/// What is told first that `is_it`.
async fn until(
    socket: &mut Socket,
    what: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Value, String> {
    let looking = async {
        loop {
            let frame = socket.next().await.ok_or("the socket is closed")?;
            let text = match frame.map_err(words)? {
                Message::Text(text) => text,
                _ => continue,
            };
            let told: Vec<Value> = serde_json::from_str(&text).map_err(words)?;
            if let Some(found) = told.into_iter().find(&is_it) {
                return Ok::<_, String>(found);
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), looking).await;
    found.map_err(|_| format!("{what} never came"))?
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
