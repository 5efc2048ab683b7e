//! Where things are: the repository, and the data directory of one local system.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// The paths of one local system.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The repository.
    pub(crate) root: PathBuf,
    /// The data directory, `.local` for `cargo run`.
    pub(crate) data: PathBuf,
    /// The virtual environment; shared by all systems of one repository.
    pub(crate) venv: PathBuf,
}

impl Layout {
    /// Makes the directories. They hold tokens of the demo accounts, so they are the owner's alone.
    pub(crate) fn create(data: &Path) -> Result<Self, Error> {
        let root = repository();
        fs::create_dir_all(data).map_err(Error::file(data))?;
        let data = fs::canonicalize(data).map_err(Error::file(data))?;
        let layout = Self {
            venv: root.join(".local/venv"),
            root,
            data,
        };
        for dir in [layout.data.clone(), layout.logs(), layout.emulator()] {
            fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
            owner_only(&dir).map_err(Error::file(&dir))?;
        }
        Ok(layout)
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// State, files, temporary files and home of the emulator.
    pub(crate) fn emulator(&self) -> PathBuf {
        self.data.join("emulator")
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.venv.join("bin/python")
    }

    /// One of this crate's own files.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.root.join("infra/local").join(name)
    }
}

/// The repository that this program was built from.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

fn owner_only(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

/// Writes a file that only its owner may read, in one step: readers see the old or the new one.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let draft = path.with_extension("draft");
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(content)?;
        fs::rename(&draft, path)
    };
    write().map_err(Error::file(path))
}
