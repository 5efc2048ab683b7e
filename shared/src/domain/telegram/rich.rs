//! Text with marks, cut where Telegram would not take more.
//!
//! Telegram counts UTF-16 units once it has read the marks. So texts are cut as what people see, and
//! each piece is written as HTML by itself: no mark and no `&amp;` is ever cut in two.

/// How a stretch of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As usual.
    Plain,
    /// Bold.
    Bold,
    /// As a machine writes; a touch copies it.
    Code,
}

/// Text with marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rich {
    spans: Vec<(Look, String)>,
}

impl Rich {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with more at its end.
    #[must_use]
    pub fn with(mut self, look: Look, text: impl Into<String>) -> Self {
        self.push(look, text);
        self
    }

    /// Adds to its end.
    pub fn push(&mut self, look: Look, text: impl Into<String>) {
        let text = text.into();
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some((last, so_far)) if *last == look => so_far.push_str(&text),
            _ => self.spans.push((look, text)),
        }
    }

    /// Adds another one to its end.
    pub fn append(&mut self, other: Rich) {
        for (look, text) in other.spans {
            self.push(look, text);
        }
    }

    /// What people see.
    pub fn text(&self) -> String {
        self.spans.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Whether there is nothing to see.
    pub fn is_blank(&self) -> bool {
        self.spans.iter().all(|(_, text)| text.trim().is_empty())
    }

    /// How long it is, as Telegram counts.
    pub fn units(&self) -> usize {
        self.spans.iter().map(|(_, text)| units(text)).sum()
    }

    /// As Telegram's HTML.
    pub fn html(&self) -> String {
        let mut html = String::new();
        for (look, text) in &self.spans {
            let tag = match look {
                Look::Plain => "",
                Look::Bold => "b",
                Look::Code => "code",
            };
            if !tag.is_empty() {
                html.push_str(&format!("<{tag}>"));
            }
            for c in text.chars() {
                match c {
                    '&' => html.push_str("&amp;"),
                    '<' => html.push_str("&lt;"),
                    '>' => html.push_str("&gt;"),
                    c => html.push(c),
                }
            }
            if !tag.is_empty() {
                html.push_str(&format!("</{tag}>"));
            }
        }
        html
    }

    /// Cut into pieces of at most `first` and then `rest` units, after a line or a word where
    /// that is not far. Later pieces without anything to see are left out.
    pub fn split(&self, first: usize, rest: usize) -> Vec<Rich> {
        let mut pieces = Vec::new();
        let mut left = self.clone();
        let mut most = first;
        while left.units() > most {
            let at = cut_at(&left.text(), most);
            let later = left.split_off(at);
            pieces.push(left);
            left = later;
            most = rest;
        }
        pieces.push(left);
        let mut is_first = true;
        pieces.retain(|piece| std::mem::take(&mut is_first) || !piece.is_blank());
        pieces
    }

    /// Takes what follows the first `at` bytes of its text.
    fn split_off(&mut self, at: usize) -> Rich {
        let mut left = at;
        for place in 0..self.spans.len() {
            let (look, text) = &mut self.spans[place];
            if left < text.len() {
                let later = text.split_off(left);
                let mut rest = Rich {
                    spans: vec![(*look, later)],
                };
                rest.spans.extend(self.spans.drain(place + 1..));
                self.spans.retain(|(_, text)| !text.is_empty());
                return rest;
            }
            left -= text.len();
        }
        Rich::new()
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Where to cut a text that is longer than `most` units: after the last line break or blank of its
/// second half, else after the last sign that fits. Never at its beginning.
fn cut_at(text: &str, most: usize) -> usize {
    let (mut n, mut fits) = (0, 0);
    for (at, c) in text.char_indices() {
        n += c.len_utf16();
        if n > most {
            break;
        }
        fits = at + c.len_utf8();
    }
    // One sign that is longer than what is allowed: nobody allows so little.
    if fits == 0 {
        return text.chars().next().map_or(0, char::len_utf8);
    }
    let half = text.floor_char_boundary(fits / 2);
    let near = &text[half..fits];
    let after = |pattern: fn(char) -> bool| {
        let at = near.rfind(pattern)?;
        let c = near[at..].chars().next()?;
        Some(half + at + c.len_utf8())
    };
    after(|c| c == '\n')
        .or_else(|| after(char::is_whitespace))
        .unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // AC 124
    #[test]
    fn exactly_these_signs_are_seen() {
        let check = |text: &str, expect: &str| {
            let rich = Rich::new().with(Look::Bold, "X:").with(Look::Plain, text);
            assert_eq!(rich.html(), format!("<b>X:</b>{expect}"));
        };
        check("a_b*[c", "a_b*[c");
        check("<b>&", "&lt;b&gt;&amp;");
        check("&lt;", "&amp;lt;");
        check("\"'`\\", "\"'`\\");
    }

    // AC 125
    #[test]
    fn a_cut_is_after_a_line_or_a_word_where_one_is_near() {
        let check = |text: &str, most: usize, expect: &[&str]| {
            let pieces = Rich::new().with(Look::Plain, text).split(most, most);
            let pieces: Vec<String> = pieces.iter().map(Rich::text).collect();
            assert_eq!(pieces, expect, "{text}");
        };
        check("abcd", 4, &["abcd"]);
        check("abcde", 4, &["abcd", "e"]);
        check("abc de", 4, &["abc ", "de"]);
        check("abc\nd ef", 6, &["abc\n", "d ef"]);
        check("a bcdefgh", 8, &["a bcdefg", "h"]);
        // Two units each, and never half of one.
        check("🎉🎉🎉", 3, &["🎉", "🎉", "🎉"]);
        check("ab      cd", 4, &["ab  ", "cd"]);
    }

    fn look() -> impl Strategy<Value = Look> {
        prop::sample::select(vec![Look::Plain, Look::Bold, Look::Code])
    }

    /// What a reader of Telegram's HTML sees; fails where it is not well formed.
    fn read(html: &str) -> String {
        let (mut seen, mut open, mut rest) = (String::new(), None, html);
        while let Some(c) = rest.chars().next() {
            if c == '<' {
                let end = rest.find('>').unwrap();
                let tag = &rest[1..end];
                match tag.strip_prefix('/') {
                    Some(tag) => assert_eq!(open.take(), Some(tag)),
                    None => assert!(open.replace(tag).is_none() && ["b", "code"].contains(&tag)),
                }
                rest = &rest[end + 1..];
            } else if c == '&' {
                let end = rest.find(';').unwrap();
                seen.push(match &rest[..end] {
                    "&amp" => '&',
                    "&lt" => '<',
                    "&gt" => '>',
                    other => panic!("{other}"),
                });
                rest = &rest[end + 1..];
            } else {
                assert_ne!(c, '>');
                seen.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        assert_eq!(open, None);
        seen
    }

    proptest! {
        // AC 124, 125
        #[test]
        fn no_sign_is_lost_and_no_mark_is_broken(
            spans in prop::collection::vec((look(), "([a-z<>&;/ \n]|🎉|é|\\PC){0,60}"), 0..8),
            first in 2_usize..40,
            rest in 2_usize..80,
        ) {
            let mut rich = Rich::new();
            for (look, text) in &spans {
                rich.push(*look, text.clone());
            }
            prop_assert_eq!(read(&rich.html()), rich.text());
            let pieces = rich.split(first, rest);
            let mut seen = String::new();
            for (place, piece) in pieces.iter().enumerate() {
                let most = if place == 0 { first } else { rest };
                prop_assert!(piece.units() <= most);
                let text = read(&piece.html());
                prop_assert_eq!(&text, &piece.text());
                prop_assert!(place == 0 || !piece.is_blank());
                seen.push_str(&text);
            }
            let visible = |text: &str| -> String {
                text.chars().filter(|c| !c.is_whitespace()).collect()
            };
            prop_assert_eq!(visible(&seen), visible(&rich.text()));
        }

        // AC 125
        #[test]
        fn where_nothing_is_blank_every_sign_stays(text in "[a-z<&\n ]{1,300}", most in 2_usize..50) {
            let words = text.replace([' ', '\n'], "x ");
            let pieces = Rich::new().with(Look::Plain, words.clone()).split(most, most);
            let all: String = pieces.iter().map(Rich::text).collect();
            prop_assert_eq!(all.trim_end(), words.trim_end());
        }
    }
}
