//! `/api/chats/{id}/notes…`, `/api/chats/{id}/draft`: what people write beside a conversation.

use std::sync::Arc;

use axum::Json;
use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use greenhub::account::auth::Authenticated;
use greenhub::clock::rfc3339;
use greenhub::http::problems::{bad, forbidden, not_found, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::cursor::is_id;
use greenhub::inbox::notes::{self, CHARS, NoteError};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::team::NoteRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChatInPath, chat, sight, writer};
use crate::Api;

/// A note that only the team sees.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    /// Its id within the conversation.
    id: String,
    /// Our id of who wrote it.
    by: String,
    /// Their name then.
    by_name: String,
    /// RFC 3339.
    at: String,
    /// When it was changed, RFC 3339.
    changed_at: Option<String>,
    /// What it says.
    text: String,
}

impl From<NoteRow> for Note {
    fn from(note: NoteRow) -> Self {
        Note {
            id: note.id,
            by: note.by.to_string(),
            by_name: note.by_name,
            at: rfc3339(note.at_ms),
            changed_at: note.changed_ms.map(rfc3339),
            text: note.text,
        }
    }
}

/// Notes, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Notes {
    /// The latest two hundred.
    notes: Vec<Note>,
}

/// Some words.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Words {
    /// At most 5,000 characters.
    text: String,
}

/// The note that an address names.
pub(super) struct NoteInPath(String);

#[derive(Deserialize)]
struct Named {
    note: String,
}

impl<S: Send + Sync> FromRequestParts<S> for NoteInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<Named>, _> = parts.extract().await;
        let id = named.map(|Path(named)| named.note).unwrap_or_default();
        if is_id(&id) {
            return Ok(NoteInPath(id));
        }
        Err(not_found())
    }
}

/// The notes about a conversation.
#[utoipa::path(
    get, path = "/api/chats/{id}/notes", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Notes))
)]
pub(super) async fn list<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
) -> Result<Json<Notes>, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let notes = notes::list(&api.hub.db, &chat).await;
    let notes = notes.map_err(|error| tables(&error))?;
    Ok(Json(Notes {
        notes: notes.into_iter().map(Note::from).collect(),
    }))
}

/// Adds a note.
#[utoipa::path(
    post, path = "/api/chats/{id}/notes", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    request_body = Words,
    responses(
        (status = 201, body = Note),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_text`"),
    )
)]
pub(super) async fn add<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(words): Body<Words>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let text = text_of(&words)?;
    let note = notes::add(&api.hub, &chat.chat, &writer(&caller), text).await;
    let note = note.map_err(|error| tables(&error))?;
    Ok((StatusCode::CREATED, Json(note.into())))
}

/// Changes a note of one's own.
#[utoipa::path(
    patch, path = "/api/chats/{id}/notes/{note}", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    request_body = Words,
    responses(
        (status = 200, body = Note),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_text`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`not_yours`"),
    )
)]
pub(super) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    NoteInPath(note): NoteInPath,
    Body(words): Body<Words>,
) -> Result<Json<Note>, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let text = text_of(&words)?;
    let changed = notes::change(&api.hub, &chat, &note, caller.person(), Some(text)).await;
    Ok(Json(changed.map_err(not_changed)?.into()))
}

/// Removes a note of one's own.
#[utoipa::path(
    delete, path = "/api/chats/{id}/notes/{note}", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`not_yours`"),
    )
)]
pub(super) async fn remove<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    NoteInPath(note): NoteInPath,
) -> Result<StatusCode, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let removed = notes::change(&api.hub, &chat, &note, caller.person(), None).await;
    removed.map_err(not_changed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What one has begun to write, empty if nothing.
#[utoipa::path(
    get, path = "/api/chats/{id}/draft", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Words))
)]
pub(super) async fn draft<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
) -> Result<Json<Words>, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    let draft = notes::draft(&api.hub.db, &chat.chat, caller.person()).await;
    let draft = draft.map_err(|error| tables(&error))?;
    let text = draft.map(|draft| draft.text).unwrap_or_default();
    Ok(Json(Words { text }))
}

/// Keeps what one has begun to write; nothing, if it is empty.
#[utoipa::path(
    put, path = "/api/chats/{id}/draft", tag = "notes", security(("bearer" = []), ("cookie" = [])),
    request_body = Words,
    responses(
        (status = 204),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_text`"),
    )
)]
pub(super) async fn keep_draft<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    ChatInPath(id): ChatInPath,
    Body(words): Body<Words>,
) -> Result<StatusCode, Problem> {
    let sight = sight(&api, &caller).await?;
    let chat = chat(&api, &sight, &id).await?;
    if words.text.chars().nth(CHARS).is_some() {
        return Err(too_long());
    }
    let kept = notes::keep_draft(&api.hub, &chat.chat, caller.person(), &words.text).await;
    kept.map_err(|error| tables(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn text_of(words: &Words) -> Result<&str, Problem> {
    let text = words.text.trim();
    if text.is_empty() || text.chars().nth(CHARS).is_some() {
        return Err(too_long());
    }
    Ok(text)
}

fn too_long() -> Problem {
    bad("bad_text", "A note has 1 to 5,000 characters")
}

fn not_changed(error: NoteError) -> Problem {
    match error {
        NoteError::NotFound => not_found(),
        NoteError::NotTheirs => forbidden("not_yours", "A note is changed by whoever wrote it"),
        NoteError::Db(error) => tables(&error),
    }
}
