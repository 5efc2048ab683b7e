//! Journals and the gateway's own queue, for reconciliation.

use super::super::wire::{JournalEntry, PollOption, QueuedBody, QueuedEntry};
use super::{alias, call_event, content, name, status};
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::content::{ContactCard, Content, File, FileKind, Menu, MenuKind};
use crate::domain::event::{Author, IdKind, NewMessage};
use crate::domain::message::{Direction, Origin};
use crate::domain::status::Status;

/// One row of a journal, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Journaled {
    /// As the webhook would have told it.
    pub message: NewMessage,
    /// Of what went out: how far it has come.
    pub status: Option<Status>,
    /// The gateway's own word for that.
    pub status_word: Option<String>,
}

/// Reads a row. `None` for rows that do not name their message and chat: those of a number without
/// WhatsApp, and those of a message that was sent this moment.
pub fn journal(entry: &JournalEntry) -> Option<Journaled> {
    let head = &entry.head;
    let chat = alias(head.chat_id.get())?;
    let remote_id = head.id_message.get()?.to_owned();
    let type_message = entry.message.type_message.trimmed();
    let incoming = match head.direction.get() {
        Some("incoming") => true,
        Some("outgoing") => false,
        _ => head.sender_id.get().is_some(),
    };
    let is_group = chat.kind() == AliasKind::Group;
    let api_echo = !incoming && head.send_by_api.0.unwrap_or(false);
    let (kind, content) = match type_message.as_str() {
        "incomingCall" | "outgoingCall" => {
            let event = call_event(head.status.get());
            (
                IdKind::of_call(&event),
                Content::Call {
                    event,
                    video: head.is_video.0.unwrap_or(false),
                },
            )
        }
        _ => (IdKind::Message, content::content(&entry.message)),
    };
    let status_word = head.status_message.get().filter(|_| !incoming);
    Some(Journaled {
        status: status_word.map(status),
        status_word: status_word.map(str::to_owned),
        message: NewMessage {
            kind,
            remote_id,
            direction: if incoming {
                Direction::In
            } else {
                Direction::Out
            },
            origin: if incoming || api_echo {
                Origin::Whatsapp
            } else {
                Origin::Phone
            },
            api_echo,
            chat_name: head
                .sender_contact_name
                .get()
                .filter(|_| incoming && !is_group)
                .map(name),
            phone: None,
            author: Author {
                id: alias(head.sender_id.get())
                    .or_else(|| (incoming && !is_group).then(|| chat.clone())),
                name: head
                    .sender_name
                    .get()
                    .or(head.sender_contact_name.get())
                    .map(name),
                person: None,
            },
            chat,
            at_s: head.timestamp.0,
            content,
            quoted: content::quoted(&entry.message),
        },
    })
}

/// What waits in the gateway's queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    /// The ids it will have in WhatsApp; several only for a forward.
    pub remote_ids: Vec<String>,
    /// Where it goes.
    pub chat: Alias,
    /// What it says, as it was handed in.
    pub content: Content,
    /// The id of the message that it answers.
    pub quotes: Option<String>,
}

/// Reads an entry of `showMessagesQueue`. `None` if it does not say which message it is and where
/// it goes.
pub fn queued(entry: &QueuedEntry) -> Option<Queued> {
    let body = entry.body.0.as_ref()?;
    let several = entry.messages_ids.0.iter().filter_map(|id| id.get());
    let remote_ids: Vec<String> = entry
        .message_id
        .get()
        .into_iter()
        .chain(several)
        .map(str::to_owned)
        .collect();
    if remote_ids.is_empty() {
        return None;
    }
    let content = match entry.method.get().unwrap_or_default() {
        "sendMessage" => Some(Content::Text {
            text: body.message.trimmed(),
        }),
        "sendLink" => Some(Content::Text {
            text: body.url_link.trimmed(),
        }),
        "sendFileByUrl" | "sendFileByUpload" => Some(Content::Files {
            files: vec![File {
                kind: kind_by_name(&body.file_name.0),
                url: body.url_file.get().map(str::to_owned),
                name: body.file_name.trimmed(),
                mime: String::new(),
                missing: None,
                copy: None,
            }],
            caption: body.caption.trimmed(),
        }),
        "sendPoll" => Some(Content::Poll {
            name: body.message.trimmed(),
            options: body
                .options
                .0
                .iter()
                .map(|PollOption { option_name, .. }| option_name.trimmed())
                .collect(),
            multiple: body.multiple_answers.0.unwrap_or(false),
        }),
        "sendLocation" => body
            .latitude
            .0
            .zip(body.longitude.0)
            .map(|(latitude, longitude)| Content::Location {
                latitude,
                longitude,
                name: body.name_location.trimmed(),
                address: body.address.trimmed(),
            }),
        "sendContact" => body.contact.0.as_ref().map(|contact| {
            let names = [
                &contact.first_name,
                &contact.middle_name,
                &contact.last_name,
            ];
            let mut name: Vec<&str> = names.into_iter().filter_map(|name| name.get()).collect();
            if name.is_empty() {
                name.extend(contact.company.get());
            }
            let phone = contact
                .phone_contact
                .get()
                .map(|digits| format!("+{digits}"));
            let card = ContactCard {
                name: name.join(" "),
                phone,
                more_phones: Vec::new(),
            };
            Content::Contacts { cards: vec![card] }
        }),
        "sendInteractiveButtons" => Some(menu(body, MenuKind::Interactive)),
        "sendInteractiveButtonsReply" => Some(menu(body, MenuKind::InteractiveReply)),
        _ => None,
    };
    Some(Queued {
        remote_ids,
        chat: alias(body.chat_id.get())?,
        content: content.unwrap_or_else(|| Content::Unknown {
            type_name: entry.method.trimmed(),
        }),
        quotes: body.quoted_message_id.get().map(str::to_owned),
    })
}

fn menu(body: &QueuedBody, kind: MenuKind) -> Content {
    Content::Menu(Menu {
        menu: kind,
        title: body.header.trimmed(),
        body: body.text.trimmed(),
        footer: body.footer.trimmed(),
        opener: String::new(),
        items: body.buttons.0.iter().map(content::button).collect(),
    })
}

/// The gateway itself decides by the extension how a file is sent.
fn kind_by_name(name: &str) -> FileKind {
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "jpg" | "jpeg" | "png" | "gif" | "webp" => FileKind::Image,
        "mp4" | "mov" | "avi" | "3gp" => FileKind::Video,
        "ogg" | "oga" | "mp3" | "wav" | "m4a" | "aac" | "opus" => FileKind::Audio,
        _ => FileKind::Document,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::content::{MenuAction, MenuItem};

    #[test]
    fn buttons_in_the_queue_are_what_was_handed_in() {
        let check = |method: &str, button: Value, expect: MenuKind, action: MenuAction| {
            let entry = json!({ "messageID": "Q1", "type": method, "body": {
                "chatId": "79001234567@c.us", "header": "h", "body": "b", "buttons": [button],
            }});
            let entry: QueuedEntry = serde_json::from_value(entry).expect("an entry");
            let expect = Content::Menu(Menu {
                menu: expect,
                title: "h".to_owned(),
                body: "b".to_owned(),
                footer: String::new(),
                opener: String::new(),
                items: vec![MenuItem {
                    section: String::new(),
                    label: "x".to_owned(),
                    description: String::new(),
                    action,
                }],
            });
            assert_eq!(
                queued(&entry).map(|it| it.content),
                Some(expect),
                "{method}"
            );
        };
        check(
            "sendInteractiveButtons",
            json!({ "type": "call", "buttonId": "1", "buttonText": "x", "phoneNumber": "7932" }),
            MenuKind::Interactive,
            MenuAction::Call("7932".to_owned()),
        );
        check(
            "sendInteractiveButtonsReply",
            json!({ "buttonId": "1", "buttonText": "x" }),
            MenuKind::InteractiveReply,
            MenuAction::Reply,
        );
    }
}
