//! `/api/chats/{id}/uploads`, `/api/chats/{id}/files`, `/api/messages/{message}/files/{n}`: files, which
//! never go through here themselves.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Json, RequestPartsExt as _};
use greenhub::account::auth::Authenticated;
use greenhub::domain::content::Content;
use greenhub::domain::message::{Message, of_reference};
use greenhub::http::problems::{not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::cursor::is_id;
use greenhub::inbox::send::{self, Draft};
use greenhub::media::store::StoreError;
use greenhub::media::upload::{self, Announced, UploadError};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::keys;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::content::MessageView;
use super::messages::request_id;
use super::problems::{not_sent, unfit};
use super::{ChatInPath, MessageInPath, chat, sight, writer};
use crate::Api;

/// How many files are sent at once.
const FILES: usize = 10;

/// A file that somebody wants to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewFile {
    /// 1 to 200 characters; WhatsApp shows it by its ending.
    name: String,
    /// As the browser knows it; may be empty.
    #[serde(default)]
    mime: String,
    /// 1 to 104,857,600.
    n_bytes: u64,
}

/// Where the file goes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upload {
    /// For sending it, within a day.
    upload: String,
    /// Takes it by a `PUT`, within an hour: the whole file, exactly as large as was said, with the
    /// content type below.
    url: String,
    /// `Content-Type` of the `PUT`.
    content_type: String,
}

/// Announces a file. The browser then puts it into the bucket.
#[utoipa::path(
    post, path = "/api/chats/{id}/uploads", tag = "files", security(("bearer" = []), ("cookie" = [])),
    request_body = NewFile,
    responses(
        (status = 201, body = Upload),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`file_too_large`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`unfit`"),
    )
)]
pub(super) async fn announce<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(file): Body<NewFile>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let file = Announced {
        name: file.name,
        mime: file.mime,
        n_bytes: file.n_bytes,
    };
    let place = upload::announce(
        &api.hub,
        &*api.files,
        &caller.workspace,
        &chat.number,
        caller.person(),
        file,
    )
    .await;
    let place = place.map_err(not_taken)?;
    let upload = Upload {
        upload: place.upload,
        url: place.url,
        content_type: place.mime,
    };
    Ok((StatusCode::CREATED, Json(upload)))
}

/// Files to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewFiles {
    /// Letters, digits and `-`, at most 60: the same request again is the same messages.
    request_id: String,
    /// 1 to 10, in their order.
    uploads: Vec<String>,
    /// Goes with the first one; at most 1,024 characters.
    #[serde(default)]
    text: String,
    /// The message that the first one answers.
    quotes: Option<String>,
}

/// What was sent.
#[derive(Serialize, ToSchema)]
pub(super) struct SentFiles {
    /// One for each file.
    messages: Vec<MessageView>,
}

/// Sends files that are in the bucket: one message for each, the text with the first one.
#[utoipa::path(
    post, path = "/api/chats/{id}/files", tag = "files", security(("bearer" = []), ("cookie" = [])),
    request_body = NewFiles,
    responses(
        (status = 202, body = SentFiles),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_request_id`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`opted_out`, `cannot_send`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`unfit`, `nothing_to_quote`"),
    )
)]
pub(super) async fn send<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(asked): Body<NewFiles>,
) -> Result<(StatusCode, Json<SentFiles>), Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let request = request_id(asked.request_id)?;
    if !(1..=FILES).contains(&asked.uploads.len()) {
        return Err(unfit("1 to 10 files can be sent at once"));
    }
    let mut quotes = match asked.quotes.as_deref() {
        Some(name) => Some(of_reference(name).ok_or_else(|| unfit("`quotes` is no message"))?),
        None => None,
    };
    // All of them have to be there before the first one is sent.
    let mut files = Vec::new();
    for id in asked.uploads.iter().filter(|id| is_id(id)) {
        let (workspace, person) = (&caller.workspace, caller.person());
        let file = upload::announced(&api.hub, workspace, &chat.number, person, id).await;
        files.push(file.map_err(not_taken)?);
    }
    if files.len() != asked.uploads.len() {
        return Err(not_taken(UploadError::NotFound));
    }
    let mut text = asked.text.trim().to_owned();
    let mut messages = Vec::new();
    for (n, file) in files.into_iter().enumerate() {
        let content = Content::Files {
            files: vec![file],
            caption: std::mem::take(&mut text),
        };
        let draft = Draft {
            request: format!("{request}-{n}"),
            content,
            quotes: quotes.take(),
        };
        let sent = send::send(&api.hub, &sight, &id, &writer(&caller), draft).await;
        messages.push(sent.map_err(not_sent)?.into());
    }
    Ok((StatusCode::ACCEPTED, Json(SentFiles { messages })))
}

/// Which of a message's files an address names.
pub(super) struct FileInPath(usize);

#[derive(Deserialize)]
struct Named {
    n: usize,
}

impl<S: Send + Sync> FromRequestParts<S> for FileInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<Named>, _> = parts.extract().await;
        named
            .map(|Path(named)| FileInPath(named.n))
            .map_err(|_| not_found())
    }
}

/// What becomes of a file in the browser.
#[derive(Deserialize, IntoParams)]
pub(super) struct How {
    /// It is shown, if browsers show its kind, and not saved.
    #[serde(default)]
    show: bool,
}

/// A file of a message: leads to an address of the bucket that is good for an hour.
#[utoipa::path(
    get, path = "/api/messages/{message}/files/{n}", tag = "files", security(("bearer" = []), ("cookie" = [])),
    params(How),
    responses((status = 302, description = "To the file, as an attachment unless it is to be shown"))
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    MessageInPath((chat, seq)): MessageInPath,
    FileInPath(n): FileInPath,
    Query(how): Query<How>,
) -> Result<impl IntoResponse, Problem> {
    let sight = sight(&api, &caller).await?;
    let message: Option<Message> = api.row(&keys::message(&chat, seq)).await?;
    let is_theirs = |message: &Message| {
        message.workspace == sight.workspace && sight.numbers.contains(&message.number)
    };
    let message = message.filter(is_theirs).ok_or_else(not_found)?;
    let file = message.files().get(n).ok_or_else(not_found)?;
    let address = upload::address(&*api.files, file, how.show).await;
    let address = address.map_err(|error| no_bucket(&error))?;
    let address = address.ok_or_else(not_found)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]))
}

pub(super) fn no_bucket(error: &StoreError) -> Problem {
    tracing::error!(%error, "the bucket gave no address");
    Problem::try_again()
}

fn not_taken(error: UploadError) -> Problem {
    match error {
        UploadError::TooLarge => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "file_too_large",
            "A file has at most 100 MB",
        ),
        UploadError::NotAFile => unfit("a file has a name and is not empty"),
        UploadError::NotFound => unfit("one of the files was not uploaded for this conversation"),
        UploadError::Store(error) => no_bucket(&error),
        UploadError::Db(error) => tables(&error),
    }
}
