//! Files that people attach: from their browsers into the bucket, past all functions, and to the
//! gateway from there.
//!
//! A file is announced first, and gets a place in the bucket and an address that takes so many bytes
//! once. Whoever announced it may then send it, on the number that it was announced for.

use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::disposition::disposition;
use super::fetch::MAX_BYTES;
use super::sniff::shows_in_a_browser;
use super::store::{FileStore, StoreError};
use crate::crypto;
use crate::domain::content::{File, FileKind};
use crate::domain::copy;
use crate::domain::ids::{NumberId, PersonId, WorkspaceId};
use crate::pipeline::Hub;
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::keys;
use crate::store::row::{self, row};

/// How long the address takes the file.
const TAKES_FOR: Duration = Duration::from_secs(3600);

/// How long an address gives a file.
const GIVES_FOR: Duration = Duration::from_secs(3600);

/// How long an announced file can be sent, seconds.
const KEPT_S: i64 = 24 * 3600;

/// The longest name and type, in characters.
const NAME_CHARS: usize = 200;
const MIME_CHARS: usize = 100;

/// A file that somebody has announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number that it is to be sent on.
    pub number: NumberId,
    /// Who announced it.
    pub person: PersonId,
    /// Where it will be.
    pub object: String,
    /// As the browser says.
    pub name: String,
    /// As the browser says; not to be trusted.
    pub mime: String,
    /// When the row may be cleaned up, seconds since 1970: checked on every read.
    pub expires_at: i64,
}

row!(UploadRow, "an announced file");

/// A file to be announced.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Its name.
    pub name: String,
    /// Its type, as the browser says.
    pub mime: String,
    /// How large it is.
    pub n_bytes: u64,
}

/// Where an announced file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// For sending it.
    pub upload: String,
    /// Takes it by a `PUT` with these very headers, and nothing else.
    pub url: String,
    /// `Content-Type`.
    pub mime: String,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The gateway takes no larger ones.
    #[error("a file has at most 100 MB")]
    TooLarge,
    /// It has no bytes, no name, or a name or type that is none.
    #[error("the file is empty, or has no name")]
    NotAFile,
    /// Nobody announced it, or not this person for this number, or too long ago.
    #[error("there is no such file")]
    NotFound,
    /// The bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Files, for those who only hand out addresses; a [`FileStore`] whose type nobody has to know.
pub trait Bucket: Send + Sync {
    /// [`FileStore::upload_address`]
    fn takes<'a>(
        &'a self,
        object: &'a str,
        mime: &'a str,
        n_bytes: u64,
    ) -> BoxFuture<'a, Result<String, StoreError>>;

    /// [`FileStore::download_address`]
    fn gives<'a>(
        &'a self,
        object: &'a str,
        disposition: &'a str,
    ) -> BoxFuture<'a, Result<String, StoreError>>;

    /// Removes a file.
    fn removes<'a>(&'a self, object: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl<S: FileStore> Bucket for S {
    fn takes<'a>(
        &'a self,
        object: &'a str,
        mime: &'a str,
        n_bytes: u64,
    ) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(self.upload_address(object, mime, n_bytes, TAKES_FOR))
    }

    fn gives<'a>(
        &'a self,
        object: &'a str,
        disposition: &'a str,
    ) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(self.download_address(object, disposition, GIVES_FOR))
    }

    fn removes<'a>(&'a self, object: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        // Keys are random and of one length, so that none begins with another.
        Box::pin(async move { self.remove_all(object).await.map(|_| ()) })
    }
}

/// Announces a file that somebody wants to send on a number.
///
/// # Errors
/// [`UploadError`]
pub async fn announce<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    bucket: &dyn Bucket,
    workspace: &WorkspaceId,
    number: &NumberId,
    person: &PersonId,
    file: Announced,
) -> Result<Place, UploadError> {
    if file.n_bytes > MAX_BYTES {
        return Err(UploadError::TooLarge);
    }
    let is_type = |mime: &str| mime.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let fits = file.n_bytes > 0
        && !file.name.trim().is_empty()
        && file.name.chars().nth(NAME_CHARS).is_none()
        && file.mime.chars().nth(MIME_CHARS).is_none()
        && is_type(&file.mime);
    if !fits {
        return Err(UploadError::NotAFile);
    }
    let mime = match file.mime.as_str() {
        "" => "application/octet-stream".to_owned(),
        mime => mime.to_owned(),
    };
    let object = keys::object(number, &hub.ids.next());
    let upload = crypto::random_id();
    let url = bucket.takes(&object, &mime, file.n_bytes).await?;
    let mut row = UploadRow {
        rev: 0,
        workspace: workspace.clone(),
        number: number.clone(),
        person: person.clone(),
        object,
        name: file.name.trim().to_owned(),
        mime: mime.clone(),
        expires_at: hub.clock.now_ms() / 1000 + KEPT_S,
    };
    let write = row::save(keys::upload(&upload), &mut row)?;
    hub.db.write(vec![write]).await?;
    Ok(Place { upload, url, mime })
}

/// The file that somebody has announced, for a message on the number.
///
/// # Errors
/// [`UploadError`]
pub async fn announced<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    workspace: &WorkspaceId,
    number: &NumberId,
    person: &PersonId,
    upload: &str,
) -> Result<File, UploadError> {
    let row = row::load::<UploadRow>(&hub.db, &keys::upload(upload)).await?;
    let row = row
        .filter(|row| row.workspace == *workspace && row.number == *number)
        .filter(|row| row.person == *person && row.expires_at > hub.clock.now_ms() / 1000)
        .ok_or(UploadError::NotFound)?;
    let kind = match row.mime.split('/').next() {
        Some("image") => FileKind::Image,
        Some("video") => FileKind::Video,
        Some("audio") => FileKind::Audio,
        _ => FileKind::Document,
    };
    Ok(File {
        kind,
        // The same file sent once more has the same address.
        url: Some(copy::upload_url(&row.object, upload)),
        name: row.name,
        mime: row.mime,
        missing: None,
        copy: None,
    })
}

/// An address that gives a file of a message to the browser that asked for it: to be saved, or to be
/// shown if browsers show its kind. `None` if we do not have it.
///
/// # Errors
/// The bucket.
pub async fn address(
    bucket: &dyn Bucket,
    file: &File,
    is_shown: bool,
) -> Result<Option<String>, StoreError> {
    let Some(object) = file.object() else {
        return Ok(None);
    };
    let name = match file.name.as_str() {
        "" => "file",
        name => name,
    };
    let how = disposition(is_shown && shows_in_a_browser(&file.mime), name);
    bucket.gives(object, &how).await.map(Some)
}
