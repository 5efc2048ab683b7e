//! What the person who installed the app sees.

use askama::Template;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use greenhub::domain::text::Lang;

use crate::words::{self, Words};

pub(crate) const STYLE: &str = include_str!("../templates/page.css");

/// Nothing but the style above, named by its SHA-256; no script, no frame, no form.
const POLICY: &str = "default-src 'none'; style-src 'sha256-EoHGIpi+sUUmiCmviqCfovQt/ZE9ufWTSMM8l7hf9c8='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How an installation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Installed {
        /// The location's name.
        name: Option<String>,
    },
    /// The address has no code: somebody opened it by hand, or consent was refused.
    NoCode,
    /// GoHighLevel refused the code.
    Refused {
        /// The error's name, as GoHighLevel's documents have it, and what it said.
        reason: String,
    },
    /// GoHighLevel did not say which location it is.
    NoLocation,
    /// GoHighLevel did not say which agency it is.
    NoCompany,
    /// GoHighLevel did not answer, or not in a way that can be read.
    ProviderDown,
    /// Our own secrets or tables.
    OurFault,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    lang: &'a str,
    style: &'a str,
    tone: &'a str,
    title: &'a str,
    about: Option<&'a str>,
    text: &'a str,
    detail: Option<&'a str>,
}

impl Outcome {
    fn status(&self) -> StatusCode {
        match self {
            Outcome::Installed { .. } => StatusCode::OK,
            Outcome::NoCode
            | Outcome::Refused { .. }
            | Outcome::NoLocation
            | Outcome::NoCompany => StatusCode::BAD_REQUEST,
            Outcome::ProviderDown => StatusCode::BAD_GATEWAY,
            Outcome::OurFault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self, lang: Lang) -> &'static Words {
        let words = words::of(lang);
        match self {
            Outcome::Installed { .. } => &words.installed,
            Outcome::NoCode => &words.no_code,
            Outcome::Refused { .. } => &words.refused,
            Outcome::NoLocation => &words.no_location,
            Outcome::NoCompany => &words.no_company,
            Outcome::ProviderDown => &words.provider_down,
            Outcome::OurFault => &words.our_fault,
        }
    }

    /// The page, in one of our languages.
    pub fn page(&self, lang: Lang) -> Response {
        let words = self.words(lang);
        let page = Page {
            lang: words::tag(lang),
            style: STYLE,
            tone: match self {
                Outcome::Installed { .. } => "good",
                _ => "bad",
            },
            title: words.title,
            about: match self {
                Outcome::Installed { name } => name.as_deref(),
                _ => None,
            },
            text: words.text,
            detail: match self {
                Outcome::Refused { reason } => Some(reason),
                _ => None,
            },
        };
        respond(&page, self.status(), words.title, lang)
    }
}

/// A page as an answer; its title alone if it cannot be written.
pub(crate) fn respond(
    page: &impl Template,
    status: StatusCode,
    title: &str,
    lang: Lang,
) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CONTENT_LANGUAGE, words::tag(lang)),
                (header::VARY, "Accept-Language, Cookie"),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the page could not be written");
            (status, title.to_owned()).into_response()
        }
    }
}

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
    use aws_lc_rs::digest;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_policy_names_the_style_that_is_there() {
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
        assert!(!STYLE.contains('<'));
    }

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
