//! Programs that are run once and say little: their words go into a log.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::error::Error;

/// Runs a program in `dir` until it ends; everything that it says goes into `log`, which begins
/// anew.
pub(crate) async fn run(
    log: &Path,
    what: &str,
    dir: &Path,
    program: &str,
    arguments: &[&str],
) -> Result<(), Error> {
    let file = fs::File::create(log).map_err(Error::file(log))?;
    let other = file.try_clone().map_err(Error::file(log))?;
    let status = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(other)
        .kill_on_drop(true)
        .status()
        .await;
    let reason = match status {
        Ok(status) if status.success() => return Ok(()),
        Ok(_) => last_line(&fs::read_to_string(log).unwrap_or_default()),
        Err(error) => error.to_string(),
    };
    Err(Error::Command {
        what: what.to_owned(),
        reason,
        log: Some(log.to_owned()),
    })
}

/// The last words of a program.
pub(crate) fn last_line(text: &str) -> String {
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .to_owned()
}

/// Two systems that start at once must not both make the same thing: who comes second waits here.
pub(crate) async fn lock(path: PathBuf) -> Result<fs::File, Error> {
    let locked = tokio::task::spawn_blocking(move || {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(Error::file(dir))?;
        }
        let file = fs::File::create(&path).map_err(Error::file(&path))?;
        file.lock().map_err(Error::file(&path))?;
        Ok(file)
    });
    locked
        .await
        .map_err(|error| Error::file("lock")(std::io::Error::other(error)))?
}
