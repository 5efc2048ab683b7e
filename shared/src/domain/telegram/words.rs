//! The texts of posts, in the workspace's language.

use super::rich::{Look, Rich};
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::content::{CallEvent, Content};
use crate::domain::delivery::Destination;
use crate::domain::message::{Direction, Message};
use crate::domain::status::Status;
use crate::domain::text::{self, Lang, TextInput};

/// The words of one language.
struct Words {
    from: &'static str,
    to: &'static str,
    number: &'static str,
    message: &'static str,
    call: &'static str,
    call_video: &'static str,
    call_status: fn(&CallEvent) -> String,
    not_sent: &'static str,
    not_known: &'static str,
    large: fn(&str) -> String,
    state: fn(&str, &str, &str) -> String,
    channel_id: &'static str,
    publishes: &'static str,
    how_to_link: &'static str,
    link_code: &'static str,
    test: fn(&str) -> String,
    your_id: &'static str,
    id_hint: &'static str,
    no_commands: &'static str,
    linked: &'static str,
    link_dead: &'static str,
    moving_sticker: &'static str,
    file_large: &'static str,
    nothing_to_send: &'static str,
}

fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::En => &EN,
        Lang::Ru => &RU,
    }
}

const EN: Words = Words {
    from: "From:",
    to: "To:",
    number: "Number:",
    message: "Message:",
    call: "📞 Incoming call",
    call_video: "📞 Incoming video call",
    call_status: |event| match event {
        CallEvent::Offer => "rings".into(),
        CallEvent::PickUp => "answered".into(),
        CallEvent::HangUp => "ended by us".into(),
        CallEvent::Missed => "missed: the caller gave up".into(),
        CallEvent::Declined => "missed".into(),
        CallEvent::Other(word) => word.clone(),
    },
    not_sent: "⚠️ The message was not sent",
    not_known: "⚠️ Nobody knows whether the message was sent; it was not sent again",
    large: |address| format!("📎 Too large for Telegram: {address}"),
    state: |name, old, new| format!("{name}: {old} → {new}"),
    channel_id: "ID of this channel:",
    publishes: "Messages of these numbers are posted here:",
    how_to_link: "Choose this channel at a number of your workspace to have its messages here.",
    link_code: "If it is not offered there, this code adds it, once:",
    test: |name| format!("✅ Test. Messages of “{name}” are posted here."),
    your_id: "Your Telegram ID:",
    id_hint: "It ties your account to this bot, which can then send you codes for signing in.",
    no_commands: "This bot takes no commands. Answer a customer's post in your channel.",
    linked: "✅ Your account is linked. Codes for signing in will come here.",
    link_dead: "This link was used or is too old. Ask for a new one in your account's settings.",
    moving_sticker: "WhatsApp cannot have moving stickers. Nothing was sent.",
    file_large: "The file has more than 20 MB, which a bot cannot fetch. Nothing was sent.",
    nothing_to_send: "WhatsApp cannot have this. Nothing was sent.",
};

const RU: Words = Words {
    from: "От:",
    to: "Кому:",
    number: "Номер:",
    message: "Сообщение:",
    call: "📞 Входящий звонок",
    call_video: "📞 Входящий видеозвонок",
    call_status: |event| match event {
        CallEvent::Offer => "входящий".into(),
        CallEvent::PickUp => "принят".into(),
        CallEvent::HangUp => "сброшен".into(),
        CallEvent::Missed => "пропущен: звонивший положил трубку".into(),
        CallEvent::Declined => "пропущен".into(),
        CallEvent::Other(word) => word.clone(),
    },
    not_sent: "⚠️ Сообщение не отправлено",
    not_known: "⚠️ Неизвестно, отправлено ли сообщение; повторно оно не отправлялось",
    large: |address| format!("📎 Слишком большой файл для Telegram: {address}"),
    state: |name, old, new| format!("{name}: {old} → {new}"),
    channel_id: "ID этого канала:",
    publishes: "Сюда приходят сообщения номеров:",
    how_to_link: "Выберите этот канал у номера в вашем рабочем пространстве, чтобы сообщения приходили сюда.",
    link_code: "Если его там нет, этот код добавит его, один раз:",
    test: |name| format!("✅ Проверка. Сюда приходят сообщения номера «{name}»."),
    your_id: "Ваш Telegram ID:",
    id_hint: "Он связывает учётную запись с этим ботом, и бот сможет присылать коды для входа.",
    no_commands: "Бот не принимает команды. Отвечайте на сообщения клиентов в своём канале.",
    linked: "✅ Учётная запись привязана. Коды для входа будут приходить сюда.",
    link_dead: "Ссылка уже использована или устарела. Запросите новую в настройках учётной записи.",
    moving_sticker: "WhatsApp не принимает анимированные стикеры. Ничего не отправлено.",
    file_large: "Файл больше 20 МБ, бот не может его получить. Ничего не отправлено.",
    nothing_to_send: "WhatsApp такое не принимает. Ничего не отправлено.",
};

/// Whose a post is.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The group's title or the person's name.
    pub name: &'a str,
    /// The phone's digits; of groups and of people without a phone the digits of their id.
    pub phone: &'a str,
    /// Several people write in the chat.
    pub is_group: bool,
}

impl Person<'_> {
    /// What the button to the chat says, and old links end in.
    pub fn label(&self) -> String {
        let group = if self.is_group { "-g" } else { "" };
        format!("{}{group}", self.phone)
    }
}

/// A message as a post. Files that go along as such (`carries`) have no words of their own.
pub fn post(
    message: &Message,
    chat: &Alias,
    person: Person<'_>,
    carries: bool,
    again_at: Option<&str>,
    lang: Lang,
) -> Rich {
    let words = words(lang);
    if let Content::Call { event, video } = &message.content
        && message.direction == Direction::In
    {
        let call = if *video { words.call_video } else { words.call };
        return Rich::new()
            .with(Look::Bold, call)
            .with(Look::Plain, format!("\n{}\n", person.name))
            .with(Look::Code, person.phone)
            .with(Look::Plain, format!("\n{}", (words.call_status)(event)));
    }
    let whose = match message.direction {
        Direction::In => words.from,
        Direction::Out => words.to,
    };
    let mut rich = Rich::new()
        .with(Look::Bold, whose)
        .with(Look::Plain, format!(" {}\n", or_dash(person.name)))
        .with(Look::Bold, words.number)
        .with(Look::Plain, " ")
        .with(Look::Code, person.phone)
        .with(Look::Plain, "\n")
        .with(Look::Bold, words.message);
    rich.push(
        Look::Plain,
        format!(" {}", said(message, chat, carries, again_at, lang)),
    );
    rich
}

/// What a further message of the same conversation adds to a post.
pub fn more(message: &Message, chat: &Alias, lang: Lang) -> Rich {
    let said = said(message, chat, false, None, lang);
    Rich::new().with(Look::Plain, format!("\n\n{said}"))
}

/// What a message says.
fn said(
    message: &Message,
    chat: &Alias,
    carries: bool,
    again_at: Option<&str>,
    lang: Lang,
) -> String {
    if message.direction == Direction::Out
        && message.deliveries.contains_key(&Destination::Whatsapp)
    {
        return text::sent_text(&message.content, lang);
    }
    if carries
        && let Content::Files { files, caption } = &message.content
        && message.quoted.is_none()
        && chat.kind() != AliasKind::Group
        && files
            .iter()
            .all(|file| file.missing.is_none() && !file.is_waiting())
    {
        return or_dash(caption).to_owned();
    }
    text::crm_text(
        TextInput {
            content: &message.content,
            quoted: message.quoted.as_ref(),
            direction: message.direction,
            chat,
            author: &message.author,
            phone: None,
            again_at,
        },
        lang,
    )
}

fn or_dash(text: &str) -> &str {
    match text.trim() {
        "" => "—",
        text => text,
    }
}

/// A post that tells that a message was not sent, with the reason.
pub fn report(message: &Message, person: Person<'_>, lang: Lang) -> Rich {
    let words = words(lang);
    let what = match message.status {
        Status::Unknown => words.not_known,
        _ => words.not_sent,
    };
    let reason = message.status_reason.as_deref().unwrap_or_default();
    Rich::new()
        .with(Look::Plain, what)
        .with(Look::Plain, format!("\n{} ", or_dash(person.name)))
        .with(Look::Code, person.phone)
        .with(Look::Plain, "\n")
        .with(Look::Code, reason)
}

/// Where a file is that Telegram does not take.
pub fn large(address: &str, lang: Lang) -> Rich {
    Rich::new().with(Look::Plain, (words(lang).large)(address))
}

/// A number's state changed.
pub fn state(name: &str, old: &str, new: &str, lang: Lang) -> Rich {
    Rich::new().with(Look::Plain, (words(lang).state)(name, old, new))
}

/// What the bot says when it comes into a channel: the channel's id; the numbers that post here, or
/// how to add one, with a code that proves who can read it.
pub fn greeting(channel: i64, numbers: &[String], code: Option<&str>, lang: Lang) -> Rich {
    let words = words(lang);
    let mut rich = Rich::new()
        .with(Look::Plain, format!("{} ", words.channel_id))
        .with(Look::Code, channel.to_string())
        .with(Look::Plain, "\n\n");
    if numbers.is_empty() {
        rich.push(Look::Plain, words.how_to_link);
    } else {
        rich.push(Look::Plain, words.publishes);
        for number in numbers {
            rich.push(Look::Plain, format!("\n• {number}"));
        }
    }
    if let Some(code) = code {
        rich.push(Look::Plain, format!("\n\n{} ", words.link_code));
        rich.push(Look::Code, code);
    }
    rich
}

/// A post that shows that posting works.
pub fn test(number: &str, lang: Lang) -> Rich {
    Rich::new().with(Look::Plain, (words(lang).test)(number))
}

/// The answer to `/id`, and to `/start` without anything behind it.
pub fn your_id(user: i64, lang: Lang) -> Rich {
    let words = words(lang);
    Rich::new()
        .with(Look::Plain, format!("{} ", words.your_id))
        .with(Look::Code, user.to_string())
        .with(Look::Plain, format!("\n\n{}", words.id_hint))
}

/// A code for signing in at `site`. Who gets it has chosen no language here, so it is told in both.
pub fn sign_in_code(code: &str, site: &str) -> Rich {
    Rich::new().with(Look::Code, code).with(
        Look::Plain,
        format!(
            "\n\nThe code for signing in at {site}. Good for 10 minutes; tell it nobody.\n\n\
                 Код для входа на {site}. Действует 10 минут; никому его не сообщайте."
        ),
    )
}

/// What the bot says to a person, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// It takes no commands.
    NoCommands,
    /// The person's account is linked.
    Linked,
    /// The link that was to do so is used or too old.
    LinkDead,
    /// Moving stickers cannot be sent.
    MovingSticker,
    /// The file cannot be fetched.
    FileLarge,
    /// There is nothing that could be sent.
    NothingToSend,
}

/// One of those.
pub fn say(what: Say, lang: Lang) -> Rich {
    let words = words(lang);
    let text = match what {
        Say::NoCommands => words.no_commands,
        Say::Linked => words.linked,
        Say::LinkDead => words.link_dead,
        Say::MovingSticker => words.moving_sticker,
        Say::FileLarge => words.file_large,
        Say::NothingToSend => words.nothing_to_send,
    };
    Rich::new().with(Look::Plain, text)
}
