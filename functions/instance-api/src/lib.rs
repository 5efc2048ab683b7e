//! `/api/session/ghl`, `/api/instances…` and `/api/workflow-secret`: who is there, the numbers of
//! their workspace, and what its workflows prove themselves by.
//!
//! Whatever needs a session takes an [`Authenticated`](greenhub::account::session::Authenticated)
//! caller, and looks only at the rows of that caller's workspace: another workspace's id is not
//! found, whoever asks.

mod body;
mod instances;
pub mod openapi;
mod session;
mod view;
mod workflow_secret;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use greenhub::account::keyring::{Keyring, KeyringError, Keys};
use greenhub::account::numbers::Numbers;
use greenhub::account::session::HasSessions;
use greenhub::clock::Clock;
use greenhub::http::{Problem, with_security_headers};
use greenhub::store::db::{Db, DbError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest body, in bytes: a user context has about 600.
const MAX_BODY: usize = 64 * 1024;

/// What the function needs.
#[derive(Debug)]
pub struct Api<D> {
    /// The numbers, and with them the tables and the time.
    pub numbers: Numbers<D>,
    /// The app's secrets.
    pub keyring: Keyring,
}

impl<D: Db> HasSessions for Api<D> {
    type Db = D;

    fn db(&self) -> &D {
        &self.numbers.db
    }

    fn clock(&self) -> &Clock {
        &self.numbers.clock
    }
}

impl<D> Api<D> {
    async fn keys(&self) -> Result<Arc<Keys>, Problem> {
        self.keyring.get().await.map_err(|error: KeyringError| {
            tracing::error!(%error, "there are no secrets to work with");
            try_again()
        })
    }
}

/// The function's routes.
pub fn router<D: Db>(api: Api<D>) -> Router {
    let (routes, _) = described::<D>().split_for_parts();
    let routes = routes
        .fallback(async || not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This address does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(api));
    with_security_headers(routes)
}

/// The routes with their descriptions; there is no route without one.
fn described<D: Db>() -> OpenApiRouter<Arc<Api<D>>> {
    OpenApiRouter::new()
        .routes(routes!(session::create))
        .routes(routes!(session::show))
        .routes(routes!(instances::list, instances::add))
        .routes(routes!(instances::change, instances::remove))
        .routes(routes!(workflow_secret::show, workflow_secret::renew))
        .routes(routes!(openapi::document))
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing")
}

fn try_again() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "try_again",
        "Try again in a moment",
    )
}

fn tables(error: &DbError) -> Problem {
    tracing::error!(%error, "a request failed");
    try_again()
}
