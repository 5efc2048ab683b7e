//! What the gateway tells of a socket: that it is to be opened, that its browser sent something,
//! that it is closed.

use aws_lambda_events::event::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use greenhub::realtime::browser::{Refusal, Sockets};
use greenhub::realtime::connections::Connections;
use greenhub::realtime::socket::OpenError;
use greenhub::store::db::Db;

const OK: i64 = 200;
const UNAUTHORIZED: i64 = 401;
const FORBIDDEN: i64 = 403;
const FAILED: i64 = 500;

/// Handles one event. The answer to `$connect` decides whether the connection is opened; to the
/// others nobody listens, what is to be said there is pushed.
pub async fn handle<D: Db, C: Connections>(
    sockets: &Sockets<D, C>,
    event: ApiGatewayWebsocketProxyRequest,
) -> ApiGatewayProxyResponse {
    let about = &event.request_context;
    let connection = about.connection_id.as_deref().unwrap_or_default();
    let status = match about.event_type.as_deref() {
        _ if connection.is_empty() => FAILED,
        Some("CONNECT") => Box::pin(connect(sockets, connection, &event)).await,
        // Boxed, since one in the other they are more than the compiler follows.
        Some("DISCONNECT") => done(Box::pin(sockets.closed(connection)).await),
        Some("MESSAGE") => {
            let body = event.body.as_deref().unwrap_or_default();
            // Our browsers send text. What is none is what they would never send.
            let frame = if event.is_base64_encoded { "" } else { body };
            done(Box::pin(sockets.take(connection, frame)).await)
        }
        _ => FAILED,
    };
    let mut answer = ApiGatewayProxyResponse::default();
    answer.status_code = status;
    answer
}

async fn connect<D: Db, C: Connections>(
    sockets: &Sockets<D, C>,
    connection: &str,
    event: &ApiGatewayWebsocketProxyRequest,
) -> i64 {
    // A name that is not even text is nobody's.
    let origin = event
        .headers
        .get("origin")
        .map(|it| it.to_str().unwrap_or_default());
    let ticket = event.query_string_parameters.first("ticket");
    let refusal = match sockets.open(connection, origin, ticket).await {
        Ok(()) => return OK,
        Err(refusal) => refusal,
    };
    match &refusal {
        Refusal::Ticket(OpenError::Db(error)) => {
            tracing::error!(%error, "a socket could not be opened");
            FAILED
        }
        Refusal::ForeignPage => {
            tracing::warn!(%refusal, "a socket is refused");
            FORBIDDEN
        }
        Refusal::NoTicket | Refusal::Ticket(_) => {
            tracing::info!(%refusal, "a socket is refused");
            UNAUTHORIZED
        }
    }
}

fn done(result: Result<(), greenhub::store::db::DbError>) -> i64 {
    match result {
        Ok(()) => OK,
        Err(error) => {
            tracing::error!(%error, "a socket's event was not handled");
            FAILED
        }
    }
}
