//! The texts that an agent reads in a CRM.
//!
//! The layout is here, the words are in a catalogue with one table per language; a table that
//! misses a text does not compile.

mod en;
mod ru;
mod sent;

pub use sent::sent_text;

use std::fmt::Write as _;

use super::chat_id::{Alias, AliasKind};
use super::content::{
    CallEvent, ContactCard, Content, File, FileKind, FileMissing, Lost, Menu, MenuAction, MenuItem,
    MenuKind, Quoted, QuotedExcerpt,
};
use super::event::Author;
use super::message::Direction;
use super::phone::Phone;

/// The language of a workspace's texts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// The longest text that is given to a CRM, in characters.
///
/// The CRM documents no limit. WhatsApp itself allows 20,000 characters where the gateway takes
/// them, and what is longer is cut with a mark.
pub const MAX_CHARS: usize = 20_000;

/// How much of a quoted message is shown, in characters.
const EXCERPT_CHARS: usize = 100;

/// What is put into words.
#[derive(Clone, Copy, Debug)]
pub struct TextInput<'a> {
    /// What the message says.
    pub content: &'a Content,
    /// What it answers, or reacts to.
    pub quoted: Option<&'a Quoted>,
    /// Which way it went.
    pub direction: Direction,
    /// The conversation; groups get the author's name in front.
    pub chat: &'a Alias,
    /// Who wrote it.
    pub author: &'a Author,
    /// The person's phone, E.164, where the conversation's id does not tell it.
    pub phone: Option<&'a str>,
    /// Where a file that could not be loaded can be asked for again.
    pub again_at: Option<&'a str>,
}

/// The words of one language.
struct Words {
    received: fn(FileKind) -> &'static str,
    sent: fn(FileKind) -> &'static str,
    file: fn(&str) -> String,
    too_large: fn(&str) -> String,
    no_link: fn(&str) -> String,
    again_at: fn(&str) -> String,
    follows: &'static str,
    late: fn(&str) -> String,
    shared_location: fn(Direction) -> &'static str,
    location: &'static str,
    address: &'static str,
    map: &'static str,
    shared_contact: fn(Direction) -> &'static str,
    shared_contacts: fn(Direction) -> &'static str,
    name: &'static str,
    phone: &'static str,
    poll: fn(Direction, &str) -> String,
    options: &'static str,
    multiple: &'static str,
    single: &'static str,
    poll_updated: fn(&str) -> String,
    votes: &'static str,
    n_votes: fn(u32) -> String,
    edited: fn(Direction, &str, Option<&str>) -> String,
    deleted: fn(Direction, Option<&str>) -> String,
    reacted: fn(&str, &str) -> String,
    reaction_removed: fn(&str) -> String,
    a_message: fn(Option<&str>) -> String,
    menu: fn(Direction, MenuKind) -> &'static str,
    menu_title: &'static str,
    menu_opener: &'static str,
    menu_items: fn(MenuKind) -> &'static str,
    menu_footer: &'static str,
    link: &'static str,
    call: &'static str,
    reply: &'static str,
    copy: &'static str,
    clicked: &'static str,
    invitation: fn(Direction, &str) -> String,
    caption: &'static str,
    call_event: fn(Direction, &CallEvent, &str) -> String,
    video: &'static str,
    unknown_person: &'static str,
    lost: fn(Lost) -> &'static str,
    unknown: fn(&str) -> String,
    empty: &'static str,
    cut: &'static str,
    quote: fn(&str) -> String,
    excerpt_file: fn(FileKind) -> &'static str,
    excerpt_location: &'static str,
    excerpt_contact: &'static str,
    excerpt_poll: &'static str,
    excerpt_unknown: &'static str,
    group: &'static str,
    unknown_group: &'static str,
}

impl Lang {
    fn words(self) -> &'static Words {
        match self {
            Lang::En => &en::WORDS,
            Lang::Ru => &ru::WORDS,
        }
    }
}

/// The text of a message for the CRM. Never empty, whatever the message is.
pub fn crm_text(message: TextInput<'_>, lang: Lang) -> String {
    let words = lang.words();
    let body = body(message, words);
    let body = if body.trim().is_empty() {
        words.empty.to_owned()
    } else {
        body.trim().to_owned()
    };
    let text = match (message.quoted, message.content) {
        // A reaction names its message itself.
        (Some(quoted), content) if !matches!(content, Content::Reaction { .. }) => {
            format!("{}\n\n{body}", (words.quote)(&quote_excerpt(quoted, words)))
        }
        _ => body,
    };
    let in_group = message.chat.kind() == AliasKind::Group && message.direction == Direction::In;
    cut(
        if in_group {
            format!("{}\n\n {text}", group_prefix(message.author, words))
        } else {
            text
        },
        words,
    )
}

/// The text that files have which come after the text of their message.
pub fn late_files(files: &[&File], again_at: Option<&str>, lang: Lang) -> String {
    let words = lang.words();
    let mut lines: Vec<String> = files
        .iter()
        .map(|file| missing(file, words).unwrap_or_else(|| (words.late)(&file.name)))
        .collect();
    lines.extend(again_at.map(words.again_at));
    lines.join("\n")
}

/// The name under which a new contact is made in the CRM: a group by its title, a person by what
/// they call themselves, else by what the address book says, else by number.
///
/// `author` is only to be given for messages from the person: what goes out was written by the
/// account.
pub fn contact_name(
    chat: &Alias,
    chat_name: Option<&str>,
    author: Option<&str>,
    lang: Lang,
) -> String {
    let words = lang.words();
    let filled = |name: Option<&str>| {
        name.map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
    };
    if chat.kind() == AliasKind::Group {
        let title = filled(chat_name).unwrap_or_else(|| words.unknown_group.to_owned());
        return format!("[{}] {title}", words.group);
    }
    let named = filled(author).or_else(|| filled(chat_name));
    named.unwrap_or_else(|| format!("WhatsApp {}", chat.local()))
}

fn body(message: TextInput<'_>, words: &Words) -> String {
    let direction = message.direction;
    match message.content {
        Content::Text { text } => text.clone(),
        Content::Files { files, caption } => {
            let mut text = files_text(files, caption, direction, words);
            if let Some(address) = message.again_at {
                _ = write!(text, "\n{}", (words.again_at)(address));
            }
            text
        }
        Content::Location {
            latitude,
            longitude,
            name,
            address,
        } => {
            let mut text = format!("{}\n", (words.shared_location)(direction));
            if !name.is_empty() {
                _ = write!(text, "\n📍 {}: {name}", words.location);
            }
            if !address.is_empty() {
                _ = write!(text, "\n📮 {}: {address}", words.address);
            }
            let link = format!("https://www.google.com/maps?q={latitude},{longitude}");
            _ = write!(text, "\n📌 {}: {link}", words.map);
            text
        }
        Content::Contacts { cards } => cards_text(cards, direction, words),
        Content::Poll {
            name,
            options,
            multiple,
        } => {
            let mut text = format!("📊 {}\n{}:", (words.poll)(direction, name), words.options);
            for (n, option) in options.iter().enumerate() {
                _ = write!(text, "\n{}. {option}", n + 1);
            }
            _ = write!(
                text,
                "\n({})",
                if *multiple {
                    words.multiple
                } else {
                    words.single
                }
            );
            text
        }
        Content::PollVotes { name, votes, .. } => {
            let mut text = format!("{}\n{}:", (words.poll_updated)(name), words.votes);
            for (option, n) in votes {
                _ = write!(text, "\n- {option}: {}", (words.n_votes)(*n));
            }
            text
        }
        Content::Edited { text, target } => {
            format!("✏️ {}", (words.edited)(direction, text, target.as_deref()))
        }
        Content::Deleted { target } => {
            format!("🗑️ {}", (words.deleted)(direction, target.as_deref()))
        }
        Content::Reaction { emoji, target } => {
            let known = message
                .quoted
                .filter(|quoted| quoted.excerpt != QuotedExcerpt::None);
            let what = match known {
                Some(quoted) => quote_excerpt(quoted, words),
                None => (words.a_message)(target.as_deref()),
            };
            match emoji {
                Some(emoji) => (words.reacted)(emoji, &what),
                None => (words.reaction_removed)(&what),
            }
        }
        Content::Menu(menu) => menu_text(menu, direction, words),
        Content::Choice { label, .. } => format!("✅ {}:\n\n{label}", words.clicked),
        Content::GroupInvite { group, caption } => {
            let mut text = format!("👥 {}", (words.invitation)(direction, group));
            if !caption.is_empty() {
                _ = write!(text, "\n{}: {caption}", words.caption);
            }
            text
        }
        Content::Call { event, video } => {
            let who = person(message.chat, message.phone)
                .unwrap_or_else(|| words.unknown_person.to_owned());
            let video = if *video { words.video } else { "" };
            format!("📞 {}{video}", (words.call_event)(direction, event, &who))
        }
        Content::Lost { why } => format!("⚠️ {}", (words.lost)(*why)),
        Content::Unknown { type_name } => (words.unknown)(type_name),
    }
}

/// The digits of a person's phone, or of their id if nobody knows the phone.
fn person(chat: &Alias, phone: Option<&str>) -> Option<String> {
    let phone = phone.map(|phone| phone.trim_start_matches('+').to_owned());
    phone
        .or_else(|| Some(chat.local().to_owned()))
        .filter(|text| !text.is_empty())
}

fn files_text(files: &[File], caption: &str, direction: Direction, words: &Words) -> String {
    let kind_text = match direction {
        Direction::In => words.received,
        Direction::Out => words.sent,
    };
    let mut lines = Vec::new();
    if !caption.is_empty() {
        lines.push(caption.to_owned());
    }
    for file in files {
        match missing(file, words) {
            Some(why) => lines.push(why),
            None if caption.is_empty() => lines.push(kind_text(file.kind).to_owned()),
            None => {}
        }
        if file.is_waiting() {
            lines.push(format!("⏳ {}", words.follows));
        }
    }
    lines.join("\n")
}

/// Why a file is not there, if it is not.
fn missing(file: &File, words: &Words) -> Option<String> {
    let why = match file.missing? {
        FileMissing::TooLarge => (words.too_large)(&file.name),
        FileMissing::NoLink => (words.no_link)(&file.name),
    };
    Some(format!("⚠️ {why}"))
}

fn cards_text(cards: &[ContactCard], direction: Direction, words: &Words) -> String {
    if let [card] = cards {
        let mut text = format!("👤 {}:", (words.shared_contact)(direction));
        if !card.name.is_empty() {
            _ = write!(text, "\n{}: {}", words.name, card.name);
        }
        for phone in card.phone.iter().chain(&card.more_phones) {
            _ = write!(text, "\n{}: {phone}", words.phone);
        }
        return text;
    }
    let mut text = format!("{}:", (words.shared_contacts)(direction));
    for card in cards {
        _ = write!(text, "\n👤 {}", card.name);
        let phones: Vec<&str> = card
            .phone
            .iter()
            .chain(&card.more_phones)
            .map(String::as_str)
            .collect();
        if !phones.is_empty() {
            _ = write!(text, " ({})", phones.join(", "));
        }
    }
    text
}

fn menu_text(menu: &Menu, direction: Direction, words: &Words) -> String {
    let mut text = (words.menu)(direction, menu.menu).to_owned();
    if !menu.title.is_empty() {
        _ = write!(text, "\n{}: {}", words.menu_title, menu.title);
    }
    if !menu.body.is_empty() {
        _ = write!(text, "\n{}", menu.body);
    }
    if !menu.opener.is_empty() {
        _ = write!(text, "\n{}: {}", words.menu_opener, menu.opener);
    }
    if menu.menu != MenuKind::List && !menu.items.is_empty() {
        _ = write!(text, "\n\n{}:", (words.menu_items)(menu.menu));
    }
    let mut section = None;
    for item in &menu.items {
        if menu.menu == MenuKind::List && section != Some(&item.section) {
            section = Some(&item.section);
            let heading = if item.section.is_empty() { "" } else { ":" };
            _ = write!(text, "\n\n{}{heading}", item.section);
        }
        _ = write!(text, "\n{}", menu_item(menu.menu, item, words));
    }
    if !menu.footer.is_empty() {
        _ = write!(text, "\n\n{}: {}", words.menu_footer, menu.footer);
    }
    text
}

fn menu_item(kind: MenuKind, item: &MenuItem, words: &Words) -> String {
    let with_detail = match &item.action {
        MenuAction::Reply => item.label.clone(),
        MenuAction::Url(url) => format!("{} ({url})", item.label),
        MenuAction::Call(phone) => format!("{} (📞 {phone})", item.label),
        MenuAction::Copy(code) => format!("{} (📋 {}: \"{code}\")", item.label, words.copy),
    };
    match (kind, &item.action) {
        (MenuKind::List, _) if item.description.is_empty() => format!("  • {}", item.label),
        (MenuKind::List, _) => format!("  • {}: {}", item.label, item.description),
        (MenuKind::Template, MenuAction::Reply) => format!("• {}: {}", words.reply, item.label),
        (MenuKind::Template, MenuAction::Url(url)) => {
            format!("• {}: {} ({url})", words.link, item.label)
        }
        (MenuKind::Template, MenuAction::Call(phone)) => {
            format!("• {}: {} ({phone})", words.call, item.label)
        }
        _ => format!("• {with_detail}"),
    }
}

fn quote_excerpt(quoted: &Quoted, words: &Words) -> String {
    match &quoted.excerpt {
        QuotedExcerpt::Text(text) => {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = line.chars().take(EXCERPT_CHARS).collect();
            let more = if short.len() < line.len() { "…" } else { "" };
            format!("“{}{more}”", short.trim_end())
        }
        QuotedExcerpt::File(kind) => (words.excerpt_file)(*kind).to_owned(),
        QuotedExcerpt::Location => words.excerpt_location.to_owned(),
        QuotedExcerpt::Contact => words.excerpt_contact.to_owned(),
        QuotedExcerpt::Poll => words.excerpt_poll.to_owned(),
        QuotedExcerpt::None => words.excerpt_unknown.to_owned(),
    }
}

/// `Ann (+79001234567):`, without a phone where the author's id is none.
fn group_prefix(author: &Author, words: &Words) -> String {
    let name = author.name.as_deref().unwrap_or(words.unknown_person);
    match author.id.as_ref().and_then(Phone::from_alias) {
        Some(phone) => format!("{name} ({phone}):"),
        None => format!("{name}:"),
    }
}

fn cut(text: String, words: &Words) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some(_) => {
            let keep = MAX_CHARS - words.cut.chars().count();
            text.chars().take(keep).chain(words.cut.chars()).collect()
        }
        None => text,
    }
}

#[cfg(test)]
mod tests;
