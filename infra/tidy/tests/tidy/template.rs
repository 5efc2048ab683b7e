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

/// The variables that each reader of `config.rs` (`Tables::from_env`, `config::app_secret`) cannot
/// do without.
fn readers() -> BTreeMap<String, BTreeSet<String>> {
    let needs = Regex::new(r#"\.(?:text|url)\(\s*"([A-Z_]+)""#).unwrap();
    bodies(
        r"(?m)^impl (\w+) \{\n    (?:pub\(super\) )?fn read\(|^pub fn (\w+)\(|^(?:fn|mod|impl|type) ",
        &files::config(),
    )
    .into_iter()
    .map(|(name, body)| {
        let names = needs.captures_iter(&body).map(|name| name[1].to_owned());
        (name, names.collect())
    })
    .collect()
}

/// The pieces of a source that begin with a match of `head`, which names them.
fn bodies(head: &str, source: &str) -> BTreeMap<String, String> {
    let head = Regex::new(head).unwrap();
    let heads: Vec<_> = head.captures_iter(source).collect();
    let starts: Vec<_> = heads
        .iter()
        .map(|head| head.get(0).unwrap().start())
        .collect();
    let ends = starts.iter().skip(1).copied().chain([source.len()]);
    heads
        .iter()
        .zip(starts.iter().zip(ends))
        .filter_map(|(head, (start, end))| {
            let name = head.get(1).or(head.get(2))?.as_str();
            Some((name.to_owned(), source[*start..end].to_owned()))
        })
        .collect()
}

#[test]
fn functions_are_given_what_they_cannot_start_without() {
    let readers = readers();
    let wiring = bodies(
        r"(?m)^pub fn (\w+)\(|^fn ",
        &files::read("shared/src/wiring.rs"),
    );
    let called = Regex::new(r"\bwiring::(\w+)\(").unwrap();
    let used = Regex::new(r"\b(\w+)::from_env\(\)|\bconfig::(\w+)\(\)").unwrap();
    let (mut missing, mut n_needed) = (Vec::new(), 0);
    for function in functions() {
        let folder = format!("functions/{}/src/", function.folder);
        let mut sources: String = files::all(&[".rs"])
            .into_iter()
            .filter(|(path, _)| path.starts_with(&folder))
            .map(|(_, source)| source)
            .collect();
        let through: String = called
            .captures_iter(&sources)
            .filter_map(|call| wiring.get(&call[1]).cloned())
            .collect();
        sources += &through;
        for reader in used.captures_iter(&sources) {
            let reader = reader.get(1).or(reader.get(2)).unwrap().as_str();
            let needed: Vec<_> = readers.get(reader).into_iter().flatten().collect();
            n_needed += needed.len();
            let not_given = needed
                .into_iter()
                .filter(|name| !function.variables.contains(*name));
            missing.extend(not_given.map(|name| format!("{}: {name} ({reader})", function.folder)));
        }
    }
    assert!(n_needed > 20, "the sources read differently now");
    assert!(
        missing.is_empty(),
        "template.yaml does not set:\n{}",
        missing.join("\n")
    );
}

#[test]
fn concerns_are_read_from_the_source() {
    let readers = readers();
    let tables = ["DIRECTORY_TABLE", "RUNTIME_TABLE"].map(str::to_owned);
    assert_eq!(readers["Tables"], BTreeSet::from(tables));
    assert!(readers["App"].contains("APP_SECRET"));
    assert!(readers["app_secret"].contains("APP_SECRET"));
    assert!(readers["Waits"].is_empty(), "both may be missing");
}
