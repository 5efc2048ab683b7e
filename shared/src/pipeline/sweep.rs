//! Waking what is due: the safety net under every wake-up that was lost.

use super::Hub;
use crate::clock::Millis;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError, Index, Query, Range, Table};
use crate::store::{keys, row};

/// How long a lane may be due before the sweeper takes its wake-up for lost.
pub const GRACE_MS: Millis = 30_000;

/// How many chats are looked at in one shard in one run.
const PER_SHARD: usize = 200;

/// Wakes the lanes whose time has passed; says how many chats there were.
pub async fn wake_due_lanes<D: Db, Q: Queue>(hub: &Hub<D, Q>) -> Result<usize, DbError> {
    let mut n_chats = 0;
    for shard in 0..keys::DUE_SHARDS {
        let query = Query {
            table: Table::Chats,
            index: Some(Index::Due),
            pk: keys::due_shard(shard),
            range: Range::Number {
                from: 0,
                to: hub.clock.now_ms() - GRACE_MS,
            },
            backwards: false,
            limit: PER_SHARD,
        };
        for item in hub.db.query(&query).await? {
            let Some(chat) = item.get("pk").and_then(|pk| pk.as_s().ok()) else {
                continue;
            };
            let Some(chat) = keys::chat_of_pk(chat) else {
                continue;
            };
            if let Some(chat) = row::load::<ChatRow>(&hub.db, &keys::chat(&chat)).await? {
                hub.wake_due(&chat).await;
                n_chats += 1;
            }
        }
    }
    Ok(n_chats)
}
