//! Numbers of a location that has removed the app get their own webhook settings back.

use greenhub::account::numbers::{SettleError, Settled};
use greenhub::clock::Millis;
use greenhub::media::store::FileStore;
use greenhub::queue::Queue;
use greenhub::store::db::{Db, DbError};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow};
use greenhub::store::{keys, row};

use crate::{Report, Sweeper};

/// How long GREEN-API is asked to take a number's settings back.
const PATIENCE_MS: Millis = 7 * 24 * 3600 * 1000;

impl<D: Db, Q: Queue, S: FileStore> Sweeper<D, Q, S> {
    /// The installation of a number's location, if the app was removed from there.
    pub(crate) async fn removed_install(
        &self,
        number: &NumberRow,
    ) -> Result<Option<InstallRow>, DbError> {
        let Some(location) = &number.location else {
            return Ok(None);
        };
        let install = row::load::<InstallRow>(&self.hub.db, &keys::install(location)).await?;
        Ok(install.filter(|install| install.state == InstallState::Uninstalled))
    }

    /// Gives the number's settings back, or has it due again.
    pub(crate) async fn release(
        &self,
        number: &NumberRow,
        removed: &InstallRow,
        report: &mut Report,
    ) -> Result<(), DbError> {
        let give_up_ms = removed.refreshed_ms + PATIENCE_MS;
        let settler = self.settler();
        let released = settler.release(&number.workspace, &number.number, give_up_ms);
        match released.await {
            Ok(Settled::Done) => report.numbers_released += 1,
            Ok(Settled::NotYet(_) | Settled::Gone) => {}
            Err(SettleError::Db(error)) => return Err(error),
            Err(SettleError::Unusable(error)) => {
                report.failures += 1;
                tracing::error!(number = %number.number, %error, "settings are not given back");
            }
        }
        Ok(())
    }
}
