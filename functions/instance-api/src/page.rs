//! `GET /api/page-config`: what the page has to know before anybody has signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::auth::Counted;
use greenhub::http::Problem;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;

/// What the page has to know before anybody has signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageConfig {
    /// Origins of windows that may have the page in a frame: a user context is taken from these
    /// and from nobody else.
    pub parent_origins: Vec<String>,
    /// Where the app is installed in a sub-account.
    pub install_url: String,
}

/// What the page has to know before anybody has signed in.
#[utoipa::path(
    get, path = "/api/page-config", tag = "session", security(()),
    responses((status = 200, body = PageConfig))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
) -> Result<Json<PageConfig>, Problem> {
    Ok(Json(api.page.clone()))
}
