//! What puts something into a chat (Telegram contract, where the work happens).

use serde_json::{Value, json};

use super::{
    Answer, Refused, entities, files,
    model::{Chat, Kind, Media, Message},
    params::Params,
    reactions,
};
use crate::{
    app::{App, News},
    clock,
};

const MOST_TEXT: usize = 4096;
const MOST_CAPTION: usize = 1024;
const MOST_PHOTO: usize = 10 * 1000 * 1000;

/// Finds the chat, looks whether the bot may write there, and counts the call.
fn admitted<T>(
    app: &App,
    params: &Params,
    change: impl FnOnce(&mut Chat) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let id = params.chat()?;
    let scale = app.scale;
    let mut state = app.change(News::Telegram);
    let state = &mut *state;
    let chats = &mut state.kept.telegram.chats;
    let chat = chats
        .get_mut(&id)
        .ok_or_else(|| Refused::bad("chat not found"))?;
    match (chat.kind, chat.bot.as_str()) {
        (Kind::Private, "kicked") => {
            return Err(Refused::new(403, "Forbidden: bot was blocked by the user"));
        }
        (Kind::Private, _) | (_, "administrator") => {}
        (Kind::Group | Kind::Forum, "member") => {}
        (Kind::Channel, "member") => {
            return Err(Refused::bad(
                "need administrator rights in the channel chat",
            ));
        }
        (Kind::Channel, "kicked") => {
            return Err(Refused::new(
                403,
                "Forbidden: bot was kicked from the channel chat",
            ));
        }
        (_, "kicked") => {
            return Err(Refused::new(
                403,
                "Forbidden: bot was kicked from the supergroup chat",
            ));
        }
        _ => {
            return Err(Refused::new(
                403,
                "Forbidden: bot is not a member of the channel chat",
            ));
        }
    }
    state.telegram_usage.admit(scale, id)?;
    change(chat)
}

/// Puts a message into a chat and gives it.
fn put(app: &App, params: &Params, text: entities::Shown, file: Option<Media>) -> Answer {
    let thread = params.int("message_thread_id");
    let reply = params.json("reply_parameters");
    let reply_to = reply["message_id"]
        .as_i64()
        .or_else(|| params.int("reply_to_message_id"));
    let lenient =
        reply["allow_sending_without_reply"] == true || params.flag("allow_sending_without_reply");
    let markup = params.json("reply_markup");
    check_markup(&markup)?;
    let protected = params.flag("protect_content");
    admitted(app, params, |chat| {
        if let Some(thread) = thread
            && !chat.topics.contains_key(&thread)
        {
            return Err(Refused::bad("message thread not found"));
        }
        let is_there = reply_to.is_none_or(|id| chat.find(id).is_some());
        if !is_there && !lenient {
            return Err(Refused::bad("message to be replied not found"));
        }
        let message = Message {
            id: chat.take_id(),
            thread,
            from_bot: true,
            text: text.text,
            entities: text.entities,
            file,
            markup,
            reply_to: reply_to.filter(|_| is_there),
            protected,
            at_ms: clock::now_ms(),
            ..Message::default()
        };
        let wire = chat.message(&message);
        chat.messages.push(message);
        Ok(wire)
    })
}

/// Buttons lead to addresses, and what they tell the bot has 64 bytes.
fn check_markup(markup: &Value) -> Result<(), Refused> {
    let rows = markup["inline_keyboard"].as_array().into_iter().flatten();
    for button in rows.flat_map(|row| row.as_array().into_iter().flatten()) {
        if button["text"].as_str().is_none_or(str::is_empty) {
            return Err(Refused::bad(
                "can't parse inline keyboard button: text is empty",
            ));
        }
        if let Some(url) = button["url"].as_str()
            && url::Url::parse(url).is_err()
        {
            return Err(Refused::bad(format!(
                "inline keyboard button URL '{url}' is invalid"
            )));
        }
        if button["callback_data"]
            .as_str()
            .is_some_and(|data| data.len() > 64)
        {
            return Err(Refused::bad("BUTTON_DATA_INVALID"));
        }
    }
    Ok(())
}

fn read(params: &Params, field: &str, most: usize) -> Result<entities::Shown, Refused> {
    let text = params.text(field).unwrap_or_default();
    let mode = params.text("parse_mode");
    let mut shown = entities::read(&text, mode.as_deref())?;
    // Blanks at the end are not kept; those at the beginning would move the marks.
    shown.text.truncate(shown.text.trim_end().len());
    if entities::units(&shown.text) > most {
        return Err(Refused::bad(match field {
            "caption" => "message caption is too long",
            _ => "message is too long",
        }));
    }
    Ok(shown)
}

fn read_text(params: &Params) -> Result<entities::Shown, Refused> {
    let shown = read(params, "text", MOST_TEXT)?;
    if shown.text.trim().is_empty() {
        return Err(Refused::bad("message text is empty"));
    }
    Ok(shown)
}

pub(super) fn text(app: &App, params: &Params) -> Answer {
    let shown = read_text(params)?;
    put(app, params, shown, None)
}

pub(super) fn file(app: &App, params: &Params, field: &str) -> Answer {
    let caption = match field {
        "sticker" => entities::Shown::default(),
        _ => read(params, "caption", MOST_CAPTION)?,
    };
    let uploaded = params.file(field);
    let uploaded =
        uploaded.ok_or_else(|| Refused::bad(format!("there is no {field} in the request")))?;
    if field == "photo" {
        if uploaded.bytes.len() > MOST_PHOTO {
            return Err(Refused::bad(format!(
                "file of size {} bytes is too big for a photo; the maximum size is {MOST_PHOTO} bytes",
                uploaded.bytes.len()
            )));
        }
        let is_picture = [&b"\xff\xd8\xff"[..], b"\x89PNG", b"RIFF", b"GIF8"]
            .iter()
            .any(|magic| uploaded.bytes.starts_with(magic));
        if !is_picture {
            return Err(Refused::bad("IMAGE_PROCESS_FAILED"));
        }
    }
    let media = files::keep(app, field, uploaded, false);
    put(app, params, caption, Some(media))
}

/// `editMessageText` and `editMessageCaption`.
pub(super) fn edit(app: &App, params: &Params, is_caption: bool) -> Answer {
    let shown = match is_caption {
        true => read(params, "caption", MOST_CAPTION)?,
        false => read_text(params)?,
    };
    let id = params.int("message_id").unwrap_or_default();
    let markup = params.json("reply_markup");
    check_markup(&markup)?;
    admitted(app, params, |chat| {
        let found = chat.find(id).filter(|message| message.from_bot);
        let message = found.ok_or_else(|| Refused::bad("message to edit not found"))?;
        if message.file.is_some() != is_caption {
            return Err(Refused::bad("there is no text in the message to edit"));
        }
        let is_same = message.text == shown.text
            && message.entities == shown.entities
            && message.markup == markup;
        if is_same {
            return Err(Refused::bad(
                "message is not modified: specified new message content and reply markup are \
                 exactly the same as a current content and reply markup of the message",
            ));
        }
        message.text = shown.text;
        message.entities = shown.entities;
        message.markup = markup;
        message.edited = true;
        let message = message.clone();
        Ok(chat.message(&message))
    })
}

pub(super) fn delete(app: &App, params: &Params) -> Answer {
    let id = params.int("message_id").unwrap_or_default();
    admitted(app, params, |chat| {
        let before = chat.messages.len();
        chat.messages.retain(|message| message.id != id);
        if chat.messages.len() == before {
            return Err(Refused::bad("message to delete not found"));
        }
        Ok(true.into())
    })
}

/// `setMessageReaction`: one for a bot.
pub(super) fn react(app: &App, params: &Params) -> Answer {
    let id = params.int("message_id").unwrap_or_default();
    let wanted = params.json("reaction");
    // One of the bot's own kind has no `emoji`, and is none that there is.
    let wanted: Vec<String> = wanted
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| it["emoji"].as_str().unwrap_or_default().to_owned())
        .collect();
    if wanted.len() > 1 {
        return Err(Refused::bad("REACTIONS_TOO_MANY"));
    }
    admitted(app, params, |chat| {
        let allowed = chat.reactions.clone();
        let is_allowed = |emoji: &String| {
            reactions::is_one(emoji) && allowed.as_ref().is_none_or(|all| all.contains(emoji))
        };
        if !wanted.iter().all(is_allowed) {
            return Err(Refused::bad("REACTION_INVALID"));
        }
        let message = chat
            .find(id)
            .ok_or_else(|| Refused::bad("message to react not found"))?;
        message.reactions = wanted.clone();
        Ok(true.into())
    })
}

pub(super) fn create_topic(app: &App, params: &Params) -> Answer {
    let name = params.text("name").unwrap_or_default();
    if !(1..=128).contains(&name.chars().count()) {
        return Err(Refused::bad("TOPIC_TITLE_EMPTY"));
    }
    admitted(app, params, |chat| {
        if chat.kind != Kind::Forum {
            return Err(Refused::bad("the chat is not a forum"));
        }
        if chat.bot != "administrator" {
            return Err(Refused::bad("not enough rights to create a topic"));
        }
        let thread = chat.take_id();
        chat.topics.insert(thread, name.clone());
        Ok(json!({ "message_thread_id": thread, "name": name, "icon_color": 7_322_096 }))
    })
}
