//! What conversations are found by: the words of their names and the digits of their phones. And
//! the words by which people ask not to be written to.

use std::collections::BTreeSet;

/// How many words of a name are looked up.
const WORDS: usize = 8;

/// How many characters of a word.
const CHARS: usize = 24;

/// The endings of a phone that people search by: with the area's code, without it, and the last ones.
const ENDINGS: [usize; 3] = [10, 7, 4];

/// By what a conversation is found.
pub fn words_of(title: Option<&str>, phone: Option<&str>) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = title.into_iter().flat_map(split).take(WORDS).collect();
    let digits: String = phone
        .into_iter()
        .flat_map(str::chars)
        .filter(char::is_ascii_digit)
        .take(CHARS)
        .collect();
    if !digits.is_empty() {
        let endings = ENDINGS.iter().filter(|n| **n < digits.len());
        words.extend(endings.map(|n| digits[digits.len() - n..].to_owned()));
        words.insert(digits);
    }
    words
}

/// What is looked for: beginnings of words, all of which have to fit. A phone may be written with
/// blanks, brackets and dashes.
pub fn asked(query: &str) -> Vec<String> {
    let digits: String = query.chars().filter(char::is_ascii_digit).collect();
    let is_phone = digits.len() >= 3
        && query
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | ' '));
    if is_phone {
        return vec![digits.chars().take(CHARS).collect()];
    }
    split(query).take(WORDS).collect()
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .take(CHARS)
                .collect()
        })
}

/// The words by which people ask not to be written to, unless a workspace has its own.
pub const OPT_OUT: [&str; 5] = ["stop", "unsubscribe", "стоп", "отписаться", "отпишите"];

/// How long a message can be that is nothing but such a word, in characters.
const OPT_OUT_CHARS: usize = 40;

/// Whether a text can be one of those words: then it is worth a look at which there are.
pub fn may_opt_out(text: &str) -> bool {
    let n_chars = text.chars().take(OPT_OUT_CHARS + 1).count();
    (2..=OPT_OUT_CHARS).contains(&n_chars) && text.split_whitespace().count() <= 3
}

/// The word of `words` that the text is, however it is written.
pub fn opt_out_word<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| split(text).collect::<Vec<_>>().join(" ");
    let said = plain(text);
    words
        .into_iter()
        .find(|word| !said.is_empty() && plain(word) == said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_found_by_words_and_by_endings_of_its_phone() {
        let check = |title: &str, phone: &str, expect: &[&str]| {
            let words = words_of(
                Some(title).filter(|it| !it.is_empty()),
                Some(phone).filter(|it| !it.is_empty()),
            );
            assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), expect);
        };
        check("", "", &[]);
        check(
            "Анна-Мария K.",
            "+79001234567",
            &[
                "1234567",
                "4567",
                "79001234567",
                "9001234567",
                "k",
                "анна",
                "мария",
            ],
        );
        check("", "+4930", &["4930"]);
        check("🙂 #~", "", &[]);
    }

    #[test]
    fn a_phone_is_looked_for_by_its_digits_alone() {
        let check = |query: &str, expect: &[&str]| assert_eq!(asked(query), expect, "{query}");
        check("+7 (900) 123-45", &["790012345"]);
        check("Анна k", &["анна", "k"]);
        check("7", &["7"]);
        check("room 101", &["room", "101"]);
        check("", &[]);
        check("~#\u{0}", &[]);
    }

    #[test]
    fn only_the_word_itself_opts_out() {
        let check = |text: &str, expect: Option<&str>| {
            let word = may_opt_out(text)
                .then(|| opt_out_word(text, OPT_OUT))
                .flatten();
            assert_eq!(word, expect, "{text}");
        };
        check("STOP", Some("stop"));
        check(" Стоп! ", Some("стоп"));
        check("please stop", None);
        check("stop at the corner of the street, please", None);
        check("!!", None);
    }
}
