//! What every back-end of the tables must do.

mod queries;
mod round_trips;
mod writes;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use greenhub::store::db::{Cond, Db, DbError, Item, Key, Op, Table, Write};

/// Everything, on tables that may hold rows of others.
pub(crate) async fn check_backend<D: Db>(db: &D) {
    writes::check_all(db).await;
    queries::check_all(db).await;
    round_trips::check_all(db).await;
}

fn key(table: Table, pk: &str, sk: &str) -> Key {
    Key {
        table,
        pk: pk.to_owned(),
        sk: sk.to_owned(),
    }
}

/// A row from JSON: numbers, texts, lists and maps.
fn row(json: serde_json::Value) -> Item {
    serde_dynamo::to_item(json).unwrap()
}

fn put(key: Key, json: serde_json::Value, only_if: Cond) -> Write {
    Write {
        key,
        op: Op::Put(row(json)),
        only_if,
    }
}

fn delete(key: Key, only_if: Cond) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if,
    }
}

fn check_only(key: Key, only_if: Cond) -> Write {
    Write {
        key,
        op: Op::Check,
        only_if,
    }
}

/// How a call ended, without the service's words.
fn outcome<T>(result: Result<T, DbError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(DbError::Condition { failed }) => format!("condition {failed:?}"),
        Err(DbError::Conflict) => "conflict".to_owned(),
        Err(DbError::Unavailable { why, .. }) => format!("unavailable: {why}"),
        Err(DbError::Malformed { .. }) => "malformed".to_owned(),
    }
}

/// The row as JSON, without its key.
fn readable(row: Option<Item>) -> serde_json::Value {
    let Some(mut row) = row else {
        return serde_json::Value::Null;
    };
    row.remove("pk");
    row.remove("sk");
    let row: HashMap<String, AttributeValue> = row;
    serde_dynamo::from_item(row).unwrap()
}
