//! From the streams of the tables to what browsers are told. Nothing here reads or writes.
//!
//! Who changed a row does not matter: whatever is written reaches the browsers. Of the many writes
//! that a message causes, those that change nothing that people see are told to nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_dynamo::Item;

use super::event::{Action, Event, Topic};
use crate::domain::delivery::{Delivery, Part, PartState};
use crate::domain::ids::{NumberId, PersonId, WorkspaceId};
use crate::domain::message::Message;
use crate::store::chats::ChatRow;
use crate::store::directory::{InstallRow, InstallState, NumberRow};
use crate::store::keys::{self, StreamRow};
use crate::store::people::PersonRow;
use crate::store::row::{Row, row};

/// A row as it was and as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
    /// The row before; `None` if it is new.
    pub old: Option<Item>,
    /// The row now; `None` if it is gone.
    pub new: Option<Item>,
}

/// Who may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who sees the number.
    Number(NumberId),
    /// This person, and everybody who manages people.
    Person(PersonId),
}

/// What follows from a change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Browsers of the workspace are told.
    Event {
        /// The tenant.
        workspace: WorkspaceId,
        /// Who of it.
        to: Audience,
        /// What.
        event: Event,
    },
    /// Somebody's rights or sessions may be others: what is known of them is forgotten, and their
    /// sockets have to show that they are still theirs.
    Person {
        /// The tenant.
        workspace: WorkspaceId,
        /// Who.
        person: PersonId,
    },
    /// So may be everybody's of the workspace.
    Everybody {
        /// The tenant.
        workspace: WorkspaceId,
    },
}

/// What follows from a change.
///
/// A row that cannot be read is logged and told to nobody: repeating it would stop all others.
pub fn news(change: &Change) -> Vec<News> {
    let Some(kind) = keys::stream_row(&change.pk, &change.sk) else {
        return Vec::new();
    };
    let told = match kind {
        StreamRow::Import(workspace, number) => {
            of(change, |sides| job(&workspace, &number, &sides))
        }
        StreamRow::Message(_) => of(change, message),
        StreamRow::Chat(_) => of(change, chat),
        StreamRow::Number(..) => of(change, number),
        StreamRow::Person(..) => of(change, person),
        StreamRow::Install(_) => of(change, install),
    };
    told.unwrap_or_else(|error| {
        tracing::error!(%error, "a row of a stream cannot be read");
        Vec::new()
    })
}

/// A row of which at least one side is there.
enum Sides<T> {
    New(T),
    Both(T, T),
    Gone(T),
}

impl<T> Sides<T> {
    /// The row as it is, or as it last was.
    fn row(&self) -> &T {
        match self {
            Sides::New(row) | Sides::Both(_, row) | Sides::Gone(row) => row,
        }
    }

    /// What became of it; `None` if people see the same as before.
    fn action(&self, is_same: impl Fn(&T, &T) -> bool) -> Option<Action> {
        match self {
            Sides::New(_) => Some(Action::Insert),
            Sides::Both(old, new) => (!is_same(old, new)).then_some(Action::Update),
            Sides::Gone(_) => Some(Action::Delete),
        }
    }
}

fn of<T: Row>(
    change: &Change,
    news: impl Fn(Sides<T>) -> Vec<News>,
) -> Result<Vec<News>, serde_dynamo::Error> {
    let read = |side: &Option<Item>| side.clone().map(serde_dynamo::from_item).transpose();
    Ok(match (read(&change.old)?, read(&change.new)?) {
        (None, Some(new)) => news(Sides::New(new)),
        (Some(old), Some(new)) => news(Sides::Both(old, new)),
        (Some(old), None) => news(Sides::Gone(old)),
        (None, None) => Vec::new(),
    })
}

fn message(sides: Sides<Message>) -> Vec<News> {
    let Some(action) = sides.action(|old, new| seen_of_message(old) == seen_of_message(new)) else {
        return Vec::new();
    };
    let row = sides.row();
    vec![News::Event {
        workspace: row.workspace.clone(),
        to: Audience::Number(row.number.clone()),
        event: Event {
            action,
            topic: Topic::Message,
            id: row.reference(),
            number: Some(row.number.clone()),
            chat: Some(row.chat.clone()),
            rev: row.rev,
            seq: Some(row.seq),
            status: Some(row.status),
        },
    }]
}

/// A message without what only the machinery looks at.
fn seen_of_message(message: &Message) -> Message {
    let mut seen = message.clone();
    seen.rev = 0;
    // What the CRM was told is the CRM's business.
    seen.crm = None;
    seen.crm_twin = None;
    for delivery in seen.deliveries.values_mut() {
        seen_of_delivery(delivery);
    }
    seen
}

/// Of a delivery people see whether it waits, is done or was given up, and why.
fn seen_of_delivery(delivery: &mut Delivery) {
    for part in &mut delivery.parts {
        *part = Part {
            state: match &part.state {
                PartState::Pending | PartState::Sending { .. } | PartState::Retry { .. } => {
                    PartState::Pending
                }
                PartState::Unknown { to_person, .. } => PartState::Unknown {
                    since_ms: 0,
                    looked_ms: 0,
                    at_ms: 0,
                    to_person: *to_person,
                },
                settled => settled.clone(),
            },
            status: part.status,
            error: part.error.clone(),
            ..Part::default()
        };
    }
}

fn chat(sides: Sides<ChatRow>) -> Vec<News> {
    let Some(action) = sides.action(|old, new| seen_of_chat(old) == seen_of_chat(new)) else {
        return Vec::new();
    };
    let row = sides.row();
    vec![News::Event {
        workspace: row.workspace.clone(),
        to: Audience::Number(row.number.clone()),
        event: Event {
            action,
            topic: Topic::Chat,
            id: row.chat.to_string(),
            number: Some(row.number.clone()),
            chat: Some(row.chat.clone()),
            rev: row.rev,
            seq: None,
            status: None,
        },
    }]
}

/// A chat without what only the lanes look at.
fn seen_of_chat(chat: &ChatRow) -> ChatRow {
    ChatRow {
        rev: 0,
        lanes: BTreeMap::new(),
        untold: Default::default(),
        files: Default::default(),
        echoes: BTreeMap::new(),
        ringing: BTreeMap::new(),
        crm: None,
        waits_for: Default::default(),
        due_at: None,
        due_shard: None,
        // They follow from the rest.
        stand_in: None,
        holder_in: None,
        listed: Default::default(),
        topic: None,
        ..chat.clone()
    }
}

fn number(sides: Sides<NumberRow>) -> Vec<News> {
    let Some(action) = sides.action(|old, new| seen_of_number(old) == seen_of_number(new)) else {
        return Vec::new();
    };
    let row = sides.row();
    vec![News::Event {
        workspace: row.workspace.clone(),
        to: Audience::Number(row.number.clone()),
        event: Event {
            action,
            topic: Topic::Number,
            id: row.number.to_string(),
            number: Some(row.number.clone()),
            chat: None,
            rev: row.rev,
            seq: None,
            status: None,
        },
    }]
}

/// A number without secrets, and without when the sweeper looks at it.
fn seen_of_number(number: &NumberRow) -> NumberRow {
    NumberRow {
        rev: 0,
        token_sealed: String::new(),
        hook_key_sealed: String::new(),
        hook_token_sha256: String::new(),
        hook_token_sealed: String::new(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        checked_ms: 0,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
        ..number.clone()
    }
}

fn person(sides: Sides<PersonRow>) -> Vec<News> {
    let row = sides.row();
    let (workspace, person) = (row.workspace.clone(), row.person.clone());
    // Whatever it was, their sockets have to be looked at.
    let mut news = vec![News::Person {
        workspace: workspace.clone(),
        person: person.clone(),
    }];
    let seen = |row: &PersonRow| PersonRow {
        rev: 0,
        epoch: 0,
        password: None,
        recovery: Default::default(),
        ..row.clone()
    };
    if let Some(action) = sides.action(|old, new| seen(old) == seen(new)) {
        let event = Event {
            action,
            topic: Topic::Person,
            id: person.to_string(),
            number: None,
            chat: None,
            rev: row.rev,
            seq: None,
            status: None,
        };
        let to = Audience::Person(person);
        news.push(News::Event {
            workspace,
            to,
            event,
        });
    }
    news
}

fn install(sides: Sides<InstallRow>) -> Vec<News> {
    let is_usable = |row: &InstallRow| row.state != InstallState::Uninstalled;
    let ended = match &sides {
        Sides::New(_) => None,
        // Linked to another workspace: nobody of the old one comes from here any more.
        Sides::Both(old, new) => {
            let is_ended = is_usable(old) && (!is_usable(new) || old.workspace != new.workspace);
            is_ended.then_some(old)
        }
        Sides::Gone(old) => Some(old),
    };
    let everybody = ended.map(|row| News::Everybody {
        workspace: row.workspace.clone(),
    });
    everybody.into_iter().collect()
}

/// Of a job nothing is known here but that it goes on: whatever is in its row is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct JobRow {
    rev: u64,
}

row!(JobRow, "a job");

fn job(workspace: &WorkspaceId, number: &NumberId, sides: &Sides<JobRow>) -> Vec<News> {
    let action = sides.action(|old, new| old.rev == new.rev);
    let news = action.map(|action| News::Event {
        workspace: workspace.clone(),
        to: Audience::Number(number.clone()),
        event: Event {
            action,
            topic: Topic::Job,
            // There is one for each number.
            id: number.to_string(),
            number: Some(number.clone()),
            chat: None,
            rev: sides.row().rev,
            seq: None,
            status: None,
        },
    });
    news.into_iter().collect()
}

/// Adds an event to those before it. What is told of the same thing twice is told once, where it
/// was first, as it is now.
pub fn add(events: &mut Vec<(Audience, Event)>, to: Audience, event: Event) {
    let is_same = |known: &Event| known.topic == event.topic && known.id == event.id;
    let Some((_, known)) = events.iter_mut().find(|(_, known)| is_same(known)) else {
        events.push((to, event));
        return;
    };
    let action = match (known.action, event.action) {
        (Action::Insert, Action::Update) => Action::Insert,
        (_, action) => action,
    };
    *known = Event { action, ..event };
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
