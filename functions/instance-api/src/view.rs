//! Numbers as others see them: never with a token or a key.

use greenhub::clock::rfc3339;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::event::CallMode;
use greenhub::domain::phone::Phone;
use greenhub::store::directory::{NumberRow, Pause, PauseReason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// What can be set about it.
    settings: SettingsView,
}

/// What can be set about a number.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
pub(crate) struct SettingsView {
    /// What is shown of calls.
    calls: Calls,
}

/// What is shown of calls.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Calls {
    /// Each event: that it rings, that it was taken, how it ended.
    EachEvent,
    /// One message for a call: its outcome, or that it rang if none is ever told.
    OutcomeOnly,
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

/// The numbers of a workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct Instances {
    /// Newest first.
    pub(crate) instances: Vec<Instance>,
}

impl From<NumberRow> for Instance {
    fn from(row: NumberRow) -> Self {
        let wid = row.wid.as_deref().and_then(Alias::parse);
        Instance {
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
            settings: SettingsView {
                calls: row.prefs.calls.into(),
            },
        }
    }
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        PauseView {
            reason: match pause.why {
                PauseReason::BadToken => "bad_token",
                PauseReason::Quota => "quota",
                PauseReason::Expired => "expired",
                PauseReason::Deleted => "deleted",
            },
            text: pause.why.text(),
            since: rfc3339(pause.since_ms),
        }
    }
}
