//! What happens on a number now, by its latest conversations.

use greenhub::clock::{Millis, rfc3339};
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::NumberId;
use greenhub::store::chats::chats_of_index;
use greenhub::store::db::{Db, DbError, Index, Query, Range, Table};

use crate::view::{Activity, Waiting};

/// How many conversations are looked at. What waits was written lately.
const LATEST: usize = 25;

/// Looks at the latest conversations of a number.
pub(crate) async fn of(db: &impl Db, number: &NumberId) -> Result<Activity, DbError> {
    let query = Query {
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
    let chats = chats_of_index(db, &query).await?;
    let waiting = |lane| {
        let due = chats.iter().filter(|chat| chat.due(lane).is_some());
        due.count()
    };
    let last = chats.iter().map(|chat| chat.last_at).max();
    Ok(Activity {
        last_message_at: last.filter(|at_ms| *at_ms > 0).map(rfc3339),
        waiting: Waiting {
            whatsapp: waiting(Lane::Whatsapp),
            crm: waiting(Lane::Crm),
        },
    })
}
