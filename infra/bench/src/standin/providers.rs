//! GREEN-API and GoHighLevel, who agree with everything at once. The sandbox is for how they really
//! are; here only our side is looked at.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// What they were asked: how often, by the name of the call.
pub(crate) type Asked = BTreeMap<String, u64>;

#[derive(Clone, Debug, Default)]
struct Ledger(Arc<Mutex<Asked>>);

impl Ledger {
    /// Counts a call; gives a number that no other call of this kind has.
    fn note(&self, name: &str) -> u64 {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = asked.entry(name.to_owned()).or_default();
        *n += 1;
        *n
    }
}

/// Both of them, at one address.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    /// Where they are.
    pub(crate) addr: SocketAddr,
    ledger: Ledger,
}

impl Providers {
    pub(crate) fn start() -> io::Result<Self> {
        let ledger = Ledger::default();
        let routes = Router::new()
            .route("/contacts/upsert", post(upsert))
            .route("/contacts/{id}", any(contact))
            .route("/contacts/{id}/tags", post(contact))
            .route("/conversations/messages/inbound", post(inbound))
            .route("/conversations/messages/{id}/status", any(status))
            .route("/{instance}/{method}/{token}", post(green_api))
            .with_state(ledger.clone());
        let addr = super::serve(routes)?;
        Ok(Providers { addr, ledger })
    }

    /// What they were asked since the start.
    pub(crate) fn asked(&self) -> Asked {
        let asked = self.ledger.0.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn upsert(State(ledger): State<Ledger>, Json(body): Json<Value>) -> Json<Value> {
    ledger.note("contact");
    let phone = body["phone"].as_str().unwrap_or_default();
    // The same person each time, under an id as GoHighLevel gives them.
    let id = format!("C{:0>19}", phone.trim_start_matches('+'));
    Json(json!({ "new": true, "contact": { "id": id, "phone": phone, "tags": [] } }))
}

async fn contact(State(ledger): State<Ledger>) -> Json<Value> {
    ledger.note("contact");
    Json(json!({ "succeded": true, "tags": [] }))
}

async fn inbound(State(ledger): State<Ledger>) -> Json<Value> {
    let n = ledger.note("message");
    Json(json!({
        "success": true,
        "conversationId": "Vaaaaaaaaaaaaaaaaaaa",
        "messageId": format!("G{n:0>19}"),
        "message": "Message queued successfully.",
    }))
}

async fn status(State(ledger): State<Ledger>) -> Json<Value> {
    ledger.note("status");
    Json(json!({ "msg": "Message status updated successfully." }))
}

async fn green_api(
    State(ledger): State<Ledger>,
    method: Method,
    Path((_, call, _)): Path<(String, String, String)>,
) -> Response {
    let n = ledger.note(&call);
    if call.starts_with("send") && method == Method::POST {
        return Json(json!({ "idMessage": whatsapp_id(n) })).into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}

/// The id that GREEN-API gives the `n`th message.
pub(crate) fn whatsapp_id(n: u64) -> String {
    format!("BAE5{n:0>16}")
}
