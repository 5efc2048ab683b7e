//! A number that an address names, for those who see it.

use greenhub::account::session::Caller;
use greenhub::domain::ids::NumberId;
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::store::db::Db;
use greenhub::store::directory::NumberRow;
use greenhub::store::{keys, row};

/// The number with this id of ours. One of another workspace, and one that the caller does not see,
/// are not found.
pub(crate) async fn number(db: &impl Db, caller: &Caller, id: &str) -> Result<NumberRow, Problem> {
    let is_ours = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = NumberId::new(id);
    if !is_ours || !caller.rights.may_see(&id) {
        return Err(not_found());
    }
    let found = row::load(db, &keys::number(&caller.workspace, &id)).await;
    found.map_err(|error| tables(&error))?.ok_or_else(not_found)
}
