//! What people set about a number.

use super::{Numbers, SettleError, Settled};
use crate::crypto::DataKeys;
use crate::domain::auto_reply::AutoReply;
use crate::domain::event::CallMode;
use crate::domain::ids::{NumberId, WorkspaceId};
use crate::green_api::settings::{Chosen, MAX_DELAY_MS, MIN_DELAY_MS};
use crate::store::db::{Db, DbError};
use crate::store::directory::{NumberPrefs, NumberRow};
use crate::store::{keys, row};

/// A change of a number: what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What people call it, let through by [`super::name`].
    pub name: Option<String>,
    /// GREEN-API is to send one message in so many milliseconds.
    pub delay_ms: Option<u32>,
    /// Whether customers see blue ticks when somebody answers.
    pub blue_ticks: Option<bool>,
    /// What is shown of calls.
    pub calls: Option<CallMode>,
    /// To how many people who have not written to it may it write first in a day; 0 for as many as
    /// there are.
    pub new_contacts_per_day: Option<u32>,
    /// What it answers by itself, let through by [`AutoReply::check`].
    pub auto_reply: Option<AutoReply>,
}

/// A pause between two messages that GREEN-API does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pause between two messages is {MIN_DELAY_MS} to {MAX_DELAY_MS} milliseconds")]
pub struct BadDelay;

/// Checks a pause that somebody typed.
///
/// # Errors
/// [`BadDelay`].
pub fn check_delay(ms: u64) -> Result<u32, BadDelay> {
    let ms = u32::try_from(ms).map_err(|_| BadDelay)?;
    let range = MIN_DELAY_MS..=MAX_DELAY_MS;
    range.contains(&ms).then_some(ms).ok_or(BadDelay)
}

impl NumberPrefs {
    /// What of it GREEN-API has to be told.
    pub(super) fn chosen(&self) -> Chosen {
        Chosen {
            delay_ms: self.delay_ms,
            blue_ticks: !self.no_blue_ticks,
        }
    }
}

impl<D: Db> Numbers<D> {
    /// Changes a number. What GREEN-API has to be told is tried at once; if that does not work the
    /// number is not `configured`, and the sweeper goes on. `None` if the workspace has no such
    /// number.
    ///
    /// # Errors
    /// The tables; nothing is changed then.
    pub async fn change(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
        change: &Change,
    ) -> Result<Option<NumberRow>, DbError> {
        let now_ms = self.clock.now_ms();
        let key = keys::number(workspace, number);
        let mut to_tell = false;
        let changed = row::change::<NumberRow>(&self.db, &key, |row| {
            let before = row.clone();
            apply(row, change);
            to_tell = row.prefs.chosen() != before.prefs.chosen();
            if to_tell {
                row.configured = false;
                row.set_due(now_ms);
            }
            *row != before
        })
        .await?;
        match changed {
            Some(_) if to_tell => self.settled(data_keys, workspace, number).await,
            changed => Ok(changed),
        }
    }

    /// The number, after GREEN-API was told what it has to be set to; the sweeper goes on where that
    /// does not work.
    pub(super) async fn settled(
        &self,
        data_keys: &DataKeys,
        workspace: &WorkspaceId,
        number: &NumberId,
    ) -> Result<Option<NumberRow>, DbError> {
        let settler = self.settler(data_keys);
        match settler.settle_settings(workspace, number).await {
            Ok(Settled::Done | Settled::NotYet(_) | Settled::Gone) => {}
            Err(SettleError::Db(error)) => {
                tracing::warn!(%number, %error, "the settings are left to the sweeper");
            }
            Err(SettleError::Unusable(error)) => {
                tracing::error!(%number, %error, "a number's settings cannot be written");
            }
        }
        self.get(workspace, number).await
    }
}

fn apply(row: &mut NumberRow, change: &Change) {
    if let Some(name) = &change.name {
        row.name.clone_from(name);
    }
    if let Some(ms) = change.delay_ms {
        row.prefs.delay_ms = Some(ms);
    }
    if let Some(blue_ticks) = change.blue_ticks {
        row.prefs.no_blue_ticks = !blue_ticks;
    }
    if let Some(calls) = change.calls {
        row.prefs.calls = calls;
    }
    if let Some(most) = change.new_contacts_per_day {
        row.prefs.new_contacts_per_day = (most > 0).then_some(most);
    }
    if let Some(auto_reply) = &change.auto_reply {
        row.prefs.auto_reply = Some(auto_reply.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_one_that_green_api_takes() {
        let check = |ms: u64, expect: Result<u32, BadDelay>| {
            assert_eq!(check_delay(ms), expect, "{ms}");
        };
        check(500, Ok(500));
        check(86_400_000, Ok(86_400_000));
        check(499, Err(BadDelay));
        check(86_400_001, Err(BadDelay));
        check(u64::MAX, Err(BadDelay));
    }
}
