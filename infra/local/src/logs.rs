//! What the origin and the sandbox log, in files that are cut by size.

use std::{fs, path::Path, sync::Mutex};

use file_rotate::{ContentLimit, FileRotate, compression::Compression, suffix::AppendCount};
use greenhub_local::Error;

const FILE_BYTES: usize = 1_000_000;
/// Beside the one that is written.
const OLDER_FILES: usize = 9;

/// Sends everything that is traced to `local.log` in `dir`.
pub(crate) fn to_file(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|source| Error::File {
        path: dir.to_path_buf(),
        source,
    })?;
    let file = FileRotate::new(
        dir.join("local.log"),
        AppendCount::new(OLDER_FILES),
        ContentLimit::BytesSurpassed(FILE_BYTES),
        Compression::None,
        None,
    );
    tracing_subscriber::fmt()
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    Ok(())
}
