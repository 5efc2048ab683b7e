//! Who sends a notification: an address (or an instance's number) and the token that belongs to it.

use std::sync::Arc;

use greenhub::clock::Clock;
use greenhub::crypto::{constant_time_eq, sha256_hex};
use greenhub::store::db::{Db, DbError, Key};
use greenhub::store::directory::{HookRow, NumberRow, OwnerRow};
use greenhub::store::kept::Kept;
use greenhub::store::{keys, row};

/// What the sender says to be.
#[derive(Debug)]
pub(crate) enum Known {
    /// The owner of a webhook address: the key of a [`HookRow`].
    Address(Key),
    /// An instance: the key of an [`OwnerRow`].
    Instance(Key),
}

impl Known {
    fn key(&self) -> &Key {
        match self {
            Known::Address(key) | Known::Instance(key) => key,
        }
    }

    async fn number(&self, db: &impl Db) -> Result<Option<NumberRow>, DbError> {
        let owner = match self {
            Known::Address(key) => row::load::<HookRow>(db, key)
                .await?
                .map(|hook| (hook.workspace, hook.number)),
            Known::Instance(key) => row::load::<OwnerRow>(db, key)
                .await?
                .map(|owner| (owner.workspace, owner.number)),
        };
        match owner {
            Some((workspace, number)) => row::load(db, &keys::number(&workspace, &number)).await,
            None => Ok(None),
        }
    }
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
        let token_sha256 = sha256_hex(token);
        let is_theirs = |number: &NumberRow| {
            constant_time_eq(token_sha256.as_bytes(), number.hook_token_sha256.as_bytes())
        };
        let now_ms = clock.now_ms();
        if let Some(number) = self.0.get(known.key(), now_ms).filter(|n| is_theirs(n)) {
            return Ok(Some(number));
        }
        // Also where a kept row says no: the token may just have been changed.
        let number = known.number(db).await?.filter(is_theirs).map(Arc::new);
        // Without a CRM it may get one at any moment, and messages must not miss that.
        if let Some(number) = number.as_ref().filter(|number| number.location.is_some()) {
            self.0.keep(known.key().clone(), Arc::clone(number), now_ms);
        }
        Ok(number)
    }
}
