//! What Telegram tells the bot (Telegram contract, updates), understood.
//!
//! Read from the bare JSON: a kind or a field that is new must not cost anything but itself, and
//! nothing in an update is required to be there.

use serde_json::Value;

/// One update.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Grows by one: the same update again has the same.
    pub id: i64,
    /// What it tells.
    pub told: Told,
}

/// What an update tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A person writes to the bot alone.
    Private {
        /// Who.
        user: User,
        /// The message's id.
        message: i64,
        /// What; empty if it is no text.
        text: String,
    },
    /// Something was written in a channel or a group.
    Post(Box<Post>),
    /// What was written there now reads otherwise.
    Edited(Box<Post>),
    /// The bot's place in a channel or a group changed.
    Membership(Box<Membership>),
    /// A channel or a group has another name.
    Renamed {
        /// Which.
        chat: Chat,
    },
    /// A group became a supergroup.
    Migrated {
        /// Its old id.
        from: i64,
        /// Its new one.
        to: i64,
    },
    /// Nothing that matters here.
    Other,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: i64,
    /// What people call them.
    pub name: String,
    /// `ru`, `en` …; empty if it is not told.
    pub language: String,
    /// A program.
    pub is_bot: bool,
}

/// A channel or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chat {
    /// Its id.
    pub id: i64,
    /// What it is.
    pub kind: ChatKind,
    /// What people call it.
    pub title: String,
    /// Its public name, without `@`.
    pub username: Option<String>,
}

/// What a chat is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// A channel: posts have no author.
    #[default]
    Channel,
    /// A group, also one that has become a supergroup.
    Group,
    /// A supergroup with topics.
    Forum,
}

/// Something that was written in a channel or a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Where.
    pub chat: Chat,
    /// Its id there.
    pub message: i64,
    /// The topic that it is in.
    pub thread: Option<i64>,
    /// Who wrote it; in channels nobody is told, or a signature.
    pub author: Option<String>,
    /// The person, where one is told.
    pub user: Option<User>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
    /// When, in seconds since 1970.
    pub at_s: Option<i64>,
    /// What it says.
    pub body: Body,
}

/// What a post says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Text.
    Text(String),
    /// A file.
    File {
        /// How it is shown.
        kind: Kind,
        /// By which it is fetched.
        file: String,
        /// Empty if it has none.
        name: String,
        /// As Telegram says; may be empty.
        mime: String,
        /// In bytes, where it is told.
        n_bytes: Option<u64>,
        /// May be empty.
        caption: String,
    },
    /// A sticker that moves: WhatsApp cannot have it.
    MovingSticker,
    /// Something else: a member came, a place, a poll.
    Other,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture.
    Photo,
    /// A film.
    Video,
    /// Music or speech.
    Audio,
    /// Anything.
    Document,
    /// A sticker that does not move.
    Sticker,
}

/// The bot's place in a chat.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// Where.
    pub chat: Chat,
    /// Who changed it.
    pub by: User,
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// It is in.
    pub is_member: bool,
    /// It may post.
    pub may_post: bool,
    /// It may make topics.
    pub may_make_topics: bool,
    /// It may make links that lead into the chat.
    pub may_invite: bool,
    /// It was in before.
    pub was_member: bool,
}

/// Longer texts are none that Telegram allows.
const MOST_TEXT: usize = 16 * 1024;
const MOST_NAME: usize = 256;

/// Reads an update. `None` if it has no id: then it is none.
pub fn update(json: &Value) -> Option<Update> {
    let id = json["update_id"].as_i64()?;
    let told = told(json).unwrap_or(Told::Other);
    Some(Update { id, told })
}

fn told(json: &Value) -> Option<Told> {
    if let Some(change) = json.get("my_chat_member") {
        return membership(change).map(|it| Told::Membership(Box::new(it)));
    }
    for name in ["message", "channel_post"] {
        if let Some(message) = json.get(name) {
            return message_told(message);
        }
    }
    for name in ["edited_message", "edited_channel_post"] {
        if let Some(message) = json.get(name) {
            return match message_told(message)? {
                Told::Post(post) => Some(Told::Edited(post)),
                _ => None,
            };
        }
    }
    None
}

fn message_told(message: &Value) -> Option<Told> {
    let id = message["message_id"].as_i64()?;
    let from = user(&message["from"]);
    if message["chat"]["type"] == "private" {
        // In a private chat it is the person's own id.
        let user = from.filter(|user| message["chat"]["id"] == user.id && !user.is_bot)?;
        return Some(Told::Private {
            user,
            message: id,
            text: text(&message["text"], MOST_TEXT),
        });
    }
    let chat = chat(&message["chat"])?;
    if let Some(to) = message["migrate_to_chat_id"].as_i64() {
        return Some(Told::Migrated { from: chat.id, to });
    }
    if let Some(from) = message["migrate_from_chat_id"].as_i64() {
        return Some(Told::Migrated { from, to: chat.id });
    }
    if message["new_chat_title"].is_string() {
        let title = text(&message["new_chat_title"], MOST_NAME);
        return Some(Told::Renamed {
            chat: Chat { title, ..chat },
        });
    }
    let signature = text(&message["author_signature"], MOST_NAME);
    let author = from.as_ref().map(|user| user.name.clone());
    let author = author.or((!signature.is_empty()).then_some(signature));
    // A topic's own first message stands for the topic: answering it is writing in the topic.
    let thread = message["message_thread_id"]
        .as_i64()
        .filter(|_| message["is_topic_message"] == true);
    let reply_to = message["reply_to_message"]["message_id"]
        .as_i64()
        .filter(|reply_to| Some(*reply_to) != thread);
    Some(Told::Post(Box::new(Post {
        message: id,
        thread,
        author,
        user: from,
        reply_to,
        at_s: message["date"].as_i64(),
        body: body(message),
        chat,
    })))
}

fn body(message: &Value) -> Body {
    let caption = text(&message["caption"], MOST_TEXT);
    let file = |kind: Kind, of: &Value, name: &str, mime: &str| {
        let file = of["file_id"].as_str().filter(|id| is_file_id(id))?;
        let or = |field: &str, default: &str| match text(&of[field], MOST_NAME) {
            told if told.is_empty() => default.to_owned(),
            told => told,
        };
        Some(Body::File {
            kind,
            file: file.to_owned(),
            name: or("file_name", name),
            mime: or("mime_type", mime),
            n_bytes: of["file_size"].as_u64(),
            caption: caption.clone(),
        })
    };
    let found = if let Some(sizes) = message["photo"].as_array() {
        // All sizes of one picture, the largest last.
        let largest = sizes.iter().max_by_key(|size| size["width"].as_u64());
        largest.and_then(|largest| file(Kind::Photo, largest, "photo.jpg", "image/jpeg"))
    } else if message["sticker"].is_object() {
        let sticker = &message["sticker"];
        if sticker["is_animated"] == true || sticker["is_video"] == true {
            return Body::MovingSticker;
        }
        file(Kind::Sticker, sticker, "sticker.webp", "image/webp")
    } else if message["video"].is_object() {
        file(Kind::Video, &message["video"], "video.mp4", "video/mp4")
    } else if message["video_note"].is_object() {
        file(
            Kind::Video,
            &message["video_note"],
            "video.mp4",
            "video/mp4",
        )
    } else if message["voice"].is_object() {
        file(Kind::Audio, &message["voice"], "voice.ogg", "audio/ogg")
    } else if message["audio"].is_object() {
        file(Kind::Audio, &message["audio"], "audio.mp3", "audio/mpeg")
    } else if message["document"].is_object() {
        // A moving picture comes as a film beside a document of the same.
        file(Kind::Document, &message["document"], "file", "")
    } else {
        None
    };
    match (found, text(&message["text"], MOST_TEXT)) {
        (Some(file), _) => file,
        (None, text) if !text.is_empty() => Body::Text(text),
        (None, _) => Body::Other,
    }
}

/// What Telegram makes of letters, digits and two signs; it becomes part of a stored address.
fn is_file_id(id: &str) -> bool {
    (1..=256).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn membership(change: &Value) -> Option<Membership> {
    let chat = chat(&change["chat"])?;
    let (is, was) = (&change["new_chat_member"], &change["old_chat_member"]);
    let is_in = |member: &Value| match member["status"].as_str() {
        Some("creator" | "administrator" | "member") => true,
        Some("restricted") => member["is_member"] == true,
        _ => false,
    };
    let is_member = is_in(is);
    let is_admin = is["status"] == "administrator" || is["status"] == "creator";
    let may_post = match chat.kind {
        // Only admins post in channels.
        ChatKind::Channel => is_admin && is["can_post_messages"] != false,
        ChatKind::Group | ChatKind::Forum => is_member && is["can_send_messages"] != false,
    };
    Some(Membership {
        by: user(&change["from"]).unwrap_or_default(),
        at_s: change["date"].as_i64().unwrap_or_default(),
        is_member,
        may_post,
        may_make_topics: is_admin && is["can_manage_topics"] == true,
        may_invite: is_admin && is["can_invite_users"] == true,
        was_member: is_in(was),
        chat,
    })
}

fn chat(json: &Value) -> Option<Chat> {
    let kind = match json["type"].as_str()? {
        "channel" => ChatKind::Channel,
        "supergroup" if json["is_forum"] == true => ChatKind::Forum,
        "supergroup" | "group" => ChatKind::Group,
        _ => return None,
    };
    let username = text(&json["username"], MOST_NAME);
    Some(Chat {
        id: json["id"].as_i64()?,
        kind,
        title: text(&json["title"], MOST_NAME),
        username: (!username.is_empty()).then_some(username),
    })
}

fn user(json: &Value) -> Option<User> {
    let names = [&json["first_name"], &json["last_name"]];
    let names: Vec<String> = names.iter().map(|name| text(name, MOST_NAME)).collect();
    Some(User {
        id: json["id"].as_i64()?,
        name: names.join(" ").trim().to_owned(),
        language: text(&json["language_code"], 16),
        is_bot: json["is_bot"] == true,
    })
}

/// A text without what no text of ours may have, cut to so many bytes.
fn text(json: &Value, most: usize) -> String {
    let text = json.as_str().unwrap_or_default().trim();
    let text = &text[..text.floor_char_boundary(most)];
    text.chars().filter(|c| *c != '\0').collect()
}
