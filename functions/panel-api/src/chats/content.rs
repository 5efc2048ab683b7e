//! Messages as browsers see them.

use greenhub::clock::rfc3339;
use greenhub::domain::content::QuotedExcerpt;
use greenhub::domain::delivery::{Destination, Part, PartState};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::status::Status;
use serde::Serialize;
use utoipa::ToSchema;

use super::thing::{ContentView, kind_of};

/// A message.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageView {
    /// For asking about it again.
    id: String,
    /// The conversation that it is in, if that was merged into the one that was asked for.
    chat_id: String,
    /// Its place there.
    seq: u64,
    /// Grows with every change.
    rev: u64,
    /// Which way it went.
    direction: DirectionView,
    /// Who made it.
    origin: OriginView,
    /// When it was written, RFC 3339.
    at: String,
    /// Who wrote it, as far as that is known.
    author: Option<String>,
    /// Our id of whoever of the team wrote it.
    author_person: Option<String>,
    /// What it says.
    content: ContentView,
    /// What it answers.
    quoted: Option<QuotedView>,
    /// How it reads since it was edited.
    edited_text: Option<String>,
    /// When it was deleted, RFC 3339.
    deleted_at: Option<String>,
    /// What people think of it.
    reactions: Vec<ReactionView>,
    /// How far it has come; only of outgoing ones.
    status: Option<StatusView>,
    /// Why it failed, or WhatsApp's remark.
    status_reason: Option<String>,
    /// The destinations that it goes to.
    deliveries: Vec<DeliveryView>,
    /// Somebody has to do something about it.
    is_stuck: bool,
}

/// Which way a message went.
#[derive(Serialize, ToSchema)]
#[schema(as = Direction)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionView {
    /// From the customer.
    In,
    /// To the customer.
    Out,
}

impl From<Direction> for DirectionView {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::In => DirectionView::In,
            Direction::Out => DirectionView::Out,
        }
    }
}

/// Who made a message.
#[derive(Serialize, ToSchema)]
#[schema(as = Origin)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OriginView {
    /// The customer, or another program on the same number.
    Whatsapp,
    /// Somebody with the phone in their hand.
    Phone,
    /// Somebody in GoHighLevel.
    Ghl,
    /// A workflow of GoHighLevel's.
    Workflow,
    /// Somebody here.
    Panel,
    /// Somebody in the team's channel or group.
    Telegram,
    /// The number by itself.
    AutoReply,
    /// From before the number was added.
    History,
}

/// How far a message has come.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusView {
    /// With us.
    Queued,
    /// With GREEN-API.
    Accepted,
    /// With WhatsApp.
    Sent,
    /// On the phone.
    Delivered,
    /// Opened.
    Read,
    /// Not sent, for the reason beside.
    Failed,
    /// Nobody can tell; somebody has to look.
    Unknown,
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => StatusView::Queued,
            Status::Accepted => StatusView::Accepted,
            Status::Sent => StatusView::Sent,
            Status::Delivered => StatusView::Delivered,
            Status::Read => StatusView::Read,
            Status::Failed => StatusView::Failed,
            Status::Unknown => StatusView::Unknown,
        }
    }
}

/// What a message answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuotedView {
    /// The beginning of it, if that is known.
    text: Option<String>,
    /// What kind of thing it is otherwise.
    thing: Option<&'static str>,
}

/// What somebody thinks of a message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReactionView {
    /// From the customer's side, or from ours.
    direction: DirectionView,
    /// Who, if that is known.
    author: Option<String>,
    /// A picture sign.
    emoji: String,
}

/// A message at a destination.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    /// Which.
    to: DestinationView,
    /// One for each call that it takes.
    parts: Vec<PartView>,
}

/// Where messages go.
#[derive(Serialize, ToSchema)]
#[schema(as = Destination)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DestinationView {
    /// The customer's phone.
    Whatsapp,
    /// GoHighLevel.
    Crm,
    /// The team's channel or group.
    Telegram,
}

/// One call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartView {
    /// `pending`, `sending`, `done`, `retry`, `unknown`, `dead`.
    state: &'static str,
    /// How many calls were begun.
    attempts: u32,
    /// When it is tried next, RFC 3339.
    next_at: Option<String>,
    /// When the destination took it, RFC 3339.
    done_at: Option<String>,
    /// What went wrong last.
    error: Option<String>,
}

/// What became of a message, step by step.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepView {
    /// RFC 3339.
    at: String,
    /// What: a status, `told`, or `error`.
    what: &'static str,
    /// The status.
    status: Option<StatusView>,
    /// The destination that has it, or does not.
    destination: Option<DestinationView>,
    /// What went wrong.
    error: Option<String>,
}

/// A message with what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageDetails)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDetails {
    /// The message.
    message: MessageView,
    /// WhatsApp's id of it, for those who ask there.
    whatsapp_id: Option<String>,
    /// In the order in which it happened.
    timeline: Vec<StepView>,
    /// Why nothing is to be done about it, if somebody decided so.
    discarded: Option<String>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let is_stuck = message.is_stuck();
        let id = message.reference();
        let is_out = message.direction == Direction::Out;
        let deliveries = message.deliveries.iter();
        let deliveries = deliveries.map(|(to, delivery)| DeliveryView {
            to: (*to).into(),
            parts: delivery.parts.iter().map(PartView::from).collect(),
        });
        MessageView {
            id,
            chat_id: message.chat.to_string(),
            seq: message.seq,
            rev: message.rev,
            direction: message.direction.into(),
            origin: message.origin.into(),
            at: rfc3339(message.at_ms),
            deliveries: deliveries.collect(),
            author: message.author.name,
            author_person: message.author.person.map(|person| person.to_string()),
            content: message.content.into(),
            quoted: message.quoted.map(|quoted| quoted.excerpt.into()),
            edited_text: message.marks.edited.map(|edit| edit.text),
            deleted_at: message.marks.deleted_ms.map(rfc3339),
            reactions: message
                .marks
                .reactions
                .into_iter()
                .map(|reaction| ReactionView {
                    direction: reaction.direction.into(),
                    author: reaction.author.name,
                    emoji: reaction.emoji,
                })
                .collect(),
            status: is_out.then(|| message.status.into()),
            status_reason: message.status_reason,
            is_stuck,
        }
    }
}

impl From<Message> for MessageDetails {
    fn from(message: Message) -> Self {
        MessageDetails {
            timeline: timeline(&message),
            whatsapp_id: message.whatsapp_id.clone(),
            discarded: message.discarded.clone().map(|it| it.reason),
            message: message.into(),
        }
    }
}

fn timeline(message: &Message) -> Vec<StepView> {
    let mut steps: Vec<(i64, StepView)> = Vec::new();
    let step = |at_ms: i64, what| StepView {
        at: rfc3339(at_ms),
        what,
        status: None,
        destination: None,
        error: None,
    };
    if message.direction == Direction::Out {
        for it in &message.steps {
            let status = Some(it.status.into());
            steps.push((
                it.at_ms,
                StepView {
                    status,
                    ..step(it.at_ms, "status")
                },
            ));
        }
    }
    for (to, delivery) in &message.deliveries {
        for part in &delivery.parts {
            for error in &part.errors {
                let failed = StepView {
                    destination: Some((*to).into()),
                    error: Some(error.text.clone()),
                    ..step(error.at_ms, "error")
                };
                steps.push((error.at_ms, failed));
            }
            if let Some(at_ms) = part.done_ms {
                let destination = Some((*to).into());
                steps.push((
                    at_ms,
                    StepView {
                        destination,
                        ..step(at_ms, "told")
                    },
                ));
            }
        }
    }
    steps.sort_by_key(|(at_ms, _)| *at_ms);
    steps.into_iter().map(|(_, step)| step).collect()
}

impl From<&Part> for PartView {
    fn from(part: &Part) -> Self {
        let (state, next_ms) = match &part.state {
            PartState::Pending => ("pending", None),
            PartState::Sending { .. } => ("sending", None),
            PartState::Done => ("done", None),
            PartState::Retry { at_ms, .. } => ("retry", Some(*at_ms)),
            PartState::Unknown {
                to_person, at_ms, ..
            } => ("unknown", (!to_person).then_some(*at_ms)),
            PartState::Dead => ("dead", None),
        };
        PartView {
            state,
            attempts: part.attempts,
            next_at: next_ms.map(rfc3339),
            done_at: part.done_ms.map(rfc3339),
            error: part.error.clone(),
        }
    }
}

impl From<Destination> for DestinationView {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Whatsapp => DestinationView::Whatsapp,
            Destination::Crm => DestinationView::Crm,
            Destination::Telegram => DestinationView::Telegram,
        }
    }
}

impl From<Origin> for OriginView {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Whatsapp => OriginView::Whatsapp,
            Origin::Phone => OriginView::Phone,
            Origin::Ghl => OriginView::Ghl,
            Origin::Workflow => OriginView::Workflow,
            Origin::Panel => OriginView::Panel,
            Origin::Telegram => OriginView::Telegram,
            Origin::AutoReply => OriginView::AutoReply,
            Origin::History => OriginView::History,
        }
    }
}

impl From<QuotedExcerpt> for QuotedView {
    fn from(excerpt: QuotedExcerpt) -> Self {
        let (text, thing) = match excerpt {
            QuotedExcerpt::None => (None, None),
            QuotedExcerpt::Text(text) => (Some(text), None),
            QuotedExcerpt::File(kind) => (None, Some(kind_of(kind))),
            QuotedExcerpt::Location => (None, Some("location")),
            QuotedExcerpt::Contact => (None, Some("contacts")),
            QuotedExcerpt::Poll => (None, Some("poll")),
        };
        QuotedView { text, thing }
    }
}
