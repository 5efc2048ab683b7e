//! The pages for people: a few files, no build step, nothing from elsewhere. One plays phone,
//! CRM and Telegram, the other shows the product's page in a frame, as the CRM does.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use crate::app::App;

/// Scripts and styles from files of ours only; pictures and sounds also from links in messages.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' https: http: data:; media-src 'self' https: http:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/",
            get(async || file("text/html; charset=utf-8", include_str!("page/index.html"))),
        )
        .route(
            "/page/app.css",
            get(async || file("text/css", include_str!("page/app.css"))),
        )
        .route(
            "/page/app.js",
            get(async || file("text/javascript", include_str!("page/app.js"))),
        )
        .route(
            "/page/telegram.js",
            get(async || file("text/javascript", include_str!("page/telegram.js"))),
        )
        .route(
            "/page/texts.js",
            get(async || file("text/javascript", include_str!("page/texts.js"))),
        )
        .route("/custom-page", get(custom_page))
        .route(
            "/page/custom.js",
            get(async || file("text/javascript", include_str!("page/custom.js"))),
        )
}

/// The product's page as the CRM shows it (GHL contract, user context).
async fn custom_page(State(app): State<Arc<App>>) -> impl IntoResponse {
    let app_url = app.app_url();
    let html = include_str!("page/custom.html").replace("{app}", &attribute(&app_url));
    // Only what an origin has; anything else would end the directive.
    let frame: String = app_url
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ":/.-".contains(*c))
        .collect();
    let mut answer = file("text/html; charset=utf-8", "").into_response();
    let policy = format!("{POLICY}; frame-src {frame}");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    *answer.body_mut() = html.into();
    answer
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
