//! What messages say, as browsers see it.

use greenhub::domain::content::{CallEvent, Content, File, FileKind, FileMissing};
use greenhub::domain::copy::FileCopy;
use serde::Serialize;
use utoipa::ToSchema;

/// What a message says.
#[derive(Serialize, ToSchema)]
#[schema(as = Content)]
#[serde(
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    tag = "kind"
)]
pub(crate) enum ContentView {
    /// Words with WhatsApp's own marks.
    Text {
        /// Never empty.
        text: String,
    },
    /// Files.
    Files {
        /// Never empty.
        files: Vec<FileView>,
        /// May be empty.
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
    /// Cards of an address book.
    Contacts {
        /// Never empty.
        cards: Vec<CardView>,
    },
    /// A poll, or how it stands.
    Poll {
        /// The question.
        name: String,
        /// The answers.
        options: Vec<OptionView>,
        /// Several may be chosen.
        multiple: bool,
    },
    /// Something to press.
    Menu {
        /// May be empty.
        title: String,
        /// May be empty.
        body: String,
        /// May be empty.
        footer: String,
        /// What can be pressed.
        labels: Vec<String>,
    },
    /// Something was pressed.
    Choice {
        /// What.
        label: String,
    },
    /// An earlier message reads otherwise.
    Edited {
        /// How.
        text: String,
    },
    /// An earlier message was deleted.
    Deleted,
    /// What somebody thinks of an earlier message; nothing any more, if nothing is told.
    Reaction {
        /// A picture sign.
        emoji: Option<String>,
    },
    /// An invitation into a group.
    GroupInvite {
        /// Its name.
        group: String,
        /// May be empty.
        caption: String,
    },
    /// A call.
    Call {
        /// `offer`, `pick_up`, `hang_up`, `missed`, `declined`, or WhatsApp's own word.
        event: String,
        /// With pictures.
        video: bool,
    },
    /// WhatsApp did not hand it over; the person has to be asked to send it again.
    Lost,
    /// A kind that is newer than this program.
    Unknown {
        /// WhatsApp's word for it; may be empty.
        type_name: String,
    },
}

/// A file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileView {
    /// How it is shown: `image`, `video`, `audio`, `document`, `sticker`.
    kind: &'static str,
    /// May be empty.
    name: String,
    /// May be empty.
    mime: String,
    /// How large it is, once it is here.
    n_bytes: Option<u64>,
    /// How it stands.
    state: FileState,
}

/// How a file stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileState {
    /// It is on its way.
    Waiting,
    /// It can be had.
    Ready,
    /// It is larger than WhatsApp passes on.
    TooLarge,
    /// It cannot be had any more.
    Gone,
}

/// A card of an address book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CardView {
    /// May be empty.
    name: String,
    /// As they are written in it.
    phones: Vec<String>,
}

/// An answer of a poll.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OptionView {
    /// What it says.
    label: String,
    /// How many chose it, where that is told.
    votes: Option<u32>,
}

impl From<File> for FileView {
    fn from(file: File) -> Self {
        let (state, n_bytes) = match (&file.copy, file.missing) {
            (_, Some(FileMissing::TooLarge)) => (FileState::TooLarge, None),
            (_, None) if file.upload().is_some() => (FileState::Ready, None),
            (Some(FileCopy::Kept { n_bytes, .. }), _) => (FileState::Ready, Some(*n_bytes)),
            (Some(FileCopy::Waiting { .. }), None) => (FileState::Waiting, None),
            _ => (FileState::Gone, None),
        };
        FileView {
            kind: kind_of(file.kind),
            name: file.name,
            mime: file.mime,
            n_bytes,
            state,
        }
    }
}

pub(super) fn kind_of(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Image => "image",
        FileKind::Video => "video",
        FileKind::Audio => "audio",
        FileKind::Document => "document",
        FileKind::Sticker => "sticker",
    }
}

impl From<Content> for ContentView {
    fn from(content: Content) -> Self {
        match content {
            Content::Text { text } => ContentView::Text { text },
            Content::Files { files, caption } => ContentView::Files {
                files: files.into_iter().map(FileView::from).collect(),
                caption,
            },
            Content::Location {
                latitude,
                longitude,
                name,
                address,
            } => ContentView::Location {
                latitude,
                longitude,
                name,
                address,
            },
            Content::Contacts { cards } => ContentView::Contacts {
                cards: cards
                    .into_iter()
                    .map(|card| CardView {
                        name: card.name,
                        phones: card.phone.into_iter().chain(card.more_phones).collect(),
                    })
                    .collect(),
            },
            Content::Poll {
                name,
                options,
                multiple,
            } => ContentView::Poll {
                name,
                options: options
                    .into_iter()
                    .map(|label| OptionView { label, votes: None })
                    .collect(),
                multiple,
            },
            Content::PollVotes { name, votes, .. } => ContentView::Poll {
                name,
                options: votes
                    .into_iter()
                    .map(|(label, votes)| OptionView {
                        label,
                        votes: Some(votes),
                    })
                    .collect(),
                multiple: false,
            },
            Content::Edited { text, .. } => ContentView::Edited { text },
            Content::Deleted { .. } => ContentView::Deleted,
            Content::Reaction { emoji, .. } => ContentView::Reaction { emoji },
            Content::Menu(menu) => ContentView::Menu {
                title: menu.title,
                body: menu.body,
                footer: menu.footer,
                labels: menu.items.into_iter().map(|item| item.label).collect(),
            },
            Content::Choice { label, .. } => ContentView::Choice { label },
            Content::GroupInvite { group, caption } => ContentView::GroupInvite { group, caption },
            Content::Call { event, video } => ContentView::Call {
                event: match event {
                    CallEvent::Offer => "offer".to_owned(),
                    CallEvent::PickUp => "pick_up".to_owned(),
                    CallEvent::HangUp => "hang_up".to_owned(),
                    CallEvent::Missed => "missed".to_owned(),
                    CallEvent::Declined => "declined".to_owned(),
                    CallEvent::Other(word) => word,
                },
                video,
            },
            Content::Lost { .. } => ContentView::Lost,
            Content::Unknown { type_name } => ContentView::Unknown { type_name },
        }
    }
}
