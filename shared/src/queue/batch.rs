//! What a worker does with the messages that a queue gives it.

use std::fmt::Display;
use std::future::Future;

use futures::future::join_all;

use super::WakeUp;

/// One message of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The queue's id of it.
    pub id: String,
    /// What it says, as text.
    pub body: String,
}

/// Does `work` for every message, all at once, and gives the ids of those that failed, which the
/// queue gives again.
///
/// A body that is no wake-up fails, too, so that it ends among the dead letters: they hold nothing
/// but our own mistakes.
pub async fn work_off<W, F, E>(records: Vec<Record>, work: W) -> Vec<String>
where
    W: Fn(WakeUp) -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let work = &work;
    let worked = records.into_iter().map(|record| async move {
        let wake_up: WakeUp = match serde_json::from_str(&record.body) {
            Ok(wake_up) => wake_up,
            Err(error) => {
                tracing::error!(message = record.id, %error, "not a wake-up");
                return Some(record.id);
            }
        };
        match work(wake_up).await {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(message = record.id, %error, "a wake-up failed");
                Some(record.id)
            }
        }
    });
    join_all(worked).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Lane;

    #[tokio::test]
    async fn what_fails_is_given_again_and_nothing_else() {
        let wake_up = |chat: &str| {
            format!(r#"{{"type":"LaneV1","number":"n","chat":"{chat}","lane":"crm"}}"#)
        };
        let records = [
            ("1", wake_up("good")),
            ("2", wake_up("bad")),
            ("3", "{}".to_owned()),
            ("4", r#"{"type":"LaneV9"}"#.to_owned()),
            ("5", String::new()),
        ];
        let records = records.map(|(id, body)| Record {
            id: id.to_owned(),
            body,
        });
        let failed = work_off(records.into(), |wake_up| async move {
            let WakeUp::LaneV1 { chat, lane, .. } = wake_up;
            assert_eq!(lane, Lane::Crm);
            match chat.as_str() {
                "bad" => Err("the test says so"),
                _ => Ok(()),
            }
        });
        assert_eq!(failed.await, ["2", "3", "4", "5"]);
    }
}
