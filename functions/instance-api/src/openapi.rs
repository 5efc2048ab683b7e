//! `GET /api/openapi.json`: every route of ours, with what it takes to be let in.
//!
//! This function's routes describe themselves. Those of the other functions are described in
//! [`elsewhere`], so that there is one document; they are open in the sense that no session of ours
//! is needed, and each proves its caller in its own way.

pub mod elsewhere;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::store::db::Db;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

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
        elsewhere::workflow_action,
        elsewhere::oauth_callback,
        elsewhere::file,
        elsewhere::about_file,
        elsewhere::fetch_file_again
    )
)]
struct Elsewhere;

/// This document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "about", security(()),
    responses((status = 200, content_type = "application/json", body = Object))
)]
pub(crate) async fn document<D: Db>(_api: State<Arc<Api<D>>>) -> Json<utoipa::openapi::OpenApi> {
    Json(describe::<D>())
}

/// The whole document.
pub fn describe<D: Db>() -> utoipa::openapi::OpenApi {
    let mut document = Elsewhere::openapi();
    document.merge(described::<D>().into_openapi());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(tell_open);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.trace,
    ]
    .into_iter()
    .flatten()
}

/// An open route has an empty list; the macros know only a list with an empty requirement.
fn tell_open(operation: &mut Operation) {
    let open = SecurityRequirement::default();
    if let Some(security) = &mut operation.security {
        security.retain(|requirement| *requirement != open);
    }
}
