//! English.

use super::Words;
use crate::domain::content::{CallEvent, FileKind, Lost, MenuKind};
use crate::domain::message::Direction::{In, Out};

pub(super) const WORDS: Words = Words {
    received: |kind| match kind {
        FileKind::Image => "Received an image file",
        FileKind::Video => "Received a video file",
        FileKind::Audio => "Received an audio file",
        FileKind::Document => "Received a document file",
        FileKind::Sticker => "Received a sticker",
    },
    sent: |kind| match kind {
        FileKind::Image => "Sent an image file",
        FileKind::Video => "Sent a video file",
        FileKind::Audio => "Sent an audio file",
        FileKind::Document => "Sent a document file",
        FileKind::Sticker => "Sent a sticker",
    },
    file: |name| format!("[File: {name}]"),
    too_large: |name| {
        let file = if name.is_empty() {
            "A file".to_owned()
        } else {
            format!("The file “{name}”")
        };
        format!(
            "{file} is larger than 100 MB and did not come through. It can be seen on the phone only."
        )
    },
    no_link: |name| {
        let file = if name.is_empty() {
            "A file".to_owned()
        } else {
            format!("The file “{name}”")
        };
        format!("{file} could not be loaded from WhatsApp. Please ask for it to be sent again.")
    },
    again_at: |address| format!("It can be asked for once more here: {address}"),
    follows: "The file follows as soon as it is loaded.",
    late: |name| {
        if name.is_empty() {
            "📎 The file of an earlier message".to_owned()
        } else {
            format!("📎 The file of an earlier message: {name}")
        }
    },
    shared_location: |direction| match direction {
        In => "User shared a location:",
        Out => "We shared a location:",
    },
    location: "Location",
    address: "Address",
    map: "Map",
    shared_contact: |direction| match direction {
        In => "User shared a contact",
        Out => "We shared a contact",
    },
    shared_contacts: |direction| match direction {
        In => "User shared multiple contacts",
        Out => "We shared multiple contacts",
    },
    name: "Name",
    phone: "Phone",
    poll: |direction, name| match direction {
        In => format!("User sent a poll: {name}"),
        Out => format!("We sent a poll: {name}"),
    },
    options: "Options",
    multiple: "Multiple answers allowed",
    single: "Single answer only",
    poll_updated: |name| format!("Poll \"{name}\" was updated."),
    votes: "Votes",
    // A format that others read; it has one form for every number.
    n_votes: |n| format!("{n} vote(s)"),
    edited: |direction, text, target| {
        let who = if direction == In { "User" } else { "We" };
        let target = target.unwrap_or("unknown");
        format!("{who} edited a message to: \"{text}\" (Original ID: {target})")
    },
    deleted: |direction, target| {
        let who = if direction == In { "User" } else { "We" };
        format!(
            "{who} deleted a message (ID: {})",
            target.unwrap_or("unknown")
        )
    },
    reacted: |emoji, what| format!("Reacted {emoji} to: {what}"),
    reaction_removed: |what| format!("Removed the reaction to: {what}"),
    a_message: |target| match target {
        Some(id) => format!("a message (ID: {id})"),
        None => "an earlier message".to_owned(),
    },
    menu: |direction, kind| match (direction, kind) {
        (In, MenuKind::Buttons) => "🔘 User sent a message with buttons:",
        (Out, MenuKind::Buttons) => "🔘 We sent a message with buttons:",
        (In, MenuKind::List) => "📝 User sent a list message:",
        (Out, MenuKind::List) => "📝 We sent a list message:",
        (In, MenuKind::Template) => "📋 User sent a template message:",
        (Out, MenuKind::Template) => "📋 We sent a template message:",
        (_, MenuKind::Interactive) => "🔘 Interactive message with buttons:",
        (_, MenuKind::InteractiveReply) => "💬 Interactive reply message with buttons:",
    },
    menu_title: "Title",
    menu_opener: "Menu",
    menu_items: |kind| match kind {
        MenuKind::Template => "Actions",
        MenuKind::InteractiveReply => "Reply options",
        MenuKind::Buttons | MenuKind::Interactive | MenuKind::List => "Buttons",
    },
    menu_footer: "Footer",
    link: "Link",
    call: "Call",
    reply: "Reply",
    copy: "Copy",
    clicked: "Button clicked",
    invitation: |direction, group| match direction {
        In => format!("User sent a group invitation for \"{group}\"."),
        Out => format!("We sent a group invitation for \"{group}\"."),
    },
    caption: "Caption",
    call_event: |direction, event, who| match (direction, event) {
        (In, CallEvent::Offer) => format!("Incoming call from {who}"),
        (In, CallEvent::PickUp) => format!("Call answered from {who}"),
        (In, CallEvent::HangUp) => {
            format!("Call ended by recipient - {who} (hung up or do not disturb)")
        }
        (In, CallEvent::Missed) => format!("Missed call from {who} (caller ended call)"),
        (In, CallEvent::Declined) => format!("Call declined from {who} (timeout)"),
        (In, CallEvent::Other(word)) => format!("Call event from {who} - Status: {word}"),
        (Out, CallEvent::Offer) => format!("Outgoing call to {who}"),
        (Out, CallEvent::PickUp) => format!("Call answered by {who}"),
        (Out, CallEvent::HangUp) => format!("Call to {who} ended"),
        (Out, CallEvent::Missed) => format!("Call to {who} was not answered"),
        (Out, CallEvent::Declined) => format!("Call declined by {who}"),
        (Out, CallEvent::Other(word)) => format!("Call event to {who} - Status: {word}"),
    },
    video: " (video)",
    unknown_person: "Unknown",
    lost: |why| match why {
        Lost::NotSynced => {
            "A message arrived that WhatsApp has not passed on. Please ask the customer to send it again."
        }
        Lost::Undecryptable => {
            "A message arrived that could not be decrypted. Please ask the customer to send it again; if this goes on, the number has to be linked anew."
        }
    },
    unknown: |type_name| match type_name {
        "" => "A message that can only be seen on the phone".to_owned(),
        type_name => format!("A message that can only be seen on the phone (type: {type_name})"),
    },
    empty: "(empty message)",
    cut: "… (cut, the rest is on the phone)",
    quote: |excerpt| format!("↩️ In reply to: {excerpt}"),
    excerpt_file: |kind| match kind {
        FileKind::Image => "an image",
        FileKind::Video => "a video",
        FileKind::Audio => "an audio message",
        FileKind::Document => "a document",
        FileKind::Sticker => "a sticker",
    },
    excerpt_location: "a location",
    excerpt_contact: "a contact",
    excerpt_poll: "a poll",
    excerpt_unknown: "an earlier message",
    group: "Group",
    unknown_group: "Unknown Group",
};
