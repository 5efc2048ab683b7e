//! `Content-Disposition`: under which name a file is saved, and whether a browser may show it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what is unreserved in addresses, which `attr-char` of RFC 8187 allows as well.
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The header's value: the name in ASCII for those who know no better, and as it is (RFC 6266).
pub fn disposition(is_inline: bool, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' | ';' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let how = if is_inline { "inline" } else { "attachment" };
    let whole = utf8_percent_encode(name, UNRESERVED);
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place() {
        let check = |inline: bool, name: &str, expect: &str| {
            assert_eq!(disposition(inline, name), expect);
        };
        check(
            true,
            "cat.png",
            "inline; filename=\"cat.png\"; filename*=UTF-8''cat.png",
        );
        check(
            false,
            "счёт №1.pdf",
            "attachment; filename=\"____ _1.pdf\"; filename*=UTF-8''%D1%81%D1%87%D1%91%D1%82%20%E2%84%961.pdf",
        );
        check(
            false,
            "a\";b\\%0d.html",
            "attachment; filename=\"a__b__0d.html\"; filename*=UTF-8''a%22%3Bb%5C%250d.html",
        );
    }
}
