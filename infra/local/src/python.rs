//! The virtual environment with the pinned emulator.

use std::{fs, path::Path};

use crate::{command, error::Error, layout::Layout};

/// Makes the environment if it is not there or was made from other requirements. Says whether it
/// had to.
pub(crate) async fn prepare(layout: &Layout, python: &str) -> Result<bool, Error> {
    let _lock = command::lock(layout.venv.with_extension("lock")).await?;
    let requirements = layout.own("requirements.txt");
    let wanted = fs::read(&requirements).map_err(Error::file(&requirements))?;
    let marker = layout.venv.join("requirements.installed");
    if fs::read(&marker).is_ok_and(|installed| installed == wanted) && layout.python().exists() {
        return Ok(false);
    }
    let log = layout.logs().join("python.log");
    let venv = layout.venv.display().to_string();
    let listed = requirements.display().to_string();
    let here = Path::new(".");
    command::run(
        &log,
        "python -m venv",
        here,
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
    command::run(
        &log,
        "pip install",
        here,
        &layout.python().display().to_string(),
        &pip,
    )
    .await?;
    fs::write(&marker, wanted).map_err(Error::file(&marker))?;
    Ok(true)
}
