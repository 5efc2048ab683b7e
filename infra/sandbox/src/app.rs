//! What every handler shares: the state behind one lock, the tasks, and the news for the page.

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, broadcast},
    task::AbortHandle,
};

use crate::{
    GhlApp, SandboxConfig, SandboxError,
    clock::Scale,
    ghl::webhooks::Signer,
    state::{self, State},
};

/// Something changed that the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Green,
    Ghl,
    Telegram,
}

pub(crate) struct App {
    state: Mutex<State>,
    dirty: AtomicBool,
    app_url: Mutex<String>,
    tasks: Mutex<Vec<AbortHandle>>,
    pub(crate) public_url: String,
    pub(crate) data_file: Option<PathBuf>,
    pub(crate) scale: Scale,
    pub(crate) ghl: GhlApp,
    pub(crate) signer: Signer,
    pub(crate) http: reqwest::Client,
    pub(crate) news: broadcast::Sender<News>,
    /// Wakes what pauses after a refused notification when everything was reset.
    pub(crate) was_reset: Notify,
    /// An update waits, or may be delivered again.
    pub(crate) telegram_wake: Notify,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(config: SandboxConfig, addr: SocketAddr) -> Result<Arc<Self>, SandboxError> {
        let mut stored = state::load(config.data_file.as_deref())?;
        let key = config.ghl.signing_key_pkcs8.clone();
        let signer = Signer::new(key.or_else(|| stored.signing_key()))?;
        stored.set_signing_key(signer.pkcs8());
        let http = client()?;
        let public_url = config
            .public_url
            .unwrap_or_else(|| format!("http://localhost:{}", addr.port()));
        Ok(Arc::new(Self {
            state: Mutex::new(State::new(stored)),
            dirty: AtomicBool::new(true),
            app_url: Mutex::new(config.app_url),
            tasks: Mutex::default(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            data_file: config.data_file,
            scale: Scale(config.time_scale),
            ghl: config.ghl,
            signer,
            http,
            news: broadcast::channel(64).0,
            was_reset: Notify::new(),
            telegram_wake: Notify::new(),
        }))
    }

    /// The state, to read. Never held across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to change: the page is told and the data file written soon.
    pub(crate) fn change(&self, news: News) -> MutexGuard<'_, State> {
        self.dirty.store(true, Ordering::Release);
        // Nobody listening is fine.
        let _ = self.news.send(news);
        self.lock()
    }

    /// Whether something changed since the last call.
    pub(crate) fn take_dirty(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn app_url(&self) -> String {
        self.app_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_app_url(&self, url: String) {
        let url = url.trim_end_matches('/').to_owned();
        *self.app_url.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Runs something in the background until it ends or the sandbox stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = tokio::spawn(task).abort_handle();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|t| !t.is_finished());
        tasks.push(handle);
    }

    pub(crate) async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.abort();
            // An aborted task lets go of its sockets when the runtime gets to it.
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
        }
        state::save(self);
    }
}

/// The client for webhooks: no proxy and no redirects, as a 3xx is a failure for both providers.
fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .build()
}
