//! Checking of JSON bodies against tables of fields, shared by both providers. Each provider
//! words the refusals in its own way.

use serde_json::{Map, Value, json};

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Str,
    /// Text with at most so many characters.
    StrMax(usize),
    NullStr,
    Bool,
    Int,
    Num,
    Enum(&'static [&'static str]),
    /// At least so many texts.
    Strs(usize),
    Object(&'static [Field]),
    /// An array of objects with a least and a greatest length.
    Objects(&'static [Field], usize, usize),
    Any,
}

/// One field of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// A field that has to be there.
pub(crate) const fn need(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

/// A field that may be left out.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

/// Why a body is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Unknown(String),
    Missing(String),
    /// The field, and what it must be, as the rest of a sentence.
    Wrong(String, String),
}

/// Everything that is wrong with `body`, in the order of the table, unknown fields first.
pub(crate) fn check(fields: &[Field], body: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    object("", fields, body, &mut found);
    found
}

fn object(prefix: &str, fields: &[Field], body: &Map<String, Value>, found: &mut Vec<Violation>) {
    for key in body.keys() {
        if !fields.iter().any(|f| f.name == key) {
            found.push(Violation::Unknown(format!("{prefix}{key}")));
        }
    }
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        match body.get(field.name) {
            None if field.required => found.push(Violation::Missing(name)),
            None => {}
            Some(value) => self::value(&name, field, value, found),
        }
    }
}

fn value(name: &str, field: &Field, value: &Value, found: &mut Vec<Violation>) {
    let mut wrong = |what: String| found.push(Violation::Wrong(name.to_owned(), what));
    match (field.kind, value) {
        (Kind::Any | Kind::NullStr, Value::Null) | (Kind::Any, _) => {}
        (Kind::Str | Kind::NullStr, Value::String(text)) => {
            if field.required && text.is_empty() {
                found.push(Violation::Missing(name.to_owned()));
            }
        }
        (Kind::StrMax(max), Value::String(text)) => {
            if field.required && text.is_empty() {
                found.push(Violation::Missing(name.to_owned()));
            } else if text.chars().count() > max {
                wrong(format!("must be shorter than or equal to {max} characters"));
            }
        }
        (Kind::Str | Kind::StrMax(_) | Kind::NullStr, _) => wrong("must be a string".into()),
        (Kind::Bool, Value::Bool(_)) => {}
        (Kind::Bool, _) => wrong("must be a boolean value".into()),
        (Kind::Int, Value::Number(n)) if n.is_u64() || n.is_i64() => {}
        (Kind::Int, _) => wrong("must be an integer number".into()),
        (Kind::Num, Value::Number(_)) => {}
        (Kind::Num, _) => wrong("must be a number".into()),
        (Kind::Enum(set), Value::String(text)) if set.contains(&text.as_str()) => {}
        (Kind::Enum(set), _) => {
            wrong(format!(
                "must be one of the following values: {}",
                set.join(", ")
            ));
        }
        (Kind::Strs(min), Value::Array(items)) => {
            if items.len() < min {
                wrong(format!("must contain at least {min} elements"));
            }
            if !items.iter().all(Value::is_string) {
                wrong("must be a string".into());
            }
        }
        (Kind::Strs(min), _) => {
            if min > 0 {
                wrong(format!("must contain at least {min} elements"));
            }
            wrong("must be an array".into());
        }
        (Kind::Object(fields), Value::Object(inner)) => {
            object(&format!("{name}."), fields, inner, found);
        }
        (Kind::Object(_), _) => wrong("must be an object".into()),
        (Kind::Objects(fields, min, max), Value::Array(items)) => {
            if items.len() < min || items.len() > max {
                wrong(format!("must contain {min} to {max} elements"));
            }
            for (index, item) in items.iter().enumerate() {
                let at = format!("{name}.{index}");
                match item.as_object() {
                    Some(inner) => object(&format!("{at}."), fields, inner, found),
                    None => found.push(Violation::Wrong(at, "must be an object".into())),
                }
            }
        }
        (Kind::Objects(..), _) => wrong("must be an array".into()),
    }
}

/// The table as JSON, for people and for the comparison with the official documents.
pub(crate) fn describe(fields: &[Field]) -> Value {
    fields
        .iter()
        .map(|f| {
            let mut out = json!({ "required": f.required });
            match f.kind {
                Kind::Str | Kind::StrMax(_) | Kind::NullStr => out["type"] = "string".into(),
                Kind::Bool => out["type"] = "boolean".into(),
                Kind::Int | Kind::Num => out["type"] = "number".into(),
                Kind::Enum(set) => {
                    out["type"] = "string".into();
                    out["enum"] = json!(set);
                }
                Kind::Strs(_) => out["type"] = "array".into(),
                Kind::Objects(fields, ..) => {
                    out["type"] = "array".into();
                    out["fields"] = describe(fields);
                }
                Kind::Object(fields) => {
                    out["type"] = "object".into();
                    out["fields"] = describe(fields);
                }
                Kind::Any => out["type"] = "any".into(),
            }
            (f.name.to_owned(), out)
        })
        .collect::<Map<_, _>>()
        .into()
}
