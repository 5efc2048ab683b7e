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
    tracing_subscriber::fmt()
        .with_writer(Mutex::new(rotating(dir)))
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    Ok(())
}

fn rotating(dir: &Path) -> FileRotate<AppendCount> {
    FileRotate::new(
        dir.join("local.log"),
        AppendCount::new(OLDER_FILES),
        ContentLimit::BytesSurpassed(FILE_BYTES),
        Compression::None,
        None,
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    // AC 160
    #[test]
    fn ten_files_of_a_megabyte_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = rotating(dir.path());
        let line = "x".repeat(999) + "\n";
        for _ in 0..13_000 {
            log.write_all(line.as_bytes()).unwrap();
        }
        let files = fs::read_dir(dir.path()).unwrap();
        let sizes: Vec<u64> = files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), 10);
        let most = FILE_BYTES as u64 + 1_000;
        assert!(sizes.iter().all(|size| *size <= most), "{sizes:?}");
    }
}
