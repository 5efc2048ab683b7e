//! Deploying the repository's own template, through the Python that the emulator brings along.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio};

use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

use crate::{
    command::last_line, error::Error, functions::Binaries, layout::Layout, progress::Step,
};

/// The outputs of the template by name.
pub type Outputs = BTreeMap<String, String>;

/// What `deploy.py` reads.
#[derive(Serialize)]
pub(crate) struct Order<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) stack: &'a str,
    pub(crate) template: PathBuf,
    /// Leaves out all resources but those whose types begin so.
    pub(crate) only: Option<&'a [&'a str]>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) binaries: Binaries,
    pub(crate) secret: BTreeMap<&'static str, String>,
}

/// Deploys, and shows what the helper says while it does.
pub(crate) async fn deploy(
    layout: &Layout,
    order: &Order<'_>,
    step: &Step,
) -> Result<Outputs, Error> {
    let failed = |error: std::io::Error| Error::Deploy(format!("deploy.py: {error}"));
    let mut child = Command::new(layout.python())
        .arg(layout.own("deploy.py"))
        // No profile of the developer's; the helper names the emulator's own credentials.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        let text = serde_json::to_vec(order).map_err(|error| failed(error.into()))?;
        input.write_all(&text).await.map_err(failed)?;
    }
    let (mut said, mut output) = (String::new(), String::new());
    if let (Some(stderr), Some(mut stdout)) = (child.stderr.take(), child.stdout.take()) {
        let mut lines = BufReader::new(stderr).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            step.detail(&line);
            said.push_str(&line);
            said.push('\n');
        }
        stdout.read_to_string(&mut output).await.map_err(failed)?;
    }
    if !child.wait().await.map_err(failed)?.success() {
        return Err(Error::Deploy(last_line(&said)));
    }
    serde_json::from_str(&output).map_err(|error| failed(error.into()))
}
