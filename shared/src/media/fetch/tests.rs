use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use futures::stream;
use tokio::net::TcpListener;

use super::*;

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

async fn read(fetcher: &Fetcher, address: &str) -> Result<usize, FetchError> {
    let mut download = fetcher.get(address).await?;
    let mut n_bytes = 0;
    while let Some(chunk) = download.chunk().await? {
        n_bytes += chunk.len();
    }
    Ok(n_bytes)
}

#[tokio::test]
async fn nothing_of_a_private_network_is_fetched() {
    // Would answer, if anybody asked.
    let local = serve(Router::new().route("/", get(|| async { "secret" }))).await;
    let port = local.rsplit(':').next().unwrap().to_owned();
    let fetcher = Fetcher::new(vec![]).unwrap();
    for address in [
        local.clone(),
        format!("https://127.0.0.1:{port}/"),
        // A name that is resolved to this machine.
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        "https://169.254.169.254/latest/meta-data/".into(),
        "https://[fd00:ec2::254]/".into(),
        "https://10.0.0.1/".into(),
        "https://user:password@files.example/".into(),
        "http://files.example/".into(),
        "ftp://files.example/".into(),
        "file:///etc/passwd".into(),
        "data:text/plain,x".into(),
        "".into(),
        "files.example".into(),
    ] {
        let fetched = read(&fetcher, &address).await;
        assert_eq!(fetched, Err(FetchError::Refused), "{address}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_address_like_the_first() {
    let other = serve(Router::new().route("/", get(|| async { "secret" }))).await;
    let to = [
        ("/same", "/file".to_owned()),
        ("/twice", "/same".to_owned()),
        ("/other", other),
        ("/cloud", "https://169.254.169.254/".to_owned()),
        ("/name", "https://localhost/".to_owned()),
        ("/file-scheme", "file:///etc/passwd".to_owned()),
        ("/round", "/round".to_owned()),
    ];
    let mut router = Router::new()
        .route("/file", get(|| async { "content" }))
        .route("/nowhere", get(|| async { axum::http::StatusCode::FOUND }));
    for (path, target) in to {
        router = router.route(path, get(async move || Redirect::temporary(&target)));
    }
    let origin = serve(router).await;
    let fetcher = Fetcher::new(vec![origin.clone()]).unwrap();
    let expect: HashMap<&str, Result<usize, FetchError>> = [
        ("/file", Ok(7)),
        ("/same", Ok(7)),
        ("/twice", Ok(7)),
        ("/other", Err(FetchError::Refused)),
        ("/cloud", Err(FetchError::Refused)),
        ("/name", Err(FetchError::Refused)),
        ("/file-scheme", Err(FetchError::Refused)),
        ("/round", Err(FetchError::Refused)),
        (
            "/nowhere",
            Err(FetchError::Unreachable("a redirect to nowhere")),
        ),
    ]
    .into();
    for (path, expect) in expect {
        let fetched = read(&fetcher, &format!("{origin}{path}")).await;
        assert_eq!(fetched, expect, "{path}");
    }
}

#[tokio::test]
async fn an_answer_says_whether_to_come_again() {
    let status = |status: u16| {
        get(async move || {
            axum::http::StatusCode::from_u16(status)
                .unwrap()
                .into_response()
        })
    };
    let mut router = Router::new();
    for code in [204, 400, 403, 404, 408, 410, 429, 500, 503] {
        router = router.route(&format!("/{code}"), status(code));
    }
    let origin = serve(router).await;
    let fetcher = Fetcher::new(vec![origin.clone()]).unwrap();
    let check = async |code: u16, expect: FetchError, is_final: bool| {
        let error = read(&fetcher, &format!("{origin}/{code}"))
            .await
            .unwrap_err();
        assert_eq!((&error, error.is_final()), (&expect, is_final), "{code}");
    };
    for code in [400, 403, 404, 410] {
        check(code, FetchError::Gone(code), true).await;
    }
    for code in [408, 429] {
        check(code, FetchError::Unreachable("the server is busy"), false).await;
    }
    for code in [204, 500, 503] {
        check(code, FetchError::Unreachable("the server failed"), false).await;
    }
    let closed = Fetcher::new(vec!["http://127.0.0.1:9".into()]).unwrap();
    let error = read(&closed, "http://127.0.0.1:9/").await.unwrap_err();
    assert_eq!(error, FetchError::Unreachable("no connection"));
}

#[tokio::test]
async fn no_more_than_the_limit_is_read() {
    fn pieces(n: u64) -> Body {
        let piece = Bytes::from(vec![0; 1 << 20]);
        Body::from_stream(stream::iter(
            (0..n).map(move |_| Ok::<_, std::io::Error>(piece.clone())),
        ))
    }
    let announced = HeaderMap::from_iter([(
        axum::http::header::CONTENT_LENGTH,
        (MAX_BYTES + 1).to_string().parse().unwrap(),
    )]);
    let router = Router::new()
        .route("/most", get(|| async { pieces(100) }))
        .route("/more", get(|| async { pieces(101) }))
        .route(
            "/announced",
            get(async move || (announced.clone(), pieces(101))),
        );
    let origin = serve(router).await;
    let fetcher = Fetcher::new(vec![origin.clone()]).unwrap();
    let check = async |path: &str, expect: Result<usize, FetchError>| {
        assert_eq!(read(&fetcher, &format!("{origin}{path}")).await, expect);
    };
    check("/most", Ok(100 << 20)).await;
    check("/more", Err(FetchError::TooLarge)).await;
    check("/announced", Err(FetchError::TooLarge)).await;
}

#[test]
fn no_error_tells_the_address() {
    for error in [
        FetchError::Refused,
        FetchError::Gone(404),
        FetchError::TooLarge,
        FetchError::Page,
        FetchError::Unreachable("no connection"),
    ] {
        assert!(!error.to_string().contains("://"), "{error}");
    }
}
