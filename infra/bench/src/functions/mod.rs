//! The functions as they are deployed: how they start, how large they are, what they take.

pub(crate) mod build;
pub(crate) mod process;

use std::fs;
use std::io::{Cursor, Write as _};
use std::time::Duration;

use greenhub::clock::Clock;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::Error;
use crate::progress::step;
use crate::table::Row;
use build::Binary;
use process::Process;

/// How often each function is started.
const N_STARTS: usize = 15;

/// The most that a start may take.
const MOST_START: Duration = Duration::from_millis(15);

/// The largest zip, in bytes.
const MOST_ZIP: u64 = 3_500_000;

/// How long a function waits in its first poll before its memory is looked at.
const IDLE: Duration = Duration::from_millis(100);

/// What was measured of one function.
struct Measured {
    starts: Vec<Duration>,
    /// The median of what it had while it waited.
    memory: u64,
}

/// The rows about start, size and memory.
pub(crate) async fn rows(binaries: &[Binary]) -> Result<Vec<Row>, Error> {
    let (mut starts, mut sizes, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for binary in binaries {
        step(&format!("{}: {N_STARTS} starts", binary.name));
        let measured = measure(binary).await?;
        starts.push(start_row(&binary.name, measured.starts));
        sizes.push(size_row(&binary.name, zipped(binary)?));
        memory.push(Row::plain(
            format!("{}: memory while it waits in its first poll", binary.name),
            format!("{:.1} MB", measured.memory as f64 / 1e6),
        ));
    }
    Ok(starts.into_iter().chain(sizes).chain(memory).collect())
}

async fn measure(binary: &Binary) -> Result<Measured, Error> {
    let clock = Clock::system();
    // The first start reads the file from the disk.
    Process::start(binary, &[]).await?;
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..N_STARTS {
        let process = Process::start(binary, &[]).await?;
        clock.sleep(IDLE).await;
        starts.push(process.start);
        memory.push(process.memory()?);
    }
    Ok(Measured {
        starts,
        memory: median(memory).unwrap_or_default(),
    })
}

fn start_row(name: &str, mut starts: Vec<Duration>) -> Row {
    starts.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let spread = (ms(starts.first()), ms(starts.last()));
    let median = median(starts).unwrap_or_default();
    Row::goal(
        format!("{name}: start to first poll"),
        format!("at most {} ms", MOST_START.as_millis()),
        format!(
            "{:.1} ms ({:.1} to {:.1})",
            ms(Some(&median)),
            spread.0,
            spread.1
        ),
        median <= MOST_START,
    )
}

fn size_row(name: &str, n_bytes: u64) -> Row {
    Row::goal(
        format!("{name}: zip"),
        format!("at most {:.1} MB", MOST_ZIP as f64 / 1e6),
        format!("{:.2} MB", n_bytes as f64 / 1e6),
        n_bytes <= MOST_ZIP,
    )
}

/// The size of what is uploaded: the binary alone, deflated as cargo-lambda does it.
fn zipped(binary: &Binary) -> Result<u64, Error> {
    let path = &binary.path;
    let bytes = fs::read(path).map_err(Error::io(format!("reading {}", path.display())))?;
    let failed = |source| Error::Zip {
        function: binary.name.clone(),
        source,
    };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    archive.start_file("bootstrap", options).map_err(failed)?;
    archive
        .write_all(&bytes)
        .map_err(Error::io(format!("zipping {}", binary.name)))?;
    Ok(archive.finish().map_err(failed)?.into_inner().len() as u64)
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_start_decides() {
        let check = |ms: &[u64], expect: &str, expect_met: bool| {
            let starts = ms.iter().map(|ms| Duration::from_millis(*ms)).collect();
            let row = start_row("it", starts);
            assert_eq!((&*row.measured, row.is_met), (expect, Some(expect_met)));
        };
        check(&[7, 90, 8], "8.0 ms (7.0 to 90.0)", true);
        check(&[15, 15, 16], "15.0 ms (15.0 to 16.0)", true);
        check(&[16, 90, 8], "16.0 ms (8.0 to 90.0)", false);
        assert_eq!(median::<u64>(Vec::new()), None);
    }

    #[test]
    fn a_zip_is_smaller_than_what_is_in_it_and_no_larger_than_allowed() {
        let path = build::root().join("Cargo.lock");
        let n_bytes = fs::metadata(&path).unwrap().len();
        let zipped = zipped(&Binary {
            name: "it".into(),
            path,
        });
        let zipped = zipped.unwrap();
        assert!(
            (n_bytes / 20..n_bytes / 2).contains(&zipped),
            "{zipped} of {n_bytes}"
        );
        assert_eq!(size_row("it", MOST_ZIP).is_met, Some(true));
        assert_eq!(size_row("it", MOST_ZIP + 1).is_met, Some(false));
    }
}
