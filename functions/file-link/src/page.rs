//! What a person sees who opens the address of a file that is not there.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use greenhub::domain::text::Lang;

const STYLE: &str = include_str!("../templates/page.css");

/// Nothing but the style above, named by its SHA-256, and the form that asks for the file.
const POLICY: &str = "default-src 'none'; style-src 'sha256-NTMAb6OpR4Hdn26Upq9evR73rFCA9Q+Tks4jxao7DDA='; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Why there is a page and no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Nobody knows the address, or it has ended.
    Unknown,
    /// It is being fetched.
    Waiting {
        /// The file's name.
        name: String,
    },
    /// It was given up, and can be asked for again.
    Gone {
        /// The file's name.
        name: String,
    },
    /// The tables or the bucket.
    OurFault,
}

/// The texts of one page.
struct Words {
    title: &'static str,
    text: &'static str,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Html5<'a> {
    lang: &'a str,
    style: &'a str,
    title: &'a str,
    name: &'a str,
    text: &'a str,
    again: Option<&'a str>,
    reloads: bool,
}

impl Page {
    fn status(&self) -> StatusCode {
        match self {
            Page::Unknown | Page::Gone { .. } => StatusCode::NOT_FOUND,
            Page::Waiting { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Page::OurFault => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self, lang: Lang) -> Words {
        let (title, text) = match (lang, self) {
            (Lang::En, Page::Unknown) => (
                "There is no such file",
                "The address is wrong, or the file is no longer kept.",
            ),
            (Lang::Ru, Page::Unknown) => (
                "Такого файла нет",
                "Адрес неверен, или файл больше не хранится.",
            ),
            (Lang::En, Page::Waiting { .. }) => (
                "The file is being fetched",
                "This page looks again by itself every few seconds.",
            ),
            (Lang::Ru, Page::Waiting { .. }) => (
                "Файл загружается",
                "Эта страница сама проверяет каждые несколько секунд.",
            ),
            (Lang::En, Page::Gone { .. }) => (
                "The file could not be loaded",
                "WhatsApp did not give it. It keeps files for a limited time, and the phone has to \
                 be online. If it was fetched, it will also appear in the conversation.",
            ),
            (Lang::Ru, Page::Gone { .. }) => (
                "Файл не удалось загрузить",
                "WhatsApp его не отдал. Файлы хранятся там ограниченное время, и телефон должен \
                 быть в сети. Загруженный файл появится и в переписке.",
            ),
            (Lang::En, Page::OurFault) => (
                "Something went wrong on our side",
                "Please try again in a minute.",
            ),
            (Lang::Ru, Page::OurFault) => (
                "Что-то пошло не так с нашей стороны",
                "Попробуйте ещё раз через минуту.",
            ),
        };
        Words { title, text }
    }

    /// The page, in one of our languages.
    pub(crate) fn response(&self, lang: Lang) -> Response {
        let words = self.words(lang);
        let (tag, again) = match lang {
            Lang::En => ("en", "Ask for it again"),
            Lang::Ru => ("ru", "Запросить ещё раз"),
        };
        let name = match self {
            Page::Waiting { name } | Page::Gone { name } => name,
            Page::Unknown | Page::OurFault => "",
        };
        let page = Html5 {
            lang: tag,
            style: STYLE,
            title: words.title,
            name,
            text: words.text,
            again: matches!(self, Page::Gone { .. }).then_some(again),
            reloads: matches!(self, Page::Waiting { .. }),
        };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CONTENT_LANGUAGE, tag),
            (header::VARY, "Accept-Language"),
        ];
        match page.render() {
            Ok(html) => (self.status(), headers, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "the page could not be written");
                (self.status(), words.title).into_response()
            }
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
