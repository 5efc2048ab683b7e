//! Numbers as others see them: never with a token, a key or a setting.

use greenhub::clock::rfc3339;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::phone::Phone;
use greenhub::store::directory::{NumberRow, Pause, PauseReason};
use serde::Serialize;
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
