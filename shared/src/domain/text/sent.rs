//! What a workflow sent, as the conversation in the CRM shows it: as the customer reads it, and
//! with what is behind the buttons.

use std::fmt::Write as _;

use super::{Lang, Words, cut};
use crate::domain::content::{Content, Menu, MenuAction};

/// The text of a message that a workflow sent. Never empty.
pub fn sent_text(content: &Content, lang: Lang) -> String {
    let words = lang.words();
    let text = match content {
        Content::Text { text } => text.clone(),
        Content::Files { caption, .. } if !caption.is_empty() => caption.clone(),
        Content::Files { files, .. } => {
            let names = files.iter().map(|file| (words.file)(&file.name));
            names.collect::<Vec<_>>().join("\n")
        }
        Content::Menu(menu) => buttons_text(menu, words),
        // A workflow sends nothing else.
        _ => String::new(),
    };
    if text.trim().is_empty() {
        return words.empty.to_owned();
    }
    cut(text, words)
}

fn buttons_text(menu: &Menu, words: &Words) -> String {
    let lines = [&menu.title, &menu.body, &menu.footer].map(String::as_str);
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let mut text = lines.join("\n");
    _ = write!(text, "\n\n{}:", (words.menu_items)(menu.menu));
    for item in &menu.items {
        _ = write!(text, "\n• {}", item.label);
        _ = match &item.action {
            MenuAction::Reply => Ok(()),
            MenuAction::Url(url) => write!(text, " ({url})"),
            MenuAction::Call(phone) => write!(text, " (📞 {phone})"),
            MenuAction::Copy(code) => write!(text, " (📋 {code})"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::content::{File, FileKind, MenuItem, MenuKind};

    fn file(caption: &str) -> Content {
        Content::Files {
            files: vec![File {
                kind: FileKind::Document,
                url: Some("https://f.example/x".to_owned()),
                name: "offer.pdf".to_owned(),
                mime: String::new(),
                missing: None,
                copy: None,
            }],
            caption: caption.to_owned(),
        }
    }

    fn menu(menu: MenuKind, items: &[(&str, MenuAction)]) -> Content {
        Content::Menu(Menu {
            menu,
            title: "Top".to_owned(),
            body: "Middle".to_owned(),
            footer: "Bottom".to_owned(),
            opener: String::new(),
            items: items
                .iter()
                .map(|(label, action)| MenuItem {
                    section: String::new(),
                    label: (*label).to_owned(),
                    description: String::new(),
                    action: action.clone(),
                })
                .collect(),
        })
    }

    #[test]
    fn a_workflows_message_reads_as_the_customer_reads_it() {
        // AC 87, AC 88, AC 89, AC 90
        let check = |content: &Content, lang: Lang, expect: &str| {
            assert_eq!(sent_text(content, lang), expect, "{content:?}");
        };
        let text = |text: &str| Content::Text { text: text.into() };
        check(&text("hi"), Lang::En, "hi");
        check(&text(""), Lang::En, "(empty message)");
        check(&file("our offer"), Lang::En, "our offer");
        check(&file(""), Lang::En, "[File: offer.pdf]");
        check(&file(""), Lang::Ru, "[Файл: offer.pdf]");
        let buttons = menu(
            MenuKind::Interactive,
            &[
                ("Site", MenuAction::Url("https://a.example".to_owned())),
                ("Call", MenuAction::Call("79001234567".to_owned())),
                ("Code", MenuAction::Copy("SALE".to_owned())),
            ],
        );
        check(
            &buttons,
            Lang::En,
            "Top\nMiddle\nBottom\n\nButtons:\n• Site (https://a.example)\n• Call (📞 79001234567)\n• Code (📋 SALE)",
        );
        let replies = [("Yes", MenuAction::Reply), ("No", MenuAction::Reply)];
        let mut replies = menu(MenuKind::InteractiveReply, &replies);
        check(
            &replies,
            Lang::En,
            "Top\nMiddle\nBottom\n\nReply options:\n• Yes\n• No",
        );
        if let Content::Menu(menu) = &mut replies {
            menu.title.clear();
            menu.footer.clear();
        }
        check(
            &replies,
            Lang::Ru,
            "Middle\n\nВарианты ответа:\n• Yes\n• No",
        );
    }
}
