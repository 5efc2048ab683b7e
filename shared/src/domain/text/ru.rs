//! Russian. Impersonal where English names who did it, so that gender and direction do not matter.

use icu_locale_core::locale;
use icu_plurals::{PluralCategory, PluralRuleType, PluralRules};

use super::Words;
use crate::domain::content::{CallEvent, FileKind, Lost, MenuKind};
use crate::domain::message::Direction::{In, Out};

/// `1 голос, 2 голоса, 5 голосов`.
fn n_votes(n: u32) -> String {
    let rules = PluralRules::try_new(locale!("ru").into(), PluralRuleType::Cardinal.into());
    let noun = match rules.map(|rules| rules.category_for(n)) {
        Ok(PluralCategory::One) => "голос",
        Ok(PluralCategory::Few) => "голоса",
        _ => "голосов",
    };
    format!("{n} {noun}")
}

pub(super) const WORDS: Words = Words {
    received: |kind| match kind {
        FileKind::Image => "Получено изображение",
        FileKind::Video => "Получено видео",
        FileKind::Audio => "Получено аудио",
        FileKind::Document => "Получен документ",
        FileKind::Sticker => "Получен стикер",
    },
    sent: |kind| match kind {
        FileKind::Image => "Отправлено изображение",
        FileKind::Video => "Отправлено видео",
        FileKind::Audio => "Отправлено аудио",
        FileKind::Document => "Отправлен документ",
        FileKind::Sticker => "Отправлен стикер",
    },
    file: |name| format!("[Файл: {name}]"),
    too_large: |name| {
        let file = if name.is_empty() {
            "Файл".to_owned()
        } else {
            format!("Файл «{name}»")
        };
        format!("{file} больше 100 МБ и не был передан. Он виден только на телефоне.")
    },
    no_link: |name| {
        let file = if name.is_empty() {
            "Файл".to_owned()
        } else {
            format!("Файл «{name}»")
        };
        format!("{file} не удалось загрузить из WhatsApp. Попросите отправить его ещё раз.")
    },
    again_at: |address| format!("Запросить его ещё раз можно здесь: {address}"),
    follows: "Файл придёт, как только загрузится.",
    late: |name| {
        if name.is_empty() {
            "📎 Файл из более раннего сообщения".to_owned()
        } else {
            format!("📎 Файл из более раннего сообщения: {name}")
        }
    },
    shared_location: |_| "Отправлено местоположение:",
    location: "Место",
    address: "Адрес",
    map: "Карта",
    shared_contact: |_| "Отправлен контакт",
    shared_contacts: |_| "Отправлены контакты",
    name: "Имя",
    phone: "Телефон",
    poll: |_, name| format!("Опрос: {name}"),
    options: "Варианты",
    multiple: "Можно выбрать несколько",
    single: "Можно выбрать один",
    poll_updated: |name| format!("Опрос «{name}» обновлён."),
    votes: "Голоса",
    n_votes,
    edited: |_, text, target| {
        let target = target.unwrap_or("неизвестен");
        format!("Сообщение изменено, новый текст: «{text}» (ID исходного: {target})")
    },
    deleted: |_, target| format!("Сообщение удалено (ID: {})", target.unwrap_or("неизвестен")),
    reacted: |emoji, what| format!("Реакция {emoji} на: {what}"),
    reaction_removed: |what| format!("Реакция снята: {what}"),
    a_message: |target| match target {
        Some(id) => format!("сообщение (ID: {id})"),
        None => "более раннее сообщение".to_owned(),
    },
    menu: |_, kind| match kind {
        MenuKind::Buttons => "🔘 Сообщение с кнопками:",
        MenuKind::List => "📝 Сообщение со списком:",
        MenuKind::Template => "📋 Шаблонное сообщение:",
        MenuKind::Interactive => "🔘 Интерактивное сообщение с кнопками:",
        MenuKind::InteractiveReply => "💬 Интерактивное сообщение с кнопками ответа:",
    },
    menu_title: "Заголовок",
    menu_opener: "Меню",
    menu_items: |kind| match kind {
        MenuKind::Template => "Действия",
        MenuKind::InteractiveReply => "Варианты ответа",
        MenuKind::Buttons | MenuKind::Interactive | MenuKind::List => "Кнопки",
    },
    menu_footer: "Подпись",
    link: "Ссылка",
    call: "Звонок",
    reply: "Ответ",
    copy: "Скопировать",
    clicked: "Нажата кнопка",
    invitation: |_, group| format!("Приглашение в группу «{group}»."),
    caption: "Подпись",
    call_event: |direction, event, who| match (direction, event) {
        (In, CallEvent::Offer) => format!("Входящий звонок от {who}"),
        (In, CallEvent::PickUp) => format!("Принят звонок от {who}"),
        (In, CallEvent::HangUp) => {
            format!("Звонок от {who} сброшен нами (или включён режим «не беспокоить»)")
        }
        (In, CallEvent::Missed) => {
            format!("Пропущенный звонок от {who} (звонивший положил трубку)")
        }
        (In, CallEvent::Declined) => format!("Звонок от {who} остался без ответа"),
        (In, CallEvent::Other(word)) => format!("Звонок от {who}, статус: {word}"),
        (Out, CallEvent::Offer) => format!("Исходящий звонок на {who}"),
        (Out, CallEvent::PickUp) => format!("На звонок на {who} ответили"),
        (Out, CallEvent::HangUp) => format!("Звонок на {who} завершён"),
        (Out, CallEvent::Missed) => format!("На звонок на {who} не ответили"),
        (Out, CallEvent::Declined) => format!("Звонок на {who} отклонён"),
        (Out, CallEvent::Other(word)) => format!("Звонок на {who}, статус: {word}"),
    },
    video: " (видео)",
    unknown_person: "Неизвестный",
    lost: |why| match why {
        Lost::NotSynced => {
            "Пришло сообщение, которое WhatsApp не передал. Попросите клиента отправить его ещё раз."
        }
        Lost::Undecryptable => {
            "Пришло сообщение, которое не удалось расшифровать. Попросите клиента отправить его ещё раз; если это повторяется, номер нужно привязать заново."
        }
    },
    unknown: |type_name| match type_name {
        "" => "Сообщение, которое видно только на телефоне".to_owned(),
        type_name => format!("Сообщение, которое видно только на телефоне (тип: {type_name})"),
    },
    empty: "(пустое сообщение)",
    cut: "… (сокращено, остальное на телефоне)",
    quote: |excerpt| format!("↩️ В ответ на: {excerpt}"),
    excerpt_file: |kind| match kind {
        FileKind::Image => "изображение",
        FileKind::Video => "видео",
        FileKind::Audio => "аудио",
        FileKind::Document => "документ",
        FileKind::Sticker => "стикер",
    },
    excerpt_location: "местоположение",
    excerpt_contact: "контакт",
    excerpt_poll: "опрос",
    excerpt_unknown: "более раннее сообщение",
    group: "Группа",
    unknown_group: "Неизвестная группа",
};
