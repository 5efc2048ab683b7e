//! Rows as structs: reading them, and writing them only if nobody else did meanwhile.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::db::{Cond, Db, DbError, Item, Key, Op, Write};

/// A row that is only ever replaced as a whole, by somebody who saw the revision before.
pub trait Row: Serialize + DeserializeOwned + Send {
    /// What it is, for error messages.
    const WHAT: &'static str;

    /// Its revision; 0 if it has never been written.
    fn rev(&self) -> u64;

    /// Sets the revision.
    fn set_rev(&mut self, rev: u64);
}

/// Implements [`Row`] for a struct with a field `rev: u64`.
macro_rules! row {
    ($type:ty, $what:literal) => {
        impl $crate::store::row::Row for $type {
            const WHAT: &'static str = $what;

            fn rev(&self) -> u64 {
                self.rev
            }

            fn set_rev(&mut self, rev: u64) {
                self.rev = rev;
            }
        }
    };
}
pub(crate) use row;

/// The struct of an item.
pub fn read<T: Row>(item: Item) -> Result<T, DbError> {
    serde_dynamo::from_item(item).map_err(|error| DbError::Malformed {
        what: T::WHAT,
        why: error.to_string(),
    })
}

/// The item of a struct.
pub fn item<T: Row>(row: &T) -> Result<Item, DbError> {
    serde_dynamo::to_item(row).map_err(|error| DbError::Malformed {
        what: T::WHAT,
        why: error.to_string(),
    })
}

/// The row at `key`, strongly consistent.
pub async fn load<T: Row>(db: &impl Db, key: &Key) -> Result<Option<T>, DbError> {
    db.get(key).await?.map(read).transpose()
}

/// The write that stores `row` if its revision in the table is still the one that was read (or, at
/// revision 0, if there is none). The revision in memory moves on: after a failed write the row
/// has to be read anew.
pub fn save<T: Row>(key: Key, row: &mut T) -> Result<Write, DbError> {
    let seen = row.rev();
    row.set_rev(seen + 1);
    let only_if = if seen == 0 {
        Cond::Absent
    } else {
        Cond::Rev(seen)
    };
    Ok(Write {
        key,
        op: Op::Put(item(row)?),
        only_if,
    })
}

/// How often a write is tried anew after somebody else was there first.
pub const TRIES: usize = 8;

/// Reads the row, lets `change` alter it, and writes it, anew if somebody else was there first.
/// `change` says whether there is anything to write. `None` if there is no row.
pub async fn change<T: Row>(
    db: &impl Db,
    key: &Key,
    mut change: impl FnMut(&mut T) -> bool + Send,
) -> Result<Option<T>, DbError> {
    for _ in 1..TRIES {
        match change_once(db, key, &mut change).await {
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            done => return done,
        }
    }
    change_once(db, key, &mut change).await
}

/// As [`change`], but where there is no row it is made: `change` alters, and is asked about, a new
/// one by `make`.
pub async fn change_or_make<T: Row>(
    db: &impl Db,
    key: &Key,
    make: impl Fn() -> T + Send,
    mut change: impl FnMut(&mut T) -> bool + Send,
) -> Result<T, DbError> {
    let mut n_tries = 0;
    loop {
        n_tries += 1;
        let mut row = load::<T>(db, key).await?.unwrap_or_else(&make);
        if !change(&mut row) {
            return Ok(row);
        }
        match db.write(vec![save(key.clone(), &mut row)?]).await {
            Err(DbError::Condition { .. } | DbError::Conflict) if n_tries < TRIES => {}
            done => return done.map(|()| row),
        }
    }
}

async fn change_once<T: Row>(
    db: &impl Db,
    key: &Key,
    change: &mut (impl FnMut(&mut T) -> bool + Send),
) -> Result<Option<T>, DbError> {
    let Some(mut row) = load::<T>(db, key).await? else {
        return Ok(None);
    };
    if change(&mut row) {
        db.write(vec![save(key.clone(), &mut row)?]).await?;
    }
    Ok(Some(row))
}
