//! What GoHighLevel posts: messages that are to be sent to a contact, the app's events, and what
//! workflows want to have sent.
//!
//! Older GoHighLevel repeats a webhook only after a 429, and counts other refusals against the app
//! (GHL contract, delivery of app webhooks). So every failure of ours is a 429, and what is none of
//! our business is a 200.

mod action;
mod delivery;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use greenhub::account::events;
use greenhub::domain::ids::LocationId;
use greenhub::domain::sms::Providers;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::signature::{self, PublicKeys};
use greenhub::ghl::wire::{self, AppEvent, Incoming};
use greenhub::http;
use greenhub::json::NotJson;
use greenhub::pipeline::Hub;
use greenhub::pipeline::inbox::Tenant;
use greenhub::queue::Queue;
use greenhub::secrets::Secrets;
use greenhub::store::db::{Db, DbError};
use greenhub::store::kept::Kept;
use tower_http::catch_panic::CatchPanicLayer;

/// The largest body that is taken: what Lambda itself hands over.
const MOST_BYTES: usize = 6 << 20;

/// The largest body of a workflow's action: the longest text, every sign of it escaped.
const MOST_ACTION_BYTES: usize = 256 << 10;

/// Our own deadline: the function has ten seconds, after which the gateway would answer with what
/// GoHighLevel does not repeat.
const DEADLINE: Duration = Duration::from_secs(8);

/// What a webhook needs.
#[derive(Debug)]
pub struct Hook<D, Q> {
    /// Tables, queues, time.
    pub hub: Hub<D, Q>,
    /// Open the location's token, for the one question that may have to be asked.
    pub secrets: Secrets,
    /// The keys that webhooks may be signed with.
    pub public_keys: PublicKeys,
    /// The app; other apps' events are signed with the same key.
    pub app_id: String,
    /// The app's conversation providers.
    pub providers: Providers,
    /// Tells a contact's tags.
    pub ghl: Ghl,
    /// The tenants of the locations that sent something lately.
    pub tenants: Kept<LocationId, Tenant>,
}

/// The routes.
pub fn router<D: Db, Q: Queue>(hook: Hook<D, Q>) -> Router {
    let action = post(action::run::<D, Q>).layer(DefaultBodyLimit::max(MOST_ACTION_BYTES));
    let routes = Router::new()
        .route("/webhooks/ghl", post(webhook::<D, Q>))
        .route(DEFAULT_PROVIDERS, post(webhook::<D, Q>))
        .route("/webhooks/workflow-action", action)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(Arc::new(hook));
    http::with_security_headers(routes)
}

/// The delivery URL of the default SMS provider: its messages do not name it. Whatever else comes
/// here is taken as well.
const DEFAULT_PROVIDERS: &str = "/webhooks/ghl/sms";

/// What GoHighLevel repeats.
const TRY_AGAIN: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// The panic's own words may quote a message.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a panic; GoHighLevel is asked to try again");
    TRY_AGAIN.into_response()
}

async fn webhook<D: Db, Q: Queue>(
    State(hook): State<Arc<Hook<D, Q>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let started_ms = hook.hub.clock.now_ms();
    let is_default = uri.path() == DEFAULT_PROVIDERS;
    let answered = answer(&hook, is_default, &headers, body);
    let answer = match tokio::time::timeout(DEADLINE, answered).await {
        Ok(answer) => answer,
        Err(_) => Answer {
            status: TRY_AGAIN,
            kind: "",
            outcome: "out of time",
        },
    };
    let ms = hook.hub.clock.now_ms() - started_ms;
    let (status, kind) = (answer.status.as_u16(), answer.kind);
    tracing::info!(status, kind, outcome = answer.outcome, ms, "webhook");
    answer.status.into_response()
}

/// The answer, and what is logged of it.
struct Answer {
    status: StatusCode,
    kind: &'static str,
    outcome: &'static str,
}

async fn answer<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    at_default_address: bool,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let refused = |status, outcome| Answer {
        status,
        kind: "",
        outcome,
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refused(rejection.status(), "no whole body"),
    };
    let header = headers
        .get(signature::HEADER)
        .and_then(|value| value.to_str().ok());
    if let Err(error) = hook.public_keys.verify(&body, header) {
        tracing::warn!(%error, "a webhook without a good signature");
        return refused(StatusCode::UNAUTHORIZED, "not signed");
    }
    let (kind, outcome) = match wire::delivery_or_event(&body) {
        Ok(Incoming::Delivery(delivery)) => {
            let shape = hook.providers.handed(delivery.handed(at_default_address));
            ("delivery", delivery::take(hook, shape, &delivery).await)
        }
        Ok(Incoming::Event(event)) => ("event", app_event(hook, &event).await.map_err(Later::from)),
        Ok(Incoming::Unknown { type_name }) => {
            tracing::warn!(type_name, "a webhook of an unknown type");
            ("unknown", Ok("ignored"))
        }
        Err(NotJson) => ("unknown", Ok("not JSON")),
    };
    match outcome {
        Ok(outcome) => Answer {
            status: StatusCode::OK,
            kind,
            outcome,
        },
        Err(later) => {
            let outcome = match later {
                Later::Failed(error) => {
                    tracing::error!(%error, kind, "a webhook was not kept; GoHighLevel is to try again");
                    "failed"
                }
                Later::NotYet(why) => why,
            };
            Answer {
                status: TRY_AGAIN,
                kind,
                outcome,
            }
        }
    }
}

/// Why GoHighLevel has to try again.
enum Later {
    /// The tables failed.
    Failed(DbError),
    /// What it means cannot be told yet.
    NotYet(&'static str),
}

impl From<DbError> for Later {
    fn from(error: DbError) -> Self {
        Later::Failed(error)
    }
}

/// Something happened to the app in a location, or in the location itself.
async fn app_event<D: Db, Q: Queue>(
    hook: &Hook<D, Q>,
    event: &AppEvent,
) -> Result<&'static str, DbError> {
    let applied = events::apply(&hook.hub.db, &hook.hub.clock, &hook.app_id, event).await?;
    match &event.location {
        Some(location) => hook.tenants.forget(location),
        None => hook.tenants.clear(),
    }
    tracing::info!(?applied, what = event_name(event), "an app event");
    Ok("applied")
}

/// The event's kind alone: what it carries is about people.
fn event_name(event: &AppEvent) -> &'static str {
    use greenhub::ghl::wire::What;
    match event.what {
        What::Install(_) => "install",
        What::Uninstall => "uninstall",
        What::Update => "update",
        What::OutboundMessage(_) => "outbound message",
        What::ContactCreate(_) => "contact create",
        What::ContactUpdate(_) => "contact update",
        What::ContactDelete(_) => "contact delete",
        What::ContactTagUpdate(_) => "contact tag update",
        What::ContactDndUpdate(_) => "contact dnd update",
        What::ConversationUnread { .. } => "conversation unread",
        What::ConversationMerged { .. } => "conversation merged",
        What::LocationUpdate { .. } => "location update",
        What::NotOurs(_) => "not ours",
    }
}
