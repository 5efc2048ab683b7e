//! Works off the imports of old conversations that a batch of wake-ups is about.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use greenhub::clock::Millis;
use greenhub::history::Worker;
use greenhub::queue::{ImportWakeUp, Queue};
use greenhub::store::db::Db;

/// Works on the imports that the batch wakes, all at once, until `deadline_ms` (milliseconds since
/// 1970). The answer names the messages that the queue has to give again.
///
/// A body that is no wake-up fails, too, so that it ends among the dead letters.
pub async fn handle<D: Db, Q: Queue>(
    worker: &Worker<'_, D, Q>,
    event: SqsEvent,
    deadline_ms: Millis,
) -> SqsBatchResponse {
    let worked = event.records.into_iter().map(async |message| {
        let id = message.message_id.unwrap_or_default();
        let body = message.body.unwrap_or_default();
        let done = match serde_json::from_str(&body) {
            Ok(ImportWakeUp::NumberV1 { workspace, number }) => worker
                .work_off(&workspace, &number, deadline_ms)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(format!("not a wake-up: {error}")),
        };
        done.inspect_err(|why| tracing::error!(message = id, why, "a wake-up failed"))
            .err()
            .map(|_| failure(id))
    });
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = join_all(worked).await.into_iter().flatten().collect();
    answer
}

fn failure(message: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message;
    failure
}
