//! DynamoDB's rules about rows: what it compares, and what it refuses.

use std::cmp::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::db::{Cond, Index, Item, Key};
use crate::store::dynamo::request;

/// Whether a condition holds on the row that is there.
pub(super) fn holds(cond: &Cond, row: Option<&Item>) -> bool {
    let number = |name: &str| row.and_then(|row| row.get(name));
    match cond {
        Cond::Always => true,
        Cond::Absent => row.is_none(),
        Cond::Present => row.is_some(),
        Cond::Rev(rev) => {
            let rev = AttributeValue::N(rev.to_string());
            number(request::REV).and_then(|at| compare(at, &rev)) == Some(Ordering::Equal)
        }
        Cond::AbsentOrBefore(name, value) => {
            let value = AttributeValue::N(value.to_string());
            row.is_none() || number(name).and_then(|at| compare(at, &value)) == Some(Ordering::Less)
        }
        Cond::Is(name, text) => row.and_then(|row| row.get(*name)) == Some(&string(text)),
    }
}

/// A text attribute.
pub(super) fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// The order of two attributes of the same type, which keys and conditions can have.
pub(super) fn compare(a: &AttributeValue, b: &AttributeValue) -> Option<Ordering> {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.cmp(b)),
        (AttributeValue::N(a), AttributeValue::N(b)) => {
            match (a.parse::<i128>(), b.parse::<i128>()) {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => a.parse::<f64>().ok()?.partial_cmp(&b.parse::<f64>().ok()?),
            }
        }
        _ => None,
    }
}

/// Why DynamoDB would refuse the key, if it would.
pub(super) fn refuse_key(key: &Key) -> Option<String> {
    [("pk", &key.pk, 2048), ("sk", &key.sk, 1024)]
        .into_iter()
        .find_map(|(name, text, longest)| {
            if text.is_empty() {
                Some(format!("{name} is empty"))
            } else if text.len() > longest {
                Some(format!("{name} is longer than {longest} bytes"))
            } else {
                None
            }
        })
}

/// Why DynamoDB would refuse the row, if it would.
pub(super) fn refuse_row(key: &Key, row: &Item) -> Option<String> {
    for index in Index::ALL {
        let Some(of) = request::index_keys(index, key.table) else {
            continue;
        };
        match row.get(of.partition) {
            None => (),
            Some(AttributeValue::S(text)) if !text.is_empty() => (),
            Some(_) => return Some(format!("{} is a key of {index:?}: no text", of.partition)),
        }
        match row.get(of.sort) {
            None | Some(AttributeValue::N(_)) => (),
            Some(_) => return Some(format!("{} is a key of {index:?}: no number", of.sort)),
        }
    }
    row.values().find_map(refuse_value).or_else(|| {
        let n_bytes = n_bytes(row);
        (n_bytes > 400 * 1024).then(|| format!("the row has {n_bytes} bytes"))
    })
}

/// The size of a row in bytes, roughly as DynamoDB counts it.
pub fn n_bytes(row: &Item) -> usize {
    row.iter()
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

fn refuse_value(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::N(text) if !is_number(text) => Some("a number out of range".to_owned()),
        AttributeValue::Ns(set) if set.is_empty() => Some("an empty set".to_owned()),
        AttributeValue::Ss(set) if set.is_empty() => Some("an empty set".to_owned()),
        AttributeValue::L(list) => list.iter().find_map(refuse_value),
        AttributeValue::M(map) => map.values().find_map(refuse_value),
        _ => None,
    }
}

/// DynamoDB keeps 38 digits between 1e-130 and 1e126.
fn is_number(text: &str) -> bool {
    let Ok(value) = text.parse::<f64>() else {
        return false;
    };
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let n_digits = digits.trim_start_matches('0').trim_end_matches('0').len();
    let magnitude = value.abs();
    n_digits <= 38 && (magnitude == 0.0 || (1e-130..1e126).contains(&magnitude))
}

/// Roughly what DynamoDB counts.
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(text) => text.len() / 2 + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + size(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map
                .iter()
                .map(|(name, value)| 1 + name.len() + size(value))
                .sum::<usize>()
        }
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(|text| text.len() / 2 + 1).sum(),
        _ => 1,
    }
}
