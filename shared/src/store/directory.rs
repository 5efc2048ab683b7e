//! Workspaces, their numbers, and the installations that they are linked to.

use serde::{Deserialize, Serialize};

use super::db::{Db, DbError, Query, Table};
use super::keys;
use super::row::{self, row};
use crate::clock::Millis;
use crate::domain::auto_reply::AutoReply;
use crate::domain::event::CallMode;
use crate::domain::ids::{CompanyId, IdInstance, LocationId, NumberId, WorkspaceId};
use crate::domain::operation::StateChange;
use crate::domain::routing::Routing;
use crate::domain::sms::Active;
use crate::domain::status::InstanceState;
use crate::domain::telegram::Link;
use crate::domain::text::Lang;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceRow {
    /// The revision.
    pub rev: u64,
    /// Its id.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// The language of the texts that are written into its CRM.
    pub lang: Lang,
    /// ISO 3166 two letters, for reading phone numbers without a country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The GoHighLevel location that it is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// Through which number an answer goes.
    #[serde(default)]
    pub routing: Routing,
    /// Milliseconds since 1970.
    pub created_ms: Millis,
}

row!(WorkspaceRow, "a workspace");

/// A WhatsApp number of a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its id.
    pub number: NumberId,
    /// GREEN-API's id of it.
    pub id_instance: IdInstance,
    /// What people call it.
    pub name: String,
    /// Milliseconds since 1970.
    pub created_ms: Millis,
    /// The CRM that its messages go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The state of its connection.
    pub state: InstanceState,
    /// Since when, milliseconds since 1970.
    #[serde(default)]
    pub state_since_ms: Millis,
    /// The account's own chat id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wid: Option<String>,
    /// Where GREEN-API serves it.
    pub api_url: String,
    /// Where GREEN-API takes its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// The API token, sealed.
    pub token_sealed: String,
    /// The part of the webhook's address that nobody can guess, sealed.
    pub hook_key_sealed: String,
    /// What the webhook's bearer token must hash to.
    pub hook_token_sha256: String,
    /// The webhook's bearer token, sealed.
    pub hook_token_sealed: String,
    /// The webhook that was set before ours, to be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_before: Option<String>,
    /// What it was authenticated by, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_token_before_sealed: Option<String>,
    /// GREEN-API has our settings.
    #[serde(default)]
    pub configured: bool,
    /// GREEN-API sends one message in so many milliseconds.
    pub delay_ms: u32,
    /// What people have set about it.
    #[serde(default)]
    pub prefs: NumberPrefs,
    /// Why nothing is sent, when that is not the connection's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When the state was last asked for.
    #[serde(default)]
    pub checked_ms: Millis,
    /// Changes of the state that have not been told yet ([`crate::pipeline::operation`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<StateChange>,
    /// People have been told that something is wrong with it, and not yet that it works again.
    #[serde(default)]
    pub alarmed: bool,
    /// Up to when GREEN-API's journals have been compared with ours.
    #[serde(default)]
    pub reconciled_ms: Millis,
    /// When the sweeper looks at it next; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(NumberRow, "a number");

/// What people have set about a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberPrefs {
    /// GREEN-API is to send one message in so many milliseconds; `None` leaves it as it was found.
    pub delay_ms: Option<u32>,
    /// Customers do not see blue ticks when somebody answers.
    pub no_blue_ticks: bool,
    /// What is shown of calls.
    pub calls: CallMode,
    /// To how many people who have not written to it may it write first in a day; `None` for as many
    /// as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_contacts_per_day: Option<u32>,
    /// What it answers by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_reply: Option<AutoReply>,
    /// Where its messages are posted in Telegram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telegram: Option<Link>,
}

/// Why a number sends nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// What is wrong.
    pub why: PauseReason,
    /// Milliseconds since 1970.
    pub since_ms: Millis,
}

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// GREEN-API does not take the token.
    BadToken,
    /// The plan's quota is used up until the first of the month.
    Quota,
    /// The instance is not paid for.
    Expired,
    /// The instance was deleted in GREEN-API's console.
    Deleted,
}

impl PauseReason {
    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            PauseReason::BadToken => "bad_token",
            PauseReason::Quota => "quota",
            PauseReason::Expired => "expired",
            PauseReason::Deleted => "deleted",
        }
    }

    /// For people and for the CRM's failed status.
    pub fn text(self) -> &'static str {
        match self {
            PauseReason::BadToken => "GREEN-API refuses the number's API token",
            PauseReason::Quota => "the number's GREEN-API quota is used up for this month",
            PauseReason::Expired => "the number's GREEN-API instance is not paid for",
            PauseReason::Deleted => "the number's GREEN-API instance was deleted",
        }
    }
}

/// A number that was removed, as long as its conversations are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoneNumberRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// Everything was erased once; what came in late is looked for a last time.
    #[serde(default)]
    pub is_erased: bool,
    /// When its conversations are erased; in the due index.
    pub due_at: Millis,
    /// The shard of the due index.
    pub due_shard: String,
}

row!(GoneNumberRow, "a removed number");

/// Whose a webhook address is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
}

row!(HookRow, "a webhook address");

/// Whose a GREEN-API instance is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerRow {
    /// The revision.
    pub rev: u64,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
}

row!(OwnerRow, "an instance's owner");

/// The installation of the app in a GoHighLevel location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstallRow {
    /// The revision.
    pub rev: u64,
    /// The location.
    pub location: LocationId,
    /// The workspace that it is linked to.
    pub workspace: WorkspaceId,
    /// The agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Where it stands.
    pub state: InstallState,
    /// The access token, sealed.
    pub access_sealed: String,
    /// The refresh token, sealed: good for one use.
    pub refresh_sealed: String,
    /// When the access token ends.
    pub expires_ms: Millis,
    /// When the tokens were last replaced.
    pub refreshed_ms: Millis,
    /// What the tokens allow.
    pub scope: String,
    /// When the app was (last) installed.
    pub installed_ms: Millis,
    /// The last thing that went wrong with the tokens, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Which of the app's SMS providers the location has; `None`: it was not asked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms: Option<Active>,
    /// Up to when GoHighLevel's journal has been compared with ours.
    #[serde(default)]
    pub reconciled_ms: Millis,
    /// When the sweeper looks at it next; in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Millis>,
    /// The shard of the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
}

row!(InstallRow, "an installation");

/// What proves that a workflow's action is a location's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowSecretRow {
    /// The revision.
    pub rev: u64,
    /// The location.
    pub location: LocationId,
    /// What the secret must hash to.
    pub sha256: String,
    /// The secret, sealed: an admin may look at it again.
    pub sealed: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: Millis,
}

row!(WorkflowSecretRow, "a workflow secret");

impl WorkflowSecretRow {
    /// The field of `sealed` for the seal's associated data.
    pub const SECRET: &'static str = "secret";

    /// Binds the sealed field to its row.
    pub fn seal_context(location: &LocationId) -> String {
        let key = keys::workflow_secret(location);
        format!("{}|{}|{}", key.pk, key.sk, Self::SECRET)
    }
}

/// A token that several locations' workflows have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonTokenRow {
    /// The revision.
    pub rev: u64,
    /// The location that it opens.
    pub location: LocationId,
    /// What it must hash to.
    pub sha256: String,
    /// Until when, milliseconds since 1970.
    pub until_ms: Millis,
}

row!(CommonTokenRow, "a common workflow token");

/// Where an installation stands (GHL contract, state machine per location).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallState {
    /// Tokens work.
    Active,
    /// The refresh token was refused: somebody has to install again; what waits is kept.
    NeedsReauthorization,
    /// "Location is not active": the same tokens work again once it is.
    Suspended,
    /// Uninstalled: tokens wiped, nothing is sent.
    Uninstalled,
}

impl NumberRow {
    /// The field of `token_sealed` for the seal's associated data.
    pub const TOKEN: &'static str = "token";
    /// The field of `hook_key_sealed`.
    pub const HOOK_KEY: &'static str = "hook_key";
    /// The field of `hook_token_sealed`.
    pub const HOOK_TOKEN: &'static str = "hook_token";
    /// The field of `webhook_token_before_sealed`.
    pub const TOKEN_BEFORE: &'static str = "webhook_token_before";

    /// Binds a sealed field to its row, so that a seal moved into another row does not open.
    pub fn seal_context(workspace: &WorkspaceId, number: &NumberId, field: &str) -> String {
        let key = keys::number(workspace, number);
        format!("{}|{}|{field}", key.pk, key.sk)
    }

    /// Has the sweeper look at it at `at_ms`.
    pub fn set_due(&mut self, at_ms: Millis) {
        self.due_at = Some(at_ms);
        self.due_shard = Some(keys::due_shard_of(self.number.as_str()));
    }

    /// Has the sweeper look at it at `at_ms`, if it would not before.
    pub fn set_due_by(&mut self, at_ms: Millis) {
        self.set_due(self.due_at.map_or(at_ms, |due| due.min(at_ms)));
    }
}

impl InstallRow {
    /// The field of `access_sealed`.
    pub const ACCESS: &'static str = "access";
    /// The field of `refresh_sealed`.
    pub const REFRESH: &'static str = "refresh";

    /// Binds a sealed field to its row.
    pub fn seal_context(location: &LocationId, field: &str) -> String {
        let key = keys::install(location);
        format!("{}|{}|{field}", key.pk, key.sk)
    }

    /// Has the sweeper look at it at `at_ms`.
    pub fn set_due(&mut self, at_ms: Millis) {
        self.due_at = Some(at_ms);
        self.due_shard = Some(keys::due_shard_of(self.location.as_str()));
    }
}

/// More numbers than a workspace can manage by hand.
pub(super) const MOST_NUMBERS: usize = 1000;

/// The numbers of a workspace, oldest first.
pub async fn numbers(db: &impl Db, workspace: &WorkspaceId) -> Result<Vec<NumberRow>, DbError> {
    let (pk, range) = keys::numbers(workspace);
    let query = Query {
        table: Table::Directory,
        index: None,
        pk,
        range,
        backwards: false,
        limit: MOST_NUMBERS,
    };
    let mut numbers: Vec<NumberRow> = db
        .query(&query)
        .await?
        .into_iter()
        .map(row::read)
        .collect::<Result<_, _>>()?;
    numbers.sort_by(|a, b| (a.created_ms, &a.number).cmp(&(b.created_ms, &b.number)));
    Ok(numbers)
}
