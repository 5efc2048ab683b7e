//! A number: its row, its webhook's address and its ownership.

use greenhub::clock::Millis;
use greenhub::crypto;
use greenhub::domain::ids::{LocationId, NumberId, WorkspaceId};
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{HookRow, NumberPrefs, NumberRow, OwnerRow};
use greenhub::store::{keys, row};
use secrecy::{ExposeSecret, SecretString};

use super::{Importer, NumberOutcome};
use crate::plan::Number;

/// Of the part of a webhook's address that nobody can guess, bytes.
const HOOK_KEY_BYTES: usize = 24;

/// Of a webhook's bearer token, bytes.
const HOOK_TOKEN_BYTES: usize = 32;

impl<D: Db> Importer<D> {
    pub(super) async fn number(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        old: &Number,
    ) -> Result<NumberOutcome, DbError> {
        let owner_key = keys::instance_owner(old.new.id_instance);
        let owner = row::load::<OwnerRow>(&self.db, &owner_key).await?;
        if let Some(owner) = owner {
            return Ok(judge(&owner, workspace));
        }
        if self.dry_run {
            return Ok(NumberOutcome::New);
        }
        let hook_key = SecretString::from(crypto::random_token(HOOK_KEY_BYTES));
        let mut number = self.number_row(workspace, location, old, &hook_key);
        let id = number.number.clone();
        let mut owner = OwnerRow {
            rev: 0,
            workspace: workspace.clone(),
            number: id.clone(),
        };
        let mut hook = HookRow {
            rev: 0,
            workspace: workspace.clone(),
            number: id.clone(),
        };
        let hook_row_key = keys::hook(&crypto::sha256_hex(hook_key.expose_secret()));
        let writes = vec![
            row::save(owner_key.clone(), &mut owner)?,
            row::save(hook_row_key, &mut hook)?,
            row::save(keys::number(workspace, &id), &mut number)?,
        ];
        let Err(error) = self.db.write(writes).await else {
            return Ok(NumberOutcome::New);
        };
        // Somebody else was quicker, unless it was this very write, whose answer got lost.
        match row::load::<OwnerRow>(&self.db, &owner_key).await? {
            Some(owner) if owner.number == id => Ok(NumberOutcome::New),
            Some(owner) => Ok(judge(&owner, workspace)),
            None => Err(error),
        }
    }

    /// The number as a new one, which the sweeper sets up at GREEN-API. It keeps the token of its
    /// webhook, so that it is heard at the older address until then, and afterwards as well.
    fn number_row(
        &self,
        workspace: &WorkspaceId,
        location: &LocationId,
        old: &Number,
        hook_key: &SecretString,
    ) -> NumberRow {
        let number = NumberId::new(self.ids.next());
        let seal = |secret: &SecretString, field| {
            let context = NumberRow::seal_context(workspace, &number, field);
            self.data_keys.seal(secret.expose_secret(), &context)
        };
        let hook_token = old
            .hook_token
            .clone()
            .unwrap_or_else(|| crypto::random_token(HOOK_TOKEN_BYTES).into());
        let mut row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: old.new.id_instance,
            name: old.new.name.clone(),
            // What is older is not looked for in journals: the older adapter has posted it. Which of
            // the numbers is the oldest stays as it was.
            created_ms: self.stopped_ms + Millis::try_from(old.rank).unwrap_or_default(),
            location: Some(location.clone()),
            state: old.state.clone(),
            state_since_ms: self.now_ms,
            wid: old.wid.clone(),
            api_url: old.new.api_url.to_string(),
            media_url: old.new.media_url.as_ref().map(ToString::to_string),
            token_sealed: seal(&old.new.token, NumberRow::TOKEN),
            hook_key_sealed: seal(hook_key, NumberRow::HOOK_KEY),
            hook_token_sha256: crypto::sha256_hex(hook_token.expose_secret()),
            hook_token_sealed: seal(&hook_token, NumberRow::HOOK_TOKEN),
            // Who sets the number up keeps what it finds at GREEN-API.
            webhook_before: None,
            webhook_token_before_sealed: None,
            configured: false,
            delay_ms: old.delay_ms,
            prefs: NumberPrefs::default(),
            pause: None,
            checked_ms: 0,
            changes: Vec::new(),
            alarmed: false,
            reconciled_ms: self.stopped_ms,
            due_at: None,
            due_shard: None,
        };
        row.set_due(self.now_ms);
        row
    }
}

fn judge(owner: &OwnerRow, workspace: &WorkspaceId) -> NumberOutcome {
    match owner.workspace == *workspace {
        true => NumberOutcome::Here,
        false => NumberOutcome::Elsewhere,
    }
}
