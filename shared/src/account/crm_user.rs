//! GoHighLevel's users as people of a workspace: each has a row from their first entrance on, so that
//! they can be listed, given conversations and shut out.

use crate::clock::Millis;
use crate::crypto;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::rights::Rights;
use crate::store::db::{Db, DbError};
use crate::store::people::{PersonKind, PersonRow};
use crate::store::runtime::SessionRow;
use crate::store::{keys, row};

/// Of an id, hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Who a user is in a workspace. It follows from both, so that two first entrances at once make one
/// person.
pub fn person_id(workspace: &WorkspaceId, user: &str) -> PersonId {
    let mut id = crypto::sha256_hex(format!("ghl|{workspace}|{user}"));
    id.truncate(ID_DIGITS);
    PersonId::new(id)
}

/// The row of a user who comes in, with what GoHighLevel says of them now.
pub async fn enter(
    db: &impl Db,
    now_ms: Millis,
    session: &SessionRow,
) -> Result<PersonRow, DbError> {
    let person = person_id(&session.workspace, &session.user);
    let kind = PersonKind::Ghl {
        location: session.location.clone(),
        user: session.user.clone(),
    };
    let rights = Rights::of_crm_user(session.is_admin);
    let make = || {
        let (kind, name) = (kind.clone(), session.user_name.clone());
        let (workspace, person) = (&session.workspace, person.clone());
        PersonRow::new(workspace, person, kind, name, rights.clone(), now_ms)
    };
    let key = keys::person(&session.workspace, &person);
    row::change_or_make(db, &key, make, |row: &mut PersonRow| {
        let before = row.clone();
        row.kind.clone_from(&kind);
        row.rights.clone_from(&rights);
        if !session.user_name.is_empty() {
            row.name.clone_from(&session.user_name);
        }
        // A session is a quarter of an hour: not a write for each.
        let entered = row.entered_ms.unwrap_or_default();
        if now_ms - entered > ENTERED_EVERY_MS {
            row.entered_ms = Some(now_ms);
        }
        *row != before
    })
    .await
}

/// That somebody is here is written down so often at most.
const ENTERED_EVERY_MS: Millis = 60 * 60 * 1000;
