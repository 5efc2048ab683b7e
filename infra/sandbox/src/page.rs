//! The page for people: three files, no build step, nothing from elsewhere.

use std::sync::Arc;

use axum::{Router, http::header, response::IntoResponse, routing::get};

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
            "/page/texts.js",
            get(async || file("text/javascript", include_str!("page/texts.js"))),
        )
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
