//! GoHighLevel's ids, which come from outside and end in keys and in paths.

/// Whether `text` can be one of GoHighLevel's ids: letters, digits, `-` and `_`, at most 64 of
/// them. Real ones have 17 to 36.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_ids() {
        let check = |text: &str, expect: bool| assert_eq!(is_id(text), expect, "{text:?}");
        check("Lo3nPw8sDf6KjRt1BvXc", true);
        check("5b1c0e51-7a41-4f0e-9d55-0c2a6e1f3b91", true);
        check("a_b", true);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
        check("", false);
        check(".", false);
        check("../contacts", false);
        check("a#b", false);
        check("a b", false);
        check("é", false);
    }
}
