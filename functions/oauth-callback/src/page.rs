//! What the person who installed the app sees.

use askama::Template;
use axum::http::{StatusCode, header};
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
}
