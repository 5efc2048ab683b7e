//! GREEN-API: `/waInstance{idInstance}/{method}/{apiTokenInstance}`.

mod account;
mod alter;
pub(crate) mod content;
pub(crate) mod journal;
pub(crate) mod limits;
pub(crate) mod linking;
pub(crate) mod model;
pub(crate) mod notify;
mod queue;
mod send;
pub(crate) mod status;

use std::sync::Arc;

use axum::{
    Json,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    app::{App, News},
    clock,
    green_api::{
        limits::Limit,
        model::{Instance, Object},
    },
    record, server,
    state::Wakes,
};

/// A refusal: the status and the text of its `message`.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) String);

impl Refused {
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }
}

pub(crate) type Answer = Result<Response, Refused>;

pub(crate) fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

/// One authenticated call.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) id: u64,
    pub(crate) method: &'static Limit,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

impl Call {
    /// Reads the instance.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&Instance) -> T) -> Result<T, Refused> {
        self.app
            .lock()
            .kept
            .instances
            .get(&self.id)
            .map(f)
            .ok_or_else(forbidden)
    }

    /// Changes the instance, and wakes its loops.
    pub(crate) fn change<T>(&self, f: impl FnOnce(&mut Instance) -> T) -> Result<T, Refused> {
        change(&self.app, self.id, f).ok_or_else(forbidden)
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Object, Refused> {
        serde_json::from_slice(&self.body)
            .map_err(|e| Refused::bad(format!("bad request data: {e}")))
    }

    /// A number in the query string.
    pub(crate) fn query(&self, name: &str) -> Option<i64> {
        record::query(self.parts.uri.query())
            .get(name)?
            .as_str()?
            .parse()
            .ok()
    }
}

fn forbidden() -> Refused {
    Refused(StatusCode::FORBIDDEN, "Forbidden".into())
}

/// Changes one instance and wakes its loops; `None` if there is none.
pub(crate) fn change<T>(app: &App, id: u64, f: impl FnOnce(&mut Instance) -> T) -> Option<T> {
    let mut state = app.change(News::Green);
    let out = f(state.kept.instances.get_mut(&id)?);
    if let Some(wakes) = state.green_wakes.get(&id) {
        wakes.send.notify_one();
        wakes.notify.notify_one();
    }
    Some(out)
}

/// Starts the two loops of every instance.
pub(crate) fn start_all(app: &Arc<App>) {
    let ids: Vec<u64> = app.lock().kept.instances.keys().copied().collect();
    for id in ids {
        start(app, id);
    }
}

/// Starts the two loops of one instance: one lets messages leave, one delivers notifications.
pub(crate) fn start(app: &Arc<App>, id: u64) {
    let wakes = Wakes::default();
    {
        let mut state = app.change(News::Green);
        state.green_wakes.insert(id, wakes.clone());
        // A reboot that the sandbox's own stop cut short is over.
        if let Some(instance) = state.kept.instances.get_mut(&id)
            && instance.state == "starting"
        {
            instance.set_state("authorized");
        }
    }
    app.spawn(queue::run(app.clone(), id, wakes.send));
    app.spawn(notify::run(app.clone(), id, wakes.notify));
}

/// Everything that no other route took.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    // `OPTIONS` gives 204 (GREEN-API contract, addressing).
    if parts.method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let body = to_bytes(body, server::MAX_BODY).await.unwrap_or_default();
    let answer = match admit(&app, &path, &parts.method) {
        Ok((id, method)) => {
            dispatch(Call {
                app,
                id,
                method,
                parts,
                body,
            })
            .await
        }
        Err(refused) => Err(refused),
    };
    answer.unwrap_or_else(|Refused(status, message)| {
        // The path holds the token, as the real one's does (GREEN-API contract, errors).
        let body = json!({
            "statusCode": status.as_u16(),
            "timestamp": clock::iso(clock::now_ms()),
            "path": path,
            "message": message,
        });
        (status, Json(body)).into_response()
    })
}

/// Address, token, HTTP method and rate, in this order.
fn admit(app: &App, path: &str, http: &Method) -> Result<(u64, &'static Limit), Refused> {
    let not_found = || Refused(StatusCode::NOT_FOUND, "Not Found".into());
    let mut parts = path
        .strip_prefix("/waInstance")
        .ok_or_else(not_found)?
        .split('/');
    let (Some(id), Some(method), Some(token)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(not_found());
    };
    let mut state = app.lock();
    let id: u64 = id.parse().map_err(|_| forbidden())?;
    let instance = state.kept.instances.get(&id).ok_or_else(forbidden)?;
    if instance.token != token {
        return Err(Refused(StatusCode::UNAUTHORIZED, "Unauthorized".into()));
    }
    let limit = limits::find(method)
        .filter(|l| l.http == http)
        .ok_or_else(not_found)?;
    if !limits::admit(&mut state, id, limit) {
        return Err(Refused(
            StatusCode::TOO_MANY_REQUESTS,
            "Too Many Requests".into(),
        ));
    }
    Ok((id, limit))
}

async fn dispatch(call: Call) -> Answer {
    match call.method.name {
        "getSettings" => account::get_settings(&call),
        "setSettings" => account::set_settings(&call),
        "getStateInstance" => account::state(&call),
        "getWaSettings" => account::wa_settings(&call),
        "reboot" => account::reboot(&call),
        "logout" => linking::logout(&call),
        "qr" => linking::qr(&call),
        "getAuthorizationCode" => linking::authorization_code(&call),
        "updateApiToken" => account::update_token(&call),
        "sendButtons" | "sendTemplateButtons" => Err(forbidden()),
        // The queues can be looked at in every state; what needs the phone cannot be done while
        // the instance starts (GREEN-API contract, errors).
        "showMessagesQueue" => queue::show(&call),
        "getMessagesCount" => queue::count(&call),
        "clearMessagesQueue" => queue::clear(&call),
        "getWebhooksCount" => ok(json!({ "count": call.read(|i| i.notifications.len())? })),
        _ if call.read(|i| i.state == "starting")? => {
            Err(Refused::bad("instance in starting process try later"))
        }
        "sendFileByUpload" => send::by_upload(call).await,
        "uploadFile" => send::upload(&call),
        "sendTyping" => send::typing(&call),
        "readChat" => journal::read_chat(&call),
        "editMessage" => alter::edit(&call),
        "deleteMessage" => alter::delete(&call),
        "lastIncomingMessages" => journal::last(&call, false),
        "lastOutgoingMessages" => journal::last(&call, true),
        "getChatHistory" => journal::history(&call),
        "getMessage" => journal::message(&call),
        "downloadFile" => journal::download(&call),
        "checkWhatsapp" => account::check_whatsapp(&call),
        "getContacts" => account::contacts(&call),
        "getChats" => account::chats(&call),
        _ => send::send(&call),
    }
}
