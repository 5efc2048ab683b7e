//! `template.yaml` as data, and that it agrees with the functions' folders and their settings.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_yaml_ng::Value;

use crate::files;

/// A function of the template.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name there, without `Function` at the end.
    pub(crate) id: String,
    /// Its folder in `functions/`.
    pub(crate) folder: String,
    pub(crate) variables: BTreeSet<String>,
}

fn template() -> Value {
    serde_yaml_ng::from_str(&files::read("template.yaml")).unwrap()
}

fn keys(mapping: &Value) -> BTreeSet<String> {
    let keys = mapping.as_mapping().into_iter().flat_map(|map| map.keys());
    keys.map(|key| key.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn parameters() -> BTreeSet<String> {
    keys(&template()["Parameters"])
}

pub(crate) fn functions() -> Vec<Function> {
    let template = template();
    let everywhere = keys(&template["Globals"]["Function"]["Environment"]["Variables"]);
    template["Resources"]
        .as_mapping()
        .unwrap()
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, resource)| {
            let name = name.as_str().unwrap();
            let properties = &resource["Properties"];
            let uri = properties["CodeUri"].as_str().unwrap();
            Function {
                id: name.strip_suffix("Function").unwrap_or(name).to_owned(),
                folder: uri.strip_prefix("functions/").unwrap_or(uri).to_owned(),
                variables: &keys(&properties["Environment"]["Variables"]) | &everywhere,
            }
        })
        .collect()
}

#[test]
fn folders_and_resources_belong_together() {
    let deployed: BTreeSet<_> = functions()
        .into_iter()
        .map(|function| function.folder)
        .collect();
    let written = BTreeSet::from_iter(files::folders("functions"));
    assert_eq!(deployed, written);
}

/// The variables that each concern of `config.rs` reads, and which of them it cannot do without.
fn concerns() -> BTreeMap<String, BTreeSet<String>> {
    let source = files::read("shared/src/config.rs");
    let read = Regex::new(r#"vars\s*\.(?:text|url)\(\s*"([A-Z_]+)""#).unwrap();
    // `impl Tables {` … `fn read(`: what stands between two heads belongs to the first.
    let head = Regex::new(r"(?m)^impl (\w+) \{\n    fn read\(|^fn read_(\w+)\(").unwrap();
    let heads: Vec<_> = head.captures_iter(&source).collect();
    let ends = heads[1..].iter().map(|head| head.get(0).unwrap().start());
    heads
        .iter()
        .zip(ends.chain([source.len()]))
        .filter_map(|(head, end)| {
            let body = &source[head.get(0).unwrap().start()..end];
            let names = read.captures_iter(body).map(|name| name[1].to_owned());
            Some((head.get(1)?.as_str().to_owned(), names.collect()))
        })
        .collect()
}

#[test]
fn functions_are_given_what_they_cannot_start_without() {
    let concerns = concerns();
    let used = Regex::new(r"\b(\w+)::from_env\(\)").unwrap();
    let mut missing = Vec::new();
    for function in functions() {
        let folder = format!("functions/{}/src/", function.folder);
        for (path, source) in files::all(&[".rs"]) {
            if !path.starts_with(&folder) {
                continue;
            }
            for concern in used.captures_iter(&source) {
                for name in concerns.get(&concern[1]).into_iter().flatten() {
                    if !function.variables.contains(name) {
                        missing.push(format!("{} ({path}, {})", name, &concern[1]));
                    }
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "template.yaml does not set:\n{}",
        missing.join("\n")
    );
}

#[test]
fn concerns_are_read_from_the_source() {
    let concerns = concerns();
    let tables = ["CHATS_TABLE", "DIRECTORY_TABLE", "RUNTIME_TABLE"].map(str::to_owned);
    assert_eq!(concerns["Tables"], BTreeSet::from(tables));
    assert!(concerns["App"].contains("APP_SECRET"));
    assert!(!concerns["App"].contains("HOLD_SECONDS"), "may be missing");
}
