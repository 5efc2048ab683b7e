//! `web/openapi.json`, from which the site takes its types, and which is served.

use std::path::Path;

use greenhub::queue::memory::MemoryQueue;
use greenhub::store::memory::MemoryDb;

/// The document in lines, so that a change of it can be read.
///
/// `UPDATE=1 cargo test --workspace --test api document` writes it anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_site_has_the_document_that_the_routes_make() {
    let others = [instance_api::openapi::describe::<MemoryDb, MemoryQueue>()];
    let document = panel_api::openapi::describe::<MemoryDb, MemoryQueue>(others);
    let document = serde_json::to_value(document).unwrap();
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, document).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == document,
        "web/openapi.json is not what the routes say; \
         UPDATE=1 cargo test --workspace --test api document writes it anew"
    );
}
