//! Stand-ins with state for the providers that the product talks to, with the habits that make
//! them hard to talk to: GREEN-API (WhatsApp), GoHighLevel (the CRM) and Telegram.
//!
//! Everything is on one origin: GREEN-API under `/waInstance…`, GHL under `/oauth`, `/contacts`,
//! `/conversations`, `/locations` and `/users`, Telegram under `/bot…`, the control interface of the tests under
//! `/_sandbox`, and a page for people at `/`.
//!
//! Each habit names the paragraph of the provider's contract that it follows.

mod app;
mod clock;
mod control;
mod deliver;
mod faults;
mod files;
mod ghl;
mod green_api;
mod ids;
mod page;
mod record;
mod seeds;
mod server;
mod state;
mod telegram;
mod validate;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use crate::app::App;

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where to listen; port 0 picks a free one.
    pub addr: SocketAddr,
    /// The address that others reach the sandbox by, for links in bodies (`None`:
    /// `http://localhost:{port}`). No slash at the end.
    pub public_url: Option<String>,
    /// The product's origin, e.g. `http://localhost:3000`. GHL's deliveries and app webhooks go
    /// to `{app_url}/webhooks/ghl`, those of a default SMS provider to `…/webhooks/ghl/sms`; GREEN-API's go to what `setSettings` said.
    pub app_url: String,
    /// Multiplies every pause and life time; 1.0 is real, 0.01 is a hundred times faster.
    pub time_scale: f64,
    /// Where accounts, tokens and messages are kept across restarts (`None`: nowhere). Files of
    /// messages are put into a folder beside it.
    pub data_file: Option<PathBuf>,
    /// The marketplace app that GHL knows.
    pub ghl: GhlApp,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            app_url: "http://localhost:3000".into(),
            time_scale: 1.0,
            data_file: None,
            ghl: GhlApp::default(),
        }
    }
}

/// The marketplace app as it is registered with GHL (GHL contract, app setup facts).
#[derive(Debug, Clone)]
pub struct GhlApp {
    /// `{app id}-{8 characters}`.
    pub client_id: String,
    /// The secret of the code and refresh exchanges.
    pub client_secret: String,
    /// Encrypts the user context of a custom page.
    pub shared_secret: String,
    /// The SMS conversation provider of the app ("extra channel").
    pub conversation_provider_id: String,
    /// The other one, which a location can choose as its default SMS provider.
    pub default_provider_id: String,
    /// The part of the client id before the dash.
    pub app_id: String,
    /// The Ed25519 key that signs webhooks, PKCS#8 in DER; generated (and kept in the data file)
    /// if there is none.
    pub signing_key_pkcs8: Option<Vec<u8>>,
}

impl Default for GhlApp {
    /// An app that exists in sandboxes only.
    fn default() -> Self {
        Self {
            client_id: "5a9db0a000000000000000a1-sandbox1".into(),
            client_secret: "0d5a9db0-0000-4000-8000-00005ec4e700".into(),
            shared_secret: "0d5a9db0-0000-4000-8000-0005ba4ed500".into(),
            conversation_provider_id: "5a9db0c000000000000000c3".into(),
            default_provider_id: "5a9db0c000000000000000d4".into(),
            app_id: "5a9db0a000000000000000a1".into(),
            signing_key_pkcs8: None,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data file exists but cannot be read, or was written by another version.
    #[error("cannot read {path}: {reason}")]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The signing key is not an Ed25519 key in PKCS#8.
    #[error("the signing key is not an Ed25519 key in PKCS#8")]
    SigningKey,
    /// The HTTP client for webhooks could not be built.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A running sandbox. Dropping it leaves it running; [`Sandbox::shutdown`] stops it.
#[derive(Debug)]
pub struct Sandbox {
    /// Where it listens.
    pub addr: SocketAddr,
    app: Arc<App>,
}

impl Sandbox {
    /// The public key that the app must trust, as a PEM document (`X-GHL-Signature`).
    pub fn ghl_public_key_pem(&self) -> String {
        self.app.signer.public_key_pem()
    }

    /// The token of Telegram's bot.
    pub fn telegram_bot_token(&self) -> &'static str {
        telegram::BOT_TOKEN
    }

    /// The address for links, without a slash at the end.
    pub fn url(&self) -> String {
        self.app.public_url.clone()
    }

    /// Changes where GHL's webhooks go, for a product that starts after the sandbox.
    pub fn set_app_url(&self, url: impl Into<String>) {
        self.app.set_app_url(url.into());
    }

    /// Stops listening and delivering, and writes the data file a last time.
    pub async fn shutdown(self) {
        self.app.stop().await;
    }
}

/// Starts a sandbox on the current tokio runtime.
///
/// # Errors
///
/// When it cannot listen, or the data file or the signing key cannot be used.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
    let listener = tokio::net::TcpListener::bind(config.addr)
        .await
        .map_err(|source| SandboxError::Listen {
            addr: config.addr,
            source,
        })?;
    let addr = listener
        .local_addr()
        .map_err(|source| SandboxError::Listen {
            addr: config.addr,
            source,
        })?;
    let app = App::new(config, addr)?;
    green_api::start_all(&app);
    app.spawn(telegram::updates::run(app.clone()));
    app.spawn(state::keep_saving(app.clone()));
    app.spawn(server::serve(listener, app.clone()));
    Ok(Sandbox { addr, app })
}
