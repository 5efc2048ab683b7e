//! What a message says.

use serde::Deserialize;

use super::super::lenient::Text;
use super::super::vcard::contact_card;
use super::super::wire::{Button, Choice, Contact, Location, Menu as WireMenu, MessageData, Poll};
use super::alias;
use crate::domain::content::{
    ContactCard, Content, File, FileKind, FileMissing, Lost, Menu, MenuAction, MenuItem, MenuKind,
    Quoted, QuotedExcerpt,
};

/// How much of a quoted text is kept, in characters.
const EXCERPT_CHARS: usize = 200;

/// A message without any data.
pub(super) fn none() -> Content {
    Content::Unknown {
        type_name: String::new(),
    }
}

/// Every documented type, in today's shape and in those of earlier years; [`Content::Unknown`] for
/// a new type and for one whose data are missing.
pub(super) fn content(data: &MessageData) -> Content {
    known(data).unwrap_or_else(|| Content::Unknown {
        type_name: data.type_message.trimmed(),
    })
}

fn known(data: &MessageData) -> Option<Content> {
    // `ContactsArrayMessage` was written with a capital once.
    match data.type_message.get()?.to_ascii_lowercase().as_str() {
        "textmessage" | "extendedtextmessage" | "quotedmessage" => text(data),
        "imagemessage" => file(data, FileKind::Image),
        "videomessage" => file(data, FileKind::Video),
        "audiomessage" => file(data, FileKind::Audio),
        "documentmessage" => file(data, FileKind::Document),
        "stickermessage" => file(data, FileKind::Sticker),
        "locationmessage" => location(
            data.location_message_data
                .0
                .as_ref()
                .or(data.location.0.as_ref())?,
        ),
        "contactmessage" => {
            let contact = data
                .contact_message_data
                .0
                .as_ref()
                .or(data.contact.0.as_ref())?;
            cards(std::slice::from_ref(contact))
        }
        "contactsarraymessage" => {
            let nested = data
                .message_data
                .0
                .as_ref()
                .map(|nested| nested.contacts.0.as_slice());
            cards(
                nested
                    .filter(|list| !list.is_empty())
                    .unwrap_or(&data.contacts.0),
            )
        }
        "pollmessage" | "pollcreationmessage" => Some(poll(poll_data(data)?)),
        "pollupdatemessage" => Some(votes(poll_data(data)?)),
        "editedmessage" => edited(data),
        "deletedmessage" => deleted(data),
        "reactionmessage" => reaction(data),
        "interactivebuttons" => menu(&data.interactive_buttons.0, MenuKind::Interactive),
        "interactivebuttonsreply" => {
            let buttons = data
                .interactive_buttons_reply
                .0
                .as_ref()
                .or(data.interactive_buttons.0.as_ref());
            buttons.map(|buttons| menu_of(buttons, MenuKind::InteractiveReply))
        }
        "buttonsmessage" => menu(&data.buttons_message.0, MenuKind::Buttons),
        "listmessage" => menu(&data.list_message.0, MenuKind::List),
        "templatemessage" => menu(&data.template_message.0, MenuKind::Template),
        "templatebuttonreplymessage" | "templatebuttonsreplymessage" => {
            let one = data.template_button_reply_message.0.as_ref();
            choice(one.or(data.template_buttons_reply_message.0.as_ref())?)
        }
        "interactivebuttonsresponse" => choice(data.interactive_buttons_response.0.as_ref()?),
        "buttonsresponsemessage" => choice(data.buttons_response_message.0.as_ref()?),
        "listresponsemessage" => choice(data.list_response_message.0.as_ref()?),
        "groupinvitemessage" => {
            let invite = data.group_invite_message_data.0.as_ref()?;
            Some(Content::GroupInvite {
                group: invite.group_name.trimmed(),
                caption: invite.caption.trimmed(),
            })
        }
        _ => None,
    }
}

/// The text of a webhook or of a flat entry, wherever the year has put it.
fn raw_text(data: &MessageData) -> Option<&Text> {
    let plain = data
        .text_message_data
        .0
        .as_ref()
        .map(|inner| &inner.text_message);
    let extended = data
        .extended_text_message_data
        .0
        .as_ref()
        .map(|inner| &inner.text);
    let flat = data
        .extended_text_message
        .0
        .as_ref()
        .map(|inner| &inner.text);
    let candidates = [plain, extended, flat, Some(&data.text_message)];
    let filled = candidates
        .into_iter()
        .flatten()
        .find(|text| text.get().is_some());
    filled.or(plain).or(extended).or(flat)
}

fn text(data: &MessageData) -> Option<Content> {
    let text = raw_text(data)?.trimmed();
    Some(match text.as_str() {
        "{{SWE001}}" => Content::Lost {
            why: Lost::NotSynced,
        },
        "{{SWE003}}" => Content::Lost {
            why: Lost::Undecryptable,
        },
        _ => Content::Text { text },
    })
}

fn file(data: &MessageData, kind: FileKind) -> Option<Content> {
    let (url, caption, name, mime) = match &data.file_message_data.0 {
        Some(file) => (
            &file.download_url,
            &file.caption,
            &file.file_name,
            &file.mime_type,
        ),
        None => (
            data.download_url.as_ref()?,
            &data.caption,
            &data.file_name,
            &data.mime_type,
        ),
    };
    let mime = mime.trimmed();
    let kind = match kind {
        // Sound files are sent as documents.
        FileKind::Document if mime.starts_with("audio/") => FileKind::Audio,
        kind => kind,
    };
    let link = url
        .get()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    let missing = match (link, url.get()) {
        (Some(_), _) => None,
        (None, Some(marker)) if marker.contains("SWE002") => Some(FileMissing::TooLarge),
        (None, _) => Some(FileMissing::NoLink),
    };
    let name = name.trimmed().replace(char::is_control, " ");
    let file = File {
        kind,
        url: link.map(str::to_owned),
        name,
        mime,
        missing,
        copy: None,
    };
    Some(Content::Files {
        files: vec![file],
        caption: caption.trimmed(),
    })
}

fn location(place: &Location) -> Option<Content> {
    Some(Content::Location {
        latitude: place.latitude.0?,
        longitude: place.longitude.0?,
        name: place.name_location.trimmed(),
        address: place.address.trimmed(),
    })
}

fn cards(contacts: &[Contact]) -> Option<Content> {
    let cards: Vec<ContactCard> = contacts
        .iter()
        .map(|contact| contact_card(contact.display_name.trimmed().as_str(), &contact.vcard.0))
        .filter(|card| !card.name.is_empty() || card.phone.is_some())
        .collect();
    (!cards.is_empty()).then_some(Content::Contacts { cards })
}

fn poll_data(data: &MessageData) -> Option<&Poll> {
    data.poll_message_data
        .0
        .as_ref()
        .or(data.poll_creation_message.0.as_ref())
}

fn poll(poll: &Poll) -> Content {
    let any_number = poll
        .selectable_options_count
        .0
        .is_some_and(|count| count != 1);
    Content::Poll {
        name: poll.name.trimmed(),
        options: poll
            .options
            .0
            .iter()
            .map(|option| option.option_name.trimmed())
            .collect(),
        multiple: poll.multiple_answers.0.unwrap_or(any_number),
    }
}

fn votes(poll: &Poll) -> Content {
    let votes = poll.votes.0.iter().map(|option| {
        let voters = u32::try_from(option.option_voters.0.len()).unwrap_or(u32::MAX);
        (option.option_name.trimmed(), voters)
    });
    Content::PollVotes {
        name: poll.name.trimmed(),
        votes: votes.collect(),
        target: poll.stanza_id.get().map(str::to_owned),
    }
}

fn edited(data: &MessageData) -> Option<Content> {
    let (text, target) = match &data.edited_message_data.0 {
        Some(edited) => {
            let text = edited.text_message.get().or(edited.caption.get());
            (text.unwrap_or_default(), &edited.stanza_id)
        }
        None => {
            let target = &data.edited_message_id;
            target.get()?;
            let text = raw_text(data).and_then(Text::get).or(data.caption.get());
            (text.unwrap_or_default(), target)
        }
    };
    Some(Content::Edited {
        text: text.to_owned(),
        target: target.get().map(str::to_owned),
    })
}

fn deleted(data: &MessageData) -> Option<Content> {
    let target = match &data.deleted_message_data.0 {
        Some(deleted) => deleted.stanza_id.get(),
        None => Some(data.deleted_message_id.get()?),
    };
    Some(Content::Deleted {
        target: target.map(str::to_owned),
    })
}

fn reaction(data: &MessageData) -> Option<Content> {
    let text = raw_text(data);
    let target = quoted(data).and_then(|quoted| quoted.remote_id);
    if text.is_none() && target.is_none() {
        return None;
    }
    Some(Content::Reaction {
        emoji: text.and_then(Text::get).map(str::to_owned),
        target,
    })
}

fn menu(wire: &Option<WireMenu>, kind: MenuKind) -> Option<Content> {
    wire.as_ref().map(|wire| menu_of(wire, kind))
}

fn menu_of(wire: &WireMenu, kind: MenuKind) -> Content {
    let either = |a: &Text, b: &Text| a.get().or(b.get()).unwrap_or_default().to_owned();
    let rows = wire.sections.0.iter().flat_map(|section| {
        section.rows.0.iter().map(|row| MenuItem {
            section: section.title.trimmed(),
            label: row.title.trimmed(),
            description: row.description.trimmed(),
            action: MenuAction::Reply,
        })
    });
    Content::Menu(Menu {
        menu: kind,
        title: either(&wire.title_text, &wire.title),
        body: wire.content_text.trimmed(),
        footer: either(&wire.footer_text, &wire.footer),
        opener: wire.button_text.trimmed(),
        items: wire.buttons.0.iter().map(button).chain(rows).collect(),
    })
}

pub(super) fn button(button: &Button) -> MenuItem {
    let template = (
        &button.url_button.0,
        &button.call_button.0,
        &button.quick_reply_button.0,
    );
    let (label, action) = match template {
        (Some(link), _, _) => (&link.display_text, MenuAction::Url(link.url.trimmed())),
        (_, Some(call), _) => (
            &call.display_text,
            MenuAction::Call(call.phone_number.trimmed()),
        ),
        (_, _, Some(reply)) => (&reply.display_text, MenuAction::Reply),
        _ => (&button.button_text, action(button)),
    };
    let (section, description) = Default::default();
    MenuItem {
        section,
        label: label.trimmed(),
        description,
        action,
    }
}

/// A button's fields decide where its type is missing or new.
fn action(button: &Button) -> MenuAction {
    let (copy, call, url) = (
        button.copy_code.get(),
        button.phone_number.get(),
        button.url.get(),
    );
    match (button.kind.get(), copy, call, url) {
        (Some("reply"), ..) => MenuAction::Reply,
        (Some("copy"), Some(code), ..) | (_, Some(code), None, None) => {
            MenuAction::Copy(code.to_owned())
        }
        (Some("call"), _, Some(phone), _) | (_, None, Some(phone), None) => {
            MenuAction::Call(phone.to_owned())
        }
        (_, _, _, Some(url)) => MenuAction::Url(url.to_owned()),
        _ => MenuAction::Reply,
    }
}

fn choice(wire: &Choice) -> Option<Content> {
    let row = wire
        .single_select_reply
        .0
        .as_ref()
        .and_then(|row| row.selected_row_id.get());
    let label = wire
        .selected_display_text
        .get()
        .or(wire.selected_button_text.get())
        .or(wire.title.get())
        .or(wire.selected_id.get())
        .or(wire.selected_button_id.get())
        .or(row)?;
    Some(Content::Choice {
        label: label.to_owned(),
        target: wire.stanza_id.get().map(str::to_owned),
    })
}

/// What the message answers. Replies name it beside their text too, if nothing else does.
pub(super) fn quoted(data: &MessageData) -> Option<Quoted> {
    let inner = data
        .quoted_message
        .as_ref()
        .filter(|value| value.is_object());
    let inner = inner.and_then(|value| MessageData::deserialize(value).ok());
    let beside = data
        .extended_text_message_data
        .0
        .as_ref()
        .or(data.extended_text_message.0.as_ref());
    let id = inner.as_ref().and_then(|quoted| quoted.stanza_id.get());
    let id = id.or(beside.and_then(|text| text.stanza_id.get()));
    let author = inner.as_ref().and_then(|quoted| quoted.participant.get());
    let author = author.or(beside.and_then(|text| text.participant.get()));
    let excerpt = inner.as_ref().map(excerpt).unwrap_or_default();
    if id.is_none() && excerpt == QuotedExcerpt::None {
        return None;
    }
    Some(Quoted {
        remote_id: id.map(str::to_owned),
        author: alias(author),
        excerpt,
    })
}

fn excerpt(quoted: &MessageData) -> QuotedExcerpt {
    let shortened = |text: &str| text.chars().take(EXCERPT_CHARS).collect::<String>();
    let file = |kind: FileKind| {
        let caption = quoted
            .file_message_data
            .0
            .as_ref()
            .and_then(|file| file.caption.get());
        let caption = caption.or(quoted.caption.get());
        caption.map_or(QuotedExcerpt::File(kind), |text| {
            QuotedExcerpt::Text(shortened(text))
        })
    };
    match quoted.type_message.0.to_ascii_lowercase().as_str() {
        "imagemessage" => file(FileKind::Image),
        "videomessage" => file(FileKind::Video),
        "audiomessage" => file(FileKind::Audio),
        "documentmessage" => file(FileKind::Document),
        "stickermessage" => file(FileKind::Sticker),
        "locationmessage" => QuotedExcerpt::Location,
        "contactmessage" | "contactsarraymessage" => QuotedExcerpt::Contact,
        "pollmessage" | "pollcreationmessage" | "pollupdatemessage" => QuotedExcerpt::Poll,
        _ => {
            let title = quoted
                .extended_text_message
                .0
                .as_ref()
                .and_then(|text| text.title.get());
            match raw_text(quoted).and_then(Text::get).or(title) {
                // A marker of what was lost is nothing to read.
                Some(text) if text.starts_with("{{SWE") => QuotedExcerpt::None,
                Some(text) => QuotedExcerpt::Text(shortened(text)),
                None => QuotedExcerpt::None,
            }
        }
    }
}
