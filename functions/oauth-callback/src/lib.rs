//! `GET /oauth/callback`: the end of an installation of the app in GoHighLevel.
//!
//! GoHighLevel sends the person's browser here with a code. What the code brings says who installed
//! what; nothing else in the address is believed.
//!
//! An agency's installation can be larger than what fits into one request. What is left over is
//! done by the sweeper, and the same address shows the same browser how far it is.

mod agency;
mod cookie;
pub mod page;
mod report;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use greenhub::account::auth::{Counted, HasSessions};
use greenhub::account::install::{InstallError, Installer};
use greenhub::account::keyring::{Keyring, Keys};
use greenhub::clock::Clock;
use greenhub::config;
use greenhub::domain::ids::LocationId;
use greenhub::domain::text::Lang;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::error::GhlError;
use greenhub::ghl::oauth::{OAuth, TokenSet};
use greenhub::http::address::Addresses;
use greenhub::http::{self, with_security_headers};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::sms;
use greenhub::store::db::Db;
use secrecy::SecretString;
use url::Url;

use page::Outcome;

/// How long GoHighLevel may take for the location's name, which the installation can do without.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);

/// Codes are much shorter.
const MAX_CODE: usize = 2048;

/// What the function needs.
#[derive(Debug)]
pub struct Callback<D> {
    /// The tables.
    pub db: D,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: IdSource,
    /// The app's secrets.
    pub keyring: Keyring,
    /// For GoHighLevel; its limit for one call is the token endpoint's.
    pub http: reqwest::Client,
    /// The marketplace app.
    pub app: config::Ghl,
    /// Where people reach us.
    pub public_base_url: Url,
    /// Where requests come from.
    pub addresses: Addresses,
}

impl<D: Db> HasSessions for Callback<D> {
    type Db = D;

    fn db(&self) -> &D {
        &self.db
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn addresses(&self) -> &Addresses {
        &self.addresses
    }
}

/// The function's one route.
pub fn router<D: Db>(callback: Callback<D>) -> Router {
    let routes = Router::new()
        .route("/oauth/callback", get(callback_page::<D>))
        .with_state(Arc::new(callback));
    with_security_headers(routes)
}

async fn callback_page<D: Db>(
    State(callback): State<Arc<Callback<D>>>,
    _: Counted,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let lang = http::lang(&headers);
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    if let Some(report) = callback.seen_before(&headers, &asked, lang).await {
        return report;
    }
    match asked.code {
        Some(code) => callback.install(&code, asked.state.as_ref(), lang).await,
        None => Outcome::NoCode.page(lang),
    }
}

/// What of the address matters.
struct Asked {
    /// The installation's code.
    code: Option<String>,
    /// What an owner's browser took along, to have the location linked to their workspace.
    state: Option<SecretString>,
    /// Consent was refused.
    is_refusal: bool,
}

impl Asked {
    fn read(query: &str) -> Self {
        let mut asked = Asked {
            code: None,
            state: None,
            is_refusal: false,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "code" if asked.code.is_none() => {
                    let code = Some(value.trim().to_owned());
                    asked.code = code.filter(|code| (1..=MAX_CODE).contains(&code.len()));
                }
                "state" if asked.state.is_none() && value.len() <= MAX_CODE => {
                    asked.state = Some(value.into_owned().into());
                }
                "error" => asked.is_refusal = true,
                _ => {}
            }
        }
        asked
    }
}

impl<D: Db> Callback<D> {
    async fn install(&self, code: &str, state: Option<&SecretString>, lang: Lang) -> Response {
        let started_ms = self.clock.now_ms();
        let keys = match self.keyring.get().await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%error, "an installation cannot be completed");
                return Outcome::OurFault.page(lang);
            }
        };
        let oauth = OAuth::new(
            self.http.clone(),
            self.app.api_base.clone(),
            self.app.client_id.clone(),
            keys.ghl_client_secret.clone(),
            redirect_uri(&self.public_base_url),
        );
        let tokens = match oauth.exchange(code).await {
            Ok(tokens) => tokens,
            Err(error) => return not_exchanged(error).page(lang),
        };
        if tokens.is_agency() {
            let of = agency::Consent {
                tokens: &tokens,
                code,
                lang,
                started_ms,
            };
            return Box::pin(self.install_agency(&keys, of)).await;
        }
        let installed = self.install_location(&keys, &tokens, state, lang).await;
        installed.page(lang)
    }

    /// Which of the app's SMS providers the location has. The sweeper asks if this does not.
    async fn learn_providers(&self, ghl: &Ghl, location: &LocationId, token: &SecretString) {
        let providers = &self.app.providers;
        let told = sms::learn(&self.db, &self.clock, ghl, providers, location, token).await;
        if let Err(error) = told {
            tracing::warn!(%location, %error, "the location's SMS providers were not kept");
        }
    }

    async fn install_location(
        &self,
        keys: &Keys,
        tokens: &TokenSet,
        state: Option<&SecretString>,
        lang: Lang,
    ) -> Outcome {
        let ghl = Ghl::new(self.http.clone(), self.app.api_base.clone()).with_timeout(NAME_TIMEOUT);
        let installer = Installer {
            db: &self.db,
            clock: &self.clock,
            ids: &self.ids,
            data_keys: &keys.data_keys,
            ghl: &ghl,
        };
        match installer.complete(tokens, lang, state).await {
            Ok(installed) => {
                self.learn_providers(&ghl, &installed.location, &tokens.access)
                    .await;
                Outcome::Installed {
                    name: installed.name,
                }
            }
            Err(InstallError::NoLocation) => Outcome::NoLocation,
            Err(error @ (InstallError::Removed | InstallError::Db(_))) => {
                tracing::error!(%error, "an installation was not stored");
                Outcome::OurFault
            }
        }
    }
}

/// Where GoHighLevel sends people with a code; the exchange has to name the same address.
fn redirect_uri(public_base_url: &Url) -> String {
    let base = public_base_url.as_str().trim_end_matches('/');
    format!("{base}/oauth/callback")
}

fn not_exchanged(error: GhlError) -> Outcome {
    tracing::warn!(%error, "GoHighLevel gave no tokens for an installation's code");
    let reason = match &error {
        GhlError::NotSent
        | GhlError::RateLimited { .. }
        | GhlError::Unavailable { .. }
        | GhlError::Ambiguous
        | GhlError::NotStored
        | GhlError::Unreadable { .. } => return Outcome::ProviderDown,
        GhlError::BadCode => format!("invalid_code: {error}"),
        // Its text begins with the name.
        GhlError::InvalidGrant => error.to_string(),
        GhlError::Unauthorized(_)
        | GhlError::Misconfigured(_)
        | GhlError::WrongProvider(_)
        | GhlError::OtherTenant(_)
        | GhlError::NotYet(_)
        | GhlError::Gone(_)
        | GhlError::Refused { .. }
        | GhlError::LocationInactive => error.to_string(),
    };
    Outcome::Refused { reason }
}
