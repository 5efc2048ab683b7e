//! Our ids in addresses.

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use greenhub::http::Problem;
use greenhub::http::problems::bad;
use serde::Deserialize;

/// An id of ours, `{id}` in the address: 32 lower-case hexadecimal digits. Whose it is, is to be
/// looked up.
pub(crate) struct InPath(pub(crate) String);

/// There may be more in the address.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<Named>, _> = parts.extract().await;
        let id = named.map(|Path(named)| named.id).unwrap_or_default();
        let is_ours = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match is_ours {
            true => Ok(InPath(id)),
            false => Err(bad("bad_id", "This is not an id of ours")),
        }
    }
}
