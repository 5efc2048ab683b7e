//! Changing and removing a number.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use greenhub::account::audit::{About, Action};
use greenhub::account::auth::Admin;
use greenhub::account::numbers::{self, Change, Conversations, MOST_NEW_CONTACTS, NewAccess};
use greenhub::domain::event::CallMode;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::{NumberPrefs, NumberRow};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::auto_reply::AutoReplyView;
use crate::path::InPath;
use crate::problems::{
    bad, bad_auto_reply, bad_input, not_found, not_removed, not_replaced, tables, typed,
};
use crate::view::{Calls, Instance};
use crate::{Api, seen};

/// A change of a number; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstanceChange {
    /// 1 to 100 characters.
    name: Option<String>,
    /// Its settings.
    settings: Option<SettingsChange>,
}

/// A change of a number's settings; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// GREEN-API sends one message in so many milliseconds: 500 to 86,400,000.
    delay_send_messages_milliseconds: Option<u64>,
    /// Customers see blue ticks when somebody answers.
    mark_incoming_messages_readed_on_reply: Option<bool>,
    /// What is shown of calls.
    calls: Option<Calls>,
    /// To how many people who have not written to it may it write first in a day, at most 1,000; 0 for
    /// as many as there are.
    new_contacts_per_day: Option<u32>,
    /// What the number answers by itself: the whole of it.
    auto_reply: Option<AutoReplyView>,
}

/// Changes a number's name or settings. GREEN-API restarts a number whose settings change, which
/// takes up to five minutes.
#[utoipa::path(
    patch, path = "/api/instances/{id}", tag = "instances", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = InstanceChange,
    responses(
        (status = 200, body = Instance),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_name`, `bad_settings`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`auto_reply_without_text`, `bad_auto_reply`"),
    )
)]
pub(crate) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
    Body(asked): Body<InstanceChange>,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let change = read(&asked)?;
    let before = api.numbers.get(&caller.workspace, &id).await;
    let before = before.map_err(|error| tables(&error))?;
    let before = before.ok_or_else(not_found)?;
    let keys = api.keys().await?;
    let changed = api
        .numbers
        .change(&keys.data_keys, &caller.workspace, &id, &change)
        .await
        .map_err(|error| tables(&error))?
        .ok_or_else(not_found)?;
    let about = changes(&before, &changed);
    if !about.changes.is_empty() {
        api.note(&caller, Action::NumberChanged, about).await;
    }
    Ok(Json(api.shown(changed).await?))
}

fn changes(before: &NumberRow, after: &NumberRow) -> About {
    let (was, is) = (&before.prefs, &after.prefs);
    let delay = |ms: Option<u32>| ms.map(|ms| ms.to_string()).unwrap_or_default();
    let calls = |mode: CallMode| match mode {
        CallMode::EachEvent => "each_event",
        CallMode::OutcomeOnly => "outcome_only",
    };
    // What is long, or has a text of somebody's, is only told to have changed.
    let others = |prefs: &NumberPrefs| NumberPrefs {
        delay_ms: None,
        no_blue_ticks: false,
        calls: CallMode::default(),
        ..prefs.clone()
    };
    let about = match others(was) == others(is) {
        true => About::number(&after.number, &after.name),
        false => About::number(&after.number, &after.name).change("others", "before", "changed"),
    };
    about
        .change("name", &before.name, &after.name)
        .change("delay", delay(was.delay_ms), delay(is.delay_ms))
        .change("blueTicks", !was.no_blue_ticks, !is.no_blue_ticks)
        .change("calls", calls(was.calls), calls(is.calls))
}

fn read(asked: &InstanceChange) -> Result<Change, Problem> {
    let name = asked.name.as_deref().map(numbers::name).transpose();
    let mut change = Change {
        name: name.map_err(typed)?,
        ..Change::default()
    };
    if let Some(settings) = &asked.settings {
        change.delay_ms = settings
            .delay_send_messages_milliseconds
            .map(numbers::check_delay)
            .transpose()
            .map_err(|error| bad_input("bad_settings", error))?;
        change.blue_ticks = settings.mark_incoming_messages_readed_on_reply;
        change.calls = settings.calls.map(CallMode::from);
        change.new_contacts_per_day = settings.new_contacts_per_day;
        if change.new_contacts_per_day > Some(MOST_NEW_CONTACTS) {
            let title = "At most 1,000 new contacts a day can be set";
            return Err(bad("bad_settings", title));
        }
        change.auto_reply = settings
            .auto_reply
            .as_ref()
            .map(AutoReplyView::read)
            .transpose()
            .map_err(bad_auto_reply)?;
    }
    Ok(change)
}

/// Another token for a number, and other hosts where they are told.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Access {
    /// GREEN-API's token of it.
    #[schema(value_type = String, format = Password)]
    api_token_instance: SecretString,
    /// Its `apiUrl`; stays as it is if it is missing.
    api_url: Option<String>,
    /// Its `mediaUrl`; stays as it is if it is missing.
    media_url: Option<String>,
}

/// Replaces the token of a number, after GREEN-API has accepted it.
#[utoipa::path(
    put, path = "/api/instances/{id}/access", tag = "instances", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = Access,
    responses(
        (status = 200, body = Instance),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_token`, `bad_address`, `invalid_credentials`, `instance_expired`, `instance_deleted`, `refused_by_provider`"),
    )
)]
pub(crate) async fn access<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
    Body(asked): Body<Access>,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let new = NewAccess::read(
        &asked.api_token_instance,
        asked.api_url.as_deref(),
        asked.media_url.as_deref(),
        &api.numbers.hosts,
    )
    .map_err(typed)?;
    let keys = api.keys().await?;
    let changed = api
        .numbers
        .replace_access(&keys.data_keys, &caller.workspace, &id, &new)
        .await
        .map_err(not_replaced)?;
    let about = About::number(&id, &changed.name);
    api.note(&caller, Action::NumberAccessReplaced, about).await;
    Ok(Json(api.shown(changed).await?))
}

/// What becomes of a number's conversations.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// They are kept for 30 days.
    #[default]
    Keep,
    /// They are erased at once.
    Erase,
}

/// How a number is removed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Removal {
    /// `keep` unless told.
    #[serde(default)]
    #[param(inline)]
    conversations: Choice,
}

/// Removes a number; its notifications go where they went before it was added.
#[utoipa::path(
    delete, path = "/api/instances/{id}", tag = "instances", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    params(Removal),
    responses(
        (status = 204),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_choice`"),
    )
)]
pub(crate) async fn remove<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
    asked: Result<Query<Removal>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    seen(&caller, &id)?;
    let Ok(Query(Removal { conversations })) = asked else {
        let title = "Conversations are kept (`keep`) or erased (`erase`)";
        return Err(bad("bad_choice", title));
    };
    let conversations = match conversations {
        Choice::Keep => Conversations::Keep,
        Choice::Erase => Conversations::Erase,
    };
    let before = api.numbers.get(&caller.workspace, &id).await;
    let before = before.map_err(|error| tables(&error))?;
    let before = before.ok_or_else(not_found)?;
    let keys = api.keys().await?;
    api.numbers
        .remove(&keys.data_keys, &caller.workspace, &id, conversations)
        .await
        .map_err(not_removed)?;
    let erased = conversations == Conversations::Erase;
    let about = About::number(&id, &before.name).change("erased", false, erased);
    api.note(&caller, Action::NumberRemoved, about).await;
    Ok(StatusCode::NO_CONTENT)
}
