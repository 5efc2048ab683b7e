//! Building the Lambda binaries.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::{command::last_line, error::Error, layout::Layout, progress::Progress};

/// Built binaries by their folder as the template's `CodeUri` has it, e.g. `functions/sweeper`.
pub(crate) type Binaries = BTreeMap<String, PathBuf>;

/// The command by which whoever has deployed the system makes its first owner; built along.
pub(crate) const ADMIN: &str = "infra/admin";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// A line of cargo's messages; all but the binaries are skipped.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    executable: Option<PathBuf>,
}

/// Builds every package under `functions/` with the profile `local`; cargo's own progress goes to
/// the terminal.
pub(crate) async fn build(
    layout: &Layout,
    cargo: &str,
    progress: Progress,
) -> Result<Binaries, Error> {
    let packages = packages(layout, cargo).await?;
    let log = layout.logs().join("build.log");
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--profile",
            "local",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(packages.iter().flat_map(|package| ["-p", &package.name]))
        .current_dir(&layout.root)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if progress.is_quiet() {
        command.stderr(fs::File::create(&log).map_err(Error::file(&log))?);
    } else {
        command.stderr(Stdio::inherit());
    }
    let failed = |reason: String| Error::Command {
        what: "building the functions".into(),
        reason,
        log: progress.is_quiet().then(|| log.clone()),
    };
    let output = command
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed("cargo build reported errors".into()));
    }
    let built = executables(&String::from_utf8_lossy(&output.stdout), &layout.root);
    match packages.iter().find(|package| {
        folder(&package.manifest_path, &layout.root)
            .is_none_or(|folder| !built.contains_key(&folder))
    }) {
        Some(package) => Err(failed(format!("{} has no binary", package.name))),
        None => Ok(built),
    }
}

async fn packages(layout: &Layout, cargo: &str) -> Result<Vec<Package>, Error> {
    let failed = |reason: String| Error::Command {
        what: "cargo metadata".into(),
        reason,
        log: None,
    };
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&layout.root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(last_line(&String::from_utf8_lossy(&output.stderr))));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    Ok(metadata
        .packages
        .into_iter()
        .filter(|package| folder(&package.manifest_path, &layout.root).is_some())
        .collect())
}

/// `functions/<name>` for a manifest in that folder, and [`ADMIN`].
fn folder(manifest: &Path, root: &Path) -> Option<String> {
    let folder = manifest.parent()?.strip_prefix(root).ok()?;
    (folder.starts_with("functions") || folder == Path::new(ADMIN))
        .then(|| folder.display().to_string())
}

fn executables(messages: &str, root: &Path) -> Binaries {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| Some((folder(&message.manifest_path?, root)?, message.executable?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_of_functions_are_found_in_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/r/functions/sweeper/Cargo.toml","executable":"/t/local/sweeper"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/r/shared/Cargo.toml","executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/r/infra/bench/Cargo.toml","executable":"/t/local/bench"}"#,
            "\nnot JSON\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let expect = Binaries::from([("functions/sweeper".into(), "/t/local/sweeper".into())]);
        assert_eq!(executables(messages, Path::new("/r")), expect);
    }
}
