//! What a message says, whatever network it came from.

use serde::{Deserialize, Serialize};

use super::chat_id::Alias;
use super::copy::FileCopy;

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Content {
    /// Plain text with WhatsApp's own marks (`*bold*`).
    Text {
        /// As it was written, outer white space removed.
        text: String,
    },
    /// One file, or several that an agent attached to one message.
    Files {
        /// In the order they were attached; never empty.
        files: Vec<File>,
        /// Goes with the first one; empty if there is none.
        caption: String,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// May be empty.
        name: String,
        /// May be empty.
        address: String,
    },
    /// Cards from an address book.
    Contacts {
        /// Never empty.
        cards: Vec<ContactCard>,
    },
    /// A poll was posted.
    Poll {
        /// The question.
        name: String,
        /// The answers to choose from.
        options: Vec<String>,
        /// Several may be chosen.
        multiple: bool,
    },
    /// How a poll stands now (the whole state, not a change).
    PollVotes {
        /// The question.
        name: String,
        /// Answers with their number of voters.
        votes: Vec<(String, u32)>,
        /// The id of the poll's message.
        target: Option<String>,
    },
    /// An earlier message now reads otherwise.
    Edited {
        /// The new text or caption.
        text: String,
        /// The id of the earlier message.
        target: Option<String>,
    },
    /// An earlier message was deleted.
    Deleted {
        /// The id of the earlier message.
        target: Option<String>,
    },
    /// A reaction to an earlier message.
    Reaction {
        /// `None` when it was taken back.
        emoji: Option<String>,
        /// The id of the earlier message.
        target: Option<String>,
    },
    /// A message with buttons, a list or a template: something to press.
    Menu(Menu),
    /// A button was pressed or a row was chosen.
    Choice {
        /// The label of it.
        label: String,
        /// The id of the message with the buttons.
        target: Option<String>,
    },
    /// An invitation into a group.
    GroupInvite {
        /// The group's name.
        group: String,
        /// What the person wrote with it; may be empty.
        caption: String,
    },
    /// A call, or how it ended.
    Call {
        /// What happened.
        event: CallEvent,
        /// With pictures.
        video: bool,
    },
    /// WhatsApp could not hand the message over (its own markers `SWE001`, `SWE003`); the person
    /// has to be asked to send it again.
    Lost {
        /// Which of the two.
        why: Lost,
    },
    /// A kind that this program does not know, or one whose data were missing. The body is kept in
    /// quarantine.
    Unknown {
        /// The provider's word for it; may be empty.
        type_name: String,
    },
}

impl Content {
    /// Whether somebody should look at it, which is not so of what changes another message.
    pub fn is_to_be_read(&self) -> bool {
        !matches!(
            self,
            Content::Edited { .. }
                | Content::Deleted { .. }
                | Content::Reaction { .. }
                | Content::PollVotes { .. }
        )
    }

    /// The id of the message that it changes, where it changes one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Content::Edited { target, .. }
            | Content::Deleted { target }
            | Content::Reaction { target, .. } => target.as_deref(),
            _ => None,
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// How it is shown.
    pub kind: FileKind,
    /// Where it can be fetched from; a provider's link dies after days or hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As the sender's phone named it; empty if it did not.
    #[serde(default)]
    pub name: String,
    /// As the provider says; empty if it does not. Not to be trusted.
    #[serde(default)]
    pub mime: String,
    /// Why there is no link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<FileMissing>,
    /// What became of our copy; `None` if there was never to be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<FileCopy>,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound.
    Audio,
    /// Anything else.
    Document,
    /// A sticker.
    Sticker,
}

/// Why a file cannot be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileMissing {
    /// Larger than the 100 MB that the gateway passes on (`SWE002`).
    TooLarge,
    /// The gateway sent no link, or one that leads nowhere.
    NoLink,
}

/// A card from an address book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactCard {
    /// May be empty.
    pub name: String,
    /// As it is written in the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Further phones of the same card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_phones: Vec<String>,
}

/// Which of WhatsApp's things to press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MenuKind {
    /// Old buttons.
    Buttons,
    /// A list with sections.
    List,
    /// A template with links, numbers and quick replies.
    Template,
    /// Buttons that link, call or copy.
    Interactive,
    /// Buttons that answer.
    InteractiveReply,
}

/// A message with something to press.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Menu {
    /// Which of them.
    pub menu: MenuKind,
    /// May be empty.
    pub title: String,
    /// May be empty.
    pub body: String,
    /// May be empty.
    pub footer: String,
    /// The label that opens a list; empty elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub opener: String,
    /// What can be pressed; a list's rows have the title of their section.
    pub items: Vec<MenuItem>,
}

/// One thing to press.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MenuItem {
    /// The list's section; empty elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// What it says.
    pub label: String,
    /// A list row's second line; empty elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What pressing does.
    pub action: MenuAction,
}

/// What pressing does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do", content = "with")]
pub enum MenuAction {
    /// Answers with the label.
    Reply,
    /// Opens a link.
    Url(String),
    /// Calls a number.
    Call(String),
    /// Copies a code.
    Copy(String),
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "was", content = "word")]
pub enum CallEvent {
    /// It rings.
    Offer,
    /// Taken on the phone.
    PickUp,
    /// Ended by the business, or do-not-disturb.
    HangUp,
    /// The caller gave up.
    Missed,
    /// Nobody took it.
    Declined,
    /// Anything else, in the provider's word.
    Other(String),
}

/// Why WhatsApp did not hand a message over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// The first message of a chat did not reach the linked device (`SWE001`).
    NotSynced,
    /// It cannot be decrypted; the number has to be linked anew (`SWE003`).
    Undecryptable,
}

/// What a message answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quoted {
    /// WhatsApp's id of the earlier message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Alias>,
    /// The beginning of it, or what kind of thing it is; empty if nothing is told.
    #[serde(default)]
    pub excerpt: QuotedExcerpt,
}

/// What is known of a quoted message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "of")]
pub enum QuotedExcerpt {
    /// Nothing but its id.
    #[default]
    None,
    /// Its text or caption, at most 200 characters.
    Text(String),
    /// A file without a caption.
    File(FileKind),
    /// A place.
    Location,
    /// A card.
    Contact,
    /// A poll.
    Poll,
}
