//! The files of a message, as the CRM gets them.

use crate::domain::content::File;
use crate::domain::delivery::Destination;
use crate::domain::message::Message;
use crate::media::link::Links;
use crate::pipeline::files::{hands_over, is_in_telegram};

/// The files that go with a part.
pub(super) fn carried(message: &Message, part: usize) -> Vec<&File> {
    let files = message.files();
    let carried = message
        .deliveries
        .get(&Destination::Crm)
        .map(|delivery| delivery.files_of(part, files.len()));
    let carried = carried.unwrap_or_default();
    carried.iter().filter_map(|file| files.get(*file)).collect()
}

/// The address that a file was given with. What is in Telegram is shown where the gateway has it.
fn given_address(file: &File) -> Option<&str> {
    match is_in_telegram(file) {
        true => file.send_url().filter(|url| url.starts_with("http")),
        false => file.url.as_deref(),
    }
}

/// The addresses of files: ours, and where there never was to be a copy the one that it came with.
/// What is sent from here is shown under the address that it was given with, whatever becomes of it
/// on the way to the phone.
pub(super) fn attachments(message: &Message, files: &[&File], links: &Links) -> Vec<String> {
    if hands_over(message) {
        let given = |file: &&File| match file.upload() {
            Some(_) => links.of(message, file),
            None => given_address(file).map(str::to_owned),
        };
        return files.iter().filter_map(given).collect();
    }
    files
        .iter()
        .filter(|file| file.missing.is_none() && !file.is_waiting())
        .filter_map(|file| links.of(message, file).or_else(|| file.url.clone()))
        .collect()
}
