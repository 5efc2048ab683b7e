//! The site, built from `web/` when it is not there or was built from other sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};

use crate::{command, error::Error, layout};

/// What the packages are installed from.
const PACKAGES: [&str; 3] = [".npmrc", "package-lock.json", "package.json"];
/// What else the build reads: files, and folders with all that is in them.
const SOURCES: [&str; 9] = [
    "app",
    "headers.json",
    "openapi.json",
    "public",
    "scripts",
    "src",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];
/// Written by the build itself.
const GENERATED: &str = "schema.d.ts";

/// The built site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where its sources are.
    pub sources: PathBuf,
    /// Where its files are, as they are served.
    pub files: PathBuf,
    /// Whether this call had to build it.
    pub is_new: bool,
}

/// Builds the site of this repository; the words of npm go into `site.log` in `logs`.
///
/// # Errors
///
/// [`Error::Command`] when npm fails, [`Error::File`] when a source cannot be read.
pub async fn build(logs: &Path) -> Result<Built, Error> {
    let root = layout::repository();
    let sources = root.join("web");
    let files = sources.join("dist");
    let _lock = command::lock(root.join(".local/web.lock")).await?;
    let log = logs.join("site.log");

    // The markers lie where they go away with what they speak of.
    let installed = sources.join("node_modules/.greenhub-installed");
    let packages = fingerprint(&sources, &PACKAGES)?;
    let mut is_new = false;
    if fs::read_to_string(&installed).ok().as_ref() != Some(&packages) {
        command::run(&log, "npm ci", &sources, "npm", &["ci"]).await?;
        fs::write(&installed, &packages).map_err(Error::file(&installed))?;
        is_new = true;
    }
    let built = sources.join("node_modules/.greenhub-built");
    let wanted = packages + &fingerprint(&sources, &SOURCES)?;
    let is_there = files.join("app/whatsapp.html").exists();
    if is_new || !is_there || fs::read_to_string(&built).ok().as_ref() != Some(&wanted) {
        command::run(&log, "npm run build", &sources, "npm", &["run", "build"]).await?;
        fs::write(&built, &wanted).map_err(Error::file(&built))?;
        is_new = true;
    }
    Ok(Built {
        sources,
        files,
        is_new,
    })
}

/// Changes when a name or a byte in any of these files and folders does.
fn fingerprint(dir: &Path, names: &[&str]) -> Result<String, Error> {
    let mut files = Vec::new();
    for name in names {
        collect(&dir.join(name), &mut files)?;
    }
    files.sort();
    let mut sum = Context::new(&SHA256);
    for path in files {
        let bytes = fs::read(&path).map_err(Error::file(&path))?;
        let name = path.strip_prefix(dir).unwrap_or(&path).as_os_str();
        // With their lengths, so that no end of one can be the beginning of the next.
        for part in [name.as_encoded_bytes(), &bytes] {
            sum.update(&part.len().to_le_bytes());
            sum.update(part);
        }
    }
    let sum = sum.finish();
    Ok(sum
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(Error::file(path))? {
            collect(&entry.map_err(Error::file(path))?.path(), files)?;
        }
    } else if !path.ends_with(GENERATED) {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_follows_names_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || fingerprint(dir.path(), &["src", "a.json"]).unwrap();
        put("a.json", "1");
        put("src/deep/b.ts", "2");
        let first = now();
        assert_eq!(first, now(), "nothing changed");
        put("src/api/schema.d.ts", "generated");
        put("other.txt", "not asked for");
        assert_eq!(first, now(), "neither of these counts");
        put("src/deep/b.ts", "3");
        let second = now();
        assert_ne!(first, second, "a byte changed");
        fs::rename(
            dir.path().join("src/deep/b.ts"),
            dir.path().join("src/b.ts"),
        )
        .unwrap();
        assert_ne!(second, now(), "a name changed");
        fs::remove_file(dir.path().join("a.json")).unwrap();
        assert!(
            fingerprint(dir.path(), &["a.json"]).is_err(),
            "a source is missing"
        );
    }
}
