//! Conversations as browsers see them.

use greenhub::clock::rfc3339;
use greenhub::inbox::list::Entry;
use greenhub::store::chats::ChatRow;
use greenhub::store::team::{Decided, Decision};
use serde::Serialize;
use utoipa::ToSchema;

use super::content::MessageView;

/// A conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Chat)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatView {
    /// Our id of it.
    id: String,
    /// The number that it is on.
    number: String,
    /// Grows with every change.
    rev: u64,
    /// The person's or the group's name, as last told.
    title: Option<String>,
    /// E.164, if it is known.
    phone: Option<String>,
    /// Several people write in it.
    is_group: bool,
    /// When it was active, RFC 3339.
    last_at: String,
    /// The latest message.
    last_message: Option<MessageView>,
    /// Incoming messages that nobody has looked at.
    unread: u64,
    /// Incoming messages so far: `read` of a change counts by it.
    incoming: u64,
    /// Our id of who answers.
    assignee: Option<String>,
    /// Nothing is to be done.
    is_closed: bool,
    /// Out of sight.
    is_archived: bool,
    /// On top.
    is_pinned: bool,
    /// Ids of the workspace's labels.
    labels: Vec<String>,
    /// The person does not want to be written to.
    opted_out: Option<OptedOutView>,
    /// It lives on in this one.
    merged_into: Option<String>,
}

/// Since when somebody does not want to be written to.
#[derive(Serialize, ToSchema)]
#[schema(as = OptedOut)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OptedOutView {
    /// RFC 3339.
    at: String,
    /// The word that they wrote.
    word: Option<String>,
    /// Our id of who noted it.
    by: Option<String>,
}

impl ChatView {
    pub(crate) fn of(chat: ChatRow, last: Option<MessageView>) -> Self {
        ChatView {
            unread: chat.unread(),
            is_group: chat.is_group(),
            id: chat.chat.to_string(),
            number: chat.number.to_string(),
            rev: chat.rev,
            title: chat.title,
            phone: chat.phone,
            last_at: rfc3339(chat.last_at),
            last_message: last,
            incoming: chat.n_in,
            assignee: chat.team.assignee.map(|person| person.to_string()),
            is_closed: chat.team.is_closed,
            is_archived: chat.team.is_archived,
            is_pinned: chat.team.is_pinned,
            labels: chat.team.labels.into_iter().collect(),
            opted_out: chat.team.opted_out.map(|it| OptedOutView {
                at: rfc3339(it.at_ms),
                word: it.word,
                by: it.by.map(|person| person.to_string()),
            }),
            merged_into: chat.merged_into.map(|chat| chat.to_string()),
        }
    }
}

impl From<Entry> for ChatView {
    fn from(entry: Entry) -> Self {
        ChatView::of(entry.chat, entry.last.map(MessageView::from))
    }
}

/// A conversation with all that is told beside it.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatDetails)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatDetails {
    /// The conversation.
    pub(crate) chat: ChatView,
    /// WhatsApp's ids of it.
    pub(crate) aliases: Vec<String>,
    /// The conversations that were merged into it.
    pub(crate) merged_from: Vec<String>,
    /// Its contact in GoHighLevel.
    pub(crate) crm_contact: Option<String>,
    /// What was decided about it, oldest first.
    pub(crate) decisions: Vec<DecisionView>,
    /// Conversations with the same phone on other numbers.
    pub(crate) sisters: Vec<ChatView>,
}

/// Something that was decided about a conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Decision)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionView {
    /// RFC 3339.
    at: String,
    /// Our id of who decided; nobody did if it followed from something.
    by: Option<String>,
    /// `assigned`, `closed`, `reopened`, `moved_on`, `came_from`, `merged`, `split`, `opted_out`,
    /// `opted_in`.
    what: &'static str,
    /// Whom it was assigned to.
    person: Option<String>,
    /// The other conversation.
    chat: Option<String>,
    /// Why.
    reason: Option<String>,
}

impl From<Decision> for DecisionView {
    fn from(decision: Decision) -> Self {
        let (what, person, chat, reason) = match decision.what {
            Decided::Assigned(person) => ("assigned", person, None, None),
            Decided::Closed => ("closed", None, None, None),
            Decided::Reopened => ("reopened", None, None, None),
            Decided::MovedOn { chat, reason } => ("moved_on", None, Some(chat), Some(reason)),
            Decided::CameFrom { chat, reason } => ("came_from", None, Some(chat), Some(reason)),
            Decided::Merged(chat) => ("merged", None, Some(chat), None),
            Decided::Split(chat) => ("split", None, Some(chat), None),
            Decided::OptedOut => ("opted_out", None, None, None),
            Decided::OptedIn => ("opted_in", None, None, None),
        };
        DecisionView {
            at: rfc3339(decision.at_ms),
            by: decision.by.map(|person| person.to_string()),
            what,
            person: person.map(|person| person.to_string()),
            chat: chat.map(|chat| chat.to_string()),
            reason,
        }
    }
}

impl ChatDetails {
    pub(crate) fn of(chat: ChatRow, last: Option<MessageView>, sisters: Vec<ChatRow>) -> Self {
        ChatDetails {
            aliases: chat.aliases.iter().map(ToString::to_string).collect(),
            merged_from: chat.merged_from.iter().map(ToString::to_string).collect(),
            crm_contact: chat.crm.as_ref().map(|crm| crm.contact.to_string()),
            decisions: chat
                .team
                .decisions
                .iter()
                .cloned()
                .map(DecisionView::from)
                .collect(),
            sisters: sisters
                .into_iter()
                .map(|chat| ChatView::of(chat, None))
                .collect(),
            chat: ChatView::of(chat, last),
        }
    }
}
