//! Removing a number.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Numbers, erase, open};
use crate::clock::Millis;
use crate::crypto::{self, DataKeys};
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::pipeline::telegram::channels;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::directory::{GoneNumberRow, NumberRow};
use crate::store::runtime::GoneHookRow;
use crate::store::{keys, row};

/// If the number could not be removed after GREEN-API was released, the sweeper takes it back then.
const TAKE_BACK: Duration = Duration::from_secs(5 * 60);

/// How long the conversations of a number that was removed are kept, unless they are to be erased
/// at once.
const KEEP_MS: Millis = 30 * 24 * 3600 * 1000;

/// How long what GREEN-API still has for a removed number is answered 200: it keeps a day.
const LATE_S: i64 = 2 * 24 * 3600;

/// How much of the conversations is erased while the person waits; the sweeper goes on.
const ERASE_FOR: Duration = Duration::from_secs(4);

/// What becomes of a number's conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conversations {
    /// They are kept for 30 days.
    #[default]
    Keep,
    /// They are erased at once.
    Erase,
}

/// Why a number was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The workspace has no such number.
    #[error("there is no such number")]
    NotFound,
    /// The tables.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl<D: Db> Numbers<D> {
    /// Lets go of a number: its webhook becomes what it was before, if GREEN-API can be reached,
    /// and the number, its webhook's address and its ownership are forgotten. What GREEN-API still
    /// has for it is answered 200, without effect.
    ///
    /// # Errors
    /// [`RemoveError`].
    pub async fn remove(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
        conversations: Conversations,
    ) -> Result<(), RemoveError> {
        let key = keys::number(workspace, number);
        let due_ms = self.clock.now_ms() + TAKE_BACK.as_millis() as Millis;
        let row = row::change::<NumberRow>(&self.db, &key, |row| {
            row.configured = false;
            row.set_due(due_ms);
            true
        })
        .await?
        .ok_or(RemoveError::NotFound)?;

        // Best effort: a number whose token has changed, or that is gone, can be removed as well.
        if let Err(error) = self.settler(data_keys).restore(&row).await {
            tracing::warn!(%number, %error, "the number's webhook stays set at GREEN-API");
        }
        if row.prefs.telegram.is_some()
            && let Err(error) = channels::unlink(&self.db, workspace, number).await
        {
            tracing::warn!(%number, %error, "the number's channel still names it");
        }
        self.forget(data_keys, row, conversations).await?;
        tracing::info!(%workspace, %number, ?conversations, "a number was removed");
        if conversations == Conversations::Erase {
            let until_ms = self.clock.now_ms() + ERASE_FOR.as_millis() as Millis;
            if let Err(error) = erase::erase(&self.db, &self.clock, number, until_ms).await {
                tracing::warn!(%number, %error, "conversations are left to the sweeper");
            }
        }
        Ok(())
    }

    async fn forget(
        &self,
        data_keys: &DataKeys,
        mut row: NumberRow,
        conversations: Conversations,
    ) -> Result<(), RemoveError> {
        let key = keys::number(&row.workspace, &row.number);
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            let writes = self.removing(data_keys, &row, conversations)?;
            match self.db.write(writes).await {
                Err(DbError::Condition { .. } | DbError::Conflict) if n_tries < row::TRIES => {}
                done => return Ok(done?),
            }
            match row::load::<NumberRow>(&self.db, &key).await? {
                Some(newer) => row = newer,
                // Somebody else has removed it meanwhile.
                None => return Ok(()),
            }
        }
    }

    fn removing(
        &self,
        data_keys: &DataKeys,
        row: &NumberRow,
        conversations: Conversations,
    ) -> Result<Vec<Write>, DbError> {
        let now_ms = self.clock.now_ms();
        let mut writes = forgetting(data_keys, row);
        writes.push(delete(
            keys::instance_owner(row.id_instance),
            Cond::Is("number", row.number.to_string()),
        ));
        writes.push(match conversations {
            Conversations::Keep => leaving_history(row, now_ms)?,
            Conversations::Erase => gone(row, now_ms)?,
        });
        let late = GoneHookRow {
            rev: 1,
            token_sha256: row.hook_token_sha256.clone(),
            expires_at: now_ms / 1000 + LATE_S,
        };
        let mut expect_late = vec![keys::gone_instance(row.id_instance)];
        expect_late.extend(hook_sha256(data_keys, row).map(|hash| keys::gone_hook(&hash)));
        for key in expect_late {
            writes.push(Write {
                key,
                op: Op::Put(row::item(&late)?),
                only_if: Cond::Always,
            });
        }
        Ok(writes)
    }
}

/// The end of a number and of its webhook's address.
pub(super) fn forgetting(data_keys: &DataKeys, row: &NumberRow) -> Vec<Write> {
    let key = keys::number(&row.workspace, &row.number);
    let mut writes = vec![delete(key, Cond::Rev(row.rev))];
    let hook = hook_sha256(data_keys, row);
    writes.extend(hook.map(|hash| delete(keys::hook(&hash), Cond::Always)));
    let import = keys::import(&row.workspace, &row.number);
    writes.push(delete(import, Cond::Always));
    writes
}

/// What tells the sweeper of the conversations that a number leaves behind.
pub(super) fn leaving_history(row: &NumberRow, now_ms: Millis) -> Result<Write, DbError> {
    gone(row, now_ms + KEEP_MS)
}

fn gone(row: &NumberRow, erase_at_ms: Millis) -> Result<Write, DbError> {
    let gone = GoneNumberRow {
        rev: 1,
        workspace: row.workspace.clone(),
        number: row.number.clone(),
        is_erased: false,
        due_at: erase_at_ms,
        due_shard: keys::due_shard_of(row.number.as_str()),
    };
    Ok(Write {
        key: keys::gone_number(&row.workspace, &row.number),
        op: Op::Put(row::item(&gone)?),
        only_if: Cond::Always,
    })
}

fn delete(key: crate::store::db::Key, only_if: Cond) -> Write {
    Write {
        key,
        op: Op::Delete,
        only_if,
    }
}

fn hook_sha256(data_keys: &DataKeys, row: &NumberRow) -> Option<String> {
    match open(row, data_keys, &row.hook_key_sealed, NumberRow::HOOK_KEY) {
        Ok(key) => Some(crypto::sha256_hex(key.expose_secret())),
        // A webhook's address without its number leads nowhere.
        Err(error) => {
            tracing::warn!(number = %row.number, %error, "a webhook's address is left over");
            None
        }
    }
}
