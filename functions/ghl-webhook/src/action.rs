//! `POST /webhooks/workflow-action`: a workflow wants to have something sent.
//!
//! The answers are read by whoever set up the workflow, and by GoHighLevel, which makes variables
//! of them: `{"success":true,"messageId","contactId"}` or `{"success":false,"error"}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use greenhub::account::workflow_secret;
use greenhub::ghl::action::{self, Action};
use greenhub::pipeline::action::{ActionError, Taken, take};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use secrecy::SecretString;
use serde::Serialize;

use crate::{DEADLINE, Hook, TRY_AGAIN};

/// Which location runs the workflow; the portal's form fills it in.
const LOCATION: &str = "locationid";

/// The contact's phone; the portal's form fills it in.
const PHONE: &str = "contactphone";

/// What the workflow is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

const WAITS_FOR_CRM: &str = "The message is on its way to WhatsApp. It appears in the conversation \
                             once the app is authorised in this sub-account again.";

/// Why nothing was taken.
#[derive(Debug)]
enum Refused {
    /// Whoever calls cannot tell who they are.
    NotAuthorised,
    /// What came is not what is needed.
    Bad(String),
    /// The body did not come.
    NoBody(StatusCode),
    /// It has to come again.
    TryAgain,
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "a workflow action was not kept; GoHighLevel is to try again");
        Refused::TryAgain
    }
}

impl From<ActionError> for Refused {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Db(error) => error.into(),
            error => Refused::Bad(error.to_string()),
        }
    }
}

/// The route.
pub(crate) async fn run<D: Db, Q: Queue>(
    State(hook): State<Arc<Hook<D, Q>>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let started_ms = hook.hub.clock.now_ms();
    let taken = tokio::time::timeout(DEADLINE, taken(&hook, &headers, body))
        .await
        .unwrap_or(Err(Refused::TryAgain));
    let (status, outcome) = match &taken {
        Ok(taken) if taken.is_repeated => (StatusCode::OK, "duplicate"),
        Ok(_) => (StatusCode::OK, "accepted"),
        Err(Refused::NotAuthorised) => (StatusCode::UNAUTHORIZED, "not authorised"),
        Err(Refused::Bad(_)) => (StatusCode::BAD_REQUEST, "refused"),
        Err(Refused::NoBody(status)) => (*status, "no whole body"),
        Err(Refused::TryAgain) => (TRY_AGAIN, "failed"),
    };
    // What is wrong with an action quotes nothing of it.
    let why = match &taken {
        Err(Refused::Bad(why)) => why,
        _ => "",
    };
    let ms = hook.hub.clock.now_ms() - started_ms;
    tracing::info!(
        status = status.as_u16(),
        outcome,
        why,
        ms,
        "workflow action"
    );
    (status, Json(told(taken))).into_response()
}

fn told(taken: Result<Taken, Refused>) -> Told {
    let error = match taken {
        Ok(taken) => {
            return Told {
                success: true,
                message_id: Some(taken.message_id),
                contact_id: taken.contact.map(|contact| contact.to_string()),
                warning: taken.waits_for_crm.then_some(WAITS_FOR_CRM),
                error: None,
            };
        }
        Err(Refused::NotAuthorised) => "this is not the location's workflow secret".to_owned(),
        Err(Refused::Bad(why)) => why,
        Err(Refused::NoBody(_)) => "the body did not come as it should".to_owned(),
        Err(Refused::TryAgain) => "not taken this time; try again".to_owned(),
    };
    Told {
        success: false,
        message_id: None,
        contact_id: None,
        warning: None,
        error: Some(error),
    }
}

async fn taken<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Taken, Refused> {
    let missing = |name| Refused::Bad(format!("the header `{name}` is missing"));
    let body = body.map_err(|rejection| Refused::NoBody(rejection.status()))?;
    let action = Action::read(&body);
    let named = text(headers, LOCATION);
    let run_in = action.as_ref().ok().and_then(|it| it.location.clone());
    // Who calls is asked first, so that nobody else learns anything.
    let Some(location) = named.clone().or_else(|| run_in.clone()) else {
        return Err(missing(LOCATION));
    };
    let location = action::location(&location).ok_or(Refused::NotAuthorised)?;
    let in_form = action.as_ref().ok().and_then(|it| it.secret.clone());
    let mut install = None;
    // One of the two may hold what the portal did not fill in.
    for shown in in_form.into_iter().chain(secret(headers)) {
        if install.is_none() {
            let (db, clock) = (&hook.hub.db, &hook.hub.clock);
            install = workflow_secret::installation(db, clock, &location, &shown).await?;
        }
    }
    let install = install.ok_or(Refused::NotAuthorised)?;

    let named = named.ok_or_else(|| missing(LOCATION))?;
    let action = action.map_err(|error| Refused::Bad(error.to_string()))?;
    if run_in.is_some_and(|run_in| run_in != named) {
        return Err(Refused::Bad(format!(
            "the header `{LOCATION}` names another location than the workflow's own"
        )));
    }
    let phone = text(headers, PHONE).ok_or_else(|| missing(PHONE))?;
    Ok(take(&hook.hub, &install, &action, &phone).await?)
}

/// A header that says something.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The secret as it stands, or after `Bearer`.
fn secret(headers: &HeaderMap) -> Option<SecretString> {
    let value = text(headers, header::AUTHORIZATION.as_str())?;
    let secret = match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => value.as_str(),
    };
    Some(secret.into())
}
