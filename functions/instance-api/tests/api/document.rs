//! `web/openapi.json`, from which the site takes its types.

use std::path::Path;

use axum::http::Method;

use super::support::world;

/// The document as the API serves it, in lines so that a change of it can be read.
///
/// `UPDATE=1 cargo test -p instance-api --test api document` writes it anew.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
async fn the_site_has_the_document_that_the_api_serves() {
    let world = world().await;
    let answer = world.call(Method::GET, "/api/openapi.json", None, "").await;
    let document = serde_json::to_string_pretty(&answer.json).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, document).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == document,
        "web/openapi.json is not what the API says; \
         UPDATE=1 cargo test -p instance-api --test api document writes it anew"
    );
}
