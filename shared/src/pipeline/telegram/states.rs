//! A number's changes of state in its channel, "old → new".
//!
//! They are told one after the other from the rows that [`super::super::operation`] writes once a change has
//! lasted, by the sweeper, which is one at a time. How far the channel knows is noted after each post.
//! A post whose answer was lost counts as told, as everywhere in Telegram: nothing is posted twice.

use std::time::Duration;

use super::pace;
use crate::clock::Millis;
use crate::domain::telegram::words;
use crate::pipeline::Hub;
use crate::queue::Queue;
use crate::store::db::{Db, DbError};
use crate::store::directory::{NumberRow, WorkspaceRow};
use crate::store::operation::states;
use crate::store::{keys, row};
use crate::telegram::client::{Telegram, To};
use crate::telegram::error::TelegramError;

/// How many of the latest changes are looked at.
const MOST: usize = 20;

/// A place in the channel is waited for as long; what has to wait longer is told by a later run.
const WAIT: Duration = Duration::from_secs(2);

/// Posts what the number's channel has not been told, the earliest first; says how many there were.
///
/// # Errors
/// The tables.
pub async fn post<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    bot: &Telegram,
    number: &NumberRow,
) -> Result<usize, DbError> {
    let Some(link) = number.prefs.telegram.as_ref().filter(|it| it.posts.system) else {
        return Ok(0);
    };
    let mut untold = states(&hub.db, &number.number, MOST).await?;
    untold.retain(|state| !state.is_flap && state.change.at_ms > link.alerted_ms);
    if untold.is_empty() {
        return Ok(0);
    }
    let tenant = row::load::<WorkspaceRow>(&hub.db, &keys::workspace(&number.workspace)).await?;
    let lang = tenant.map(|tenant| tenant.lang).unwrap_or_default();
    let mut n_posted = 0;
    for state in untold.into_iter().rev() {
        let slot = pace::slot(&hub.db, &hub.clock, bot.bot(), link.channel, WAIT).await?;
        let Ok(departs_ms) = slot else {
            break;
        };
        hub.clock.sleep_until(departs_ms).await;
        let change = &state.change;
        let (from, to) = (change.from.as_str(), change.to.as_str());
        let text = words::state(&number.name, from, to, lang).html();
        match bot.send_text(To::chat(link.channel), &text, None).await {
            Ok(_) => n_posted += 1,
            Err(TelegramError::RateLimited { retry_after }) => {
                let (db, clock) = (&hub.db, &hub.clock);
                pace::hold(db, clock, bot.bot(), link.channel, retry_after, false).await?;
                break;
            }
            Err(TelegramError::NotSent { .. }) => break,
            // Whatever it was, it will be the same the next time; the channel's own trouble is told
            // where it is linked.
            Err(error) => {
                tracing::warn!(number = %number.number, %error, "a change of state is not in the channel");
            }
        }
        told(hub, number, link.channel, change.at_ms).await?;
    }
    Ok(n_posted)
}

/// Notes how far the channel knows, if it is still the number's.
async fn told<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    number: &NumberRow,
    channel: i64,
    at_ms: Millis,
) -> Result<(), DbError> {
    let key = keys::number(&number.workspace, &number.number);
    row::change::<NumberRow>(&hub.db, &key, |row| {
        let link = row.prefs.telegram.as_mut();
        let Some(link) = link.filter(|link| link.channel == channel) else {
            return false;
        };
        let is_news = link.alerted_ms < at_ms;
        link.alerted_ms = link.alerted_ms.max(at_ms);
        is_news
    })
    .await
    .map(|_| ())
}
