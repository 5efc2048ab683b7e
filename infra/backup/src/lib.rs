//! Backups for people: what there is, one more, and bringing back what is missing.
//!
//! Out of a backup DynamoDB makes a table of its own; `restore` writes those of its rows that are
//! missing into the stack's table, and removes it. What is there is newer than any backup, tokens
//! above all, and stays. A stack whose tables are to be as they were goes another way: a new stack, and
//! the backup of the old one into its empty tables.

pub mod error;
pub mod options;
mod restore;

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use greenhub::backup::rotation::{TABLES, is_ours, name_at};
use greenhub::backup::vault::{Backup, DynamoVault, Vault};
use greenhub::clock::{self, Clock};
use greenhub::config::Tables;
use greenhub::error::aws_words;
use greenhub::pipeline::brake;
use greenhub::store::db::Table;
use greenhub::store::dynamo::Dynamo;
use greenhub::store::system::SendersRow;
use greenhub::store::{keys, row};

use error::Error;
use options::{Command, Options};

/// Does what it is told, and says what it did.
///
/// # Errors
/// [`Error`]. A restoration that was broken off can be run again.
pub async fn run(
    options: &Options,
    aws: &SdkConfig,
    clock: &Clock,
    out: &mut impl Write,
) -> Result<(), Error> {
    let aws = &patient(aws);
    let tables = tables_of(aws, &options.stack).await?;
    let client = aws_sdk_dynamodb::Client::new(aws);
    let vault = DynamoVault::new(client.clone(), tables.clone());
    let db = Dynamo::new(client.clone(), tables.clone());
    match &options.command {
        Command::List => list(&vault, out).await,
        Command::Take => {
            let name = name_at(clock.now_ms());
            for table in TABLES {
                vault.take(table, &name).await?;
            }
            Ok(writeln!(out, "{name} is being taken")?)
        }
        Command::Restore { name } => {
            let backups = both(&vault, name).await?;
            restore::restore(&client, &db, &tables, backups, clock, out).await
        }
        Command::Senders { on: None } => {
            let row = row::load::<SendersRow>(&db, &keys::senders()).await?;
            let (word, since) = match row {
                Some(senders) if senders.off => ("off", clock::rfc3339(senders.since_ms)),
                Some(senders) => ("on", clock::rfc3339(senders.since_ms)),
                None => ("on", "the beginning".to_owned()),
            };
            Ok(writeln!(out, "the senders are {word} since {since}")?)
        }
        Command::Senders { on: Some(on) } => {
            brake::set(&db, !on, clock.now_ms()).await?;
            let word = if *on { "on" } else { "off" };
            let seconds = brake::KEPT_MS / 1000;
            Ok(writeln!(
                out,
                "the senders are {word}, everywhere within {seconds} s"
            )?)
        }
    }
}

async fn list(vault: &DynamoVault, out: &mut impl Write) -> Result<(), Error> {
    let mut sets: HashMap<String, Vec<(Table, Backup)>> = HashMap::new();
    for table in TABLES {
        for backup in vault.list(table).await?.into_iter().filter(is_ours) {
            let of_name = sets.entry(backup.name.clone()).or_default();
            of_name.push((table, backup));
        }
    }
    let mut names: Vec<_> = sets.into_iter().collect();
    names.sort_by(|(a, _), (b, _)| b.cmp(a));
    if names.is_empty() {
        writeln!(out, "there are no backups")?;
    }
    for (name, backups) in names {
        let is_whole = backups.len() == TABLES.len();
        let is_ready = backups.iter().all(|(_, backup)| backup.is_ready);
        let word = match (is_whole, is_ready) {
            (false, _) => "one of the tables is missing",
            (true, false) => "being taken",
            (true, true) => "ready",
        };
        writeln!(out, "{name}  {word}")?;
    }
    Ok(())
}

/// The backups of both tables that have this name.
async fn both(vault: &DynamoVault, name: &str) -> Result<[(Table, Backup); 2], Error> {
    let mut found = Vec::new();
    for table in TABLES {
        let of_table = vault.list(table).await?.into_iter();
        let named = of_table.filter(|backup| backup.name == name && backup.is_ready);
        found.extend(named.take(1).map(|backup| (table, backup)));
    }
    found.try_into().map_err(|_| Error::NoBackup {
        name: name.to_owned(),
    })
}

/// The names of a stack's tables.
async fn tables_of(aws: &SdkConfig, stack: &str) -> Result<Tables, Error> {
    let wrong = |why: String| Error::Stack {
        stack: stack.to_owned(),
        why,
    };
    let client = aws_sdk_cloudformation::Client::new(aws);
    let answer = client.describe_stacks().stack_name(stack).send().await;
    let answer = answer.map_err(|error| wrong(aws_words(&error)))?;
    let found = answer.stacks.unwrap_or_default().into_iter().next();
    let outputs = found.and_then(|stack| stack.outputs).unwrap_or_default();
    let output = |name: &str| {
        let mut all = outputs.iter();
        let value = all.find(|output| output.output_key() == Some(name));
        value
            .and_then(|output| output.output_value.clone())
            .ok_or_else(|| wrong(format!("it has no output {name}; is it Greenhub's?")))
    };
    Ok(Tables {
        directory: output("DirectoryTableName")?,
        chats: output("ChatsTableName")?,
        runtime: output("RuntimeTableName")?,
    })
}

/// The same access to AWS with more time: a person would rather wait than begin again.
fn patient(aws: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(15))
        .operation_timeout(Duration::from_secs(90))
        .build();
    let retries = RetryConfig::standard().with_max_attempts(6);
    let patient = aws.clone().into_builder().timeout_config(timeouts);
    patient.retry_config(retries).build()
}
