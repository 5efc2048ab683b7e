//! Telegram's HTML (Telegram contract, errors to handle): what people see, where it is marked, and
//! what is refused.

use serde_json::{Value, json};

use super::Refused;

/// A text as it is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// With offsets and lengths in UTF-16 units.
    pub(super) entities: Vec<Value>,
}

/// How long a text is, as Telegram counts.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Reads a text by its `parse_mode`; the other modes than HTML are refused here.
pub(super) fn read(text: &str, mode: Option<&str>) -> Result<Shown, Refused> {
    match mode {
        None | Some("") => Ok(Shown {
            text: text.to_owned(),
            entities: Vec::new(),
        }),
        Some(mode) if mode.eq_ignore_ascii_case("html") => html(text),
        Some(_) => Err(Refused::bad("unsupported parse_mode")),
    }
}

fn kind_of(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "code" => "code",
        "pre" => "pre",
        "a" => "text_link",
        "blockquote" => "blockquote",
        "tg-spoiler" => "spoiler",
        _ => return None,
    })
}

fn html(html: &str) -> Result<Shown, Refused> {
    let fail = |what: String| Refused::bad(format!("can't parse entities: {what}"));
    let mut shown = Shown::default();
    let mut open: Vec<(String, usize, Option<String>)> = Vec::new();
    let mut at = 0;
    while let Some(c) = html[at..].chars().next() {
        if c == '<' {
            let Some(end) = html[at..].find('>') else {
                return Err(fail(format!("Unclosed start tag at byte offset {at}")));
            };
            let inside = &html[at + 1..at + end];
            if let Some(tag) = inside.strip_prefix('/') {
                let Some((begun, from, link)) = open.pop() else {
                    return Err(fail(format!("Unexpected end tag at byte offset {at}")));
                };
                if begun != tag.trim().to_lowercase() {
                    return Err(fail(format!(
                        "Unmatched end tag at byte offset {at}, expected \"</{begun}>\", found \"</{tag}>\""
                    )));
                }
                let length = units(&shown.text) - from;
                if length > 0 {
                    let kind = kind_of(&begun).unwrap_or_default();
                    let mut entity = json!({ "type": kind, "offset": from, "length": length });
                    if let Some(link) = link {
                        entity["url"] = link.into();
                    }
                    shown.entities.push(entity);
                }
            } else {
                let mut words = inside.split_whitespace();
                let tag = words.next().unwrap_or_default().to_lowercase();
                if kind_of(&tag).is_none() {
                    return Err(fail(format!(
                        "Unsupported start tag \"{tag}\" at byte offset {at}"
                    )));
                }
                let link = inside
                    .split_once("href=\"")
                    .and_then(|(_, rest)| rest.split_once('"'))
                    .map(|(link, _)| link.to_owned());
                open.push((tag, units(&shown.text), link));
            }
            at += end + 1;
        } else if c == '&' {
            let (sign, length) = entity(&html[at..]).unwrap_or(('&', 1));
            shown.text.push(sign);
            at += length;
        } else {
            shown.text.push(c);
            at += c.len_utf8();
        }
    }
    if let Some((tag, ..)) = open.pop() {
        return Err(fail(format!(
            "Can't find end tag corresponding to start tag \"{tag}\""
        )));
    }
    Ok(shown)
}

/// The sign that an entity stands for, and how long it is.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.find(';').filter(|end| *end <= 10)?;
    let sign = match &text[1..end] {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((sign, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_or_refused() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let shown = read(text, Some("HTML"));
            match (&shown, expect) {
                (Ok(shown), Ok(expect)) => assert_eq!(shown.text, expect),
                (Err(refused), Err(words)) => {
                    assert!(refused.description.contains(words), "{refused:?}");
                }
                _ => panic!("{text}: {shown:?}"),
            }
        };
        check("<b>a</b> &lt;b&gt; &amp; &quot; &#65;", Ok("a <b> & \" A"));
        check("a & b; c", Ok("a & b; c"));
        check("<x>", Err("Unsupported start tag \"x\" at byte offset 0"));
        check("1 < 2", Err("Unclosed start tag at byte offset 2"));
        check("<b>a", Err("Can't find end tag"));
        check("a</b>", Err("Unexpected end tag at byte offset 1"));
        check("<b><i>a</b></i>", Err("Unmatched end tag"));
    }

    #[test]
    fn marks_are_counted_in_utf_16() {
        let shown = read("🎉<b>é</b>", Some("HTML")).unwrap();
        assert_eq!(
            shown.entities,
            [json!({ "type": "bold", "offset": 2, "length": 1 })]
        );
    }
}
