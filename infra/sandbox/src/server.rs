//! The accept loop. It is our own because a fault may close a connection without an answer, which
//! a service can only do by failing.

use std::{convert::Infallible, io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Response,
    routing::get,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::{app::App, control, faults::DropConnection, files, ghl, page, record, telegram};

/// The limit of GREEN-API for files, which is the largest of all (GREEN-API contract, sending).
pub(crate) const MAX_BODY: usize = 110 << 20;

fn router(app: Arc<App>) -> Router {
    let recorded = Router::new()
        .merge(ghl::routes(&app))
        .route("/files/{random}/{name}", get(files::download))
        .fallback(telegram::or_green)
        .layer(middleware::from_fn_with_state(app.clone(), record::record));
    Router::new()
        .merge(page::routes())
        .nest("/_sandbox", control::routes())
        .fallback_service(recorded.with_state(app.clone()))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}

pub(crate) async fn serve(listener: TcpListener, app: Arc<App>) {
    let router = router(app.clone());
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                continue;
            }
        };
        let router = router.clone();
        app.spawn(async move {
            let service = service_fn(move |request| answer(router.clone(), request));
            // An error here is the caller's going away or a wanted drop.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, io::Error> {
    let response = router
        .oneshot(request.map(Body::new))
        .await
        .unwrap_or_else(|never: Infallible| match never {});
    if response.extensions().get::<DropConnection>().is_some() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(response)
}
