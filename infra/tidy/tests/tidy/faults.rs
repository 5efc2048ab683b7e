//! `docs/faults.md`: every fault has a test, and every test that it names is there.

use regex::Regex;

use crate::files;

const PATH: &str = "docs/faults.md";

/// The rows of the tables, without their heads.
fn rows(page: &str) -> Vec<&str> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| fault |");
    let rows = page.lines().filter(is_row);
    rows.filter(|line| !line.starts_with("| input |")).collect()
}

/// The tests that a text names: their names and where they are.
fn named(text: &str) -> Vec<(String, String)> {
    let named = Regex::new(r"`(\w+)` in `([\w./-]+\.rs)`").unwrap();
    let found = named.captures_iter(text);
    found
        .map(|test| (test[1].to_owned(), test[2].to_owned()))
        .collect()
}

#[test]
fn every_fault_names_tests_that_are_there() {
    let page = files::read(PATH);
    let rows = rows(&page);
    assert!(rows.len() > 30, "the page reads differently now");
    for row in rows {
        let tests = named(row);
        assert!(!tests.is_empty(), "no test: {row}");
        for (name, path) in tests {
            let source = files::read(&path);
            assert!(
                source.contains(&format!("fn {name}(")),
                "{path} has no test {name}"
            );
        }
    }
}
