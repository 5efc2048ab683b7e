//! Where a list goes on, as those outside carry it: text that means nothing to them.
//!
//! It is not signed, because there is nothing to be gained by changing it: it holds places within
//! partitions that its reader chooses, and whatever else it says is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest that is read, in bytes: a person has a handful of merged conversations.
const LONGEST: usize = 2_048;

/// The text is no cursor of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in this list")]
pub struct BadCursor;

/// A place in one kind of list.
pub trait Place: Serialize + DeserializeOwned {
    /// Which kind; another kind's places are refused.
    const KIND: char;

    /// Whether it can be one.
    fn is_sound(&self) -> bool;
}

/// The place as text of letters, digits, `-` and `_`.
pub fn text<P: Place>(place: &P) -> String {
    // A place is a few ids and numbers, which JSON always takes.
    let json = serde_json::to_string(place).unwrap_or_default();
    format!("{}{}", P::KIND, URL_SAFE_NO_PAD.encode(json))
}

/// The place that a text is.
///
/// # Errors
/// [`BadCursor`].
pub fn place<P: Place>(text: &str) -> Result<P, BadCursor> {
    if text.len() > LONGEST {
        return Err(BadCursor);
    }
    let rest = text.strip_prefix(P::KIND).ok_or(BadCursor)?;
    let json = URL_SAFE_NO_PAD.decode(rest).map_err(|_| BadCursor)?;
    let place: P = serde_json::from_slice(&json).map_err(|_| BadCursor)?;
    place.is_sound().then_some(place).ok_or(BadCursor)
}

/// Whether a text can be an id of ours.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
