//! What has to be installed before anything else makes sense, asked for by name.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

use crate::{error::Error, settings};

/// A version as programs print it; a missing part is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

const PYTHON: Version = Version(3, 10, 0);
const NODE: Version = Version(20, 19, 0);

/// The first `a.b` or `a.b.c` in what a program printed about itself, whatever is around it.
pub fn parse_version(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find_map(|word| {
            let mut parts = word.trim_matches('.').split('.').map(str::parse::<u32>);
            let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
            Some(Version(
                major,
                minor,
                parts.next().and_then(Result::ok).unwrap_or(0),
            ))
        })
}

/// The programs that were found.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) cargo: String,
    pub(crate) python: String,
}

/// Looks for everything and reports all that is missing at once.
pub(crate) async fn check() -> Result<Tools, Error> {
    let mut missing = Vec::new();
    // Set by `cargo run` and `cargo test`: the one that built us.
    let cargo = settings::environment("CARGO").unwrap_or_else(|| "cargo".into());
    if version_of(&cargo, &["--version"]).await.is_none() {
        missing.push("Rust with cargo: https://rustup.rs".into());
    }
    let python = find_python(&mut missing).await;
    missing.extend(node().await.err());
    match python {
        Some(python) if missing.is_empty() => Ok(Tools { cargo, python }),
        _ => Err(Error::Missing(missing)),
    }
}

/// Looks for Python alone.
pub(crate) async fn python() -> Result<String, Error> {
    let mut missing = Vec::new();
    let found = find_python(&mut missing).await;
    found.ok_or(Error::Missing(missing))
}

/// Whether the site can be built; if not, what is missing.
///
/// # Errors
///
/// What to install, and where it is.
pub async fn node() -> Result<(), String> {
    match version_of("node", &["--version"]).await {
        // Debian packs npm apart from Node.
        Some(found) if found >= NODE => match version_of("npm", &["--version"]).await {
            Some(_) => Ok(()),
            None => Err("npm, which comes with Node.js: https://nodejs.org".into()),
        },
        found => Err(wanted("Node.js", NODE, found, "https://nodejs.org")),
    }
}

/// Where a Chromium is looked for when `CHROMIUM` does not say (`web/tests/support/browser.ts`).
const CHROMIUMS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Whether there is a browser for the browser tests.
pub fn has_chromium() -> bool {
    settings::environment("CHROMIUM").is_some()
        || CHROMIUMS.iter().any(|path| Path::new(path).exists())
}

async fn find_python(missing: &mut Vec<String>) -> Option<String> {
    let mut newest = None;
    for name in [
        "python3",
        "python",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ] {
        let Some(found) = version_of(name, &["--version"]).await else {
            continue;
        };
        newest = newest.max(Some(found));
        if found < PYTHON {
            continue;
        }
        // Debian packs these apart from Python itself.
        if output(name, &["-c", "import venv, ensurepip"])
            .await
            .is_some()
        {
            return Some(name.to_owned());
        }
        missing.push(format!(
            "the venv module of Python {found}: apt install python{found}-venv (Debian, Ubuntu), \
             or the like"
        ));
        return None;
    }
    missing.push(wanted(
        "Python",
        PYTHON,
        newest,
        "https://www.python.org/downloads",
    ));
    None
}

fn wanted(name: &str, least: Version, found: Option<Version>, from: &str) -> String {
    match found {
        Some(found) => format!("{name} {least} or newer (found {found}): {from}"),
        None => format!("{name} {least} or newer: {from}"),
    }
}

async fn version_of(program: &str, arguments: &[&str]) -> Option<Version> {
    parse_version(&output(program, arguments).await?)
}

async fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let check = |text: &str, expect: Option<Version>| {
            assert_eq!(parse_version(text), expect, "{text:?}");
        };
        check("Python 3.11.7\n", Some(Version(3, 11, 7)));
        check("Python 3.10", Some(Version(3, 10, 0)));
        check("Python 3.14.0rc2+", Some(Version(3, 14, 0)));
        check("v20.19.1", Some(Version(20, 19, 1)));
        check(
            "cargo 1.95.0-nightly (f2d3ce0bd 2026-03-21)",
            Some(Version(1, 95, 0)),
        );
        check("Python 3", None);
        check("", None);
        check("command not found", None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Version(3, 9, 18) < PYTHON);
        assert!(Version(3, 10, 0) >= PYTHON);
        assert!(Version(20, 9, 0) < NODE);
        assert!(Version(20, 19, 0) >= NODE);
        assert!(Version(22, 1, 0) >= NODE);
    }

    #[test]
    fn a_request_names_what_to_install() {
        let check = |found, expect: &str| assert_eq!(wanted("Python", PYTHON, found, "x"), expect);
        check(None, "Python 3.10 or newer: x");
        check(
            Some(Version(3, 8, 10)),
            "Python 3.10 or newer (found 3.8): x",
        );
    }
}
