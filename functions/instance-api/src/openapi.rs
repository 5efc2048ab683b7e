//! `GET /api/openapi.json`: every route of ours, with what it takes to be let in.
//!
//! This function's routes describe themselves. Those of the other functions are described in
//! [`elsewhere`], so that there is one document; they are open in the sense that no session of ours
//! is needed, and each proves its caller in its own way.

pub mod elsewhere;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::auth::Counted;
use greenhub::http::Problem;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Type,
};
use utoipa::{OpenApi, PartialSchema as _, ToSchema as _};

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
pub(crate) async fn document<D: Db, Q: Queue>(
    _api: State<Arc<Api<D, Q>>>,
    _: Counted,
) -> Json<utoipa::openapi::OpenApi> {
    Json(describe::<D, Q>())
}

/// The whole document.
pub fn describe<D: Db, Q: Queue>() -> utoipa::openapi::OpenApi {
    let mut ours = described::<D, Q>().into_openapi();
    for (path, item) in &mut ours.paths.paths {
        operations(item).for_each(|operation| complete(path, operation));
    }
    let mut document = Elsewhere::openapi();
    document.merge(ours);
    let components = document.components.get_or_insert_default();
    let problem = Problem::schema();
    let _ = components
        .schemas
        .insert(Problem::name().into_owned(), problem);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("bearer", bearer);
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            tell_open(operation);
            // The handlers' names, which are not unique; method and path say which one it is.
            operation.operation_id = None;
        }
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

/// What follows from how a route is made, so that none forgets to say it: what stands in its
/// address, and how it refuses whom its extractors refuse.
fn complete(path: &str, operation: &mut Operation) {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(names.clone().map(|name| RefOr::T(in_path(name))));

    let requirements = serde_json::to_value(&operation.security).unwrap_or_default();
    let is_closed = requirements.to_string().contains("bearer");
    let is_for_admins = requirements.to_string().contains("admin");
    let has_body = operation.request_body.is_some();
    let names_a_thing = names.count() > 0;
    let mut refuses = |status: u16, codes: &[&str]| refuse(operation, status, codes);
    if is_closed {
        refuses(401, &["sign_in_needed"]);
    }
    if is_for_admins {
        refuses(403, &["admin_needed"]);
    }
    if names_a_thing {
        refuses(400, &["bad_id"]);
        refuses(404, &["not_found"]);
    }
    if has_body {
        refuses(400, &["bad_body"]);
        refuses(413, &["body_too_large"]);
    }
    refuses(429, &["too_many_requests"]);
    refuses(503, &["try_again"]);
}

fn in_path(name: &str) -> Parameter {
    let words = match name {
        "id" => "Our id of the number",
        _ => "As it was told",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(words))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// Adds codes to those with which a route refuses.
fn refuse(operation: &mut Operation, status: u16, codes: &[&str]) {
    let told = operation
        .responses
        .responses
        .entry(status.to_string())
        .or_insert_with(|| RefOr::T(problem()));
    if let RefOr::T(response) = told {
        let codes = codes.iter().map(|code| format!("`{code}`"));
        let mut all: Vec<String> = codes.collect();
        if !response.description.is_empty() {
            all.insert(0, response.description.clone());
        }
        response.description = all.join(", ");
    }
}

fn problem() -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    ResponseBuilder::new()
        .content("application/problem+json", content)
        .build()
}
