//! The functions' binaries as they are deployed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::Error;

/// A function's binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// The function.
    pub(crate) name: String,
    /// Where the binary is.
    pub(crate) path: PathBuf,
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Every function, from `lambda_dir` if there is one (cargo-lambda's `target/lambda/…`), else built
/// for this machine. Cargo builds what is missing or old and nothing else, so what is measured is
/// always what is written.
pub(crate) fn binaries(lambda_dir: Option<&Path>) -> Result<Vec<Binary>, Error> {
    let names = names()?;
    let paths = match lambda_dir {
        Some(dir) => names
            .iter()
            .map(|name| (name.clone(), dir.join(name).join("bootstrap")))
            .filter(|(_, path)| path.is_file())
            .collect(),
        None => build(&names)?,
    };
    names
        .into_iter()
        .map(|name| match paths.get(&name) {
            Some(path) => Ok(Binary {
                path: path.clone(),
                name,
            }),
            None => Err(Error::Functions(format!("{name} has no binary"))),
        })
        .collect()
}

/// The folders in `functions/`.
fn names() -> Result<Vec<String>, Error> {
    let dir = root().join("functions");
    let failed = || Error::io("reading functions/");
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The cargo that built this program; its progress goes to the terminal.
fn build(names: &[String]) -> Result<BTreeMap<String, PathBuf>, Error> {
    let format = "--message-format=json-render-diagnostics";
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", format])
        .args(names.iter().flat_map(|name| ["-p", name]))
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::io("running cargo"))?;
    if !output.status.success() {
        return Err(Error::Functions("cargo build failed".into()));
    }
    Ok(executables(&String::from_utf8_lossy(&output.stdout)))
}

/// The binaries among cargo's messages, by the names of their targets.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?;
            let path = message["executable"].as_str()?;
            Some((name.to_owned(), path.into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_found_in_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"sweeper"},"executable":"/t/release/sweeper"}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"greenhub"},"executable":null}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let expect = BTreeMap::from([("sweeper".to_owned(), "/t/release/sweeper".into())]);
        assert_eq!(executables(messages), expect);
    }

    #[test]
    fn a_folder_of_binaries_has_to_have_all_of_them() {
        assert!(names().unwrap().contains(&"green-api-webhook".to_owned()));
        let nowhere = root().join("docs");
        let error = binaries(Some(&nowhere)).unwrap_err();
        assert!(error.to_string().ends_with("has no binary"), "{error}");
    }
}
