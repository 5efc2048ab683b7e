//! The site's files with the headers that CloudFront gives them (`SitePaths`, `AppHeaders` and
//! `SiteHeaders` in template.yaml).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

/// `web/headers.json`; a test compares the template with it.
#[derive(Debug, Deserialize)]
pub(crate) struct Headers {
    pub(crate) everywhere: BTreeMap<String, String>,
    pub(crate) policy: Policies,
    pub(crate) parents: Vec<String>,
    pub(crate) cache: Caches,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Policies {
    pub(crate) app: String,
    pub(crate) other: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Caches {
    pub(crate) assets: String,
    pub(crate) other: String,
}

#[expect(
    clippy::expect_used,
    reason = "the file is compiled in; a test reads it"
)]
pub(crate) static HEADERS: LazyLock<Headers> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../web/headers.json")).expect("headers.json")
});

/// A built site, and who may show its pages in a frame beside GoHighLevel.
#[derive(Debug)]
pub(super) struct Site {
    files: PathBuf,
    app_policy: String,
}

impl Site {
    /// `sandbox` is the address of the sandbox; it has a page that shows ours.
    pub(super) fn new(files: &Path, sandbox: &str) -> Self {
        let mut parents = HEADERS.parents.clone();
        parents.push(sandbox.to_owned());
        // The same server by its other name.
        parents.push(sandbox.replace("localhost", "127.0.0.1"));
        Self {
            files: files.to_owned(),
            app_policy: HEADERS.policy.app.replace("{parents}", &parents.join(" ")),
        }
    }

    pub(super) async fn serve(&self, mut request: Request) -> Response {
        let path = request.uri().path().to_owned();
        *request.uri_mut() = file_of(&path);
        let served = ServeDir::new(&self.files)
            .append_index_html_on_directories(false)
            .oneshot(request)
            .await;
        let mut answer = match served {
            Ok(answer) => answer.map(Body::new),
            Err(never) => match never {},
        };
        if answer.status() == StatusCode::NOT_FOUND {
            answer = (StatusCode::NOT_FOUND, "there is no such page\n").into_response();
        }
        self.dress(&path, answer.headers_mut());
        answer
    }

    fn dress(&self, path: &str, headers: &mut HeaderMap) {
        let (policy, cache) = if super::is_under(path, "/app") {
            (&self.app_policy, &HEADERS.cache.other)
        } else if super::is_under(path, "/assets") {
            (&HEADERS.policy.other, &HEADERS.cache.assets)
        } else {
            (&HEADERS.policy.other, &HEADERS.cache.other)
        };
        let everywhere = HEADERS.everywhere.iter();
        let everywhere = everywhere.map(|(name, value)| (name.as_str(), value));
        let own = [
            (header::CONTENT_SECURITY_POLICY.as_str(), policy),
            (header::CACHE_CONTROL.as_str(), cache),
        ];
        for (name, value) in everywhere.chain(own) {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
    }
}

/// Where a path's file is: a page's address is without its file's ending.
fn file_of(path: &str) -> Uri {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'-'));
    let page = path
        .strip_prefix("/app/")
        .map(|name| name.strip_suffix('/').unwrap_or(name))
        .filter(|name| is_name(name));
    let file = page.map_or_else(|| path.to_owned(), |name| format!("/app/{name}.html"));
    PathAndQuery::try_from(file).map_or_else(|_| Uri::from_static("/"), Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_address_without_an_ending() {
        let check = |path: &str, expect: &str| assert_eq!(file_of(path).path(), expect);
        check("/app/whatsapp", "/app/whatsapp.html");
        check("/app/whatsapp/", "/app/whatsapp.html");
        check("/app/setup", "/app/setup.html");
        check("/app/whatsapp.html", "/app/whatsapp.html");
        check("/app/", "/app/");
        check("/app/a/b", "/app/a/b");
        check("/assets/a.js", "/assets/a.js");
        check("/apple", "/apple");
    }

    #[tokio::test]
    async fn each_file_has_the_headers_of_its_place() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("app/whatsapp.html", "page"), ("assets/a-1.js", "script")] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let site = Site::new(dir.path(), "http://localhost:3100");
        let get = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            site.serve(request).await
        };
        let text = |answer: &Response, name: HeaderName| {
            answer.headers()[name].to_str().unwrap().to_owned()
        };

        let page = get("/app/whatsapp").await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(text(&page, header::CONTENT_TYPE), "text/html");
        assert_eq!(text(&page, header::CACHE_CONTROL), "no-cache");
        assert_eq!(text(&page, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = text(&page, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.ends_with(
                "frame-ancestors https://app.gohighlevel.com https://app.leadconnectorhq.com \
                 http://localhost:3100 http://127.0.0.1:3100"
            ),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");

        let asset = get("/assets/a-1.js").await;
        assert_eq!(asset.status(), StatusCode::OK);
        assert_eq!(text(&asset, header::CONTENT_TYPE), "text/javascript");
        let cache = text(&asset, header::CACHE_CONTROL);
        assert_eq!(cache, "public, max-age=31536000, immutable");
        let policy = text(&asset, header::CONTENT_SECURITY_POLICY);
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");

        for path in [
            "/app/other",
            "/app",
            "/..%2f..%2fetc/passwd",
            "/app/%2e%2e/%2e%2e/x",
        ] {
            let answer = get(path).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(text(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        }
    }
}
