//! Linking a phone, and what GREEN-API does with a number when a person asks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::audit::{About, Action};
use greenhub::account::auth::Admin;
use greenhub::account::numbers::{ASK_EVERY_MS, Linking};
use greenhub::clock::rfc3339;
use greenhub::domain::phone;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::path::InPath;
use crate::problems::{bad, not_asked};
use crate::view::Instance;
use crate::{Api, seen};

/// What a person who wants to link a phone is shown.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Qr {
    /// A code to scan.
    Code {
        /// `data:image/png;base64,…`
        image: String,
        /// It has ended by then, RFC 3339.
        #[serde(rename = "expiresAt")]
        expires_at: String,
        /// When to ask again, milliseconds from now.
        #[serde(rename = "pollAfterMs")]
        poll_after_ms: i64,
    },
    /// A phone is linked; for another one it has to be logged out first.
    Linked {
        /// E.164 with `+`, if it is known.
        phone: Option<String>,
    },
    /// No code now.
    Wait {
        /// Why, in GREEN-API's words.
        reason: String,
        /// When to ask again, milliseconds from now.
        #[serde(rename = "pollAfterMs")]
        poll_after_ms: i64,
    },
}

impl From<Linking> for Qr {
    fn from(linking: Linking) -> Self {
        match linking {
            Linking::Code { png, until_ms } => Qr::Code {
                image: format!("data:image/png;base64,{png}"),
                expires_at: rfc3339(until_ms),
                poll_after_ms: ASK_EVERY_MS,
            },
            Linking::Linked { phone } => Qr::Linked {
                phone: phone.map(|phone| phone.to_string()),
            },
            Linking::Wait { reason } => Qr::Wait {
                reason,
                poll_after_ms: ASK_EVERY_MS,
            },
        }
    }
}

/// The code that links a phone to a number. GREEN-API is asked once in two seconds, however many
/// look.
#[utoipa::path(
    get, path = "/api/instances/{id}/qr", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Qr),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`instance_unusable` (member `reason`: `bad_token`, `expired`, `deleted`)"),
    )
)]
pub(crate) async fn qr<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
) -> Result<Json<Qr>, Problem> {
    seen(&caller, &id)?;
    let keys = api.keys().await?;
    let linking = api
        .numbers
        .qr(&keys.data_keys, &caller.workspace, &id)
        .await;
    Ok(Json(linking.map_err(not_asked)?.into()))
}

/// The phone that is to be linked.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ToLink {
    /// As people write it; with a country code unless it is of the workspace's country.
    phone: String,
}

/// A code to type into the phone.
#[derive(Serialize, ToSchema)]
pub(crate) struct PairingCode {
    /// Eight characters.
    code: String,
    /// Which phone it is for, E.164 with `+`.
    phone: String,
}

/// The code that a person types into the phone to link it to a number.
#[utoipa::path(
    post, path = "/api/instances/{id}/pairing-code", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = ToLink,
    responses(
        (status = 200, body = PairingCode),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_phone`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`already_linked`, `not_now`, `instance_unusable`"),
    )
)]
pub(crate) async fn pairing_code<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
    Body(asked): Body<ToLink>,
) -> Result<Json<PairingCode>, Problem> {
    seen(&caller, &id)?;
    let country = api.workspace(&caller.workspace).await?.country;
    let phone = phone::parse(&asked.phone, country.as_deref()).ok_or_else(bad_phone)?;
    let keys = api.keys().await?;
    let code = api
        .numbers
        .pairing_code(&keys.data_keys, &caller.workspace, &id, &phone)
        .await
        .map_err(not_asked)?;
    let about = About::number(&id, "");
    api.note(&caller, Action::NumberPairing, about).await;
    let phone = phone.to_string();
    Ok(Json(PairingCode { code, phone }))
}

pub(crate) fn bad_phone() -> Problem {
    bad("bad_phone", "This is not a phone number")
        .with_detail("Write it with its country code, like +44 20 7946 0000.")
}

/// Asks GREEN-API for a number's state, once in two seconds at most.
#[utoipa::path(
    post, path = "/api/instances/{id}/check", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Instance),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`, `instance_unusable`"),
    )
)]
pub(crate) async fn check<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let keys = api.keys().await?;
    let row = api.numbers.check(&keys.data_keys, &caller.workspace, &id);
    Ok(Json(api.shown(row.await.map_err(not_asked)?).await?))
}

/// Asks GREEN-API for everything about a number, and puts right what differs from what we need. Once in
/// a minute at most.
#[utoipa::path(
    post, path = "/api/instances/{id}/refresh", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Instance),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`, `instance_unusable`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`cool_down` (with `Retry-After`), `too_many_requests`"),
    )
)]
pub(crate) async fn refresh<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
) -> Result<Json<Instance>, Problem> {
    let keys = api.keys().await?;
    let row = api.numbers.refresh(&keys.data_keys, &caller.workspace, &id);
    Ok(Json(api.shown(row.await.map_err(not_asked)?).await?))
}

/// Unlinks a number's phone.
#[utoipa::path(
    post, path = "/api/instances/{id}/logout", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Instance),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`, `instance_unusable`"),
    )
)]
pub(crate) async fn log_out<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let keys = api.keys().await?;
    let row = api.numbers.log_out(&keys.data_keys, &caller.workspace, &id);
    let row = row.await.map_err(not_asked)?;
    let about = About::number(&id, &row.name);
    api.note(&caller, Action::NumberLoggedOut, about).await;
    Ok(Json(api.shown(row).await?))
}

/// Restarts a number at GREEN-API, which takes up to five minutes.
#[utoipa::path(
    post, path = "/api/instances/{id}/reboot", tag = "linking", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = Instance),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`, `instance_unusable`"),
    )
)]
pub(crate) async fn reboot<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
) -> Result<Json<Instance>, Problem> {
    seen(&caller, &id)?;
    let keys = api.keys().await?;
    let row = api.numbers.reboot(&keys.data_keys, &caller.workspace, &id);
    let row = row.await.map_err(not_asked)?;
    let about = About::number(&id, &row.name);
    api.note(&caller, Action::NumberRebooted, about).await;
    Ok(Json(api.shown(row).await?))
}
