//! The accepted fields against the official OpenAPI documents, which lie outside of the project:
//! `CORPUS=path/to/corpus`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use reqwest::Method;
use serde_json::Value;

use crate::support::world;

#[expect(clippy::disallowed_methods, reason = "says where the documents are")]
fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("CORPUS").map(PathBuf::from)?;
    if path.is_absolute() {
        return Some(path);
    }
    // Relative to the repository, whatever directory a test runs in.
    Some(
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(path),
    )
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#')).unwrap();
            resolve(document, target)
        }
        None => match schema["allOf"].as_array() {
            Some(all) if all.len() == 1 => resolve(document, &all[0]),
            _ => schema,
        },
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// Fields, requirements, enums and nested objects; what is an array of alternatives there
/// (`customFields`) is compared by its field names.
fn compare(at: &str, document: &Value, schema: &Value, ours: &Value) {
    let schema = resolve(document, schema);
    let theirs = schema["properties"].as_object().unwrap();
    let ours = ours.as_object().unwrap();
    let keys = |m: &serde_json::Map<String, Value>| m.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(theirs), keys(ours), "fields of {at}");
    let required = ours
        .iter()
        .filter(|(_, f)| f["required"] == true)
        .map(|(k, _)| k.clone());
    assert_eq!(
        names(&schema["required"]),
        required.collect(),
        "required fields of {at}"
    );
    for (name, field) in ours {
        let at = format!("{at} {name}");
        let their = resolve(document, &theirs[name]);
        if field["type"] != "any" {
            assert_eq!(their["type"], field["type"], "type of {at}");
        }
        assert_eq!(
            names(&their["enum"]),
            names(&field["enum"]),
            "values of {at}"
        );
        if field.get("fields").is_none() {
            continue;
        }
        if their["properties"].is_object() {
            compare(&at, document, their, &field["fields"]);
            continue;
        }
        let items = resolve(document, &their["items"]);
        let alternatives = items["anyOf"]
            .as_array()
            .or(items["oneOf"].as_array())
            .unwrap();
        let mut fields = BTreeSet::new();
        for alternative in alternatives {
            fields.extend(keys(
                resolve(document, alternative)["properties"]
                    .as_object()
                    .unwrap(),
            ));
        }
        assert_eq!(
            fields,
            keys(field["fields"].as_object().unwrap()),
            "fields of {at}"
        );
    }
}

/// Names, and which of them are needed; a query has no other types than text.
fn compare_query(at: &str, parameters: &Value, ours: &Value) {
    let all = parameters.as_array().unwrap().iter();
    let theirs: BTreeSet<(&str, bool)> = all
        .filter(|it| it["in"] == "query")
        .map(|it| (it["name"].as_str().unwrap(), it["required"] == true))
        .collect();
    let ours = ours.as_object().unwrap().iter();
    let ours: BTreeSet<(&str, bool)> = ours
        .map(|(name, field)| (name.as_str(), field["required"] == true))
        .collect();
    assert_eq!(theirs, ours, "the query of {at}");
}

#[tokio::test]
async fn accepted_fields_are_those_of_the_official_documents() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: CORPUS is not set");
        return;
    };
    let w = world(1.0).await;
    let schemas = w.control(Method::GET, "/ghl/schemas", None).await.1;
    let schemas = schemas.as_object().unwrap();
    assert_eq!(schemas.len(), 11);
    for (route, ours) in schemas {
        let (method, path) = route.split_once(' ').unwrap();
        let name = path.split('/').nth(1).unwrap();
        let file = corpus.join(format!("gohighlevel/openapi/{name}.json"));
        let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        if method == "get" {
            compare_query(route, &document["paths"][path][method]["parameters"], ours);
            continue;
        }
        let body = &document["paths"][path][method]["requestBody"];
        let content = resolve(&document, body)["content"].as_object().unwrap();
        let schema = &content.values().next().unwrap()["schema"];
        compare(route, &document, schema, ours);
    }
}

/// The documented rates of GREEN-API.
#[tokio::test]
async fn rates_are_those_of_the_table() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: CORPUS is not set");
        return;
    };
    let w = world(1.0).await;
    let stats = w.control(Method::GET, "/stats", None).await.1;
    let mut compared = 0;
    for file in ["limits.csv", "limits-unlisted.csv"] {
        let table = fs::read_to_string(corpus.join("green-api").join(file)).unwrap();
        for line in table.lines().skip(1) {
            let mut columns = line.split(',');
            let (method, rate) = (columns.next().unwrap(), columns.next().unwrap());
            if let Some(ours) = stats["limits"].get(method) {
                assert_eq!(ours.to_string(), rate, "{method}");
                compared += 1;
            }
        }
    }
    assert_eq!(
        compared,
        stats["limits"].as_object().unwrap().len(),
        "every method has a rate there"
    );
}
