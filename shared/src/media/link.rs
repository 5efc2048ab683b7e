//! The addresses under which others get files from us: `/f/{number}.{random}/{name}`.
//!
//! The random part finds the file. The number's own id beside it is what lets all addresses of a
//! number be taken back at once. The name is for people, and for programs that go by its ending.

use percent_encoding::utf8_percent_encode;
use url::Url;

use super::disposition::UNRESERVED;
use crate::domain::content::File;
use crate::domain::ids::{ChatId, NumberId};
use crate::domain::message::Message;

/// Longer ones are not ours.
const MAX_TOKEN: usize = 200;

/// Makes addresses.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

impl Links {
    /// Addresses at the product's own.
    pub fn new(public_base_url: &Url) -> Self {
        Links {
            base: public_base_url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// Where a conversation is read.
    pub fn chat(&self, chat: &ChatId) -> String {
        format!("{}/chats/{chat}", self.base)
    }

    /// The address of a file of a message, or of the page where it can be asked for again; `None`
    /// if it has neither.
    pub fn of(&self, message: &Message, file: &File) -> Option<String> {
        let link = file.link().or_else(|| file.upload_link())?;
        let name = match file.name.as_str() {
            "" => "file",
            name => name,
        };
        let name = utf8_percent_encode(name, UNRESERVED);
        Some(format!("{}/f/{}.{link}/{name}", self.base, message.number))
    }
}

/// The number and the random part of an address.
pub fn read_token(token: &str) -> Option<(NumberId, &str)> {
    let is_ours = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let (number, link) = token.split_once('.')?;
    let fits = token.len() <= MAX_TOKEN && is_ours(number) && is_ours(link);
    fits.then(|| (NumberId::new(number), link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_made_is_read() {
        let check = |token: &str, expect: Option<(&str, &str)>| {
            let found = read_token(token);
            let found = found.as_ref().map(|(n, link)| (n.as_str(), *link));
            assert_eq!(found, expect, "{token}");
        };
        check("0af1.9b", Some(("0af1", "9b")));
        check("0af1", None);
        check(".9b", None);
        check("0af1.", None);
        check("a#b.c", None);
        check("a.b.c", None);
        check("a/../b.c", None);
        check(&format!("{}.b", "a".repeat(300)), None);
    }
}
