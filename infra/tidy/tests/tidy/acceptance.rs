//! `docs/acceptance.md`: every case with the tests that show it.
//!
//! `UPDATE=1 cargo test -p greenhub-tidy` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cases::{self, Case, Test, Who};
use crate::files;

const PATH: &str = "docs/acceptance.md";

const HEAD: &str = "\
# Acceptance cases

What the product has to do, case by case, and the tests that show it. A test is listed because it
names the case (`// AC 45`). This file is generated: `UPDATE=1 cargo test -p greenhub-tidy`. The
words are in `infra/tidy/cases.txt`.

";

struct Found {
    cases: Vec<Case>,
    tests: BTreeMap<u16, Vec<Test>>,
}

fn find() -> Found {
    let sources = files::all(&[".rs", ".test.ts"]);
    let own = "infra/tidy/";
    let sources = sources
        .iter()
        .filter(|(path, _)| !path.starts_with(own))
        .map(|(path, source)| (path.as_str(), source.as_str()));
    Found {
        cases: cases::parse(&files::read("infra/tidy/cases.txt")),
        tests: cases::named(sources),
    }
}

fn page(found: &Found) -> String {
    let mut page = HEAD.to_owned();
    let _ = writeln!(page, "{}", summary(found));
    page += "| case | what | test |\n|---|---|---|\n";
    for case in &found.cases {
        let tests = found.tests.get(&case.number).map_or(&[][..], Vec::as_slice);
        let mut column: Vec<_> = tests
            .iter()
            .map(|test| format!("`{}` in `{}`", test.name, test.path))
            .collect();
        column.extend(open(case));
        let _ = writeln!(
            page,
            "| AC {} | {} | {} |",
            case.number,
            case.what,
            column.join("<br>")
        );
    }
    page
}

/// What is still open of a case.
fn open(case: &Case) -> Option<String> {
    match (case.who, &case.reason) {
        (Who::Now, None) => None,
        (Who::Now, Some(reason)) => Some(format!("open: {reason}")),
        (Who::Later(when), None) => Some(format!("open: {when}")),
        (Who::Later(when), Some(reason)) => Some(format!("open: {when} ({reason})")),
    }
}

fn summary(found: &Found) -> String {
    let is_shown = |case: &&Case| open(case).is_none() && found.tests.contains_key(&case.number);
    let n_shown = found.cases.iter().filter(is_shown).count();
    format!(
        "{} cases: {n_shown} shown by tests, {} open. Where an open case has a test already, that \
         test shows a part of it.\n",
        found.cases.len(),
        found.cases.len() - n_shown,
    )
}

#[test]
fn every_case_is_listed_once_and_in_order() {
    let found = find();
    let numbers: Vec<_> = found.cases.iter().map(|case| case.number).collect();
    assert_eq!(numbers, (1..=cases::COUNT).collect::<Vec<_>>());
    let unknown: Vec<_> = found
        .tests
        .iter()
        .filter(|(number, _)| !(1..=cases::COUNT).contains(*number))
        .collect();
    assert!(unknown.is_empty(), "no such cases: {unknown:?}");
}

#[test]
fn every_case_of_this_version_has_a_test() {
    let found = find();
    let has_test = |case: &&Case| found.tests.contains_key(&case.number);
    let due = || found.cases.iter().filter(|case| case.who == Who::Now);
    let missing: Vec<_> = due()
        .filter(|case| case.reason.is_none() && !has_test(case))
        .map(|case| format!("AC {}: {}", case.number, case.what))
        .collect();
    assert!(
        missing.is_empty(),
        "{} cases of this version are named by no test (write `// AC n` above or in the one that \
         shows it, or a reason into cases.txt):\n{}",
        missing.len(),
        missing.join("\n")
    );
}

#[test]
fn the_page_is_up_to_date() {
    let page = page(&find());
    if update() {
        std::fs::write(files::root().join(PATH), page).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(files::root().join(PATH)).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(page.lines())
        .find(|(kept, wanted)| kept != wanted);
    assert!(
        kept == page,
        "{PATH} is not what the tests say; UPDATE=1 writes it anew. First difference: {differs:?}"
    );
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}
