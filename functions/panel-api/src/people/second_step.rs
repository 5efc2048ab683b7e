//! `/api/me/second-step…`: what somebody shows beside their password.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::audit::Actor;
use greenhub::account::auth::SignedIn;
use greenhub::account::code_sender::NotSent;
use greenhub::account::keyring::Keys;
use greenhub::account::second_step::{SecondStep, Way};
use greenhub::account::session::Caller;
use greenhub::account::telegram_link;
use greenhub::clock::rfc3339;
use greenhub::http::problems::{conflict, tables};
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::people::PersonRow;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{not_reached, step_not_changed};
use super::session_of;
use crate::Api;

/// What somebody shows beside their password.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondStepView {
    /// Since when an app makes codes, RFC 3339.
    totp_since: Option<String>,
    /// The Telegram account that codes are sent to.
    telegram: Option<TelegramView>,
    /// How many recovery codes are left.
    recovery_codes_left: usize,
}

/// A Telegram account.
#[derive(Serialize, ToSchema)]
pub(crate) struct TelegramView {
    /// What Telegram calls it.
    name: String,
    /// RFC 3339.
    since: String,
}

/// A secret for an app. It is shown once, and counts when a code of it was shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewTotp {
    /// `otpauth://totp/…`, for a picture to scan.
    #[schema(format = Password)]
    url: String,
    /// The same to be typed: base32.
    #[schema(format = Password)]
    secret: String,
    /// RFC 3339.
    expires_at: String,
}

/// A code of the app.
#[derive(Deserialize, ToSchema)]
pub(crate) struct AppCode {
    /// Six digits.
    code: String,
}

/// A link to the bot.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BotLink {
    /// Opens the bot, which knows then whom it is for.
    #[schema(format = Password)]
    url: String,
    /// RFC 3339.
    expires_at: String,
}

/// Recovery codes. They are shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each works once.
    codes: Vec<String>,
}

/// What the caller shows beside their password.
#[utoipa::path(
    get, path = "/api/me/second-step", tag = "me", security(("cookie" = [])),
    responses((status = 200, body = SecondStepView))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<SecondStepView>, Problem> {
    let row = api.own(&caller).await?;
    Ok(Json(SecondStepView {
        totp_since: row.totp.map(|totp| rfc3339(totp.since_ms)),
        telegram: row.telegram.map(|telegram| TelegramView {
            name: telegram.name,
            since: rfc3339(telegram.since_ms),
        }),
        recovery_codes_left: row.recovery.len(),
    }))
}

/// Makes a secret for an app.
#[utoipa::path(
    post, path = "/api/me/second-step/totp", tag = "me", security(("cookie" = [])),
    responses(
        (status = 201, body = NewTotp),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`from_crm`"),
    )
)]
pub(crate) async fn offer_totp<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<(StatusCode, Json<NewTotp>), Problem> {
    let row = api.signs_in(&caller).await?;
    let keys = api.keys().await?;
    let new = api.second_step(&keys).offer_totp(&row).await;
    let new = new.map_err(step_not_changed)?;
    let new = NewTotp {
        url: new.url.expose_secret().to_owned(),
        secret: new.secret.expose_secret().to_owned(),
        expires_at: rfc3339(new.until_ms),
    };
    Ok((StatusCode::CREATED, Json(new)))
}

/// Takes the new secret, since the caller has shown a code of it. All other sessions end. Where there
/// were no recovery codes, some are made.
#[utoipa::path(
    put, path = "/api/me/second-step/totp/code", tag = "me", security(("cookie" = [])),
    request_body = AppCode,
    responses(
        (status = 200, body = RecoveryCodes, description = "Empty where there are some already"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`nothing_new`, `from_crm`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`wrong_code`"),
    )
)]
pub(crate) async fn prove_totp<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
    Body(shown): Body<AppCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let row = api.signs_in(&caller).await?;
    let keys = api.keys().await?;
    let (step, actor) = (api.second_step(&keys), Actor::caller(&caller));
    let session = session_of(&caller);
    let proved = step.prove_totp(&actor, &row, session, &shown.code).await;
    let row = proved.map_err(step_not_changed)?;
    let mut codes = Vec::new();
    if row.recovery.is_empty() {
        let made = step.renew_recovery(&actor, &row, session).await;
        codes = made.map_err(step_not_changed)?;
    }
    Ok(Json(shown_once(&codes)))
}

/// Does without the app. All other sessions end.
#[utoipa::path(
    delete, path = "/api/me/second-step/totp", tag = "me", security(("cookie" = [])),
    responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_set_up`, `second_step_required`"),
    )
)]
pub(crate) async fn remove_totp<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<StatusCode, Problem> {
    api.remove(&caller, Way::Totp).await
}

/// Makes a link to the bot, which links the Telegram account that opens it.
#[utoipa::path(
    post, path = "/api/me/second-step/telegram", tag = "me", security(("cookie" = [])),
    responses(
        (status = 201, body = BotLink),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`no_bot`, `from_crm`"),
    )
)]
pub(crate) async fn offer_telegram<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<(StatusCode, Json<BotLink>), Problem> {
    let row = api.signs_in(&caller).await?;
    let keys = api.keys().await?;
    let bot = api.codes(&keys).bot_name().await;
    let bot = bot.map_err(|error: NotSent| not_reached(error, None))?;
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let session = session_of(&caller);
    let nonce = telegram_link::offer(db, clock, &row.workspace, &row.person, session).await;
    let nonce = nonce.map_err(|error| tables(&error))?;
    let link = BotLink {
        url: format!("https://t.me/{bot}?start={nonce}"),
        expires_at: rfc3339(clock.now_ms() + telegram_link::LINK_MS),
    };
    Ok((StatusCode::CREATED, Json(link)))
}

/// Does without Telegram. All other sessions end.
#[utoipa::path(
    delete, path = "/api/me/second-step/telegram", tag = "me", security(("cookie" = [])),
    responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_set_up`, `second_step_required`"),
    )
)]
pub(crate) async fn remove_telegram<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<StatusCode, Problem> {
    api.remove(&caller, Way::Telegram).await
}

/// Makes eight recovery codes; those before are worth nothing. All other sessions end.
#[utoipa::path(
    post, path = "/api/me/second-step/recovery-codes", tag = "me", security(("cookie" = [])),
    responses(
        (status = 201, body = RecoveryCodes),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_set_up`"),
    )
)]
pub(crate) async fn renew_recovery<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    SignedIn(caller): SignedIn,
) -> Result<(StatusCode, Json<RecoveryCodes>), Problem> {
    let row = api.own(&caller).await?;
    let keys = api.keys().await?;
    let (step, actor) = (api.second_step(&keys), Actor::caller(&caller));
    let codes = step.renew_recovery(&actor, &row, session_of(&caller)).await;
    let codes = codes.map_err(step_not_changed)?;
    Ok((StatusCode::CREATED, Json(shown_once(&codes))))
}

fn shown_once(codes: &[secrecy::SecretString]) -> RecoveryCodes {
    let codes = codes.iter().map(|code| code.expose_secret().to_owned());
    RecoveryCodes {
        codes: codes.collect(),
    }
}

impl<D: Db, Q: Queue> Api<D, Q> {
    fn second_step<'a>(&'a self, keys: &'a Keys) -> SecondStep<'a, D> {
        SecondStep {
            db: &self.hub.db,
            clock: &self.hub.clock,
            data_keys: &keys.data_keys,
        }
    }

    /// The row of a caller who signs in here: GoHighLevel's users have GoHighLevel's second step.
    async fn signs_in(&self, caller: &Caller) -> Result<PersonRow, Problem> {
        let row = self.own(caller).await?;
        if row.login().is_some() {
            return Ok(row);
        }
        Err(conflict("from_crm", "The person comes from GoHighLevel"))
    }

    async fn remove(&self, caller: &Caller, way: Way) -> Result<StatusCode, Problem> {
        let row = self.own(caller).await?;
        let keys = self.keys().await?;
        let (step, actor) = (self.second_step(&keys), Actor::caller(caller));
        let removed = step.remove(&actor, &row, session_of(caller), way).await;
        removed.map_err(step_not_changed)?;
        Ok(StatusCode::NO_CONTENT)
    }
}
