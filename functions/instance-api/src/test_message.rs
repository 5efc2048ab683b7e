//! `/api/instances/{id}/test-message…`: sending a text to a phone, to see that a number works.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, RequestPartsExt as _};
use axum::{extract::FromRequestParts, http::request::Parts};
use greenhub::account::auth::{Admin, Authenticated};
use greenhub::clock::rfc3339;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::delivery::{Delivery, Destination, PartState};
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::ChatId;
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::phone;
use greenhub::domain::status::Status;
use greenhub::http::{Body, Problem};
use greenhub::pipeline::accept::{self, Home};
use greenhub::queue::Queue;
use greenhub::store::chats::Claim;
use greenhub::store::db::Db;
use greenhub::store::{keys, row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::instances::link::bad_phone;
use crate::path::InPath;
use crate::problems::{bad, not_found, not_now, tables};
use crate::{Api, seen};

/// The longest text, in characters.
const TEXT_CHARS: usize = 1000;

/// The longest id of a request, in characters.
const REQUEST_CHARS: usize = 64;

/// A text for a phone.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestText {
    /// As people write it; with a country code unless it is of the workspace's country.
    phone: String,
    /// 1 to 1,000 characters.
    text: String,
    /// Letters, digits and `-`, at most 64: the same request again is the same message.
    request_id: Option<String>,
}

/// What became of a text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestMessage {
    /// For asking again.
    id: String,
    /// How far it has come.
    status: StatusView,
    /// Why it failed, or why it waits.
    reason: Option<String>,
    /// Whether GoHighLevel shows it.
    crm: CrmView,
    /// Why GoHighLevel does not.
    crm_reason: Option<String>,
    /// RFC 3339.
    created_at: String,
}

/// How far a message has come.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
#[serde(rename_all = "snake_case")]
enum StatusView {
    /// With us.
    Queued,
    /// With GREEN-API.
    Accepted,
    /// With WhatsApp.
    Sent,
    /// On the phone.
    Delivered,
    /// Opened.
    Read,
    /// Not sent, for the reason beside.
    Failed,
    /// Nobody can tell; somebody has to look at the phone.
    Unknown,
}

/// Whether GoHighLevel shows a message.
#[derive(Serialize, ToSchema)]
#[schema(as = CrmState)]
#[serde(rename_all = "snake_case")]
enum CrmView {
    /// It is not meant to.
    None,
    /// Not yet.
    Waiting,
    /// It does.
    Done,
    /// It refuses, for the reason beside.
    Failed,
}

/// Sends a text to a phone, the way of every message: in order, at the number's pace, once.
#[utoipa::path(
    post, path = "/api/instances/{id}/test-message", tag = "test message", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = TestText,
    responses(
        (status = 202, body = TestMessage),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_phone`, `bad_text`, `bad_request_id`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_now`: the number cannot send"),
    )
)]
pub(crate) async fn send<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    InPath(id): InPath,
    Body(asked): Body<TestText>,
) -> Result<(StatusCode, Json<TestMessage>), Problem> {
    seen(&caller, &id)?;
    let text = asked.text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS {
        return Err(bad("bad_text", "A test message has 1 to 1,000 characters"));
    }
    let request = request_id(asked.request_id, || api.hub.ids.next())?;
    let country = api.workspace(&caller.workspace).await?.country;
    let phone = phone::parse(&asked.phone, country.as_deref()).ok_or_else(bad_phone)?;
    let number = api.numbers.get(&caller.workspace, &id).await;
    let number = number.map_err(|error| tables(&error))?;
    let number = number.ok_or_else(not_found)?;
    if let Some(pause) = &number.pause {
        return Err(not_now(pause.why.text()));
    }
    if !number.state.can_send() {
        return Err(not_now(format!("its state is {}", number.state.as_str())));
    }
    let new = NewMessage {
        kind: IdKind::Message,
        remote_id: request,
        direction: Direction::Out,
        origin: Origin::Panel,
        api_echo: false,
        chat: Alias::from_phone_digits(phone.digits()),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text {
            text: text.to_owned(),
        },
        quoted: None,
    };
    let taken = accept::own_message(&api.hub, &Home::from(&number), new).await;
    let claim = taken.map_err(|error| tables(&error))?;
    let message = load(&api, &claim).await?.ok_or_else(not_found)?;
    Ok((StatusCode::ACCEPTED, Json(message.into())))
}

/// What became of a text.
#[utoipa::path(
    get, path = "/api/instances/{id}/test-message/{message}", tag = "test message", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = TestMessage))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath,
    MessageInPath(claim): MessageInPath,
) -> Result<Json<TestMessage>, Problem> {
    seen(&caller, &id)?;
    let message = load(&api, &claim).await?.filter(|message| {
        let is_theirs = message.workspace == caller.workspace && message.number == id;
        // Nothing else is shown here, whatever place it has.
        is_theirs && message.origin == Origin::Panel
    });
    Ok(Json(message.ok_or_else(not_found)?.into()))
}

async fn load<D: Db, Q: Queue>(api: &Api<D, Q>, claim: &Claim) -> Result<Option<Message>, Problem> {
    let key = keys::message(&claim.chat, claim.seq);
    let message = row::load::<Message>(&api.hub.db, &key).await;
    message.map_err(|error| tables(&error))
}

fn request_id(told: Option<String>, make: impl FnOnce() -> String) -> Result<String, Problem> {
    let Some(id) = told else {
        return Ok(make());
    };
    let is_plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if (1..=REQUEST_CHARS).contains(&id.len()) && is_plain {
        return Ok(id);
    }
    let title = "The id of a request has 1 to 64 letters, digits and dashes";
    Err(bad("bad_request_id", title))
}

/// The place of a message, as [`TestMessage::id`] names it.
pub(crate) struct MessageInPath(Claim);

#[derive(Deserialize)]
struct Named {
    message: String,
}

impl<S: Send + Sync> FromRequestParts<S> for MessageInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named: Result<Path<Named>, PathRejection> = parts.extract().await;
        let Ok(Path(Named { message })) = named else {
            return Err(not_found());
        };
        let place = message.rsplit_once('-').and_then(|(chat, seq)| {
            let is_id = chat.len() == 32 && chat.bytes().all(|b| b.is_ascii_hexdigit());
            let claim = Claim {
                chat: ChatId::new(chat),
                seq: seq.parse().ok()?,
                part: 0,
            };
            is_id.then_some(claim)
        });
        place.map(MessageInPath).ok_or_else(not_found)
    }
}

impl From<Message> for TestMessage {
    fn from(message: Message) -> Self {
        let part = |destination| {
            let delivery: Option<&Delivery> = message.deliveries.get(&destination);
            delivery.and_then(|delivery| delivery.parts.first())
        };
        let crm = part(Destination::Crm);
        let waits_for = part(Destination::Whatsapp).and_then(|part| part.error.clone());
        TestMessage {
            id: format!("{}-{}", message.chat, message.seq),
            status: message.status.into(),
            reason: message.status_reason.clone().or(waits_for),
            crm: match crm.map(|part| &part.state) {
                None => CrmView::None,
                Some(PartState::Done) => CrmView::Done,
                Some(state) if state.is_settled() => CrmView::Failed,
                Some(_) => CrmView::Waiting,
            },
            crm_reason: crm.and_then(|part| part.error.clone()),
            created_at: rfc3339(message.accepted_ms),
        }
    }
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => StatusView::Queued,
            Status::Accepted => StatusView::Accepted,
            Status::Sent => StatusView::Sent,
            Status::Delivered => StatusView::Delivered,
            Status::Read => StatusView::Read,
            Status::Failed => StatusView::Failed,
            Status::Unknown => StatusView::Unknown,
        }
    }
}
