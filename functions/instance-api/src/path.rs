//! Our ids in addresses.

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use greenhub::domain::ids::{IdInstance, NumberId};
use greenhub::http::Problem;
use serde::Deserialize;

use crate::problems::{bad, not_found};

/// The number that an address names by our id. GREEN-API's own ids are not found rather than
/// wrong: people take them for ours.
pub(crate) struct InPath(pub(crate) NumberId);

/// There may be more in the address.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Something that is not even text is no id either.
        let named: Result<Path<Named>, _> = parts.extract().await;
        let id = named.map(|Path(named)| named.id).unwrap_or_default();
        let is_ours = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_ours {
            return Ok(InPath(NumberId::new(id)));
        }
        if id.parse::<IdInstance>().is_ok() {
            return Err(not_found());
        }
        Err(bad("bad_id", "This is not the id of a number"))
    }
}
