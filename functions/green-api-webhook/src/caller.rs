//! Who sends a notification: an address (or an instance's number) and the token that belongs to it.

use std::sync::Arc;

use greenhub::clock::Clock;
use greenhub::crypto::{constant_time_eq, sha256_hex};
use greenhub::domain::ids::IdInstance;
use greenhub::store::db::{Db, DbError, Key};
use greenhub::store::directory::{HookRow, NumberRow, OwnerRow};
use greenhub::store::kept::Kept;
use greenhub::store::runtime::GoneHookRow;
use greenhub::store::{keys, row};

/// What the sender says to be.
#[derive(Debug)]
pub(crate) enum Known {
    /// The owner of a webhook address, by the hash of its key.
    Address(String),
    /// An instance.
    Instance(IdInstance),
}

impl Known {
    fn key(&self) -> Key {
        match self {
            Known::Address(hash) => keys::hook(hash),
            Known::Instance(id) => keys::instance_owner(*id),
        }
    }

    fn gone_key(&self) -> Key {
        match self {
            Known::Address(hash) => keys::gone_hook(hash),
            Known::Instance(id) => keys::gone_instance(*id),
        }
    }

    /// It was a number of ours until lately, and this was its token: GREEN-API goes on with what it
    /// has for it.
    pub(crate) async fn is_gone(
        &self,
        db: &impl Db,
        clock: &Clock,
        token: &str,
    ) -> Result<bool, DbError> {
        let gone = row::load::<GoneHookRow>(db, &self.gone_key()).await?;
        Ok(gone.is_some_and(|gone| {
            clock.now_ms() < gone.expires_at * 1000 && is_hash_of(&gone.token_sha256, token)
        }))
    }

    async fn number(&self, db: &impl Db) -> Result<Option<NumberRow>, DbError> {
        let owner = match self {
            Known::Address(_) => row::load::<HookRow>(db, &self.key())
                .await?
                .map(|hook| (hook.workspace, hook.number)),
            Known::Instance(_) => row::load::<OwnerRow>(db, &self.key())
                .await?
                .map(|owner| (owner.workspace, owner.number)),
        };
        match owner {
            Some((workspace, number)) => row::load(db, &keys::number(&workspace, &number)).await,
            None => Ok(None),
        }
    }
}

fn is_hash_of(kept: &str, token: &str) -> bool {
    constant_time_eq(sha256_hex(token).as_bytes(), kept.as_bytes())
}

/// The numbers that have proved themselves lately.
#[derive(Debug, Default)]
pub(crate) struct Callers(Kept<Key, NumberRow>);

impl Callers {
    /// The number, if the token is the one that was set for it.
    pub(crate) async fn authenticate(
        &self,
        db: &impl Db,
        clock: &Clock,
        known: &Known,
        token: &str,
    ) -> Result<Option<Arc<NumberRow>>, DbError> {
        let is_theirs = |number: &NumberRow| is_hash_of(&number.hook_token_sha256, token);
        let now_ms = clock.now_ms();
        let key = known.key();
        if let Some(number) = self.0.get(&key, now_ms).filter(|n| is_theirs(n)) {
            return Ok(Some(number));
        }
        // Also where a kept row says no: the token may just have been changed.
        let number = known.number(db).await?.filter(is_theirs).map(Arc::new);
        // Without a CRM it may get one at any moment, and messages must not miss that.
        if let Some(number) = number.as_ref().filter(|number| number.location.is_some()) {
            self.0.keep(key, Arc::clone(number), now_ms);
        }
        Ok(number)
    }
}
