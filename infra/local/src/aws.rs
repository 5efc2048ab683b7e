//! The emulated AWS alone, for tests of what talks to it.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use crate::{
    deploy::{self, Order, Outputs},
    emulator::Emulator,
    error::Error,
    functions::Binaries,
    layout::Layout,
    ports::Ports,
    prerequisites,
    progress::Progress,
    python, settings, stack,
};

/// What holds something, by the beginnings of its resources' types.
const STORES: [&str; 4] = [
    "AWS::DynamoDB::",
    "AWS::SQS::",
    "AWS::SecretsManager::",
    "AWS::S3::",
];

/// A running emulator in which nothing of ours runs. [`Aws::stop`] ends it; dropping it does as
/// well, but blocks while it does.
#[derive(Debug)]
pub struct Aws {
    layout: Layout,
    emulator: Emulator,
}

impl Aws {
    /// Starts one on a free port, with its data in `dir`.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] without Python, and whatever else is broken.
    pub async fn start(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let layout = Layout::create(&dir.into())?;
        let python = prerequisites::python().await?;
        python::prepare(&layout, &python).await?;
        let ports = Ports::default().settle(&layout)?;
        let emulator = Emulator::start(&layout, ports.emulator, stack::client()?).await?;
        Ok(Self { layout, emulator })
    }

    /// Its address, e.g. `http://127.0.0.1:4566`.
    pub fn url(&self) -> &str {
        self.emulator.url()
    }

    /// The tables, queues, files and the secret of the repository's template, in a stack of this
    /// name: they are nobody else's. What is in `secret` replaces what the template generates,
    /// unless it is empty. Gives the template's outputs that name them.
    ///
    /// # Errors
    ///
    /// The emulator refuses the template.
    pub async fn stores(
        &self,
        stack: &str,
        secret: BTreeMap<&'static str, String>,
    ) -> Result<Outputs, Error> {
        let order = Order {
            endpoint: self.url(),
            stack,
            template: self.layout.root.join("template.yaml"),
            only: Some(&STORES),
            parameters: BTreeMap::new(),
            binaries: Binaries::new(),
            secret,
        };
        let step = Progress::new(true).step("stores");
        deploy::deploy(&self.layout, &order, &step).await
    }

    /// Stops it.
    pub async fn stop(self) {
        self.emulator.stop().await;
    }
}

/// What a test has started, or `None` if programs are missing that have to be installed first. They
/// are named then; where `CI` is set it is an error like any other.
///
/// # Errors
///
/// The error that `started` is.
pub fn unless_missing<T>(started: Result<T, Error>) -> Result<Option<T>, Error> {
    let is_ci = settings::environment("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
    match started {
        Ok(started) => Ok(Some(started)),
        Err(missing @ Error::Missing(_)) if !is_ci => {
            // Past the test's captured output: who runs it is to know that less was tested.
            let _ = writeln!(std::io::stderr(), "\nskipped: {missing}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
