//! What browsers are told, in their words.
//!
//! A frame is a JSON list, so that several things travel as one. Nothing in it is content: ids, the
//! revision by which a browser knows whether it has seen this already, and the few words that spare
//! it a request. Everything else it reads over HTTP, where its rights are asked for again.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Millis;
use crate::domain::ids::{ChatId, NumberId, PersonId};
use crate::domain::status::Status;

/// The longest frame, in bytes: what costs as one message, less what we cannot foresee.
pub const MOST_BYTES: usize = 30 * 1024;

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SocketAction)]
pub enum Action {
    /// It is new.
    Insert,
    /// It is other than before.
    Update,
    /// It is gone.
    Delete,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SocketTopic)]
pub enum Topic {
    /// A message of a chat.
    Message,
    /// A chat.
    Chat,
    /// A number.
    Number,
    /// Somebody of the workspace; whoever is told of themselves reads anew what they may do.
    Person,
    /// A Telegram channel.
    Channel,
    /// Something that takes a while, such as an import.
    Job,
}

/// A change of a row, as browsers are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SocketEvent)]
pub struct Event {
    /// What became of it.
    pub action: Action,
    /// What it is.
    pub topic: Topic,
    /// Its id.
    pub id: String,
    /// Its number.
    #[serde(rename = "inst_id", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub number: Option<NumberId>,
    /// Its chat.
    #[serde(rename = "chat_id", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub chat: Option<ChatId>,
    /// Its revision: what is not newer than the one that is known has been seen already.
    pub rev: u64,
    /// Of a message: its place in the chat, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of a message: how far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub status: Option<Status>,
}

/// What somebody does in a chat at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SocketDoing)]
pub enum Doing {
    /// Writes.
    Typing,
    /// Has it open.
    Viewing,
    /// Nothing any more.
    Nothing,
}

/// What stands in a frame to a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SocketTold)]
pub enum Told {
    /// A row has changed.
    Event(Event),
    /// Something about the connection or the people.
    Word(Word),
}

/// What is told beside changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
#[schema(as = SocketWord)]
pub enum Word {
    /// The answer to `hello`.
    Hello {
        /// Of the server.
        version: String,
        /// Who the socket belongs to.
        #[schema(value_type = String)]
        person: PersonId,
        /// The server's time, milliseconds since 1970.
        now_ms: Millis,
    },
    /// The answer to `ping`.
    Pong,
    /// What was sent was not taken.
    Error {
        /// `bad_frame`, `unknown_action`, `not_found`, `too_many_frames` or `session_ended`.
        code: String,
    },
    /// What somebody else does in a chat.
    Presence {
        /// The chat.
        #[schema(value_type = String)]
        chat_id: ChatId,
        /// Its number.
        #[schema(value_type = String)]
        inst_id: NumberId,
        /// Who.
        #[schema(value_type = String)]
        person: PersonId,
        /// What.
        doing: Doing,
        /// Until when it holds if nothing more is told, milliseconds since 1970.
        until_ms: Millis,
    },
}

impl Word {
    /// A refusal.
    pub fn error(code: &str) -> Self {
        Word::Error {
            code: code.to_owned(),
        }
    }
}

/// The frames that carry `told` in its order, as few as [`MOST_BYTES`] allows.
pub fn frames<'a>(told: impl IntoIterator<Item = &'a Told>) -> Vec<String> {
    let mut frames = Vec::new();
    let mut frame = String::new();
    for one in told {
        // Structs of texts and numbers: there is nothing in them that JSON cannot say.
        let Ok(json) = serde_json::to_string(one) else {
            continue;
        };
        if !frame.is_empty() && frame.len() + json.len() + 2 > MOST_BYTES {
            frames.push(std::mem::take(&mut frame) + "]");
        }
        frame.push(if frame.is_empty() { '[' } else { ',' });
        frame.push_str(&json);
    }
    if !frame.is_empty() {
        frames.push(frame + "]");
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Told {
        Told::Event(Event {
            action: Action::Update,
            topic: Topic::Message,
            id: id.to_owned(),
            number: Some(NumberId::new("n")),
            chat: Some(ChatId::new("c")),
            rev: 3,
            seq: Some(7),
            status: Some(Status::Read),
        })
    }

    #[test]
    fn what_is_told_is_written_like_this() {
        // AC 154
        let check = |told: Told, expect: &str| {
            assert_eq!(frames([&told]), [format!("[{expect}]")]);
        };
        check(
            event("c-7"),
            r#"{"action":"update","topic":"message","id":"c-7","inst_id":"n","chat_id":"c","rev":3,"seq":7,"status":"read"}"#,
        );
        check(
            Told::Event(Event {
                action: Action::Delete,
                topic: Topic::Person,
                id: "p".into(),
                number: None,
                chat: None,
                rev: 9,
                seq: None,
                status: None,
            }),
            r#"{"action":"delete","topic":"person","id":"p","rev":9}"#,
        );
        check(Told::Word(Word::Pong), r#"{"action":"pong"}"#);
        check(
            Told::Word(Word::error("bad_frame")),
            r#"{"action":"error","code":"bad_frame"}"#,
        );
        check(
            Told::Word(Word::Presence {
                chat_id: ChatId::new("c"),
                inst_id: NumberId::new("n"),
                person: PersonId::new("p"),
                doing: Doing::Typing,
                until_ms: 5,
            }),
            r#"{"action":"presence","chat_id":"c","inst_id":"n","person":"p","doing":"typing","until_ms":5}"#,
        );
    }

    #[test]
    fn much_is_told_in_few_frames_and_in_order() {
        let told: Vec<Told> = (0..2000).map(|n| event(&format!("c-{n}"))).collect();
        let frames = frames(&told);
        assert!(frames.iter().all(|frame| frame.len() <= MOST_BYTES));
        let ids: Vec<String> = frames
            .iter()
            .flat_map(|frame| serde_json::from_str::<Vec<serde_json::Value>>(frame).unwrap())
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect();
        let expect: Vec<String> = (0..2000).map(|n| format!("c-{n}")).collect();
        assert_eq!(ids, expect);
        let n_bytes: usize = frames.iter().map(String::len).sum();
        assert!(frames.len() <= n_bytes / MOST_BYTES + 1, "{}", frames.len());
        assert!(super::frames([]).is_empty());
    }
}
