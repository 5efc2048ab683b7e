//! Reading what is nearly JSON.
//!
//! The parser refuses a whole body for half a surrogate pair (a text that was cut in an emoji), for
//! a number that no type holds, and for depth that might cost the stack. A webhook that is refused
//! costs a message, or a number's messages for a day. So each of these, and what is no UTF-8, is
//! replaced and costs nothing but its own place.

use std::iter;

use serde_json::Value;

/// The text is no JSON, even after repairing what can be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not JSON")]
pub struct NotJson;

/// How deep values may lie within each other; the parser's own limit is 128.
const MOST_DEPTH: usize = 100;

/// Reads a document, a repaired one where it cannot be read as it stands.
///
/// # Errors
/// [`NotJson`].
pub fn parse(json: &[u8]) -> Result<Value, NotJson> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    serde_json::from_slice(json).or_else(|_| {
        let repaired = repaired(&String::from_utf8_lossy(json));
        serde_json::from_str(&repaired).map_err(|_| NotJson)
    })
}

/// The same document without what the parser would refuse it for.
fn repaired(json: &str) -> String {
    without_excess(&without_lone_surrogates(json))
}

/// Replaces escapes of half a surrogate pair.
fn without_lone_surrogates(json: &str) -> String {
    let unit = |at: usize| -> Option<u16> {
        let escape = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(offset) = json[at..].find('\\') {
        let escape = at + offset;
        out.push_str(&json[at..escape]);
        let (text, length) = match unit(escape) {
            Some(0xD800..=0xDBFF) => match unit(escape + 6) {
                Some(0xDC00..=0xDFFF) => (&json[escape..escape + 12], 12),
                _ => ("\\ufffd", 6),
            },
            Some(0xDC00..=0xDFFF) => ("\\ufffd", 6),
            _ => {
                let length = 1 + json[escape + 1..].chars().next().map_or(0, char::len_utf8);
                (&json[escape..escape + length], length)
            }
        };
        out.push_str(text);
        at = escape + length;
    }
    out.push_str(&json[at..]);
    out
}

/// Replaces values that lie too deep, and numbers beyond the range of any type, by `null`.
fn without_excess(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(token) = token(&json[at..]) {
        at += token.len();
        match token.as_bytes()[0] {
            b'{' | b'[' => {
                depth += 1;
                match depth {
                    ..=MOST_DEPTH => out.push_str(token),
                    _ if depth == MOST_DEPTH + 1 => out.push_str("null"),
                    _ => {}
                }
            }
            b'}' | b']' => {
                if depth <= MOST_DEPTH {
                    out.push_str(token);
                }
                depth = depth.saturating_sub(1);
            }
            _ if depth > MOST_DEPTH => {}
            b'-' | b'0'..=b'9' if is_beyond_range(token) => out.push_str("null"),
            _ => out.push_str(token),
        }
    }
    out
}

fn is_beyond_range(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The next piece that belongs together: a text, a number, or a single character.
fn token(rest: &str) -> Option<&str> {
    let bytes = rest.as_bytes();
    let length = match *bytes.first()? {
        b'"' => {
            let mut is_escaped = false;
            let end = bytes[1..].iter().position(|&byte| {
                let is_end = byte == b'"' && !is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
                is_end
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        b'-' | b'0'..=b'9' => {
            let is_of_number =
                |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
            iter::zip(1.., &bytes[1..])
                .find(|(_, byte)| !is_of_number(byte))
                .map_or(rest.len(), |(at, _)| at)
        }
        _ => rest.chars().next()?.len_utf8(),
    };
    rest.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_much_is_replaced() {
        let check = |json: &str, expect: &str| assert_eq!(repaired(json), expect, "{json}");
        check("", "");
        check(
            r#"{"a": [1, -2.5e3, "x"], "é": null} "#,
            r#"{"a": [1, -2.5e3, "x"], "é": null} "#,
        );
        check("[1e308, 1e309, -1e999]", "[1e308, null, null]");
        check(&format!("[{}]", "9".repeat(400)), "[null]");
        check(r#"["1e999", "]\"[", "\\"]"#, r#"["1e999", "]\"[", "\\"]"#);
        check(r#"["A\ud83dZ"]"#, r#"["A\ufffdZ"]"#);
        check(r#"["open"#, r#"["open"#);
        let deep = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth))
        };
        check(&deep(100, "7"), &deep(100, "7"));
        check(&deep(101, "7"), &deep(100, "null"));
        check(&deep(5000, r#""]]]""#), &deep(100, "null"));
        let beside = format!(r#"{{"a":{},"b":[2]}}"#, deep(200, "{}"));
        let beside: Value = serde_json::from_str(&repaired(&beside)).unwrap();
        assert_eq!(beside["b"][0], 2);
    }

    #[test]
    fn half_an_emoji_costs_one_character() {
        let check = |json: &str, expect: &str| {
            assert_eq!(parse(json.as_bytes()), Ok(expect.into()), "{json}");
        };
        check(r#""a\ud83d""#, "a\u{fffd}");
        check(r#""\udc4d!""#, "\u{fffd}!");
        check(r#""\ud83d\ud83d\udc4d""#, "\u{fffd}👍");
        check(r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}");
        check(r#""\ud83d\n👍""#, "\u{fffd}\n👍");
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for json in ["{", "]", "[1e999", "nonsense", &"[".repeat(100_000)] {
            assert_eq!(parse(json.as_bytes()), Err(NotJson));
        }
    }
}
