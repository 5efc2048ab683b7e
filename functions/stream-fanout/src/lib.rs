//! What a stream of the tables tells: rows as they were and as they are.

use greenhub::realtime::connections::Connections;
use greenhub::realtime::fanout::Fanout;
use greenhub::realtime::map::Change;
use greenhub::store::db::{Db, DbError};
use serde::Deserialize;
use serde_dynamo::Item;

/// Some records of one shard, in its order. Of their shape only what is used: the crate that has it
/// whole brings a calendar along.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct StreamEvent {
    /// Oldest first.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A write.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Record {
    /// What was written.
    pub dynamodb: Images,
}

/// A row before and after a write.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Images {
    /// Its key.
    pub keys: Keys,
    /// Before; nothing if it is new.
    #[serde(default)]
    pub old_image: Option<Item>,
    /// After; nothing if it is gone.
    #[serde(default)]
    pub new_image: Option<Item>,
}

/// A row's key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Keys {
    /// Partition key.
    pub pk: Text,
    /// Sort key.
    pub sk: Text,
}

/// A text as DynamoDB writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Text {
    /// The text.
    #[serde(rename = "S")]
    pub text: String,
}

/// Tells browsers of a batch.
///
/// # Errors
/// The tables cannot be read. The whole batch has to come again: what was told already is known by
/// its revision.
pub async fn handle<D: Db, C: Connections>(
    fanout: &Fanout<D, C>,
    event: StreamEvent,
) -> Result<(), DbError> {
    let changes: Vec<Change> = event.records.into_iter().map(change).collect();
    let n_changes = changes.len();
    // Boxed: with all that is in it, it is more than the compiler follows.
    match Box::pin(fanout.tell(&changes)).await {
        Ok(tally) => {
            tracing::debug!(n_changes, ?tally, "browsers were told");
            Ok(())
        }
        Err(error) => {
            tracing::error!(n_changes, %error, "browsers could not be told; the batch comes again");
            Err(error)
        }
    }
}

fn change(record: Record) -> Change {
    let Images {
        keys,
        old_image,
        new_image,
    } = record.dynamodb;
    // Some write an image that is not there as one without anything in it.
    let image = |image: Option<Item>| image.filter(|image| !image.is_empty());
    Change {
        pk: keys.pk.text,
        sk: keys.sk.text,
        old: image(old_image),
        new: image(new_image),
    }
}
