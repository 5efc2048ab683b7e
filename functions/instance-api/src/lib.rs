//! `/api/session…`, `/api/workspace`, `/api/instances…` and `/api/workflow-secret`: who is there, the
//! numbers of their workspace, and what its workflows prove themselves by.
//!
//! Whatever needs a session takes an [`Authenticated`](greenhub::account::auth::Authenticated)
//! caller, or an [`Admin`](greenhub::account::auth::Admin) where something changes, and looks only
//! at the rows of that caller's workspace, and of numbers that they see: another id is not found,
//! whoever asks.

mod activity;
mod auto_reply;
mod instances;
pub mod openapi;
mod page;
mod path;
mod problems;
mod session;
mod test_message;
mod view;
mod workflow_secret;
mod workspace;

use std::sync::Arc;

use axum::Router;
use greenhub::account::audit::{self, About, Action, Actor};
use greenhub::account::auth::HasSessions;
use greenhub::account::keyring::{Keyring, KeyringError, Keys};
use greenhub::account::numbers::Numbers;
use greenhub::account::session::Caller;
use greenhub::clock::Clock;
use greenhub::domain::ids::{LocationId, NumberId, WorkspaceId};
use greenhub::http::address::Addresses;
use greenhub::http::{self, Problem};
use greenhub::pipeline::Hub;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::WorkspaceRow;
use greenhub::store::{keys, row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use page::PageConfig;
use problems::{not_found, tables};

/// What the function needs.
#[derive(Debug)]
pub struct Api<D, Q> {
    /// The numbers, and with them the tables and the time.
    pub numbers: Numbers<D>,
    /// The way of a message.
    pub hub: Hub<D, Q>,
    /// The app's secrets.
    pub keyring: Keyring,
    /// Where requests come from.
    pub addresses: Addresses,
    /// What the page is told.
    pub page: PageConfig,
}

impl<D: Db, Q: Queue> HasSessions for Api<D, Q> {
    type Db = D;

    fn db(&self) -> &D {
        &self.numbers.db
    }

    fn clock(&self) -> &Clock {
        &self.numbers.clock
    }

    fn addresses(&self) -> &Addresses {
        &self.addresses
    }
}

impl<D: Db, Q: Queue> Api<D, Q> {
    async fn keys(&self) -> Result<Arc<Keys>, Problem> {
        self.keyring.get().await.map_err(|error: KeyringError| {
            tracing::error!(%error, "there are no secrets to work with");
            Problem::try_again()
        })
    }

    /// The location that the caller's workspace is linked to.
    async fn location(&self, caller: &Caller) -> Result<Option<LocationId>, Problem> {
        match caller.location() {
            Some(location) => Ok(Some(location.clone())),
            None => Ok(self.workspace(&caller.workspace).await?.location),
        }
    }

    /// Notes what the caller has done.
    async fn note(&self, caller: &Caller, action: Action, about: About) {
        let (db, now_ms) = (&self.numbers.db, self.numbers.clock.now_ms());
        let actor = Actor::caller(caller);
        audit::note(db, now_ms, &caller.workspace, &actor, action, about).await;
    }

    async fn workspace(&self, workspace: &WorkspaceId) -> Result<WorkspaceRow, Problem> {
        let row = row::load(&self.numbers.db, &keys::workspace(workspace)).await;
        row.map_err(|error| tables(&error))?.ok_or_else(not_found)
    }
}

/// A number that somebody does not see is not there for them.
fn seen(caller: &Caller, number: &NumberId) -> Result<(), Problem> {
    match caller.rights.may_see(number) {
        true => Ok(()),
        false => Err(not_found()),
    }
}

/// The function's routes.
pub fn router<D: Db, Q: Queue>(api: Api<D, Q>) -> Router {
    let (routes, _) = described::<D, Q>().split_for_parts();
    http::finished(routes, Arc::new(api))
}

/// The routes with their descriptions; there is no route without one.
fn described<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    use instances::{change, link};
    OpenApiRouter::new()
        .routes(routes!(page::show))
        .routes(routes!(session::create))
        .routes(routes!(session::show, session::end))
        .routes(routes!(workspace::show, workspace::change))
        .routes(routes!(instances::list, instances::add))
        .routes(routes!(instances::show, change::change, change::remove))
        .routes(routes!(change::access))
        .routes(routes!(link::qr))
        .routes(routes!(link::pairing_code))
        .routes(routes!(link::check))
        .routes(routes!(link::refresh))
        .routes(routes!(link::log_out))
        .routes(routes!(link::reboot))
        .routes(routes!(test_message::send))
        .routes(routes!(test_message::show))
        .routes(routes!(workflow_secret::show, workflow_secret::renew))
}
