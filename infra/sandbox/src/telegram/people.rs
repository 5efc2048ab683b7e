//! What people do in Telegram: add the bot, write, answer, rename.

use serde_json::{Value, json};

use super::{
    files,
    model::{Chat, Kind, Message, bot_user, user},
    params::Uploaded,
    updates,
};
use crate::{
    app::{App, News},
    clock,
};

/// A person of the sandbox who manages channels.
pub(crate) const MANAGER: (i64, &str) = (5001, "Mia Manager");

/// What a person writes.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) reply_to: Option<i64>,
    pub(crate) thread: Option<i64>,
    pub(crate) user: Option<(i64, String)>,
    /// The field, the file, and whether it moves.
    pub(crate) file: Option<(String, Uploaded, bool)>,
}

/// A file as a person sends it.
pub(crate) fn uploaded(name: &str, mime: &str, bytes: Vec<u8>) -> Uploaded {
    Uploaded {
        name: name.to_owned(),
        mime: mime.to_owned(),
        bytes: bytes.into(),
    }
}

/// Somebody writes in a channel or a group; gives the message's id.
pub(crate) fn write(app: &App, chat: i64, written: Written) -> Option<i64> {
    let file = written
        .file
        .map(|(field, file, animated)| files::keep(app, &field, file, animated));
    let by = written
        .user
        .unwrap_or_else(|| (MANAGER.0, MANAGER.1.to_owned()));
    let (kind, wire, id) = {
        let mut state = app.change(News::Telegram);
        let chat = state.kept.telegram.chats.get_mut(&chat)?;
        let message = Message {
            id: chat.take_id(),
            thread: written.thread,
            user: Some(by),
            text: written.text,
            reply_to: written.reply_to,
            file,
            at_ms: clock::now_ms(),
            ..Message::default()
        };
        let wire = chat.message(&message);
        let id = message.id;
        chat.messages.push(message);
        let kind = match chat.kind {
            Kind::Channel => "channel_post",
            _ => "message",
        };
        (kind, wire, id)
    };
    updates::add(app, kind, wire);
    Some(id)
}

/// A person writes to the bot alone.
pub(crate) fn write_privately(app: &App, (id, name): (i64, &str), text: &str) {
    app.change(News::Telegram)
        .kept
        .telegram
        .chats
        .entry(id)
        .or_insert_with(|| Chat::new(id, Kind::Private, name));
    let written = Written {
        text: text.to_owned(),
        user: Some((id, name.to_owned())),
        ..Written::default()
    };
    write(app, id, written);
}

/// Somebody changes the bot's place in a chat: `administrator`, `member`, `left`, `kicked`.
pub(crate) fn place(app: &App, chat: i64, status: &str, by: (i64, &str)) -> bool {
    let change = {
        let mut state = app.change(News::Telegram);
        let Some(chat) = state.kept.telegram.chats.get_mut(&chat) else {
            return false;
        };
        let before = std::mem::replace(&mut chat.bot, status.to_owned());
        json!({
            "chat": chat.wire(), "from": user(by.0, by.1), "date": clock::now_ms() / 1000,
            "old_chat_member": member(chat.kind, &before),
            "new_chat_member": member(chat.kind, status),
        })
    };
    updates::add(app, "my_chat_member", change);
    true
}

fn member(kind: Kind, status: &str) -> Value {
    let mut member = json!({ "status": status, "user": bot_user() });
    match (status, kind) {
        ("administrator", _) => {
            for right in [
                "can_be_edited",
                "is_anonymous",
                "can_manage_video_chats",
                "can_restrict_members",
                "can_promote_members",
                "can_post_stories",
                "can_edit_stories",
                "can_delete_stories",
            ] {
                member[right] = false.into();
            }
            for right in [
                "can_manage_chat",
                "can_change_info",
                "can_delete_messages",
                "can_invite_users",
            ] {
                member[right] = true.into();
            }
            let right = match kind {
                Kind::Channel => "can_post_messages",
                _ => "can_manage_topics",
            };
            member[right] = true.into();
        }
        ("kicked", _) => member["until_date"] = 0.into(),
        _ => {}
    }
    member
}

/// Somebody gives a chat another name.
pub(crate) fn rename(app: &App, chat: i64, title: &str) -> bool {
    let (kind, wire) = {
        let mut state = app.change(News::Telegram);
        let Some(chat) = state.kept.telegram.chats.get_mut(&chat) else {
            return false;
        };
        title.clone_into(&mut chat.title);
        let message = Message {
            id: chat.take_id(),
            at_ms: clock::now_ms(),
            ..Message::default()
        };
        let mut wire = chat.message(&message);
        wire["new_chat_title"] = title.into();
        let kind = match chat.kind {
            Kind::Channel => "channel_post",
            _ => "message",
        };
        (kind, wire)
    };
    updates::add(app, kind, wire);
    true
}
