use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;

/// Serves the routes on a port of its own and tells its address.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn routes() -> Router {
    let problem = || async {
        Problem::new(
            StatusCode::CONFLICT,
            "number_exists",
            "This number is there already",
        )
        .with_detail("It was added yesterday")
        .with_member("host", "other.example")
        .with_retry_after(7)
    };
    with_security_headers(
        Router::new()
            .route(
                "/agent",
                get(|headers: axum::http::HeaderMap| async move {
                    headers[header::USER_AGENT]
                        .to_str()
                        .unwrap_or_default()
                        .to_owned()
                }),
            )
            .route("/redirect", get(|| async { Redirect::temporary("/agent") }))
            .route("/problem", get(problem))
            .route(
                "/own",
                get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "own") }),
            )
            .route("/slow", get(std::future::pending::<()>))
            .route(
                "/chunked",
                get(|| async {
                    let chunks = futures::stream::iter(
                        (0..10).map(|_| Ok::<_, std::io::Error>("0123456789")),
                    );
                    axum::body::Body::from_stream(chunks).into_response()
                }),
            )
            .route("/sized", get(|| async { "0".repeat(100) })),
    )
}

#[tokio::test]
async fn the_client_follows_nobody_and_says_who_it_is() {
    let base = serve(routes()).await;
    let client = client(Duration::from_secs(5)).unwrap();
    let agent = client
        .get(format!("{base}/agent"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(agent, concat!("greenhub/", env!("CARGO_PKG_VERSION")));
    let redirect = client.get(format!("{base}/redirect")).send().await.unwrap();
    assert_eq!(redirect.status(), StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn the_client_does_not_wait_for_ever() {
    let base = serve(routes()).await;
    let client = client(Duration::from_millis(200)).unwrap();
    let error = client.get(format!("{base}/slow")).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap() {
    let base = serve(routes()).await;
    let client = client(Duration::from_secs(5)).unwrap();
    let check = async |path: &str, most_bytes: usize, expect: Option<usize>| {
        let response = client.get(format!("{base}{path}")).send().await.unwrap();
        let got = match read_capped(response, most_bytes).await {
            Ok(body) => Some(body.len()),
            Err(BodyError::TooLarge { .. }) => None,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(got, expect, "{path}, {most_bytes}");
    };
    for path in ["/sized", "/chunked"] {
        check(path, 1000, Some(100)).await;
        check(path, 100, Some(100)).await;
        check(path, 99, None).await;
        check(path, 0, None).await;
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let base = serve(routes()).await;
    let client = client(Duration::from_secs(5)).unwrap();
    for path in ["/agent", "/problem", "/nowhere"] {
        let response = client.get(format!("{base}{path}")).send().await.unwrap();
        for (name, value) in SECURITY_HEADERS {
            assert_eq!(
                response.headers().get(&name),
                Some(&value),
                "{path}: {name}"
            );
        }
    }
    let own = client.get(format!("{base}/own")).send().await.unwrap();
    assert_eq!(own.headers()[header::CACHE_CONTROL], "max-age=60");
    assert_eq!(own.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn a_problem_is_told_to_programs_and_people() {
    let base = serve(routes()).await;
    let client = client(Duration::from_secs(5)).unwrap();
    let response = client.get(format!("{base}/problem")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    let told: serde_json::Value = response.json().await.unwrap();
    let expect = serde_json::json!({
        "type": "urn:greenhub:problem:number_exists",
        "status": 409,
        "code": "number_exists",
        "title": "This number is there already",
        "detail": "It was added yesterday",
        "host": "other.example",
        "retryAfter": 7,
    });
    assert_eq!(told, expect);
}
