//! What a file is: by its first bytes, and by its name where those say nothing. What somebody says
//! of it decides nothing.

use infer::MatcherType;

use crate::domain::content::FileKind;

/// How many bytes are looked at.
pub const HEAD_BYTES: usize = 8 << 10;

/// The longest name, in characters, its ending included.
const MAX_NAME: usize = 120;

/// What is said of a file whose content says nothing: no browser shows it as a page.
const UNKNOWN: &str = "application/octet-stream";

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sniffed {
    /// Its type, by its content.
    pub mime: String,
    /// A name without paths and tricks, with an ending that fits the content.
    pub name: String,
    /// A browser may show it: it is of a kind that holds no script.
    pub is_inline: bool,
}

/// Looks at the beginning of a file. `name` and `mime` are what somebody says of it.
pub fn sniff(head: &[u8], name: &str, mime: &str, kind: FileKind) -> Sniffed {
    let name = clean_name(name);
    let Some((found, extension)) = known(head) else {
        // Pages, drawings with scripts, and whatever else is text.
        let name = match extension_of(&name) {
            Some(_) => name,
            None => format!("{}.{}", stem(&name, kind), said_extension(mime)),
        };
        let is_text = matches!(extension_of(&name).as_deref(), Some("txt" | "csv"));
        return Sniffed {
            mime: if is_text {
                "text/plain; charset=utf-8".to_owned()
            } else {
                UNKNOWN.to_owned()
            },
            name,
            is_inline: false,
        };
    };
    let is_inline = shows_in_a_browser(found);
    let fits = match extension_of(&name) {
        // Archives and programs have many endings; the sender knows better than we do.
        Some(_) if !is_inline => true,
        Some(given) => given == extension || is_same(extension, &given),
        None => false,
    };
    let name = match fits {
        true => name,
        false if extension == "ogg" => {
            // A voice note is one by its ending (GREEN-API contract, sending).
            let bare = name.strip_suffix(".opus").or(name.strip_suffix(".oga"));
            format!("{}.ogg", stem(bare.unwrap_or(&name), kind))
        }
        false => format!("{}.{extension}", stem(&name, kind)),
    };
    Sniffed {
        mime: found.to_owned(),
        name,
        is_inline,
    }
}

/// Type and ending of a content that is told by its first bytes.
fn known(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let found = infer::get(head)?;
    match (found.matcher_type(), found.mime_type()) {
        // What looks like text can be any text, and old Office documents share one form.
        (MatcherType::Text, _) | (_, UNKNOWN | "application/x-ole-storage") => None,
        (_, "audio/opus") => Some(("audio/ogg", "ogg")),
        (_, mime) => Some((mime, found.extension())),
    }
}

/// Whether the content is a page, where something else was expected: a link that leads to an
/// explanation instead of the file.
pub fn is_page(head: &[u8]) -> bool {
    infer::get(head).is_some_and(|found| found.mime_type() == "text/html")
}

/// Pictures, films, sound and PDF. None of these types can hold a script that runs as a page.
pub fn shows_in_a_browser(mime: &str) -> bool {
    let is_picture = matches!(
        mime,
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/bmp" | "image/avif"
    );
    is_picture
        || mime.starts_with("video/")
        || mime.starts_with("audio/")
        || mime == "application/pdf"
}

/// Endings that stand for the same content.
fn is_same(extension: &str, given: &str) -> bool {
    let others: &[&str] = match extension {
        "jpg" => &["jpeg", "jpe", "jfif"],
        "mp4" | "m4v" | "mov" => &["mp4", "m4v", "mov", "3gp"],
        "m4a" => &["mp4", "aac"],
        "mpg" => &["mpeg"],
        "mkv" => &["mka", "webm"],
        "wmv" => &["wma", "asf"],
        "midi" => &["mid"],
        "aiff" => &["aif"],
        _ => &[],
    };
    others.contains(&given)
}

/// The ending that a type stands for where neither content nor name tell.
fn said_extension(mime: &str) -> &'static str {
    match mime.split(';').next().unwrap_or_default().trim() {
        "text/plain" => "txt",
        "text/csv" => "csv",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/calendar" => "ics",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.ms-powerpoint" => "ppt",
        _ => "bin",
    }
}

/// In lower case, if there is one that looks like one.
fn extension_of(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_one = !stem.is_empty()
        && (1..=8).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    is_one.then(|| extension.to_ascii_lowercase())
}

fn stem(name: &str, kind: FileKind) -> &str {
    match (name, kind) {
        ("", FileKind::Image) => "image",
        ("", FileKind::Video) => "video",
        ("", FileKind::Audio) => "audio",
        ("", FileKind::Document) => "document",
        ("", FileKind::Sticker) => "sticker",
        (name, _) => name,
    }
}

/// A name that is a name only: without folders, control characters, and characters that turn the
/// direction of what follows (`gpj.exe` for `exe.jpg`).
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !is_trick(*c)).collect();
    let trimmed = visible.trim_matches(|c: char| c.is_whitespace() || c == '.');
    let excess = trimmed.chars().count().saturating_sub(MAX_NAME);
    // Shortened at the front, so that the ending stays.
    trimmed.chars().skip(excess).collect()
}

fn is_trick(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
