//! DynamoDB's JSON, and back to what `store::dynamo` was asked.

use aws_sdk_dynamodb::types::AttributeValue;
use greenhub::store::db::{Cond, Index, Item, Key, Op, Query, Range, Table, Write};
use serde_json::{Map, Value, json};

/// What the functions never send.
#[derive(Debug)]
pub(super) struct Unknown(pub(super) String);

fn unknown<T>(what: &str, value: &Value) -> Result<T, Unknown> {
    Err(Unknown(format!("{what}: {value}")))
}

/// The table and the key that a request is about.
pub(super) fn key(request: &Value, key: &Value) -> Result<Key, Unknown> {
    let text = |name: &str| match key[name]["S"].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => unknown("a key", key),
    };
    Ok(Key {
        table: table(request)?,
        pk: text("pk")?,
        sk: text("sk")?,
    })
}

fn table(request: &Value) -> Result<Table, Unknown> {
    match request["TableName"].as_str() {
        Some("directory") => Ok(Table::Directory),
        Some("chats") => Ok(Table::Chats),
        Some("runtime") => Ok(Table::Runtime),
        _ => unknown("a table", &request["TableName"]),
    }
}

pub(super) fn put(request: &Value) -> Result<Write, Unknown> {
    let key = key(request, &request["Item"])?;
    let mut item = item_in(&request["Item"])?;
    // The key is the write's, and not the row's.
    item.retain(|name, _| name != "pk" && name != "sk");
    Ok(Write {
        key,
        op: Op::Put(item),
        only_if: condition(request)?,
    })
}

pub(super) fn delete(request: &Value) -> Result<Write, Unknown> {
    Ok(Write {
        key: key(request, &request["Key"])?,
        op: Op::Delete,
        only_if: condition(request)?,
    })
}

pub(super) fn transaction(request: &Value) -> Result<Vec<Write>, Unknown> {
    let items = request["TransactItems"].as_array();
    let one = |item: &Value| match (item.get("Put"), item.get("Delete")) {
        (Some(request), None) => put(request),
        (None, Some(request)) => delete(request),
        _ => unknown("a part of a transaction", item),
    };
    items.into_iter().flatten().map(one).collect()
}

/// The condition that an expression stands for (`store::dynamo::request::Condition`).
fn condition(request: &Value) -> Result<Cond, Unknown> {
    let name = request["ExpressionAttributeNames"]["#a"].as_str();
    let value = &request["ExpressionAttributeValues"][":v"];
    let (text, number) = (value["S"].as_str(), value["N"].as_str());
    let expression = request["ConditionExpression"].as_str();
    Ok(match (expression, name, text, number) {
        (None, ..) => Cond::Always,
        (Some("attribute_not_exists(pk)"), ..) => Cond::Absent,
        (Some("attribute_exists(pk)"), ..) => Cond::Present,
        (Some("#a = :v"), Some("rev"), _, Some(number)) => match number.parse() {
            Ok(rev) => Cond::Rev(rev),
            Err(_) => return unknown("a revision", value),
        },
        (Some("#a = :v"), Some("owner"), Some(text), _) => Cond::Is("owner", text.to_owned()),
        (Some("attribute_not_exists(pk) OR #a < :v"), Some("until_ms"), _, Some(number)) => {
            match number.parse() {
                Ok(before) => Cond::AbsentOrBefore("until_ms", before),
                Err(_) => return unknown("a time", value),
            }
        }
        _ => return unknown("a condition", request),
    })
}

pub(super) fn query(request: &Value) -> Result<Query, Unknown> {
    let values = &request["ExpressionAttributeValues"];
    let index = match request["IndexName"].as_str() {
        None => None,
        Some("due") => Some(Index::Due),
        Some("by_number") => Some(Index::ByNumber),
        Some("by_stand") => Some(Index::ByStand),
        Some("by_holder") => Some(Index::ByHolder),
        Some("by_change") => Some(Index::ByChange),
        Some(_) => return unknown("an index", &request["IndexName"]),
    };
    let ends = [":from", ":to"].map(|name| &values[name]);
    let range = match ends.map(|end| (end["S"].as_str(), end["N"].as_str())) {
        [(Some(from), None), (Some(to), None)] => Range::Text {
            from: from.to_owned(),
            to: to.to_owned(),
        },
        [(None, Some(from)), (None, Some(to))] => match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => Range::Number { from, to },
            _ => return unknown("a range", values),
        },
        _ => return unknown("a range", values),
    };
    let Some(pk) = values[":p"]["S"].as_str() else {
        return unknown("a partition", values);
    };
    Ok(Query {
        table: table(request)?,
        index,
        pk: pk.to_owned(),
        range,
        backwards: request["ScanIndexForward"] == json!(false),
        limit: request["Limit"].as_u64().unwrap_or(u64::MAX) as usize,
    })
}

/// A row in DynamoDB's JSON.
pub(super) fn item_out(item: &Item) -> Value {
    let fields = item
        .iter()
        .map(|(name, value)| (name.clone(), value_out(value)));
    Value::Object(fields.collect())
}

fn value_out(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(yes) => json!({ "BOOL": yes }),
        AttributeValue::L(list) => {
            json!({ "L": list.iter().map(value_out).collect::<Vec<_>>() })
        }
        AttributeValue::M(map) => json!({ "M": item_out(map) }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        _ => json!({ "NULL": true }),
    }
}

fn item_in(item: &Value) -> Result<Item, Unknown> {
    let Some(fields) = item.as_object() else {
        return unknown("a row", item);
    };
    fields
        .iter()
        .map(|(name, value)| Ok((name.clone(), value_in(value)?)))
        .collect()
}

fn value_in(value: &Value) -> Result<AttributeValue, Unknown> {
    let Some((kind, inner)) = value.as_object().and_then(only) else {
        return unknown("a value", value);
    };
    let texts = || {
        let texts = inner.as_array().into_iter().flatten();
        texts
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    Ok(match (kind, inner) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(yes)) => AttributeValue::Bool(*yes),
        ("NULL", _) => AttributeValue::Null(true),
        ("L", Value::Array(list)) => {
            AttributeValue::L(list.iter().map(value_in).collect::<Result<_, _>>()?)
        }
        ("M", map) => AttributeValue::M(item_in(map)?),
        ("SS", _) => AttributeValue::Ss(texts()),
        ("NS", _) => AttributeValue::Ns(texts()),
        _ => return unknown("a value", value),
    })
}

fn only(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = map.iter();
    let first = fields.next()?;
    fields.next().is_none().then_some((first.0, first.1))
}
