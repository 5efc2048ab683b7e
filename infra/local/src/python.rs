//! The virtual environment with the pinned emulator.

use std::{fs, path::Path, process::Stdio};

use tokio::process::Command;

use crate::{error::Error, layout::Layout};

/// Makes the environment if it is not there or was made from other requirements. Says whether it
/// had to.
pub(crate) async fn prepare(layout: &Layout, python: &str) -> Result<bool, Error> {
    let _lock = lock(layout).await?;
    let requirements = layout.own("requirements.txt");
    let wanted = fs::read(&requirements).map_err(Error::file(&requirements))?;
    let marker = layout.venv.join("requirements.installed");
    if fs::read(&marker).is_ok_and(|installed| installed == wanted) && layout.python().exists() {
        return Ok(false);
    }
    let log = layout.logs().join("python.log");
    let venv = layout.venv.display().to_string();
    let listed = requirements.display().to_string();
    run(
        &log,
        "python -m venv",
        python,
        &["-m", "venv", "--clear", &venv],
    )
    .await?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ];
    let pip: Vec<_> = pip.into_iter().chain(["-r", &listed]).collect();
    run(
        &log,
        "pip install",
        &layout.python().display().to_string(),
        &pip,
    )
    .await?;
    fs::write(&marker, wanted).map_err(Error::file(&marker))?;
    Ok(true)
}

/// Two systems that start at once must not both make the environment.
async fn lock(layout: &Layout) -> Result<fs::File, Error> {
    let path = layout.venv.with_extension("lock");
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
        .map_err(|error| Error::file("venv.lock")(std::io::Error::other(error)))?
}

async fn run(log: &Path, what: &str, program: &str, arguments: &[&str]) -> Result<(), Error> {
    let file = fs::File::create(log).map_err(Error::file(log))?;
    let other = file.try_clone().map_err(Error::file(log))?;
    let status = Command::new(program)
        .args(arguments)
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
