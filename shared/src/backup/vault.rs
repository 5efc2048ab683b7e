//! DynamoDB's on-demand backups
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html>). They
//! outlive the table that they are of.

use std::future::Future;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{BackupStatus, BackupSummary, BackupTypeFilter};

use crate::clock::Millis;
use crate::config::Tables;
use crate::error::aws_words;
use crate::store::db::Table;

/// A backup of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// DynamoDB's name for it: its ARN.
    pub id: String,
    /// Its name among ours.
    pub name: String,
    /// When it was begun, milliseconds since 1970.
    pub created_ms: Millis,
    /// It can be restored.
    pub is_ready: bool,
}

/// Why there is no backup, or one too many.
#[derive(Debug, thiserror::Error)]
#[error("the backups of the {table:?} table: {what} failed: {why}")]
pub struct BackupError {
    /// The table.
    pub table: Table,
    /// What was tried.
    pub what: &'static str,
    /// The service's words.
    pub why: String,
}

/// Where backups are.
pub trait Vault: Send + Sync {
    /// The backups of a table, in no order.
    fn list(&self, table: Table) -> impl Future<Output = Result<Vec<Backup>, BackupError>> + Send;

    /// Begins one under this name.
    fn take(
        &self,
        table: Table,
        name: &str,
    ) -> impl Future<Output = Result<(), BackupError>> + Send;

    /// Removes one for good.
    fn remove(&self, backup: &Backup) -> impl Future<Output = Result<(), BackupError>> + Send;
}

/// The real one.
#[derive(Clone, Debug)]
pub struct DynamoVault {
    client: Client,
    names: Tables,
}

impl DynamoVault {
    /// That of the tables with these names.
    pub fn new(client: Client, names: Tables) -> Self {
        DynamoVault { client, names }
    }

    fn name(&self, table: Table) -> &str {
        match table {
            Table::Directory => &self.names.directory,
            Table::Chats => &self.names.chats,
            Table::Runtime => &self.names.runtime,
        }
    }
}

impl Vault for DynamoVault {
    async fn list(&self, table: Table) -> Result<Vec<Backup>, BackupError> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .client
                .list_backups()
                .table_name(self.name(table))
                .backup_type(BackupTypeFilter::User)
                .set_exclusive_start_backup_arn(after)
                .send()
                .await
                .map_err(|error| failed(table, "listing", &error))?;
            found.extend(
                page.backup_summaries
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(backup),
            );
            after = page.last_evaluated_backup_arn;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn take(&self, table: Table, name: &str) -> Result<(), BackupError> {
        let begun = self
            .client
            .create_backup()
            .table_name(self.name(table))
            .backup_name(name)
            .send()
            .await;
        begun
            .map(|_| ())
            .map_err(|error| failed(table, "taking one", &error))
    }

    async fn remove(&self, backup: &Backup) -> Result<(), BackupError> {
        // Which table it is of stands in its ARN.
        let table = match backup.id.contains(&format!("table/{}/", self.names.chats)) {
            true => Table::Chats,
            false => Table::Directory,
        };
        let gone = self
            .client
            .delete_backup()
            .backup_arn(&backup.id)
            .send()
            .await;
        gone.map(|_| ())
            .map_err(|error| failed(table, "removing one", &error))
    }
}

fn failed<E: ProvideErrorMetadata, R>(
    table: Table,
    what: &'static str,
    error: &SdkError<E, R>,
) -> BackupError {
    BackupError {
        table,
        what,
        why: aws_words(error),
    }
}

/// What a list says of a backup. One that is being removed is none.
fn backup(told: BackupSummary) -> Option<Backup> {
    if told.backup_status == Some(BackupStatus::Deleted) {
        return None;
    }
    Some(Backup {
        id: told.backup_arn?,
        name: told.backup_name?,
        created_ms: told.backup_creation_date_time?.to_millis().ok()?,
        is_ready: told.backup_status == Some(BackupStatus::Available),
    })
}

/// Backups in memory, which hold nothing but their names.
#[cfg(any(test, feature = "testing"))]
pub mod memory {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Backup, BackupError, Vault};
    use crate::clock::{Millis, parse_rfc3339};
    use crate::store::db::Table;

    /// Backups in memory.
    #[derive(Debug, Default)]
    pub struct MemoryVault(Mutex<Held>);

    #[derive(Debug, Default)]
    struct Held {
        backups: Vec<(Table, Backup)>,
        failing: Vec<Table>,
    }

    impl MemoryVault {
        /// One more, that somebody else made.
        pub fn add(&self, table: Table, backup: Backup) {
            self.lock().backups.push((table, backup));
        }

        /// None can be taken of this table.
        pub fn fail(&self, table: Table) {
            self.lock().failing.push(table);
        }

        fn lock(&self) -> MutexGuard<'_, Held> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Vault for MemoryVault {
        async fn list(&self, table: Table) -> Result<Vec<Backup>, BackupError> {
            let kept = self.lock();
            let of_table = kept.backups.iter().filter(|(of, _)| *of == table);
            Ok(of_table.map(|(_, backup)| backup.clone()).collect())
        }

        async fn take(&self, table: Table, name: &str) -> Result<(), BackupError> {
            let mut kept = self.lock();
            if kept.failing.contains(&table) {
                return Err(BackupError {
                    table,
                    what: "taking one",
                    why: "told to fail".to_owned(),
                });
            }
            let backup = Backup {
                id: format!("{table:?}/{name}"),
                name: name.to_owned(),
                created_ms: time_of(name),
                is_ready: true,
            };
            kept.backups.push((table, backup));
            Ok(())
        }

        async fn remove(&self, backup: &Backup) -> Result<(), BackupError> {
            self.lock().backups.retain(|(_, kept)| kept.id != backup.id);
            Ok(())
        }
    }

    /// `greenhub-20260921T140000Z`
    fn time_of(name: &str) -> Millis {
        let digits = name.trim_start_matches("greenhub-");
        let at = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
        let text = format!(
            "{}-{}-{}T{}:{}:{}Z",
            at(0..4),
            at(4..6),
            at(6..8),
            at(9..11),
            at(11..13),
            at(13..15)
        );
        parse_rfc3339(&text).unwrap_or_default()
    }
}
