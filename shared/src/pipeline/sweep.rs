//! Waking what is due: the safety net under every wake-up that was lost.

use std::collections::BTreeMap;

use super::Hub;
use crate::clock::Millis;
use crate::domain::delivery::Lane;
use crate::domain::ids::NumberId;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Cond, Db, DbError, Index, Op, Query, Range, Table, Write};
use crate::store::team::BacklogRow;
use crate::store::{keys, row};

/// How long a lane may be due before the sweeper takes its wake-up for lost.
pub const GRACE_MS: Millis = 30_000;

/// How many chats are looked at in one shard in one run.
const PER_SHARD: usize = 200;

/// How long a count of what is overdue is kept, seconds.
const BACKLOG_S: i64 = 3600;

/// Wakes the lanes whose time has passed; says how many chats there were.
pub async fn wake_due_lanes<D: Db, Q: Queue>(hub: &Hub<D, Q>) -> Result<usize, DbError> {
    let mut n_chats = 0;
    let now = hub.clock.now_ms();
    let mut backlogs: BTreeMap<NumberId, BacklogRow> = BTreeMap::new();
    for shard in 0..keys::DUE_SHARDS {
        let query = Query {
            table: Table::Chats,
            index: Some(Index::Due),
            pk: keys::due_shard(shard),
            range: Range::Number {
                from: 0,
                to: now - GRACE_MS,
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
                let lanes = &mut backlogs.entry(chat.number.clone()).or_default().lanes;
                for lane in Lane::ALL {
                    if let Some(due_ms) = chat.due(lane).filter(|due_ms| *due_ms <= now) {
                        lanes.entry(lane).or_default().add(due_ms);
                    }
                }
            }
        }
    }
    for (number, backlog) in backlogs {
        tell(hub, &number, backlog, now).await?;
    }
    Ok(n_chats)
}

/// Leaves what was counted where people look for it.
async fn tell<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberId,
    mut backlog: BacklogRow,
    now: Millis,
) -> Result<(), DbError> {
    backlog.rev = 1;
    backlog.at_ms = now;
    backlog.expires_at = now / 1000 + BACKLOG_S;
    let write = Write {
        key: keys::backlog(number),
        op: Op::Put(row::item(&backlog)?),
        only_if: Cond::Always,
    };
    hub.db.write(vec![write]).await
}
