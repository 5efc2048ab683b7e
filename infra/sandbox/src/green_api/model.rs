//! What GREEN-API keeps for one instance (one WhatsApp number).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{clock, green_api::linking::Linking, ids, seeds};

pub(crate) type Object = Map<String, Value>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: u64,
    pub(crate) token: String,
    /// Digits only.
    pub(crate) phone: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) settings: Object,
    pub(crate) auto: Auto,
    /// Chats whose number has no WhatsApp.
    pub(crate) no_account: BTreeSet<String>,
    /// Names of customers and groups by chat id.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) queue: VecDeque<Queued>,
    /// In the order in which they happened.
    pub(crate) messages: Vec<Message>,
    pub(crate) notifications: VecDeque<Notification>,
    #[serde(default)]
    pub(crate) linking: Linking,
}

/// Which receipts a customer's phone gives by itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Auto {
    #[serde(default = "yes")]
    pub(crate) delivered: bool,
    #[serde(default = "yes")]
    pub(crate) read: bool,
}

fn yes() -> bool {
    true
}

/// A message that was accepted and has not left yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Queued {
    pub(crate) id_message: String,
    pub(crate) method: String,
    pub(crate) body: Object,
    pub(crate) at_ms: i64,
}

/// A webhook body that waits for its turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) at_ms: i64,
    pub(crate) attempts: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) chat_id: String,
    pub(crate) outgoing: bool,
    pub(crate) by_api: bool,
    pub(crate) at_ms: i64,
    pub(crate) content: Content,
    /// Of an outgoing message: what became of it. Of an incoming one: whether we showed it read.
    pub(crate) status: String,
    pub(crate) sender_id: String,
    pub(crate) sender_name: String,
}

/// What a message says, in the two forms that GREEN-API gives it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    /// `typeMessage` of the webhook.
    pub(crate) kind: String,
    /// The other fields of the webhook's `messageData`.
    pub(crate) data: Object,
    /// The same as the journals write it: flat.
    pub(crate) flat: Object,
    /// `typeMessage` of the journal.
    pub(crate) flat_kind: String,
    /// What a person reads on the phone.
    pub(crate) text: String,
    pub(crate) file: Option<FileRef>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FileRef {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) mime: String,
}

impl Instance {
    pub(crate) fn new(id: u64, token: String, phone: String, name: String) -> Self {
        Self {
            id,
            token,
            phone,
            name,
            state: "authorized".into(),
            settings: seeds::settings(),
            auto: Auto {
                delivered: true,
                read: true,
            },
            no_account: BTreeSet::new(),
            names: BTreeMap::new(),
            queue: VecDeque::new(),
            messages: Vec::new(),
            notifications: VecDeque::new(),
            linking: Linking::default(),
        }
    }

    pub(crate) fn forget_messages(&mut self) {
        self.queue.clear();
        self.messages.clear();
        self.notifications.clear();
    }

    pub(crate) fn authorized(&self) -> bool {
        self.state == "authorized"
    }

    /// The account; empty when not authorized (GREEN-API contract, identifiers).
    pub(crate) fn wid(&self) -> String {
        if self.state == "notAuthorized" {
            String::new()
        } else {
            format!("{}@c.us", self.phone)
        }
    }

    /// A text setting, `""` if it is not one.
    pub(crate) fn setting(&self, name: &str) -> &str {
        self.settings
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn is_on(&self, flag: &str) -> bool {
        self.setting(flag) == "yes"
    }

    pub(crate) fn delay(&self) -> std::time::Duration {
        let ms = self
            .settings
            .get("delaySendMessagesMilliseconds")
            .and_then(Value::as_u64);
        std::time::Duration::from_millis(ms.unwrap_or(500))
    }

    pub(crate) fn name_of(&self, chat: &str) -> String {
        self.names.get(chat).cloned().unwrap_or_default()
    }

    pub(crate) fn message(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().rev().find(|m| m.id == id)
    }

    /// The common frame of every notification (GREEN-API contract, common frame).
    pub(crate) fn frame(&self, kind: &str) -> Object {
        let mut body = Object::new();
        body.insert("typeWebhook".into(), kind.into());
        body.insert(
            "instanceData".into(),
            json!({ "idInstance": self.id, "wid": self.wid(), "typeInstance": "whatsapp" }),
        );
        body.insert("timestamp".into(), (clock::now_ms() / 1000).into());
        body
    }

    /// Puts a notification at the end of the line, if its switch is on (`None`: cannot be
    /// switched off).
    pub(crate) fn notify(&mut self, switch: Option<&str>, body: Object) {
        if switch.is_none_or(|flag| self.is_on(flag)) {
            self.notify_raw(body.into());
        }
    }

    pub(crate) fn notify_raw(&mut self, body: Value) {
        self.notifications.push_back(Notification {
            key: ids::uuid(),
            body,
            at_ms: clock::now_ms(),
            attempts: 0,
        });
    }

    /// Changes the state and says so.
    pub(crate) fn set_state(&mut self, state: &str) {
        if self.state == state {
            return;
        }
        self.state = state.into();
        let mut body = self.frame("stateInstanceChanged");
        body.insert("stateInstance".into(), state.into());
        self.notify(Some("stateWebhook"), body);
    }
}

impl Message {
    /// The webhook about this message.
    pub(crate) fn webhook(&self, instance: &Instance) -> Object {
        let kind = match (self.outgoing, self.by_api) {
            (false, _) => "incomingMessageReceived",
            (true, true) => "outgoingAPIMessageReceived",
            (true, false) => "outgoingMessageReceived",
        };
        let mut body = instance.frame(kind);
        body.insert("timestamp".into(), (self.at_ms / 1000).into());
        body.insert("idMessage".into(), self.id.clone().into());
        body.insert(
            "senderData".into(),
            json!({
                "chatId": self.chat_id,
                "chatName": instance.name_of(&self.chat_id),
                "sender": self.sender_id,
                "senderName": self.sender_name,
                "senderContactName": "",
            }),
        );
        let mut data = self.content.data.clone();
        data.insert("typeMessage".into(), self.content.kind.clone().into());
        body.insert("messageData".into(), data.into());
        body
    }
}
