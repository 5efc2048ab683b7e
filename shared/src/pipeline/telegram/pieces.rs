//! A message in as many calls as Telegram needs for it.
//!
//! Each file is a call; the first one has the text under it, as far as that fits there. A part says
//! which file it carries, or that it carries none: then it has the next stretch of the text.

use crate::domain::chat_id::Alias;
use crate::domain::content::{self, File};
use crate::domain::copy::FileCopy;
use crate::domain::delivery::{Delivery, Destination, Part};
use crate::domain::message::{Direction, Message};
use crate::domain::telegram::rich::{Look, Rich};
use crate::domain::telegram::words::{self, Person};
use crate::domain::text::{self, Lang};
use crate::media::link::Links;
use crate::telegram::client::{
    FileKind, MAX_CAPTION_UNITS, MAX_PHOTO_BYTES, MAX_TEXT_UNITS, MAX_UPLOAD_BYTES,
};

/// What one call carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Rich),
    File {
        file: usize,
        kind: FileKind,
        caption: Rich,
    },
}

/// A message that is put into calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) message: &'a Message,
    pub(super) address: &'a Alias,
    pub(super) person: Person<'a>,
    pub(super) links: &'a Links,
    pub(super) lang: Lang,
}

/// Where our copy of a file is.
pub(super) fn object(file: &File) -> Option<&str> {
    match &file.copy {
        Some(FileCopy::Kept { object, .. }) => Some(object),
        _ => None,
    }
}

/// How a file is shown; `None` if Telegram does not take it from a bot, or we do not have it.
fn kind_of(file: &File) -> Option<FileKind> {
    let Some(FileCopy::Kept { n_bytes, .. }) = file.copy else {
        return None;
    };
    if n_bytes > MAX_UPLOAD_BYTES {
        return None;
    }
    Some(match (file.kind, file.mime.as_str()) {
        (content::FileKind::Image, "image/jpeg" | "image/png" | "image/webp")
            if n_bytes <= MAX_PHOTO_BYTES =>
        {
            FileKind::Photo
        }
        (content::FileKind::Sticker, "image/webp") => FileKind::Sticker,
        (content::FileKind::Video, "video/mp4") => FileKind::Video,
        (content::FileKind::Audio, "audio/ogg" | "audio/opus" | "application/ogg") => {
            FileKind::Voice
        }
        (content::FileKind::Audio, "audio/mpeg" | "audio/mp4" | "audio/x-m4a" | "audio/m4a") => {
            FileKind::Audio
        }
        _ => FileKind::Document,
    })
}

/// A further stretch of the text.
fn is_text(part: &Part) -> bool {
    part.aside.is_none() && part.files.as_ref().is_some_and(Vec::is_empty)
}

impl Sender<'_> {
    fn delivery(&self) -> &Delivery {
        &self.message.deliveries[&Destination::Telegram]
    }

    /// The files of a part that go as files.
    fn carried(&self, part: usize) -> Vec<(usize, FileKind)> {
        if self.message.direction == Direction::Out {
            return Vec::new();
        }
        let files = self.message.files();
        let of_part = self.delivery().files_of(part, files.len());
        let carried = of_part.into_iter().filter_map(|index| {
            let file = files.get(index)?;
            Some((index, kind_of(file)?))
        });
        carried.collect()
    }

    /// The files of the parts that a part has to become, if it is more than one call.
    pub(super) fn parts(&self, part: usize) -> Option<Vec<Vec<usize>>> {
        let (row, later) = self.delivery().parts.split_first()?;
        if part != 0 || row.attempts > 0 {
            return None;
        }
        let carried = self.carried(0);
        let has_caption = |(_, kind): &&(usize, FileKind)| *kind != FileKind::Sticker;
        let captioned = carried.first().filter(has_caption);
        let first = captioned.map(|(file, _)| vec![*file]).unwrap_or_default();
        let others = carried.iter().skip(usize::from(captioned.is_some()));
        let n_texts = self.text(captioned.is_some()).len();
        let n_more = later.iter().filter(|part| is_text(part)).count();
        let is_whole = others.len() == 0 && n_more + 1 >= n_texts;
        let is_told = match &row.files {
            Some(files) => *files == first,
            None => carried.is_empty(),
        };
        if is_whole && is_told {
            return None;
        }
        let mut parts = vec![first];
        parts.extend((n_more + 1..n_texts).map(|_| Vec::new()));
        parts.extend(others.map(|(file, _)| vec![*file]));
        Some(parts)
    }

    /// The text in the pieces that it has to go in.
    fn text(&self, is_caption: bool) -> Vec<Rich> {
        let first = if is_caption {
            MAX_CAPTION_UNITS
        } else {
            MAX_TEXT_UNITS
        };
        self.whole(is_caption).split(first, MAX_TEXT_UNITS)
    }

    fn whole(&self, is_caption: bool) -> Rich {
        let files = self.message.files();
        let again_at = files
            .iter()
            .find(|file| file.missing.is_some())
            .and_then(|file| self.links.of(self.message, file));
        let mut rich = words::post(
            self.message,
            self.address,
            self.person,
            is_caption,
            again_at.as_deref(),
            self.lang,
        );
        if self.message.direction == Direction::In {
            for file in files {
                if let Some(address) = self.too_large(file) {
                    rich.push(Look::Plain, "\n");
                    rich.append(words::large(&address, self.lang));
                }
            }
        }
        rich
    }

    /// Where a file is that we have and Telegram does not take.
    fn too_large(&self, file: &File) -> Option<String> {
        match file.copy {
            Some(FileCopy::Kept { n_bytes, .. }) if n_bytes > MAX_UPLOAD_BYTES => {
                self.links.of(self.message, file)
            }
            _ => None,
        }
    }

    /// What a part carries.
    pub(super) fn piece(&self, part: usize) -> Piece {
        let parts = &self.delivery().parts;
        let carries = |place: usize| parts[place].files.as_deref().and_then(<[usize]>::first);
        let is_caption = carries(0).is_some();
        let stretch = |n: usize| self.text(is_caption).into_iter().nth(n).unwrap_or_default();
        if let Some(index) = carries(part) {
            let caption = if part == 0 { stretch(0) } else { Rich::new() };
            let file = self.message.files().get(*index);
            return match file.and_then(kind_of) {
                Some(kind) => Piece::File {
                    file: *index,
                    kind,
                    caption,
                },
                // It followed and was too large, or could not be had.
                None => Piece::Text(self.late(caption, file)),
            };
        }
        let texts_before = (1..=part).filter(|place| is_text(&parts[*place]));
        Piece::Text(stretch(texts_before.count()))
    }

    fn late(&self, mut caption: Rich, file: Option<&File>) -> Rich {
        let Some(file) = file else {
            return caption;
        };
        if !caption.is_blank() {
            return caption;
        }
        caption.append(match self.too_large(file) {
            Some(address) => words::large(&address, self.lang),
            None => {
                let again_at = self.links.of(self.message, file);
                let text = text::late_files(&[file], again_at.as_deref(), self.lang);
                Rich::new().with(Look::Plain, text)
            }
        });
        caption
    }
}
