//! How the flows of messages of a number stand.
//!
//! Nothing is looked through for it: what is overdue was counted by the sweeper when it looked for it
//! anyway, what waits for a person has rows of its own, and the rest is told by the conversations that
//! were active last.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::list::last;
use crate::clock::Millis;
use crate::domain::delivery::{Delivery, Destination, Lane};
use crate::domain::ids::NumberId;
use crate::domain::message::{Message, Origin};
use crate::store::chats::chats_of_index;
use crate::store::db::{Db, DbError, Index, Query, Range, Table};
use crate::store::team::{Backlog, BacklogRow, QuarantinedAt};
use crate::store::{keys, row};

/// How many conversations tell of what went well last.
const LATEST: usize = 10;

/// How long a count of the sweeper's holds: it counts every minute, and a run may take two.
const COUNTED_MS: Millis = 4 * 60 * 1000;

/// How far stuck messages are counted.
pub const STUCK_MOST: usize = 100;

/// How a number's flows stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flows {
    /// What waits in the conversations that were active last, and what is overdue anywhere.
    pub waiting: BTreeMap<Lane, Backlog>,
    /// When each destination last took something, as far as the latest messages tell.
    pub done_ms: BTreeMap<Destination, Millis>,
    /// When a customer last wrote.
    pub in_ms: Option<Millis>,
    /// When somebody in the CRM last wrote, as far as the latest messages tell.
    pub from_crm_ms: Option<Millis>,
    /// How many messages wait for a person, up to [`STUCK_MOST`].
    pub n_stuck: usize,
}

/// How a number's flows stand.
///
/// # Errors
/// The tables.
pub async fn flows(db: &impl Db, number: &NumberId, now: Millis) -> Result<Flows, DbError> {
    let latest = Query {
        table: Table::Chats,
        index: Some(Index::ByNumber),
        pk: number.to_string(),
        range: Range::Number {
            from: 0,
            to: Millis::MAX,
        },
        backwards: true,
        limit: LATEST,
    };
    let (pk, range) = keys::all_stuck(number, None);
    let stuck = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        limit: STUCK_MOST,
    };
    let counted_key = keys::backlog(number);
    let (chats, stuck, counted) = futures::try_join!(
        chats_of_index(db, &latest),
        db.query(&stuck),
        row::load::<BacklogRow>(db, &counted_key)
    )?;
    let messages = try_join_all(chats.iter().map(|chat| last(db, &chat.chat))).await?;
    let messages: Vec<Message> = messages.into_iter().flatten().collect();

    let mut flows = Flows {
        n_stuck: stuck.len(),
        in_ms: chats.iter().map(|chat| chat.last_in_ms).max(),
        ..Flows::default()
    };
    flows.in_ms = flows.in_ms.filter(|at_ms| *at_ms > 0);
    let counted = counted.filter(|counted| now - counted.at_ms < COUNTED_MS);
    flows.waiting = counted.map(|counted| counted.lanes).unwrap_or_default();
    let mut here: BTreeMap<Lane, Backlog> = BTreeMap::new();
    for (chat, lane) in chats
        .iter()
        .flat_map(|chat| Lane::ALL.map(|lane| (chat, lane)))
    {
        if let Some(due_ms) = chat.due(lane) {
            here.entry(lane).or_default().add(due_ms);
        }
    }
    for (lane, here) in here {
        let all = flows.waiting.entry(lane).or_default();
        // Both may have counted the same ones.
        all.n_chats = all.n_chats.max(here.n_chats);
        all.oldest_ms = match (all.oldest_ms, here.oldest_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    for message in &messages {
        for (destination, delivery) in &message.deliveries {
            if let Some(done_ms) = done_ms(delivery) {
                let latest = flows.done_ms.entry(*destination).or_default();
                *latest = done_ms.max(*latest);
            }
        }
        if message.origin == Origin::Ghl {
            flows.from_crm_ms = flows.from_crm_ms.max(Some(message.accepted_ms));
        }
    }
    Ok(flows)
}

fn done_ms(delivery: &Delivery) -> Option<Millis> {
    delivery.parts.iter().filter_map(|part| part.done_ms).max()
}

/// The bodies of a number that could not be understood, the latest first.
///
/// # Errors
/// The tables.
pub async fn quarantined(
    db: &impl Db,
    number: &NumberId,
    limit: usize,
) -> Result<Vec<QuarantinedAt>, DbError> {
    let (pk, range) = keys::quarantined(number);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk,
        range,
        backwards: true,
        limit,
    };
    let mut found = Vec::new();
    for item in db.query(&query).await? {
        let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
        let at_ms = sk.and_then(|sk| keys::quarantined_of_sk(&sk)).unwrap_or(0);
        found.push(QuarantinedAt {
            at_ms,
            row: row::read(item)?,
        });
    }
    Ok(found)
}

/// The signs of a field that nobody should read.
const SECRETS: [&str; 6] = ["token", "secret", "password", "auth", "key", "cookie"];

/// A body of JSON as it may be shown: what is secret by its name is left out. `None` for what is no
/// JSON, of which nobody knows what is secret.
pub fn masked(body: &str) -> Option<String> {
    fn mask(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    let name = name.to_lowercase();
                    if SECRETS.iter().any(|secret| name.contains(secret)) {
                        *value = "…".into();
                    } else {
                        mask(value);
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(mask),
            _ => {}
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(body).ok()?;
    mask(&mut value);
    serde_json::to_string(&value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_by_their_names() {
        let check = |body: &str, expect: Option<&str>| {
            assert_eq!(masked(body).as_deref(), expect, "{body}");
        };
        check(
            r#"{"a":[{"apiTokenInstance":"s3cret","text":"hi"}],"Authorization":"Bearer x"}"#,
            Some(r#"{"Authorization":"…","a":[{"apiTokenInstance":"…","text":"hi"}]}"#),
        );
        check("not json", None);
        check("1", Some("1"));
    }
}
