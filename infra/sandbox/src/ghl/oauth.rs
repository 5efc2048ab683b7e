//! OAuth 2.0 (GHL contract, authorize; exchange and refresh; agency to location token).

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, News},
    clock,
    ghl::{
        Answer, Refused, Who,
        model::{Ghl, Grant},
        ok, schema, valid, webhooks,
    },
    ids,
    record::query,
    state::State as Everything,
};

/// What the app is granted when the link asks for nothing in particular.
const SCOPES: &str = "conversations.readonly conversations.write conversations/message.readonly conversations/message.write contacts.readonly contacts.write locations.readonly users.readonly oauth.readonly oauth.write workflows.readonly";

/// Seconds. Not scaled: the answers say it, and a product believes them.
const ACCESS_LIFE: i64 = 86_399;
const REFRESH_LIFE_MS: i64 = 365 * 86_400_000;
const CODE_LIFE_MS: i64 = 10 * 60_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Choose {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    scope: Option<String>,
    state: Option<String>,
    /// Skips the page: this sub-account.
    location_id: Option<String>,
    /// Skips the page: the agency (a company token, a bulk installation).
    company_id: Option<String>,
    /// The sub-accounts that the agency picks, separated by commas; all unless given.
    locations: Option<String>,
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// The consent page. With `location_id` (or `company_id`) it redirects at once.
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    Query(asked): Query<Choose>,
    uri: axum::http::Uri,
) -> Response {
    let target = url::Url::parse(&asked.redirect_uri);
    let (Ok(mut target), true) = (target, asked.client_id == app.ghl.client_id) else {
        return (StatusCode::BAD_REQUEST, Html("<h1>error.noversionid</h1>")).into_response();
    };
    let picked = asked.locations.as_deref();
    let picked = picked.map(|ids| ids.split(',').map(str::to_owned).collect());
    let (location, picked) = match (&asked.location_id, &asked.company_id) {
        (Some(id), _) => (Some(id.clone()), Some(vec![id.clone()])),
        (None, Some(_)) => (None, picked),
        (None, None) => return page(&app, uri.query().unwrap_or_default()).into_response(),
    };
    let scope = asked.scope.as_deref();
    let Some(code) = grant_code(&app, location.as_deref(), picked, scope) else {
        return (StatusCode::NOT_FOUND, Html("<h1>No such sub-account</h1>")).into_response();
    };
    target.query_pairs_mut().append_pair("code", &code);
    // Installs that did not start with a state have none.
    if let Some(state) = &asked.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    webhooks::installed(&app, location.as_deref());
    Redirect::to(target.as_str()).into_response()
}

/// A code for the location, or for the agency; the app is in the `picked` sub-accounts from now on,
/// or in all of them.
fn grant_code(
    app: &App,
    location: Option<&str>,
    picked: Option<Vec<String>>,
    scope: Option<&str>,
) -> Option<String> {
    let code = ids::hex(&ids::random::<20>());
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let now = clock::now_ms();
    for id in picked.unwrap_or_else(|| ghl.locations.keys().cloned().collect()) {
        ghl.locations.get_mut(&id)?.installed_at = Some(now);
    }
    let user = ghl
        .users
        .values()
        .find(|u| u.location.as_deref() == location);
    let grant = Grant {
        company: ghl.company.id.clone(),
        location: location.map(Into::into),
        user: user.map(|u| u.id.clone()).unwrap_or_default(),
        scope: scope
            .filter(|s| !s.trim().is_empty())
            .unwrap_or(SCOPES)
            .to_owned(),
        expires_ms: now + CODE_LIFE_MS,
        used: false,
    };
    ghl.codes.insert(code.clone(), grant);
    Some(code)
}

/// An installed sub-account is not in the picker: installing again means uninstalling first.
fn page(app: &App, query: &str) -> Html<String> {
    let mut rows = String::new();
    let state = app.lock();
    let ghl = &state.kept.ghl;
    let mut row = |name: &str, parameter: &str, id: &str| {
        let query = escape(query);
        let (name, id) = (escape(name), escape(id));
        // Writing to a string cannot fail.
        let _ = write!(
            rows,
            "<li><a href=\"?{query}&amp;{parameter}={id}\">{name}</a> <code>{id}</code></li>"
        );
    };
    for location in ghl.locations.values().filter(|l| l.installed_at.is_none()) {
        row(&location.name, "location_id", &location.id);
    }
    row(&ghl.company.name, "company_id", &ghl.company.id);
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Install the app</title><link rel=\"stylesheet\" href=\"/page/app.css\">\
         <body class=\"plain\"><main><h1>Where should the app be installed?</h1>\
         <p>A stand-in for the consent page of GoHighLevel. Sub-accounts that have the app are not listed.</p>\
         <ul>{rows}</ul></main></body></html>"
    ))
}

/// Form or JSON, into one map.
fn token_body(headers: &HeaderMap, bytes: &Bytes) -> Map<String, Value> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(bytes).unwrap_or_default();
    }
    query(std::str::from_utf8(bytes).ok())
}

/// `POST /oauth/token`.
pub(crate) async fn token(State(app): State<Arc<App>>, headers: HeaderMap, bytes: Bytes) -> Answer {
    let body = token_body(&headers, &bytes);
    valid(schema::TOKEN, &body)?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let client = || {
        if field("client_id") == app.ghl.client_id
            && field("client_secret") == app.ghl.client_secret
        {
            return Ok(());
        }
        Err(Refused(
            StatusCode::UNAUTHORIZED,
            json!({ "error": "UnAuthorized!", "error_description": "Invalid client credentials!" }),
        ))
    };
    let grant = match field("grant_type") {
        "authorization_code" => {
            // The code is looked at before the client is.
            let grant = use_up(&mut ghl.codes, field("code")).ok_or_else(|| {
                Refused(
                    StatusCode::UNAUTHORIZED,
                    json!({
                        "error": "UnAuthorized!",
                        "error_description": "Authorization code not found",
                    }),
                )
            })?;
            client()?;
            grant
        }
        "refresh_token" => {
            client()?;
            refresh(ghl, field("refresh_token"), field("user_type"))?
        }
        _ => {
            return Err(Refused::unprocessable(vec![
                "grant_type is not allowed for this app".into(),
            ]));
        }
    };
    let out = issue(&mut state, grant);
    ok(out)
}

/// Takes a code or a refresh token once; `None` when it is unknown, used or too old.
fn use_up(all: &mut std::collections::BTreeMap<String, Grant>, key: &str) -> Option<Grant> {
    let grant = all
        .get_mut(key)
        .filter(|g| !g.used && g.expires_ms > clock::now_ms())?;
    grant.used = true;
    Some(grant.clone())
}

/// Single use, without a grace window. A suspended location's token is not used up: the same one
/// works again later.
fn refresh(ghl: &mut Ghl, token: &str, user_type: &str) -> Result<Grant, Refused> {
    let invalid = || {
        Refused::new(
            StatusCode::BAD_REQUEST,
            "Invalid grant: refresh token is invalid",
        )
    };
    let grant = ghl
        .refresh
        .get(token)
        .filter(|g| !g.used)
        .ok_or_else(invalid)?;
    let class = if grant.location.is_some() {
        "Location"
    } else {
        "Company"
    };
    if !user_type.is_empty() && user_type != class {
        return Err(Refused::unauthorized("Token's user type mismatch!"));
    }
    if let Some(id) = &grant.location
        && ghl.locations.get(id).is_none_or(|l| !l.active)
    {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "Location is not active",
        ));
    }
    use_up(&mut ghl.refresh, token).ok_or_else(invalid)
}

/// A new pair of tokens and the answer that carries it.
fn issue(state: &mut Everything, grant: Grant) -> Value {
    let ghl = &mut state.kept.ghl;
    let now = clock::now_ms();
    let (access, refresh) = (ids::jwt(), ids::jwt());
    let mut out = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFE,
        "refresh_token": refresh,
        "refreshTokenId": ids::hex(&ids::random::<12>()),
        "scope": grant.scope,
        "userType": if grant.location.is_some() { "Location" } else { "Company" },
        "companyId": grant.company,
        "userId": grant.user,
        "isBulkInstallation": grant.location.is_none(),
    });
    if let Some(location) = &grant.location {
        out["locationId"] = location.clone().into();
    } else {
        let installed = ghl.locations.values().filter(|l| l.installed_at.is_some());
        let approved: Vec<&String> = installed.map(|l| &l.id).collect();
        out["approveAllLocations"] = (approved.len() == ghl.locations.len()).into();
        out["approvedLocations"] = json!(approved);
        out["installToFutureLocations"] = true.into();
    }
    let access_grant = Grant {
        expires_ms: now + ACCESS_LIFE * 1000,
        used: false,
        ..grant.clone()
    };
    ghl.access.insert(access, access_grant);
    let refresh_grant = Grant {
        expires_ms: now + REFRESH_LIFE_MS,
        used: false,
        ..grant
    };
    ghl.refresh.insert(refresh, refresh_grant);
    out
}

/// `POST /oauth/locationToken`: a company's token mints one for a location.
pub(crate) async fn location_token(
    State(app): State<Arc<App>>,
    who: Who,
    headers: HeaderMap,
    bytes: Bytes,
) -> Answer {
    let company = who.company("oauth.write")?.to_owned();
    let body = token_body(&headers, &bytes);
    valid(schema::LOCATION_TOKEN, &body)?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut state = app.change(News::Ghl);
    let location = state.kept.ghl.locations.get(field("locationId"));
    let location = location
        .filter(|l| company == field("companyId") && l.installed_at.is_some())
        .ok_or_else(Refused::other_tenant)?;
    if !location.active {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "Location is not active",
        ));
    }
    let grant = Grant {
        location: Some(location.id.clone()),
        ..who.0.0.clone()
    };
    let mut out = issue(&mut state, grant);
    if let Some(out) = out.as_object_mut() {
        out.insert("expires_in".into(), (ACCESS_LIFE + 1).into());
        out.insert("traceId".into(), ids::uuid().into());
        out.remove("isBulkInstallation");
        out.remove("refreshTokenId");
    }
    Ok((StatusCode::CREATED, Json(out)).into_response())
}

/// `GET /oauth/installedLocations`, 20 at a time unless asked otherwise (GHL contract, agency to
/// location token).
pub(crate) async fn installed_locations(
    State(app): State<Arc<App>>,
    who: Who,
    uri: axum::http::Uri,
) -> Answer {
    let company = who.company("oauth.readonly")?;
    let asked = query(uri.query());
    valid(schema::INSTALLED_LOCATIONS, &asked)?;
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    if text("companyId") != Some(company) || text("appId") != Some(&app.ghl.app_id) {
        return Err(Refused::other_tenant());
    }
    let number = |name: &str, unless_told: usize| match text(name) {
        None => Ok(unless_told),
        Some(digits) => digits
            .parse()
            .map_err(|_| Refused::unprocessable(vec![format!("{name} must be a number string")])),
    };
    let (skip, limit) = (number("skip", 0)?, number("limit", 20)?);
    let state = app.lock();
    let all: Vec<Value> = state
        .kept
        .ghl
        .locations
        .values()
        .filter(|l| text("locationId").is_none_or(|id| id == l.id))
        .filter(|l| {
            text("isInstalled").is_none_or(|wanted| (wanted == "true") == l.installed_at.is_some())
        })
        .map(|l| {
            json!({
                "_id": l.id, "name": l.name, "address": "", "isInstalled": l.installed_at.is_some(),
                "versionId": app.ghl.app_id, "installedAt": l.installed_at.map(clock::iso),
            })
        })
        .collect();
    let count = all.len();
    let page: Vec<Value> = all.into_iter().skip(skip).take(limit).collect();
    ok(json!({ "locations": page, "count": count, "installToFutureLocations": true }))
}
