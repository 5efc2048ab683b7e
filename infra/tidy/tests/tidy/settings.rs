//! Every setting by name: where it is read, where it is given and where it is described.

use std::collections::BTreeSet;

use regex::Regex;

use crate::{files, template};

/// Set by Lambda itself, or by the emulator.
const FROM_LAMBDA: [&str; 2] = ["AWS_REGION", "AWS_ENDPOINT_URL"];

/// What the README names beside settings: the tests' own switches and the tools'.
const SWITCHES: [&str; 6] = [
    "CI",
    "CORPUS",
    "SEED",
    "SEEDS",
    "UPDATE",
    "AWS_LC_SYS_NO_JITTER_ENTROPY",
];

fn names(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern)
        .unwrap()
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// What the functions read.
fn read_by_functions() -> BTreeSet<String> {
    let mut read = names(
        r#"vars\s*\.(?:text|url|seconds|number|optional|origins)\(\s*"([A-Z_]+)""#,
        &files::config(),
    );
    for name in FROM_LAMBDA {
        read.remove(name);
    }
    read
}

/// What the local run reads, by the table in its documentation.
fn read_by_local_run() -> BTreeSet<String> {
    names(
        r"(?m)^//! \| `([A-Z_]+)` \|",
        &files::read("infra/local/src/settings.rs"),
    )
}

fn in_readme() -> BTreeSet<String> {
    names(
        r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`",
        &files::read("README.md"),
    )
}

fn missing(wanted: &BTreeSet<String>, there: &BTreeSet<String>) -> Vec<String> {
    wanted.difference(there).cloned().collect()
}

#[test]
fn what_functions_read_is_what_the_template_gives() {
    let read = read_by_functions();
    let given: BTreeSet<_> = template::functions()
        .into_iter()
        .flat_map(|function| function.variables)
        .collect();
    assert_eq!(missing(&read, &given), [""; 0], "read, and not given");
    assert_eq!(missing(&given, &read), [""; 0], "given, and not read");
}

#[test]
fn the_readme_describes_every_setting_and_no_other() {
    let functions = read_by_functions();
    let local = read_by_local_run();
    assert!(
        functions.len() > 10 && local.len() > 10,
        "the sources read differently now"
    );
    let readme = in_readme();
    assert_eq!(missing(&functions, &readme), [""; 0], "of the functions");
    assert_eq!(missing(&local, &readme), [""; 0], "of the local run");
    let switches = SWITCHES.map(str::to_owned).into();
    let known = &(&functions | &local) | &switches;
    // One word in capitals may be an abbreviation; with an underscore it is a setting.
    let unknown: Vec<_> = missing(&readme, &known)
        .into_iter()
        .filter(|name| name.contains('_'))
        .collect();
    assert_eq!(unknown, [""; 0], "described, and read by nobody");
}

#[test]
fn the_readme_describes_every_parameter_and_no_other() {
    let readme = files::read("README.md");
    let described = names(r"(?m)^\| `([A-Z][A-Za-z]*[a-z][A-Za-z]*)` \|", &readme);
    assert_eq!(described, template::parameters());
}
