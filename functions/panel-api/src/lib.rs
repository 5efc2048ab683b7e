//! `/api/…` as the panel uses it: how people come in, and what they work with.
//!
//! Each subject has a folder that exports its routes. Whatever needs a session takes its caller by an
//! extractor of [`greenhub::account::auth`] and looks only at the rows of that caller's workspace, and
//! of numbers that they see: everything else is not found, whoever asks.

mod chats;
mod health;
mod import;
pub mod openapi;
mod operation;
mod path;
mod people;
mod realtime;
mod seen;
pub mod telegram;

use std::sync::Arc;

use axum::Router;
use greenhub::account::auth::HasSessions;
use greenhub::account::code_sender::CodeSender;
use greenhub::account::keyring::{Keyring, KeyringError, Keys};
use greenhub::clock::Clock;
use greenhub::domain::ids::WorkspaceId;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::http::problems::{not_found, tables};
use greenhub::http::{self, Problem};
use greenhub::media::upload::Bucket;
use greenhub::pipeline::Hub;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::WorkspaceRow;
use greenhub::store::{keys, row};
use url::Url;
use utoipa_axum::router::OpenApiRouter;

/// What the function needs.
#[expect(missing_debug_implementations, reason = "a bucket has none")]
pub struct Api<D, Q> {
    /// The tables, the queues, the time, new ids.
    pub hub: Hub<D, Q>,
    /// The gateway, for those who ask whether somebody has WhatsApp.
    pub green: GreenApi,
    /// Where files are.
    pub files: Arc<dyn Bucket>,
    /// The app's secrets.
    pub keyring: Keyring,
    /// Where requests come from.
    pub addresses: Addresses,
    /// Where people reach us.
    pub public_base_url: Url,
    /// Where the app is installed in a sub-account.
    pub install_url: Url,
    /// How Telegram is reached.
    pub telegram: telegram::Bots,
    /// Sends codes for signing in; the app's bot does if there is none.
    pub codes: Option<Arc<dyn CodeSender>>,
}

impl<D: Db, Q: Queue> HasSessions for Api<D, Q> {
    type Db = D;

    fn db(&self) -> &D {
        &self.hub.db
    }

    fn clock(&self) -> &Clock {
        &self.hub.clock
    }

    fn addresses(&self) -> &Addresses {
        &self.addresses
    }
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// The app's secrets.
    pub(crate) async fn keys(&self) -> Result<Arc<Keys>, Problem> {
        self.keyring.get().await.map_err(|error: KeyringError| {
            tracing::error!(%error, "there are no secrets to work with");
            Problem::try_again()
        })
    }

    /// A tenant.
    pub(crate) async fn workspace(&self, workspace: &WorkspaceId) -> Result<WorkspaceRow, Problem> {
        let row = row::load(&self.hub.db, &keys::workspace(workspace)).await;
        row.map_err(|error| tables(&error))?.ok_or_else(not_found)
    }
}

/// The function's routes.
pub fn router<D: Db, Q: Queue>(api: Api<D, Q>) -> Router {
    let (routes, _) = described::<D, Q>().split_for_parts();
    http::finished(routes, Arc::new(api))
}

/// The routes with their descriptions; there is no route without one.
fn described<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .merge(openapi::routes())
        .merge(people::routes())
        .merge(chats::routes())
        .merge(health::routes())
        .merge(import::routes())
        .merge(operation::routes())
        .merge(telegram::routes())
        .merge(realtime::routes())
}
