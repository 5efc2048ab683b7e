//! Chats, what is in them, and the bot's place there.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::seeds::{BOT_ID, BOT_NAME};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Telegram {
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) webhook: Webhook,
    pub(crate) next_update: i64,
    /// By `file_id`.
    pub(crate) files: BTreeMap<String, TgFile>,
}

/// Where updates go, and those that wait.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) allowed: Vec<String>,
    pub(crate) max_connections: i64,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) last_error: Option<(i64, String)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) update: Value,
    pub(crate) at_ms: i64,
    pub(crate) attempts: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TgFile {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: usize,
    /// In the sandbox's own store of files.
    pub(crate) link: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Private,
    Channel,
    Group,
    Forum,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Private => "private",
            Kind::Channel => "channel",
            Kind::Group | Kind::Forum => "supergroup",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) title: String,
    /// `left`, `member`, `administrator`, `kicked`.
    pub(crate) bot: String,
    pub(crate) next_message: i64,
    pub(crate) messages: Vec<Message>,
    pub(crate) topics: BTreeMap<i64, String>,
    /// Which reactions the chat allows; all of Telegram's if it says nothing.
    pub(crate) reactions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) thread: Option<i64>,
    /// The bot wrote it.
    pub(crate) from_bot: bool,
    /// Who wrote it, if not the bot.
    pub(crate) user: Option<(i64, String)>,
    pub(crate) text: String,
    pub(crate) entities: Vec<Value>,
    pub(crate) file: Option<Media>,
    pub(crate) markup: Value,
    pub(crate) reply_to: Option<i64>,
    pub(crate) reactions: Vec<String>,
    pub(crate) edited: bool,
    pub(crate) protected: bool,
    pub(crate) at_ms: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Media {
    /// `photo`, `video` … as the field is called.
    pub(crate) field: String,
    pub(crate) file_id: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) size: usize,
    pub(crate) link: String,
    /// A sticker that moves.
    pub(crate) animated: bool,
}

impl Chat {
    pub(crate) fn new(id: i64, kind: Kind, title: &str) -> Self {
        Self {
            id,
            kind,
            title: title.to_owned(),
            bot: "left".to_owned(),
            next_message: 1,
            messages: Vec::new(),
            topics: BTreeMap::new(),
            reactions: None,
        }
    }

    pub(crate) fn take_id(&mut self) -> i64 {
        self.next_message += 1;
        self.next_message - 1
    }

    pub(crate) fn find(&mut self, id: i64) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    /// As it is in updates and answers.
    pub(crate) fn wire(&self) -> Value {
        let mut chat = json!({ "id": self.id, "type": self.kind.word() });
        if self.kind == Kind::Private {
            chat["first_name"] = self.title.clone().into();
        } else {
            chat["title"] = self.title.clone().into();
        }
        if self.kind == Kind::Forum {
            chat["is_forum"] = true.into();
        }
        chat
    }

    /// A message as it is in updates and answers, with the one that it answers.
    pub(crate) fn message(&self, message: &Message) -> Value {
        let mut wire = self.bare(message);
        let answered = message
            .reply_to
            .and_then(|id| self.messages.iter().find(|message| message.id == id));
        if let Some(answered) = answered {
            wire["reply_to_message"] = self.bare(answered);
        }
        wire
    }

    fn bare(&self, message: &Message) -> Value {
        let mut wire = json!({
            "message_id": message.id,
            "date": message.at_ms / 1000,
            "chat": self.wire(),
        });
        if self.kind == Kind::Channel {
            wire["sender_chat"] = self.wire();
        } else if message.from_bot {
            wire["from"] = bot_user();
        } else if let Some((id, name)) = &message.user {
            wire["from"] = user(*id, name);
        }
        if let Some(thread) = message.thread {
            wire["message_thread_id"] = thread.into();
            wire["is_topic_message"] = true.into();
        }
        if message.protected {
            wire["has_protected_content"] = true.into();
        }
        if message.edited {
            wire["edit_date"] = (message.at_ms / 1000).into();
        }
        if !message.markup.is_null() {
            wire["reply_markup"] = message.markup.clone();
        }
        let (text, entities) = match message.file {
            Some(_) => ("caption", "caption_entities"),
            None => ("text", "entities"),
        };
        if !message.text.is_empty() {
            wire[text] = message.text.clone().into();
        }
        if !message.entities.is_empty() {
            wire[entities] = message.entities.clone().into();
        }
        if let Some(file) = &message.file {
            wire[&file.field] = file.wire();
        }
        wire
    }
}

impl Media {
    fn wire(&self) -> Value {
        let mut file = json!({
            "file_id": self.file_id, "file_unique_id": &self.file_id[..self.file_id.len().min(16)],
            "file_size": self.size,
        });
        let mut set = |fields: Value| {
            for (name, value) in fields.as_object().into_iter().flatten() {
                file[name] = value.clone();
            }
        };
        let named = json!({ "file_name": self.name, "mime_type": self.mime });
        match self.field.as_str() {
            "photo" => {
                set(json!({ "width": 640, "height": 480 }));
                let mut small = file.clone();
                small["width"] = 90.into();
                small["height"] = 67.into();
                small["file_size"] = (self.size.min(900)).into();
                return json!([small, file]);
            }
            "video" => {
                set(named);
                set(json!({ "width": 640, "height": 480, "duration": 1 }));
            }
            "audio" => {
                set(named);
                set(json!({ "duration": 1 }));
            }
            "voice" => set(json!({ "duration": 1, "mime_type": self.mime })),
            "sticker" => set(json!({
                "type": "regular", "width": 512, "height": 512, "emoji": "🙂",
                "is_animated": self.animated, "is_video": false,
            })),
            _ => set(named),
        }
        file
    }
}

pub(crate) fn bot_user() -> Value {
    json!({ "id": BOT_ID, "is_bot": true, "first_name": "Sandbox hub", "username": BOT_NAME })
}

pub(crate) fn user(id: i64, name: &str) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": name, "language_code": "en" })
}

impl Telegram {
    /// Forgets messages and updates; chats, topics and the webhook stay.
    pub(crate) fn forget_messages(&mut self) {
        self.webhook.pending.clear();
        for chat in self.chats.values_mut() {
            chat.messages.clear();
        }
    }
}
