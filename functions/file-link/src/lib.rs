//! `/f/{token}/{name}`: the address of a file, for whoever has it.
//!
//! The file itself is in a bucket that nobody can read; the answer leads to an address there that
//! works for an hour. What could not be copied has a page instead, on which a person can ask for it
//! once more. The name in the address decides nothing.

mod page;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use greenhub::domain::copy::FileCopy;
use greenhub::http::{self, with_security_headers};
use greenhub::media::disposition::disposition;
use greenhub::media::link::read_token;
use greenhub::media::sniff;
use greenhub::media::store::FileStore;
use greenhub::pipeline::Hub;
use greenhub::pipeline::files::{self, Linked};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};

use page::Page;

/// How long the bucket's own address works: a film is watched in pieces.
const LIFE: Duration = Duration::from_secs(3600);

/// What the function needs.
#[derive(Debug)]
pub struct FileLinks<D, Q, S> {
    /// The table of chats, and the queue of copies.
    pub hub: Hub<D, Q>,
    /// Where the files are.
    pub store: S,
}

/// The function's one address.
pub fn router<D: Db, Q: Queue, S: FileStore>(links: FileLinks<D, Q, S>) -> Router {
    let routes = Router::new()
        .route(
            "/f/{token}/{name}",
            get(file::<D, Q, S>)
                .head(about::<D, Q, S>)
                .post(again::<D, Q, S>),
        )
        .with_state(Arc::new(links));
    with_security_headers(routes)
}

type Shared<D, Q, S> = State<Arc<FileLinks<D, Q, S>>>;

/// Leads to the file, or shows why there is none.
async fn file<D: Db, Q: Queue, S: FileStore>(
    State(links): Shared<D, Q, S>,
    Path((token, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let lang = http::lang(&headers);
    let linked = match links.find(&token).await {
        Ok(Some(linked)) => linked,
        Ok(None) => return Page::Unknown.response(lang),
        Err(error) => {
            tracing::error!(%error, "a file was not looked up");
            return Page::OurFault.response(lang);
        }
    };
    let name = linked.file.name.clone();
    let object = linked.file.object().map(str::to_owned);
    match (&object, &linked.file.copy) {
        (Some(object), _) => match links.store.address(object, LIFE).await {
            Ok(address) => (StatusCode::FOUND, [(header::LOCATION, address)]).into_response(),
            Err(error) => {
                tracing::error!(%error, "no address for a file");
                Page::OurFault.response(lang)
            }
        },
        (None, Some(FileCopy::Waiting { .. })) => Page::Waiting { name }.response(lang),
        (None, Some(FileCopy::Gone { .. })) => Page::Gone { name }.response(lang),
        _ => Page::Unknown.response(lang),
    }
}

/// What the file is. The bucket's own address would not answer a `HEAD`: it is signed for one
/// method.
async fn about<D: Db, Q: Queue, S: FileStore>(
    State(links): Shared<D, Q, S>,
    Path((token, _)): Path<(String, String)>,
) -> Response {
    match links.find(&token).await {
        Ok(Some(Linked { file, .. })) if file.object().is_some() => {
            let is_inline = sniff::shows_in_a_browser(&file.mime);
            let headers = [
                (header::CONTENT_TYPE, file.mime),
                (
                    header::CONTENT_DISPOSITION,
                    disposition(is_inline, &file.name),
                ),
            ];
            (StatusCode::OK, headers).into_response()
        }
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a file was not looked up");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A person asks for a file that could not be copied. The page tells how it stands then.
async fn again<D: Db, Q: Queue, S: FileStore>(
    State(links): Shared<D, Q, S>,
    Path((token, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let lang = http::lang(&headers);
    let asked = match links.find(&token).await {
        Ok(Some(linked)) => files::fetch_again(&links.hub, &linked).await,
        Ok(None) => return Page::Unknown.response(lang),
        Err(error) => Err(error),
    };
    match asked {
        // The same address, to be got: the name in it is what the browser sent.
        Ok(()) => (StatusCode::SEE_OTHER, [(header::LOCATION, "?")]).into_response(),
        Err(error) => {
            tracing::error!(%error, "a file was not asked for again");
            Page::OurFault.response(lang)
        }
    }
}

impl<D: Db, Q: Queue, S: FileStore> FileLinks<D, Q, S> {
    async fn find(&self, token: &str) -> Result<Option<Linked>, DbError> {
        let Some((number, link)) = read_token(token) else {
            return Ok(None);
        };
        let now = self.hub.clock.now_ms();
        files::linked(&self.hub.db, &number, link, now).await
    }
}
