//! What the descriptions of all routes have in common.
//!
//! A route says by `security` who is let in, and the rest follows from that and from its path:
//!
//! | `security` | extractor | means |
//! |---|---|---|
//! | `(())` | `Counted`, or another proof | no session of ours |
//! | `("bearer" = [])` | `FromCrm` | from GoHighLevel's page |
//! | `("bearer" = []), ("cookie" = [])` | `Authenticated` | anybody with a session |
//! | `("bearer" = ["admin"]), ("cookie" = ["admin"])` | `Admin` | who manages numbers |
//! | `("bearer" = ["manager"]), ("cookie" = ["manager"])` | `Manager` | who manages people |
//! | `("cookie" = [])` | `SignedIn` | a browser that has signed in |
//!
//! With the cookie a method that could change something also needs the session's token against
//! cross-site requests; that requirement is added here.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Type,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::Problem;
use crate::account::browser;

/// The descriptions of some routes of ours, with what follows from how they are made, so that none
/// forgets to say it: what stands in its address, and how it refuses whom its extractors refuse.
pub fn completed(mut ours: OpenApi) -> OpenApi {
    for (path, item) in &mut ours.paths.paths {
        for (is_safe, operation) in operations(item) {
            complete(path, is_safe, operation);
        }
    }
    ours
}

/// One document of several.
pub fn document(base: OpenApi, parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut document = base;
    for part in parts {
        document.merge(part);
    }
    let components = document.components.get_or_insert_default();
    let problem = Problem::schema();
    let _ = components
        .schemas
        .insert(Problem::name().into_owned(), problem);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("bearer", bearer);
    let cookie = ApiKey::Cookie(ApiKeyValue::new(browser::COOKIE));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    let words = "The session's token against cross-site requests, as `GET /api/me` tells it.";
    let csrf = ApiKeyValue::with_description("X-CSRF-Token", words);
    let csrf = SecurityScheme::ApiKey(ApiKey::Header(csrf));
    components.add_security_scheme("csrf", csrf);
    for item in document.paths.paths.values_mut() {
        for (is_safe, operation) in operations(item) {
            tell_security(is_safe, operation);
            // The handlers' names, which are not unique; method and path say which one it is.
            operation.operation_id = None;
        }
    }
    document
}

/// The operations of a path, each with whether its method changes nothing.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    [
        (true, &mut item.get),
        (false, &mut item.put),
        (false, &mut item.post),
        (false, &mut item.patch),
        (false, &mut item.delete),
        (true, &mut item.options),
        (true, &mut item.head),
        (true, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(is_safe, operation)| Some((is_safe, operation.as_mut()?)))
}

/// An open route has an empty list; the macros know only a list with an empty requirement.
fn tell_security(is_safe: bool, operation: &mut Operation) {
    let open = SecurityRequirement::default();
    let Some(security) = &mut operation.security else {
        return;
    };
    security.retain(|requirement| *requirement != open);
    for requirement in security.iter_mut().filter(|_| !is_safe) {
        if names(requirement, "cookie") && !names(requirement, "csrf") {
            *requirement = requirement.clone().add("csrf", [""; 0]);
        }
    }
}

fn names(requirement: &SecurityRequirement, scheme: &str) -> bool {
    let told = serde_json::to_value(requirement).unwrap_or_default();
    told.get(scheme).is_some()
}

fn complete(path: &str, is_safe: bool, operation: &mut Operation) {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(names.clone().map(|name| RefOr::T(in_path(name))));

    let requirements = serde_json::to_value(&operation.security).unwrap_or_default();
    let requirements = requirements.to_string();
    let says = |word: &str| requirements.contains(&format!("\"{word}\""));
    let has_body = operation.request_body.is_some();
    let names_a_thing = names.count() > 0;
    let mut refuses = |status: u16, codes: &[&str]| refuse(operation, status, codes);
    if says("bearer") || says("cookie") {
        refuses(401, &["sign_in_needed"]);
    }
    if says("cookie") && !is_safe {
        refuses(403, &["csrf_token_needed"]);
    }
    if says("bearer") && says("cookie") {
        refuses(403, &["second_step_needed"]);
    }
    if says("admin") {
        refuses(403, &["admin_needed"]);
    }
    if says("manager") {
        refuses(403, &["manager_needed"]);
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
        "id" => "Our id of it",
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
