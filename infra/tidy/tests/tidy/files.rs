//! The repository's files.

use std::fs;
use std::path::{Path, PathBuf};

/// What is built, fetched or kept beside the repository's own files.
const FOREIGN: [&str; 7] = [
    ".git",
    ".local",
    ".aws-sam",
    "node_modules",
    "target",
    "__pycache__",
    "dist",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What reads the environment: `config.rs` and the concerns beside it.
pub(crate) fn config() -> String {
    all(&[".rs"])
        .into_iter()
        .filter(|(path, _)| path.starts_with("shared/src/config") && !path.ends_with("tests.rs"))
        .map(|(_, source)| source)
        .collect()
}

/// Text files by their paths in the repository, sorted.
pub(crate) fn all(extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root(), "", extensions, &mut found);
    found.sort();
    found
}

/// The names of the folders in a folder, sorted.
pub(crate) fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn collect(dir: &Path, prefix: &str, extensions: &[&str], found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            // A second checkout below this one has its own tests.
            let is_checkout = entry.path().join(".git").exists();
            if !FOREIGN.contains(&name.as_str()) && !is_checkout {
                collect(&entry.path(), &format!("{path}/"), extensions, found);
            }
        } else if extensions.iter().any(|ext| name.ends_with(ext)) {
            found.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}
