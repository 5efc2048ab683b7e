//! `GET /api/openapi.json`: every route of ours, with what it takes to be let in.
//!
//! The document is put together by a test and kept as `web/openapi.json`, which is what is served:
//! no function has to hold the descriptions of all the others. This function's routes and those of
//! `instance-api` describe themselves. Those of the other functions are described in [`elsewhere`];
//! they are open in the sense that no session of ours is needed, and each proves its caller in its own
//! way.

pub mod elsewhere;

use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;
use greenhub::account::auth::Counted;
use greenhub::http::openapi::{completed, document};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Api, described};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Greenhub",
        description = "WhatsApp numbers in GoHighLevel. Refusals are problem details (RFC 9457); their `code` never changes."
    ),
    paths(
        elsewhere::green_api_webhook,
        elsewhere::old_green_api_webhook,
        elsewhere::ghl_webhook,
        elsewhere::ghl_sms_webhook,
        elsewhere::workflow_action,
        elsewhere::telegram_webhook,
        elsewhere::oauth_callback,
        elsewhere::file,
        elsewhere::about_file,
        elsewhere::fetch_file_again
    )
)]
struct Elsewhere;

/// The whole document as it was last put together.
const KEPT: &str = include_str!("../../../web/openapi.json");

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// This document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "about", security(()),
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn show(_: Counted) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], KEPT)
}

/// The whole document; `others` are the parts of functions that describe their own routes.
pub fn describe<D: Db, Q: Queue>(
    others: impl IntoIterator<Item = utoipa::openapi::OpenApi>,
) -> utoipa::openapi::OpenApi {
    let ours = completed(described::<D, Q>().into_openapi());
    document(Elsewhere::openapi(), others.into_iter().chain([ours]))
}
