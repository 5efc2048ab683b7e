//! Erasing what a number's conversations brought along.

use super::store::{FileStore, StoreError};
use crate::domain::ids::NumberId;
use crate::store::db::{Cond, Db, DbError, Key, Op, Query, Table, Write};
use crate::store::keys;

/// How many addresses are forgotten in one transaction.
const AT_ONCE: usize = 25;

/// Why not everything was erased. Doing it again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes every file of a number and every address of one, and says how many files there were.
/// To be called when its conversations are erased.
///
/// # Errors
/// [`EraseError`].
pub async fn files_of<D: Db, S: FileStore>(
    db: &D,
    store: &S,
    number: &NumberId,
) -> Result<usize, EraseError> {
    // The addresses first: none shall lead to a file that is going away.
    let (pk, range) = keys::file_links(number);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk: pk.clone(),
        range,
        backwards: false,
        limit: AT_ONCE,
    };
    loop {
        let rows = db.query(&query).await?;
        let links = rows
            .iter()
            .filter_map(|row| row.get("sk")?.as_s().ok())
            .filter_map(|sk| keys::link_of_sk(sk));
        let writes: Vec<Write> = links
            .map(|link| forget(keys::file_link(number, link)))
            .collect();
        if writes.is_empty() {
            break;
        }
        db.write(writes).await?;
    }
    Ok(store.remove_all(&keys::objects(number)).await?)
}

fn forget(key: Key) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if: Cond::Always,
    }
}
