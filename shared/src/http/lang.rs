//! The language of a page that is written here.

use axum::http::{HeaderMap, header};

use crate::domain::text::Lang;

/// The language that the browser likes best among ours; English if it likes none of them.
pub fn lang(headers: &HeaderMap) -> Lang {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut best = (Lang::En, 0);
    for range in accepted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        let primary = tag.split('-').next().unwrap_or_default();
        let known = match primary.to_ascii_lowercase().as_str() {
            "en" => Lang::En,
            "ru" => Lang::Ru,
            _ => continue,
        };
        // Thousandths, as precise as the header is.
        let quality = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
        if quality > best.1 {
            best = (known, quality);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_language_is_taken() {
        let check = |accepted: &str, expect: Lang| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(lang(&headers), expect, "{accepted}");
        };
        check("ru", Lang::Ru);
        check("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", Lang::Ru);
        check("en-GB,en;q=0.9,ru;q=0.8", Lang::En);
        check("en;q=0.1, RU;q=0.2", Lang::Ru);
        check("de, ru;q=0.5", Lang::Ru);
        check("de", Lang::En);
        check("ru;q=0", Lang::En);
        check("ru;q=x", Lang::En);
        check("", Lang::En);
        assert_eq!(lang(&HeaderMap::new()), Lang::En);
    }
}
