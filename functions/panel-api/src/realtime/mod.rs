//! What a socket takes over HTTP: the ticket that opens it, and who is in a chat for whoever has none.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use greenhub::account::auth::Authenticated;
use greenhub::clock::rfc3339;
use greenhub::domain::ids::ChatId;
use greenhub::http::Problem;
use greenhub::http::problems::{bad, not_found, tables};
use greenhub::queue::Queue;
use greenhub::realtime::browser::{PING_EVERY_MS, RENEW_AFTER_MS};
use greenhub::realtime::event::{Doing, Told};
use greenhub::realtime::standing::SessionKey;
use greenhub::realtime::{presence, socket};
use greenhub::store::chats;
use greenhub::store::db::Db;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use url::Url;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

/// What travels over sockets, which has no route to be described by.
#[derive(OpenApi)]
#[openapi(components(schemas(Told)))]
struct Frames;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::with_openapi(Frames::openapi())
        .routes(routes!(ticket))
        .routes(routes!(present))
}

/// A ticket for a socket. It opens one, once, within a minute.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    /// Where the socket is opened, with the ticket. Frames are JSON lists of `SocketTold`.
    url: String,
    /// Until when, RFC 3339.
    until: String,
    /// So often something has to be sent, in seconds, for the connection to stay open: `{"action":"ping"}`.
    ping_every_s: i64,
    /// After so many seconds the next socket is opened: no connection lives much longer.
    renew_after_s: i64,
}

/// A ticket for a socket of this session.
#[utoipa::path(
    post, path = "/api/socket-tickets", tag = "realtime", security(("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = Ticket))
)]
async fn ticket<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let session = SessionKey::of(&caller);
    let made = socket::ticket(db, clock, &caller.workspace, caller.person(), session).await;
    let ticket = made.map_err(|error| tables(&error))?;
    let url = socket_url(&api.public_base_url, ticket.expose_secret());
    let told = Ticket {
        url,
        until: rfc3339(clock.now_ms() + socket::TICKET_MS),
        ping_every_s: PING_EVERY_MS / 1000,
        renew_after_s: RENEW_AFTER_MS / 1000,
    };
    Ok((StatusCode::CREATED, Json(told)))
}

/// The address of sockets at the one origin.
fn socket_url(base: &Url, ticket: &str) -> String {
    let scheme = match base.scheme() {
        "http" => "ws",
        _ => "wss",
    };
    let origin = base.origin().ascii_serialization();
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    format!("{scheme}://{host}/ws?ticket={ticket}")
}

/// Somebody who is in a chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Presence {
    /// Who.
    person: String,
    /// What they do.
    doing: Doing,
    /// Until when that holds unless they go on, RFC 3339.
    until: String,
}

/// Who has the chat open at the moment.
#[utoipa::path(
    get, path = "/api/chats/{chat}/presence", tag = "realtime",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Vec<Presence>))
)]
async fn present<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
    Path(chat): Path<String>,
) -> Result<Json<Vec<Presence>>, Problem> {
    let is_id = chat.len() == 32 && chat.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_id {
        return Err(bad("bad_id", "This is not the id of a chat"));
    }
    let (db, clock) = (&api.hub.db, &api.hub.clock);
    let found = chats::living_chat(db, &ChatId::new(chat)).await;
    let chat = found
        .map_err(|error| tables(&error))?
        .filter(|chat| chat.workspace == caller.workspace && caller.rights.may_see(&chat.number))
        .ok_or_else(not_found)?;
    let present = presence::of_chat(db, clock, &chat.chat).await;
    let present = present.map_err(|error| tables(&error))?.into_iter();
    Ok(Json(
        present
            .map(|one| Presence {
                person: one.person.to_string(),
                doing: one.doing,
                until: rfc3339(one.until_ms),
            })
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_opened_where_people_reach_us() {
        let check = |base: &str, expect: &str| {
            let base = Url::parse(base).unwrap();
            assert_eq!(socket_url(&base, "t"), expect);
        };
        check("https://hub.example", "wss://hub.example/ws?ticket=t");
        check(
            "https://hub.example:8443/",
            "wss://hub.example:8443/ws?ticket=t",
        );
        check("http://localhost:3000", "ws://localhost:3000/ws?ticket=t");
    }
}
