//! DynamoDB, SQS and Secrets Manager over HTTP, as far as the functions use them: the tables in
//! memory behind the protocol of the real ones, so that AWS's own client does all of its work.
//!
//! It takes the few expressions that `store::dynamo` writes, and refuses any other.

mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use greenhub::store::db::{Db as _, DbError};
use greenhub::store::memory::MemoryDb;
use serde_json::{Value, json};

use crate::seed;

/// A message of a queue: the queue's address, and what the message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) queue_url: String,
    pub(crate) body: String,
    pub(crate) delay_s: u64,
}

#[derive(Clone, Default)]
struct Account {
    tables: MemoryDb,
    sent: Arc<Mutex<Vec<Sent>>>,
}

/// An account of AWS.
pub(crate) struct Aws {
    /// Where it is.
    pub(crate) addr: SocketAddr,
    /// Its tables.
    pub(crate) tables: MemoryDb,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Aws {
    pub(crate) fn start() -> io::Result<Self> {
        let account = Account::default();
        let (tables, sent) = (account.tables.clone(), Arc::clone(&account.sent));
        let routes = Router::new().route("/", post(call)).with_state(account);
        Ok(Aws {
            addr: super::serve(routes)?,
            tables,
            sent,
        })
    }

    /// Takes what was sent to the queues since the last time.
    pub(crate) fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why a call has no answer.
enum Refused {
    /// The tables said no.
    Db(DbError),
    /// Nothing that the functions ask.
    Unknown(String),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Refused::Db(error)
    }
}

impl From<wire::Unknown> for Refused {
    fn from(unknown: wire::Unknown) -> Self {
        Refused::Unknown(unknown.0)
    }
}

async fn call(State(account): State<Account>, headers: HeaderMap, body: Bytes) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let (status, answer) = match answer(&account, target, &body).await {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refused) => (StatusCode::BAD_REQUEST, in_words(refused, target)),
    };
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, kind, answer.to_string()).into_response()
}

async fn answer(account: &Account, target: &str, body: &Value) -> Result<Value, Refused> {
    let tables = &account.tables;
    match target {
        "DynamoDB_20120810.GetItem" => {
            let row = tables.get(&wire::key(body, &body["Key"])?).await?;
            Ok(row.map_or(json!({}), |row| json!({ "Item": wire::item_out(&row) })))
        }
        "DynamoDB_20120810.Query" => {
            let rows = tables.query(&wire::query(body)?).await?;
            let items: Vec<_> = rows.iter().map(wire::item_out).collect();
            Ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
        }
        "DynamoDB_20120810.PutItem" => {
            tables.write(vec![wire::put(body)?]).await?;
            Ok(json!({}))
        }
        "DynamoDB_20120810.DeleteItem" => {
            tables.write(vec![wire::delete(body)?]).await?;
            Ok(json!({}))
        }
        "DynamoDB_20120810.TransactWriteItems" => {
            tables.write(wire::transaction(body)?).await?;
            Ok(json!({}))
        }
        "AmazonSQS.SendMessage" => {
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let sent = Sent {
                queue_url: text("QueueUrl"),
                body: text("MessageBody"),
                delay_s: body["DelaySeconds"].as_u64().unwrap_or_default(),
            };
            let mut all = account.sent.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(sent);
            Ok(json!({ "MessageId": all.len().to_string() }))
        }
        "secretsmanager.GetSecretValue" => Ok(json!({
            "Name": body["SecretId"],
            "SecretString": seed::secret_json().to_string(),
        })),
        _ => Err(Refused::Unknown(target.to_owned())),
    }
}

/// A refusal as DynamoDB words it.
fn in_words(refused: Refused, target: &str) -> Value {
    let kind = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    match refused {
        Refused::Db(DbError::Condition { failed }) if target.ends_with("TransactWriteItems") => {
            let n = failed.iter().max().map_or(0, |last| last + 1);
            let reasons = (0..n).map(|place| match failed.contains(&place) {
                true => json!({ "Code": "ConditionalCheckFailed" }),
                false => json!({ "Code": "None" }),
            });
            json!({
                "__type": kind("TransactionCanceledException"),
                "message": "Transaction cancelled",
                "CancellationReasons": reasons.collect::<Vec<_>>(),
            })
        }
        Refused::Db(DbError::Condition { .. }) => json!({
            "__type": kind("ConditionalCheckFailedException"),
            "message": "The conditional request failed",
        }),
        Refused::Db(error) => json!({
            "__type": "com.amazon.coral.validate#ValidationException",
            "message": error.to_string(),
        }),
        Refused::Unknown(what) => json!({
            "__type": "com.amazon.coral.service#UnknownOperationException",
            "message": what,
        }),
    }
}

#[cfg(test)]
mod tests;
