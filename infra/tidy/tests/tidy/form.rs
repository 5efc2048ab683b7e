//! The form that sources keep.

use crate::files;

/// Where a file wants to be two.
const LINES: usize = 600;

/// Files that are longer, and why.
const LONGER: [(&str, usize, &str); 1] = [(
    "shared/src/green_api/map/tests.rs",
    800,
    "one table of bodies and what they mean",
)];

const MAIN_LINES: usize = 60;

const TEXT: [&str; 12] = [
    ".rs", ".toml", ".md", ".txt", ".yaml", ".json", ".py", ".html", ".css", ".js", ".ts",
    ".svelte",
];

#[test]
fn no_file_wants_to_be_two() {
    let longest = |path: &str| {
        let longer = LONGER.iter().find(|(longer, ..)| *longer == path);
        longer.map_or(LINES, |(_, lines, _)| *lines)
    };
    let too_long: Vec<_> = files::all(&[".rs", ".ts", ".svelte"])
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        // What a tool writes is as long as it is.
        .filter(|(lines, path)| *lines > longest(path) && !path.ends_with(".d.ts"))
        .collect();
    assert!(too_long.is_empty(), "over {LINES} lines: {too_long:#?}");
}

#[test]
fn exceptions_are_needed() {
    for (path, most, _) in LONGER {
        let lines = files::read(path).lines().count();
        assert!(
            (LINES..=most).contains(&lines),
            "{path} has {lines} lines now: take it off the list"
        );
    }
}

#[test]
fn a_functions_main_wires_and_nothing_else() {
    for function in files::folders("functions") {
        let path = format!("functions/{function}/src/main.rs");
        let lines = files::read(&path).lines().count();
        assert!(lines <= MAIN_LINES, "{path} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_unfinished_or_behind() {
    // In two halves, or this file would be the first finding.
    let never = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("db", "g!("),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
    ];
    check_lines(&TEXT, |line| {
        never.into_iter().find(|never| line.contains(never))
    });
}

#[test]
fn no_line_ends_in_blanks_and_no_file_without_a_line_end() {
    check_lines(&TEXT, |line| {
        line.ends_with([' ', '\t']).then_some("a blank at the end")
    });
    check_lines(&TEXT, |line| {
        line.ends_with('\r').then_some("a carriage return")
    });
    let open: Vec<_> = files::all(&TEXT)
        .into_iter()
        .filter(|(_, text)| !text.is_empty() && !text.ends_with('\n'))
        .map(|(path, _)| path)
        .collect();
    assert!(open.is_empty(), "no line end at the end: {open:?}");
}

fn check_lines(extensions: &[&str], complaint: impl Fn(&str) -> Option<&'static str>) {
    let mut found = Vec::new();
    for (path, text) in files::all(extensions) {
        for (number, line) in text.split('\n').enumerate() {
            if let Some(complaint) = complaint(line) {
                found.push(format!("{path}:{}: {complaint}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
