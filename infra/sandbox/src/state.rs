//! Everything the sandbox knows, and how it survives a restart.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs, io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::Instant};

use crate::{
    SandboxError,
    app::App,
    clock,
    faults::Fault,
    files::StoredFile,
    ghl::{limits::Usage, model::Ghl},
    green_api::model::Instance,
    record::Log,
    seeds,
    telegram::{self, model::Telegram},
};

/// What is written to the data file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) instances: BTreeMap<u64, Instance>,
    pub(crate) ghl: Ghl,
    pub(crate) files: BTreeMap<String, StoredFile>,
    #[serde(default)]
    pub(crate) telegram: Telegram,
    signing_key: Option<String>,
}

impl Stored {
    pub(crate) fn signing_key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.signing_key.as_deref()?).ok()
    }

    pub(crate) fn set_signing_key(&mut self, pkcs8: &[u8]) {
        self.signing_key = Some(STANDARD.encode(pkcs8));
    }
}

/// What is kept, and what is forgotten when the sandbox stops.
pub(crate) struct State {
    pub(crate) kept: Stored,
    pub(crate) log: Log,
    pub(crate) faults: Vec<Fault>,
    /// Calls within the last second per instance and method.
    pub(crate) green_calls: HashMap<(u64, &'static str), VecDeque<Instant>>,
    /// 429s that were given, per instance and method.
    pub(crate) green_refused: BTreeMap<(u64, &'static str), u64>,
    pub(crate) green_wakes: HashMap<u64, Wakes>,
    pub(crate) ghl_usage: HashMap<String, Usage>,
    pub(crate) ghl_refused: BTreeMap<String, u64>,
    pub(crate) telegram_usage: telegram::Usage,
}

/// Wake one instance's two loops.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wakes {
    pub(crate) send: Arc<Notify>,
    pub(crate) notify: Arc<Notify>,
}

impl State {
    pub(crate) fn new(kept: Stored) -> Self {
        Self {
            kept,
            log: Log::default(),
            faults: Vec::new(),
            green_calls: HashMap::new(),
            green_refused: BTreeMap::new(),
            green_wakes: HashMap::new(),
            ghl_usage: HashMap::new(),
            ghl_refused: BTreeMap::new(),
            telegram_usage: telegram::Usage::default(),
        }
    }

    /// Forgets calls, faults and messages. Accounts, tokens, settings and contacts stay.
    pub(crate) fn reset(&mut self) {
        self.log = Log::default();
        self.faults.clear();
        self.green_refused.clear();
        self.ghl_refused.clear();
        for instance in self.kept.instances.values_mut() {
            instance.forget_messages();
        }
        self.kept.ghl.forget_messages();
        self.kept.telegram.forget_messages();
        self.telegram_usage = telegram::Usage::default();
    }
}

pub(crate) fn load(path: Option<&Path>) -> Result<Stored, SandboxError> {
    let Some(path) = path else { return Ok(fresh()) };
    let fail = |reason: String| SandboxError::Data {
        path: path.to_owned(),
        reason,
    };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(fresh()),
        Err(e) => Err(fail(e.to_string())),
    }
}

fn fresh() -> Stored {
    Stored {
        instances: seeds::instances(),
        ghl: seeds::ghl(),
        files: BTreeMap::new(),
        telegram: Telegram::default(),
        signing_key: None,
    }
}

/// Writes the data file whenever something changed, at most a few times a second.
pub(crate) async fn keep_saving(app: Arc<App>) {
    loop {
        clock::sleep(Duration::from_millis(300)).await;
        if app.take_dirty() {
            save(&app);
        }
    }
}

/// Writes the data file: first beside it, then over it, so that a crash leaves a whole one.
pub(crate) fn save(app: &App) {
    let Some(path) = &app.data_file else { return };
    let bytes = serde_json::to_vec(&app.lock().kept);
    let beside = path.with_extension("new");
    let written = bytes.map_err(io::Error::from).and_then(|bytes| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&beside, bytes)?;
        fs::rename(&beside, path)
    });
    if let Err(error) = written {
        tracing::warn!(%error, "the data file was not written");
    }
}
