use super::*;
use crate::domain::copy::FileCopy;

fn alias(id: &str) -> Alias {
    Alias::parse(id).expect("an id")
}

fn said(content: &Content, direction: Direction, lang: Lang) -> String {
    let (chat, author) = (alias("79001234567@c.us"), Author::default());
    let phone = None;
    crm_text(
        TextInput {
            content,
            quoted: None,
            direction,
            chat: &chat,
            author: &author,
            phone,
            again_at: None,
        },
        lang,
    )
}

fn text(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
    }
}

#[test]
fn russian_counts_votes() {
    let check = |n: u32, expect: &str| {
        let votes = vec![("Да".to_owned(), n)];
        let content = Content::PollVotes {
            name: "Q".to_owned(),
            votes,
            target: None,
        };
        let expect = format!("Опрос «Q» обновлён.\nГолоса:\n- Да: {expect}");
        assert_eq!(said(&content, Direction::In, Lang::Ru), expect);
    };
    check(0, "0 голосов");
    check(1, "1 голос");
    check(2, "2 голоса");
    check(5, "5 голосов");
    check(11, "11 голосов");
    check(21, "21 голос");
    check(112, "112 голосов");
}

#[test]
fn nothing_is_empty() {
    for lang in [Lang::En, Lang::Ru] {
        for direction in [Direction::In, Direction::Out] {
            for content in [
                text(""),
                text(" \n"),
                Content::Files {
                    files: vec![],
                    caption: String::new(),
                },
                Content::Contacts { cards: vec![] },
                Content::Unknown {
                    type_name: String::new(),
                },
                Content::Lost {
                    why: Lost::NotSynced,
                },
                Content::Lost {
                    why: Lost::Undecryptable,
                },
                Content::Reaction {
                    emoji: None,
                    target: None,
                },
            ] {
                assert!(
                    !said(&content, direction, lang).trim().is_empty(),
                    "{content:?}"
                );
            }
        }
    }
}

// AC 50, 51
#[test]
fn a_file_that_is_late_or_lost_is_told_of() {
    let file = |missing, is_waiting: bool| File {
        kind: FileKind::Image,
        url: None,
        name: "a.png".to_owned(),
        mime: String::new(),
        missing,
        copy: is_waiting.then(|| FileCopy::wanted(String::new(), 0)),
    };
    let files = |file: &File, caption: &str| Content::Files {
        files: vec![file.clone()],
        caption: caption.to_owned(),
    };
    let (there, waiting) = (file(None, false), file(None, true));
    let lost = file(Some(FileMissing::NoLink), false);
    let at = "https://hub.example/f/n.x/a.png";
    let check = |lang, text: String, expect: &str| assert_eq!(text, expect, "{lang:?}");
    for (lang, follows, late, again) in [
        (
            Lang::En,
            "⏳ The file follows as soon as it is loaded.",
            "📎 The file of an earlier message: a.png",
            "It can be asked for once more here: https://hub.example/f/n.x/a.png",
        ),
        (
            Lang::Ru,
            "⏳ Файл придёт, как только загрузится.",
            "📎 Файл из более раннего сообщения: a.png",
            "Запросить его ещё раз можно здесь: https://hub.example/f/n.x/a.png",
        ),
    ] {
        let said = |file: &File, caption: &str| said(&files(file, caption), Direction::In, lang);
        check(lang, said(&there, "c"), "c");
        check(lang, said(&waiting, "c"), &format!("c\n{follows}"));
        assert!(said(&waiting, "").ends_with(follows));
        check(lang, late_files(&[&there], None, lang), late);
        let told = late_files(&[&lost], Some(at), lang);
        assert!(told.starts_with("⚠️ ") && told.ends_with(again), "{told}");
    }
}

#[test]
fn what_is_lost_asks_for_it_again() {
    let check = |content: Content, expect: &str| {
        let text = said(&content, Direction::In, Lang::En);
        assert!(text.contains(expect), "{text}");
        assert!(!text.to_lowercase().contains("unsupported"), "{text}");
    };
    let file = |missing| Content::Files {
        files: vec![File {
            kind: FileKind::Document,
            url: None,
            name: "a.pdf".to_owned(),
            mime: String::new(),
            missing: Some(missing),
            copy: None,
        }],
        caption: "the offer".to_owned(),
    };
    check(
        Content::Lost {
            why: Lost::NotSynced,
        },
        "ask the customer to send it again",
    );
    check(
        Content::Lost {
            why: Lost::Undecryptable,
        },
        "ask the customer to send it again",
    );
    check(
        file(FileMissing::TooLarge),
        "the offer\n⚠️ The file “a.pdf” is larger than 100 MB",
    );
    check(
        file(FileMissing::NoLink),
        "the offer\n⚠️ The file “a.pdf” could not be loaded",
    );
    check(
        Content::Unknown {
            type_name: "hologram".to_owned(),
        },
        "(type: hologram)",
    );
}

#[test]
fn who_did_it() {
    let content = Content::Deleted {
        target: Some("S1".to_owned()),
    };
    let check = |direction, lang, expect: &str| assert_eq!(said(&content, direction, lang), expect);
    check(
        Direction::In,
        Lang::En,
        "🗑️ User deleted a message (ID: S1)",
    );
    check(Direction::Out, Lang::En, "🗑️ We deleted a message (ID: S1)");
    check(Direction::In, Lang::Ru, "🗑️ Сообщение удалено (ID: S1)");
    let call = |direction, phone: Option<&str>| {
        let content = Content::Call {
            event: CallEvent::Offer,
            video: true,
        };
        let (chat, author) = (alias("1234@lid"), Author::default());
        let input = TextInput {
            content: &content,
            quoted: None,
            direction,
            chat: &chat,
            author: &author,
            phone,
            again_at: None,
        };
        crm_text(input, Lang::En)
    };
    assert_eq!(
        call(Direction::In, None),
        "📞 Incoming call from 1234 (video)"
    );
    assert_eq!(
        call(Direction::Out, Some("+79001234567")),
        "📞 Outgoing call to 79001234567 (video)"
    );
}

#[test]
fn quotes_are_short_and_reactions_use_them() {
    let long = format!("{}\nend", "слово ".repeat(40));
    let quoted = Quoted {
        remote_id: Some("Q1".to_owned()),
        author: None,
        excerpt: QuotedExcerpt::Text(long),
    };
    let check = |content: &Content, chat: &str, direction, lang, from: &str, to: &str| {
        let (chat, author) = (alias(chat), Author::default());
        let input = TextInput {
            content,
            quoted: Some(&quoted),
            direction,
            chat: &chat,
            author: &author,
            phone: None,
            again_at: None,
        };
        let text = crm_text(input, lang);
        assert!(text.starts_with(from) && text.ends_with(to), "{text}");
        assert!(text.chars().count() < EXCERPT_CHARS + 60, "{text}");
    };
    let reaction = Content::Reaction {
        emoji: Some("👍".to_owned()),
        target: Some("Q1".to_owned()),
    };
    let (inward, out) = (Direction::In, Direction::Out);
    check(
        &text("yes"),
        "1@c.us",
        inward,
        Lang::En,
        "↩️ In reply to: “слово слово",
        "…”\n\nyes",
    );
    check(
        &reaction,
        "1@c.us",
        inward,
        Lang::En,
        "Reacted 👍 to: “слово",
        "…”",
    );
    check(
        &reaction,
        "1@c.us",
        inward,
        Lang::Ru,
        "Реакция 👍 на: “слово",
        "…”",
    );
    check(
        &text("yes"),
        "1@g.us",
        inward,
        Lang::Ru,
        "Неизвестный:\n\n ↩️ В ответ на: “слово",
        "…”\n\nyes",
    );
    // What we wrote ourselves needs no name in front.
    check(
        &text("yes"),
        "1@g.us",
        out,
        Lang::En,
        "↩️ In reply to: “",
        "yes",
    );
}

#[test]
fn only_what_is_huge_is_cut() {
    let just = "я".repeat(MAX_CHARS);
    assert_eq!(said(&text(&just), Direction::In, Lang::En), just);
    let cut = said(&text(&format!("{just}я")), Direction::In, Lang::En);
    assert_eq!(cut.chars().count(), MAX_CHARS);
    assert!(cut.ends_with("я… (cut, the rest is on the phone)"));
}

#[test]
fn names_of_new_contacts() {
    let check = |chat: &str, chat_name: Option<&str>, author: Option<&str>, lang, expect: &str| {
        assert_eq!(contact_name(&alias(chat), chat_name, author, lang), expect);
    };
    // AC 49
    check(
        "1@g.us",
        Some("Team"),
        Some("Ann"),
        Lang::En,
        "[Group] Team",
    );
    check(
        "1@g.us",
        Some(" "),
        Some("Ann"),
        Lang::En,
        "[Group] Unknown Group",
    );
    check(
        "1@g.us",
        None,
        None,
        Lang::Ru,
        "[Группа] Неизвестная группа",
    );
    check(
        "79001234567@c.us",
        Some("Anna K"),
        Some("Ann"),
        Lang::En,
        "Ann",
    );
    check("79001234567@c.us", Some("Anna K"), None, Lang::En, "Anna K");
    check(
        "79001234567@c.us",
        None,
        Some(""),
        Lang::En,
        "WhatsApp 79001234567",
    );
    check(
        "120650379300963@lid",
        None,
        None,
        Lang::Ru,
        "WhatsApp 120650379300963",
    );
}
