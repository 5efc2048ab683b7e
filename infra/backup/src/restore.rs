//! Bringing back what is missing.

use std::io::Write;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, TableStatus};
use futures::stream::{self, StreamExt as _};
use greenhub::backup::restored;
use greenhub::backup::vault::Backup;
use greenhub::clock::{Clock, Millis};
use greenhub::config::Tables;
use greenhub::domain::ids::ChatId;
use greenhub::error::aws_words;
use greenhub::pipeline::brake;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Db, DbError, Item, Key, Query, Table};
use greenhub::store::dynamo::Dynamo;
use greenhub::store::{keys, row};

use crate::error::Error;

/// How often the copy's state is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How many rows are written at once.
const AT_ONCE: usize = 16;

/// How often a person is told how far it is.
const TOLD_EVERY_MS: Millis = 2_000;

/// A copy's name has to end with something of its own: one that was left behind is no hindrance.
fn copy_name(table: &str, now_ms: Millis) -> String {
    format!("{table}-restored-{now_ms}")
}

/// What became of a table's rows.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    read: usize,
    written: usize,
    ended: usize,
}

/// Switches the senders off, and writes what is missing in both tables.
pub(crate) async fn restore(
    client: &Client,
    db: &Dynamo,
    tables: &Tables,
    backups: [(Table, Backup); 2],
    clock: &Clock,
    out: &mut impl Write,
) -> Result<(), Error> {
    let started_ms = clock.now_ms();
    let seconds = || (clock.now_ms() - started_ms) / 1000;
    brake::set(db, true, started_ms).await?;
    writeln!(out, "{:>5} s  the senders are off", seconds())?;
    // Nobody sends by what they read before.
    clock
        .sleep(Duration::from_millis(brake::KEPT_MS.unsigned_abs()))
        .await;
    for (table, backup) in backups {
        let name = match table {
            Table::Chats => &tables.chats,
            Table::Directory | Table::Runtime => &tables.directory,
        };
        let copy = copy_name(name, started_ms);
        unpack(client, &backup, &copy, clock).await?;
        writeln!(out, "{:>5} s  {} is unpacked", seconds(), backup.name)?;
        let copied = bring_back(client, db, table, &copy, clock, out).await;
        // Whatever came of it: a second run unpacks it again.
        let removed = client.delete_table().table_name(&copy).send().await;
        let count = copied?;
        writeln!(
            out,
            "{:>5} s  {table:?}: {} rows, {} of them were missing and are back, {} had ended",
            seconds(),
            count.read,
            count.written,
            count.ended
        )?;
        removed.map_err(|error| failed(&copy, "removing it", &error))?;
    }
    writeln!(
        out,
        "\nThe senders stay off until `senders on`. What was to be sent when the backup was taken is shown \
         as unknown, and not sent by itself."
    )?;
    Ok(())
}

/// Has DynamoDB make a table of the backup.
async fn unpack(client: &Client, backup: &Backup, copy: &str, clock: &Clock) -> Result<(), Error> {
    client
        .restore_table_from_backup()
        .backup_arn(&backup.id)
        .target_table_name(copy)
        .send()
        .await
        .map_err(|error| failed(copy, "unpacking", &error))?;
    loop {
        let told = client.describe_table().table_name(copy).send().await;
        let told = told.map_err(|error| failed(copy, "looking at it", &error))?;
        if told.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
            return Ok(());
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

async fn bring_back(
    client: &Client,
    db: &Dynamo,
    table: Table,
    copy: &str,
    clock: &Clock,
    out: &mut impl Write,
) -> Result<Count, Error> {
    let mut count = Count::default();
    let mut told_ms = clock.now_ms();
    let mut after = None;
    loop {
        let page = client
            .scan()
            .table_name(copy)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|error| failed(copy, "reading it", &error))?;
        let now_ms = clock.now_ms();
        let writes = page.items.unwrap_or_default().into_iter();
        let mut written = stream::iter(writes.map(|item| put_back(db, table, item, now_ms)))
            .buffer_unordered(AT_ONCE);
        while let Some(done) = written.next().await {
            count.read += 1;
            match done? {
                Done::Written => count.written += 1,
                Done::There => {}
                Done::Ended => count.ended += 1,
            }
        }
        if now_ms - told_ms >= TOLD_EVERY_MS {
            told_ms = now_ms;
            writeln!(out, "         {} rows so far", count.read)?;
        }
        after = page.last_evaluated_key;
        if after.is_none() {
            return Ok(count);
        }
    }
}

enum Done {
    Written,
    There,
    Ended,
}

/// Writes a row back if there is none.
async fn put_back(
    db: &Dynamo,
    table: Table,
    mut item: Item,
    now_ms: Millis,
) -> Result<Done, DbError> {
    let ends_s = number(&item, "expires_at");
    if ends_s.is_some_and(|at_s| at_s * 1000 <= now_ms) {
        return Ok(Done::Ended);
    }
    let (Some(pk), Some(sk)) = (text(&mut item, "pk"), text(&mut item, "sk")) else {
        return Err(DbError::Malformed {
            what: "a row of a backup",
            why: "it has no key".to_owned(),
        });
    };
    let key = Key { table, pk, sk };
    let writes = restored::writes(key.clone(), item, now_ms)?;
    match db.write(writes).await {
        Ok(()) => {}
        Err(DbError::Condition { .. }) => return Ok(Done::There),
        Err(error) => return Err(error),
    }
    if let Some(chat) = keys::chat_of_pk(&key.pk)
        && keys::chat(&chat) == key
    {
        after_the_last(db, &chat).await?;
    }
    Ok(Done::Written)
}

/// A chat that is back goes on after the last message that is there: those that came after the
/// backup may have stayed when their chat's row was lost.
async fn after_the_last(db: &Dynamo, chat: &ChatId) -> Result<(), DbError> {
    let (pk, range) = keys::messages_from(chat, 0);
    let last = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        limit: 1,
    };
    let Some(last) = db.query(&last).await?.pop() else {
        return Ok(());
    };
    let seq = row::read::<greenhub::domain::message::Message>(last)?.seq;
    row::change(db, &keys::chat(chat), |chat: &mut ChatRow| {
        let is_behind = chat.seq < seq;
        chat.seq = chat.seq.max(seq);
        is_behind
    })
    .await?;
    Ok(())
}

fn text(item: &mut Item, name: &str) -> Option<String> {
    match item.remove(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn failed<E: ProvideErrorMetadata, R>(
    table: &str,
    what: &'static str,
    error: &SdkError<E, R>,
) -> Error {
    Error::Copy {
        table: table.to_owned(),
        what,
        why: aws_words(error),
    }
}
