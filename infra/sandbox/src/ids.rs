//! Identifiers in the shapes that the providers use.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The library's generator fails only when the system has no entropy source at all; an
    // all-zero id would then collide and show itself at once.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::error!("no random bytes");
    }
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// 20 upper-case hex digits: a GREEN-API message id.
pub(crate) fn message_id() -> String {
    hex(&random::<10>()).to_uppercase()
}

/// 50 lower-case hex digits: a GREEN-API instance token.
pub(crate) fn api_token() -> String {
    hex(&random::<25>())
}

/// 20 letters and digits: an id of GHL (location, contact, conversation, message, user).
pub(crate) fn ghl_id() -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    random::<20>()
        .iter()
        .map(|b| char::from(ALPHABET[usize::from(*b) % 62]))
        .collect()
}

/// A random (version 4) UUID.
pub(crate) fn uuid() -> String {
    let mut b = random::<16>();
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let h = hex(&b);
    format!(
        "{}-{}-{}-{}-{}",
        &h[..8],
        &h[8..12],
        &h[12..16],
        &h[16..20],
        &h[20..]
    )
}

/// Something that looks like GHL's signed tokens; only its uniqueness matters.
pub(crate) fn jwt() -> String {
    format!(
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{}.{}",
        URL_SAFE_NO_PAD.encode(random::<48>()),
        URL_SAFE_NO_PAD.encode(random::<64>())
    )
}
