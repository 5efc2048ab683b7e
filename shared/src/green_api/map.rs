//! What GREEN-API's JSON means in our words. Everything has a meaning: nothing here fails.

mod content;
mod journal;

pub use self::journal::{Journaled, Queued, journal, queued};

use super::wire::{Frame, Notification, SenderData};
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::content::{CallEvent, Content};
use crate::domain::event::{Author, Event, IdKind, NewMessage, NotShown};
use crate::domain::message::{Direction, Origin};
use crate::domain::phone::Phone;
use crate::domain::status::{InstanceState, Receipt, Status};

/// The event that a notification tells (GREEN-API contract, webhooks).
pub fn event(notification: &Notification) -> Event {
    let frame = &notification.frame;
    match notification.type_webhook.as_str() {
        "incomingMessageReceived" => message(notification, Direction::In, Origin::Whatsapp, false),
        "outgoingMessageReceived" => message(notification, Direction::Out, Origin::Phone, false),
        "outgoingAPIMessageReceived" => {
            message(notification, Direction::Out, Origin::Whatsapp, true)
        }
        "outgoingMessageStatus" => receipt(frame),
        "stateInstanceChanged" => state(frame),
        "incomingCall" => call(notification, Direction::In),
        "outgoingCall" => call(notification, Direction::Out),
        // The quota's notification is also published under the block's type.
        "incomingBlock" if frame.quota_data.0.is_none() => Event::NotShown(NotShown::Block),
        "incomingBlock" | "quotaExceeded" => Event::NotShown(NotShown::Quota),
        "statusInstanceChanged" => Event::NotShown(NotShown::OnlineSignal),
        // Avatars are published under the device's type.
        "deviceInfo" | "avatarInfo" => Event::NotShown(NotShown::Device),
        "" => Event::NotShown(NotShown::Incomplete),
        _ => Event::NotShown(NotShown::UnknownType),
    }
}

fn message(
    notification: &Notification,
    direction: Direction,
    origin: Origin,
    api_echo: bool,
) -> Event {
    let frame = &notification.frame;
    let unknown = SenderData::default();
    let sender = frame.sender_data.0.as_ref().unwrap_or(&unknown);
    let sender_id = alias(sender.sender.get());
    let incoming = direction == Direction::In;
    let chat = alias(sender.chat_id.get()).or_else(|| sender_id.clone().filter(|_| incoming));
    let (Some(chat), Some(remote_id)) = (chat, remote_id(notification)) else {
        return Event::NotShown(NotShown::Incomplete);
    };
    let data = notification.message.as_ref();
    let is_group = chat.kind() == AliasKind::Group;
    // The sender of what goes out is the account itself: its address book does not name the chat.
    let address_book = sender
        .sender_contact_name
        .get()
        .filter(|_| incoming && !is_group);
    Event::Message(Box::new(NewMessage {
        kind: IdKind::Message,
        remote_id,
        direction,
        origin,
        api_echo,
        chat_name: address_book.or(sender.chat_name.get()).map(name),
        phone: Some(sender.sender_phone_number.trimmed())
            .filter(|_| incoming && !is_group && chat.kind() != AliasKind::Phone)
            .and_then(|digits| Phone::from_digits(digits.trim_start_matches('+')))
            .map(|phone| phone.to_string()),
        author: Author {
            id: sender_id.or_else(|| (incoming && !is_group).then(|| chat.clone())),
            name: sender
                .sender_name
                .get()
                .or(sender.sender_contact_name.get())
                .map(name),
            person: None,
        },
        chat,
        at_s: at_s(frame),
        content: data.map_or_else(content::none, content::content),
        quoted: data.and_then(content::quoted),
    }))
}

fn call(notification: &Notification, direction: Direction) -> Event {
    let frame = &notification.frame;
    let from = alias(frame.from.get());
    let chat = match direction {
        Direction::In => from.clone(),
        // `from` is whoever calls, which here is the account.
        Direction::Out => {
            let called = frame.participants.0.iter().find_map(|p| alias(p.id.get()));
            called.or_else(|| alias(frame.chat_id.get()))
        }
    };
    let (Some(chat), Some(remote_id)) = (chat, remote_id(notification)) else {
        return Event::NotShown(NotShown::Incomplete);
    };
    let event = call_event(frame.status.get());
    Event::Message(Box::new(NewMessage {
        kind: IdKind::of_call(&event),
        remote_id,
        direction,
        origin: match direction {
            Direction::In => Origin::Whatsapp,
            Direction::Out => Origin::Phone,
        },
        api_echo: false,
        chat,
        chat_name: None,
        phone: None,
        author: Author {
            id: from,
            name: None,
            person: None,
        },
        at_s: at_s(frame),
        content: Content::Call {
            event,
            video: frame.is_video.0.unwrap_or(false),
        },
        quoted: None,
    }))
}

/// Bodies of 2021 have no status: they tell of the ringing only.
fn call_event(word: Option<&str>) -> CallEvent {
    match word {
        None | Some("offer") => CallEvent::Offer,
        Some("pickUp") => CallEvent::PickUp,
        Some("hangUp" | "hungUp") => CallEvent::HangUp,
        Some("missed") => CallEvent::Missed,
        Some("declined") => CallEvent::Declined,
        Some(word) => CallEvent::Other(word.to_owned()),
    }
}

fn receipt(frame: &Frame) -> Event {
    let (Some(remote_id), Some(word)) = (frame.id_message.get(), frame.status.get()) else {
        return Event::NotShown(NotShown::Incomplete);
    };
    Event::Receipt(Receipt {
        remote_id: remote_id.to_owned(),
        chat: alias(frame.chat_id.get()),
        status: status(word),
        word: word.to_owned(),
        description: frame.description.get().map(str::to_owned),
        at_s: at_s(frame).unwrap_or(0),
    })
}

/// GREEN-API's words for how far a message has come. A word that is new to us says only that the
/// gateway knows the message, and so can fail nothing.
fn status(word: &str) -> Status {
    match word {
        "sent" => Status::Sent,
        "delivered" => Status::Delivered,
        "read" => Status::Read,
        "failed" | "noAccount" | "notInGroup" | "yellowCard" | "suspended" | "noActiveSession" => {
            Status::Failed
        }
        _ => Status::Accepted,
    }
}

fn state(frame: &Frame) -> Event {
    let Some(word) = frame.state_instance.get() else {
        return Event::NotShown(NotShown::Incomplete);
    };
    let wid = frame
        .instance_data
        .0
        .as_ref()
        .and_then(|data| data.wid.get());
    Event::State {
        state: InstanceState::from(word.to_owned()),
        wid: wid.map(str::to_owned),
    }
}

fn remote_id(notification: &Notification) -> Option<String> {
    let given = notification.frame.id_message.get().map(str::to_owned);
    given.or_else(|| notification.derived_id.clone())
}

fn at_s(frame: &Frame) -> Option<i64> {
    frame.timestamp.0
}

fn alias(id: Option<&str>) -> Option<Alias> {
    id.and_then(Alias::parse)
}

/// A name on one line. WhatsApp marks names that people gave themselves with `~` in groups.
fn name(name: &str) -> String {
    let unmarked = name.trim_start_matches('~').trim();
    let name = if unmarked.is_empty() { name } else { unmarked };
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
