//! `/api/inbox`: labels, prepared answers, and the words by which people opt out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::auth::{Admin, Authenticated};
use greenhub::http::problems::{bad_input, conflict, tables};
use greenhub::http::{Body, Problem};
use greenhub::inbox::settings::{VARIABLES, check};
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::team::{Canned, InboxRow, Label};
use greenhub::store::{find, keys, row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Api;

/// What the workspace has set for its conversations.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inbox {
    /// Grows with every change; a change names the one that it saw.
    rev: u64,
    /// At most 100.
    labels: Vec<LabelView>,
    /// At most 100.
    canned: Vec<CannedView>,
    /// At most 50; nothing is sent to people who wrote nothing but one of them.
    opt_out: Vec<String>,
    /// What can stand between `{{` and `}}` in a prepared answer. Not read.
    #[serde(default)]
    variables: Vec<String>,
}

/// A label.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Label)]
struct LabelView {
    /// Letters, digits and dashes; it stays when the name changes.
    id: String,
    /// 1 to 40 characters.
    name: String,
    /// `#rrggbb`.
    colour: String,
}

/// A prepared answer.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Canned)]
struct CannedView {
    /// Letters, digits and dashes.
    id: String,
    /// What it is called up by, 1 to 40 characters.
    shortcut: String,
    /// 1 to 1,000 characters.
    text: String,
}

impl From<InboxRow> for Inbox {
    fn from(row: InboxRow) -> Self {
        let usual = || find::OPT_OUT.map(str::to_owned).to_vec();
        let labels = row.labels.into_iter().map(|label| LabelView {
            id: label.id,
            name: label.name,
            colour: label.colour,
        });
        let canned = row.canned.into_iter().map(|canned| CannedView {
            id: canned.id,
            shortcut: canned.shortcut,
            text: canned.text,
        });
        Inbox {
            rev: row.rev,
            labels: labels.collect(),
            canned: canned.collect(),
            opt_out: row.opt_out.unwrap_or_else(usual),
            variables: VARIABLES.map(str::to_owned).to_vec(),
        }
    }
}

impl From<Inbox> for InboxRow {
    fn from(inbox: Inbox) -> Self {
        let labels = inbox.labels.into_iter().map(|label| Label {
            id: label.id,
            name: label.name,
            colour: label.colour,
        });
        let canned = inbox.canned.into_iter().map(|canned| Canned {
            id: canned.id,
            shortcut: canned.shortcut,
            text: canned.text,
        });
        InboxRow {
            rev: inbox.rev,
            labels: labels.collect(),
            canned: canned.collect(),
            opt_out: Some(inbox.opt_out),
        }
    }
}

/// What the workspace has set for its conversations.
#[utoipa::path(
    get, path = "/api/inbox", tag = "chats", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Inbox))
)]
pub(super) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Inbox>, Problem> {
    let row: Option<InboxRow> = api.row(&keys::inbox(&caller.workspace)).await?;
    Ok(Json(row.unwrap_or_default().into()))
}

/// Sets it as a whole, if nobody else did since it was seen.
#[utoipa::path(
    put, path = "/api/inbox", tag = "chats", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = Inbox,
    responses(
        (status = 200, body = Inbox),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_settings`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`changed_meanwhile`"),
    )
)]
pub(super) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Body(asked): Body<Inbox>,
) -> Result<Json<Inbox>, Problem> {
    let mut row = InboxRow::from(asked);
    check(&row).map_err(|why| bad_input("bad_settings", why))?;
    let key = keys::inbox(&caller.workspace);
    let write = row::save(key, &mut row).map_err(|error| tables(&error))?;
    match api.hub.db.write(vec![write]).await {
        Ok(()) => Ok(Json(row.into())),
        Err(DbError::Condition { .. } | DbError::Conflict) => Err(conflict(
            "changed_meanwhile",
            "Somebody else has changed it; look at it again",
        )),
        Err(error) => Err(tables(&error)),
    }
}
