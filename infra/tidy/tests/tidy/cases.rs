//! The list of acceptance cases, and which tests name them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// How many cases there are.
pub(crate) const COUNT: u16 = 162;

/// Who owns a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// This version claims it.
    Now,
    /// Still to come, with these words.
    Later(&'static str),
}

/// A line of `cases.txt`.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) number: u16,
    pub(crate) who: Who,
    pub(crate) what: String,
    /// Why a case of this version has no test.
    pub(crate) reason: Option<String>,
}

/// A test function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Test {
    pub(crate) path: String,
    pub(crate) name: String,
}

pub(crate) fn parse(text: &str) -> Vec<Case> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| parse_line(line).unwrap_or_else(|| panic!("cases.txt: {line}")))
        .collect()
}

fn parse_line(line: &str) -> Option<Case> {
    let mut fields = line.split(" | ");
    let number = fields.next()?.parse().ok()?;
    let who = match fields.next()? {
        "now" => Who::Now,
        "bridge" => Who::Later("the GoHighLevel bridge, complete"),
        "inbox" => Who::Later("the team inbox behind the panel"),
        "panel" => Who::Later("the panel in the browser"),
        _ => return None,
    };
    let what = fields.next().filter(|what| !what.is_empty())?.to_owned();
    let reason = fields.next().map(str::to_owned);
    fields.next().is_none().then_some(Case {
        number,
        who,
        what,
        reason,
    })
}

/// The tests that name each case.
pub(crate) fn named<'a>(
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<u16, Vec<Test>> {
    let mut found = BTreeMap::<u16, Vec<Test>>::new();
    for (path, source) in sources {
        let tests = if path.ends_with(".ts") {
            site_tests(source)
        } else {
            tests(source)
        };
        for (name, comments) in tests {
            let test = Test {
                path: path.to_owned(),
                name,
            };
            for case in comments.iter().flat_map(|comment| mentioned(comment)) {
                let tests = found.entry(case).or_default();
                if !tests.contains(&test) {
                    tests.push(test.clone());
                }
            }
        }
    }
    found
}

/// The cases that a comment names: `AC 45`, `AC 45, 46`, `AC 50, AC 52–54 and 60`.
fn mentioned(comment: &str) -> Vec<u16> {
    static LIST: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\bAC \d+(?:[–-]\d+)?(?:(?:, | and )(?:AC )?\d+(?:[–-]\d+)?)*").unwrap()
    });
    static RANGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\d+)(?:[–-](\d+))?").unwrap());
    let mut cases = Vec::new();
    for list in LIST.find_iter(comment) {
        for range in RANGE.captures_iter(list.as_str()) {
            let first: u16 = range[1].parse().unwrap();
            let last = range
                .get(2)
                .map_or(first, |last| last.as_str().parse().unwrap());
            cases.extend(first..=last);
        }
    }
    cases
}

/// The test functions of a Rust file, each with the comments directly above and within it.
///
/// By lines and not by a parser, which drops comments and sees nothing inside macros that make
/// tests; rustfmt sees to it that a function ends with a brace where it began.
fn tests(source: &str) -> Vec<(String, Vec<String>)> {
    let lines: Vec<_> = source.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !is_test_attribute(lines[at]) {
            at += 1;
            continue;
        }
        let above = lines[..at]
            .iter()
            .rev()
            .take_while(|line| is_comment(line) || line.trim_start().starts_with("#["));
        let mut comments: Vec<String> = above.filter_map(|line| comment_of(line)).collect();
        let Some((start, name)) = lines[at..]
            .iter()
            .enumerate()
            .find_map(|(offset, line)| Some((at + offset, function_name(line)?)))
        else {
            break;
        };
        let indent = indent_of(lines[start]);
        let end = lines[start..]
            .iter()
            .position(|line| line.trim_end() == format!("{indent}}}"))
            .map_or(start, |offset| start + offset);
        comments.extend(lines[at..=end].iter().filter_map(|line| comment_of(line)));
        found.push((name, comments));
        at = end + 1;
    }
    found
}

/// The tests of a file of the site's: `test("…", …)` and `test.each(…)("…", …)` at the start of a
/// line, with the comments directly above and within. A call ends with a brace at the
/// start of a line.
fn site_tests(source: &str) -> Vec<(String, Vec<String>)> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?:^test|\))\("((?:[^"\\]|\\.)+)""#).unwrap());
    let lines: Vec<_> = source.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !(lines[at].starts_with("test(") || lines[at].starts_with("test.")) {
            at += 1;
            continue;
        }
        let above = lines[..at].iter().rev().take_while(|line| is_comment(line));
        let mut comments: Vec<String> = above.filter_map(|line| comment_of(line)).collect();
        let end = lines[at..]
            .iter()
            .position(|line| line.starts_with("});") || line.starts_with("}, "))
            .map_or(at, |offset| at + offset);
        comments.extend(lines[at..=end].iter().filter_map(|line| comment_of(line)));
        let name = lines[at..=end].iter().find_map(|line| NAME.captures(line));
        if let Some(name) = name {
            found.push((name[1].to_owned(), comments));
        }
        at = end + 1;
    }
    found
}

fn is_test_attribute(line: &str) -> bool {
    let line = line.trim_start();
    ["#[test]", "#[tokio::test"]
        .iter()
        .any(|attribute| line.starts_with(attribute))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The comment of a line, at its start or behind code.
fn comment_of(line: &str) -> Option<String> {
    let comment = match line.trim_start().strip_prefix("//") {
        Some(comment) => comment,
        // With blanks around, since an address in a string is none.
        None => line.rsplit_once(" // ")?.1,
    };
    Some(comment.trim_start_matches(['/', '!']).to_owned())
}

fn function_name(line: &str) -> Option<String> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\s*(?:pub )?(?:async )?fn (\w+)").unwrap());
    Some(NAME.captures(line)?[1].to_owned())
}

fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[test]
fn cases_are_found_in_comments() {
    let check = |comment: &str, expect: &[u16]| {
        assert_eq!(mentioned(comment), expect, "{comment}");
    };
    check("AC 45", &[45]);
    check(
        "body → event → text, for each. AC 50, 52–54",
        &[50, 52, 53, 54],
    );
    check("AC 11, AC 12", &[11, 12]);
    check("AC 81: in whatever order", &[81]);
    check("(AC 45, 46, 63).", &[45, 46, 63]);
    check("AC 33 and 34; 35 kB", &[33, 34]);
    check("a MAC 45", &[]);
}

#[test]
fn comments_belong_to_the_test_above_or_around_which_they_are() {
    let source = "
// AC 1
fn helper() {}

/// Says something. AC 2
#[test]
fn first() {
    // AC 3
    check(\"https://AC 9\"); // AC 4
}

// AC 5: of no test.
const X: u8 = 1;

mod tests {
    // AC 6
    #[tokio::test(start_paused = true)]
    #[expect(reason = \"x\")]
    async fn second() {
        if true {
        }
        // AC 7
    }
    // AC 8
    fn other() {}
}
";
    let found: Vec<_> = named([("a.rs", source)])
        .into_iter()
        .flat_map(|(case, tests)| tests.into_iter().map(move |test| (case, test.name)))
        .collect();
    let expect = [
        (2, "first"),
        (3, "first"),
        (4, "first"),
        (6, "second"),
        (7, "second"),
    ];
    assert_eq!(found, expect.map(|(case, name)| (case, name.to_owned())));
}

#[test]
fn tests_of_the_site_count_as_well() {
    let source = r#"
// AC 1
const x = 1;

// AC 2
test("first", async () => {
  // AC 3
  expect(1).toBe(1); // AC 4
});

// AC 5: a half.
test.each([
  ["a", 1],
])("second: %s", (a) => {
  expect(a).toBe("a");
});
// AC 6
"#;
    let found: Vec<_> = named([("web/a.test.ts", source)])
        .into_iter()
        .flat_map(|(case, tests)| tests.into_iter().map(move |test| (case, test.name)))
        .collect();
    let expect = [(2, "first"), (3, "first"), (4, "first"), (5, "second: %s")];
    assert_eq!(found, expect.map(|(case, name)| (case, name.to_owned())));
}
