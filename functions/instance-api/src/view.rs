//! Numbers as others see them: never with a token, a key or an address of a webhook.

use greenhub::account::numbers::host;
use greenhub::clock::rfc3339;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::event::CallMode;
use greenhub::domain::ids::NumberId;
use greenhub::domain::operation::Sending;
use greenhub::domain::phone::Phone;
use greenhub::domain::status::InstanceState;
use greenhub::store::directory::{NumberRow, Pause};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auto_reply::AutoReplyView;

/// A WhatsApp number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// Ours.
    id: String,
    /// GREEN-API's, as text: it does not fit into every language's numbers.
    id_instance: String,
    /// What people call it.
    name: String,
    /// GREEN-API's word: `authorized`, `notAuthorized`, `starting` …
    state: String,
    /// Since when, RFC 3339.
    state_since: String,
    /// E.164 with `+`; unknown while no phone is linked.
    phone: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// GREEN-API has our settings; if not, we keep trying.
    configured: bool,
    /// Why nothing is sent, when that is not the state.
    pause: Option<PauseView>,
    /// What can be sent through it at the moment.
    sending: SendingView,
    /// An answer that no other rule gives a number goes through this one.
    is_default: bool,
    /// Where GREEN-API serves it.
    api_url: String,
    /// Where GREEN-API takes its files, if that was told.
    media_url: Option<String>,
    /// The system that gets its notifications again when it is removed.
    webhook_before: Option<String>,
    /// What can be set about it.
    settings: SettingsView,
    /// What happens on it now, if that was asked for.
    activity: Option<Activity>,
}

/// What can be sent through a number at the moment.
#[derive(Serialize, ToSchema)]
#[schema(as = Sending)]
pub(crate) struct SendingView {
    /// `all`, `answers` (to people who have written to it), `nothing`
    allowed: &'static str,
    /// Why not everything: the `reason` of a pause, or the state.
    reason: Option<String>,
    /// The same for people.
    text: Option<String>,
}

impl SendingView {
    fn of(row: &NumberRow) -> Self {
        if let Some(pause) = &row.pause {
            return SendingView {
                allowed: "nothing",
                reason: Some(pause.why.as_str().to_owned()),
                text: Some(pause.why.text().to_owned()),
            };
        }
        let (allowed, text) = match row.state.sending() {
            Sending::All => ("all", None),
            Sending::Answers => (
                "answers",
                Some("WhatsApp has restricted the number: it only answers"),
            ),
            Sending::Nothing => ("nothing", Some("the WhatsApp number is not connected")),
        };
        SendingView {
            allowed,
            reason: text.map(|_| row.state.as_str().to_owned()),
            text: text.map(str::to_owned),
        }
    }
}

/// Why a number sends nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = Pause)]
pub(crate) struct PauseView {
    /// `bad_token`, `quota`, `expired`, `deleted`
    reason: &'static str,
    /// For people.
    text: &'static str,
    /// RFC 3339.
    since: String,
}

/// What can be set about a number.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingsView {
    /// GREEN-API sends one message in so many milliseconds.
    delay_send_messages_milliseconds: u32,
    /// Customers see blue ticks when somebody answers.
    mark_incoming_messages_readed_on_reply: bool,
    /// What is shown of calls.
    calls: Calls,
    /// To how many people who have not written to it may it write first in a day; 0 for as many as
    /// there are.
    new_contacts_per_day: u32,
    /// What the number answers by itself.
    auto_reply: AutoReplyView,
}

/// What is shown of calls.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Calls {
    /// Each event: that it rings, that it was taken, how it ended.
    EachEvent,
    /// One message for a call.
    OutcomeOnly,
}

/// What happens on a number now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Activity {
    /// When the last message went through it, RFC 3339.
    pub(crate) last_message_at: Option<String>,
    /// What is not delivered yet.
    pub(crate) waiting: Waiting,
}

/// Conversations with something undelivered, among the 25 latest ones.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// To the customer's phone.
    pub(crate) whatsapp: usize,
    /// To GoHighLevel.
    pub(crate) crm: usize,
}

/// The numbers of a workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct Instances {
    /// Newest first.
    pub(crate) instances: Vec<Instance>,
}

/// How numbers of one workspace are seen.
pub(crate) struct View {
    /// The workspace's default number.
    pub(crate) default: Option<NumberId>,
}

impl View {
    pub(crate) fn of(&self, row: NumberRow, activity: Option<Activity>) -> Instance {
        // The row keeps the account that was linked last.
        let is_linked = row.state != InstanceState::NotAuthorized;
        let wid = row.wid.as_deref().filter(|_| is_linked);
        let wid = wid.and_then(Alias::parse);
        let sending = SendingView::of(&row);
        Instance {
            sending,
            is_default: self.default.as_ref() == Some(&row.number),
            id: row.number.to_string(),
            id_instance: row.id_instance.to_string(),
            name: row.name,
            state: row.state.as_str().to_owned(),
            state_since: rfc3339(row.state_since_ms),
            phone: wid
                .as_ref()
                .and_then(Phone::from_alias)
                .map(|phone| phone.to_string()),
            created_at: rfc3339(row.created_ms),
            configured: row.configured,
            pause: row.pause.map(PauseView::from),
            api_url: row.api_url,
            media_url: row.media_url,
            webhook_before: row.webhook_before.as_deref().map(host),
            settings: SettingsView {
                delay_send_messages_milliseconds: row.prefs.delay_ms.unwrap_or(row.delay_ms),
                mark_incoming_messages_readed_on_reply: !row.prefs.no_blue_ticks,
                calls: row.prefs.calls.into(),
                new_contacts_per_day: row.prefs.new_contacts_per_day.unwrap_or_default(),
                auto_reply: row.prefs.auto_reply.unwrap_or_default().into(),
            },
            activity,
        }
    }
}

impl Instance {
    /// The same with what happens on it.
    pub(crate) fn with(mut self, activity: Activity) -> Self {
        self.activity = Some(activity);
        self
    }
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        PauseView {
            reason: pause.why.as_str(),
            text: pause.why.text(),
            since: rfc3339(pause.since_ms),
        }
    }
}

impl From<CallMode> for Calls {
    fn from(mode: CallMode) -> Self {
        match mode {
            CallMode::EachEvent => Calls::EachEvent,
            CallMode::OutcomeOnly => Calls::OutcomeOnly,
        }
    }
}

impl From<Calls> for CallMode {
    fn from(calls: Calls) -> Self {
        match calls {
            Calls::EachEvent => CallMode::EachEvent,
            Calls::OutcomeOnly => CallMode::OutcomeOnly,
        }
    }
}
