//! GoHighLevel: OAuth, contacts, conversations, locations and users, and what it sends to an app.

mod accounts;
mod contacts;
mod conversations;
mod inbound;
pub(crate) mod limits;
mod messages;
pub(crate) mod model;
mod oauth;
pub(crate) mod providers;
pub(crate) mod schema;
pub(crate) mod sso;
pub(crate) mod webhooks;
pub(crate) mod workflows;

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    clock,
    ghl::model::Grant,
    ids,
    validate::{Field, Violation, check},
};

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) Value);

impl Refused {
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self(
            status,
            json!({ "statusCode": status.as_u16(), "message": message }),
        )
    }

    pub(crate) fn bad(message: &str) -> Self {
        let mut refused = Self::new(StatusCode::BAD_REQUEST, message);
        refused.1["error"] = "Bad Request".into();
        refused
    }

    fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub(crate) fn other_tenant() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "The token does not have access to this location.",
        )
    }

    /// One text per mistake, in an array (GHL contract, error bodies).
    pub(crate) fn unprocessable(messages: Vec<String>) -> Self {
        Self(
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({
                "statusCode": 422,
                "message": messages,
                "error": "Unprocessable Entity",
                "traceId": ids::uuid(),
            }),
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

pub(crate) type Answer = Result<Response, Refused>;

pub(crate) fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

pub(crate) fn created(body: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Checks a body: unknown fields are refused.
pub(crate) fn valid(fields: &[Field], body: &Map<String, Value>) -> Result<(), Refused> {
    let messages: Vec<String> = check(fields, body)
        .into_iter()
        .map(|violation| match violation {
            Violation::Unknown(name) => format!("property {name} should not exist"),
            Violation::Missing(name) => format!("{name} should not be empty"),
            Violation::Wrong(name, what) => format!("{name} {what}"),
        })
        .collect();
    if messages.is_empty() {
        Ok(())
    } else {
        Err(Refused::unprocessable(messages))
    }
}

/// A checked JSON body.
pub(crate) fn body(fields: &[Field], bytes: &Bytes) -> Result<Map<String, Value>, Refused> {
    let body: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|e| Refused::bad(&format!("the body is not a JSON object: {e}")))?;
    valid(fields, &body)?;
    Ok(body)
}

pub(crate) fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|t| !t.is_empty())
}

/// Whom the caller speaks for.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Grant);

impl Caller {
    /// The scope is there, and the token is a location's.
    fn location(&self, scope: &str) -> Result<&str, Refused> {
        self.scope(scope)?;
        self.0.location.as_deref().ok_or_else(|| {
            Refused::unauthorized(
                "This authClass type is not allowed to access this scope. Please verify your IAM configuration if this is not the case.",
            )
        })
    }

    /// As [`Self::location`], and it is this location.
    fn in_location(&self, scope: &str, location: &str) -> Result<(), Refused> {
        if self.location(scope)? == location {
            Ok(())
        } else {
            Err(Refused::other_tenant())
        }
    }

    fn scope(&self, scope: &str) -> Result<(), Refused> {
        if self.0.scope.split(' ').any(|s| s == scope) {
            return Ok(());
        }
        Err(Refused::unauthorized(
            "The token is not authorized for this scope.",
        ))
    }

    fn company(&self, scope: &str) -> Result<&str, Refused> {
        self.scope(scope)?;
        if self.0.location.is_some() {
            return Err(Refused::unauthorized("Token's user type mismatch!"));
        }
        Ok(&self.0.company)
    }
}

pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/oauth/locationToken", post(oauth::location_token))
        .route("/oauth/installedLocations", get(oauth::installed_locations))
        .route("/contacts/upsert", post(contacts::upsert))
        .route("/contacts/search/duplicate", get(contacts::duplicate))
        .route(
            "/contacts/{id}",
            get(contacts::read)
                .put(contacts::update)
                .delete(contacts::delete),
        )
        .route(
            "/contacts/{id}/tags",
            post(contacts::add_tags).delete(contacts::remove_tags),
        )
        .route("/conversations/", post(conversations::create))
        .route("/conversations/search", get(conversations::search))
        .route("/conversations/messages", post(messages::send))
        .route("/conversations/messages/inbound", post(inbound::inbound))
        .route("/conversations/messages/export", get(messages::export))
        .route("/conversations/messages/upload", post(messages::upload))
        .route("/conversations/messages/{id}", get(messages::read))
        .route("/conversations/messages/{id}/status", put(messages::status))
        .route("/conversations/{id}", get(conversations::read))
        .route(
            "/conversations/{id}/messages",
            get(messages::of_conversation),
        )
        .route("/locations/{id}", get(accounts::location))
        .route(
            "/locations/{id}/conversationChannels/SMS",
            get(providers::channels),
        )
        .route("/users/", get(accounts::users))
        .route("/users/search", get(accounts::users))
        .route("/users/{id}", get(accounts::user))
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        .route("/oauth/chooselocation", get(oauth::choose))
        .route("/v2/oauth/chooselocation", get(oauth::choose))
        .route("/oauth/token", post(oauth::token))
}

const VERSIONS: [&str; 4] = ["2021-04-15", "2021-07-28", "2023-02-21", "v3"];

/// Version, token and rate of every call but the first two of OAuth (GHL contract, hosts,
/// headers, versions; rate limits).
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let (grant, limit) = match identify(&app, request.headers(), request.uri().path()) {
        Ok(found) => found,
        Err(refused) => return refused.into_response(),
    };
    let (admitted, headers) = limit;
    let mut response = if admitted {
        request.extensions_mut().insert(Caller(grant));
        next.run(request).await
    } else {
        Refused::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").into_response()
    };
    response.headers_mut().extend(headers);
    response
}

fn identify(
    app: &App,
    headers: &HeaderMap,
    path: &str,
) -> Result<(Grant, (bool, HeaderMap)), Refused> {
    let header = |name| headers.get(name).and_then(|v| v.to_str().ok());
    match header("version") {
        None => return Err(Refused::unauthorized("version header was not found.")),
        Some(version) if !VERSIONS.contains(&version) => {
            let message = format!("Invalid API version segment '{version}' at position 0");
            return Err(Refused::new(StatusCode::BAD_REQUEST, &message));
        }
        Some("v3") if path.starts_with("/oauth/") => {
            return Err(Refused::bad(&format!(
                "Endpoint {path} not available in API version v3. This endpoint was removed in version v3. Please use a version before v3."
            )));
        }
        Some(_) => {}
    }
    let token = header(header::AUTHORIZATION.as_str()).and_then(|v| v.strip_prefix("Bearer "));
    let mut state = app.lock();
    let grant = token
        .and_then(|t| state.kept.ghl.access.get(t))
        .filter(|g| !g.used && g.expires_ms > clock::now_ms())
        .cloned()
        .ok_or_else(|| Refused::unauthorized("Invalid JWT"))?;
    let resource = grant.location.as_deref().unwrap_or(&grant.company);
    let limit = limits::admit(&mut state, app.scale, resource);
    Ok((grant, limit))
}

/// The caller, put there by [`guard`].
pub(crate) type Who = Extension<Caller>;
