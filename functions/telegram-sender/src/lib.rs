//! Works off the lanes to Telegram that a batch of wake-ups names.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use greenhub::clock::Millis;
use greenhub::domain::delivery::Destination;
use greenhub::pipeline::provider::Provider;
use greenhub::pipeline::{Hub, lane};
use greenhub::queue::batch::{self, Record};
use greenhub::queue::{Queue, WakeUp};
use greenhub::store::db::Db;

/// Works off the lanes that the batch wakes, all at once, until `deadline_ms` (milliseconds since
/// 1970). The answer names the messages that the queue has to give again.
pub async fn handle<D: Db, Q: Queue, P: Provider>(
    hub: &Hub<D, Q>,
    channels: &P,
    event: SqsEvent,
    deadline_ms: Millis,
) -> SqsBatchResponse {
    let records = event.records.into_iter().map(|message| Record {
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    });
    let failed = batch::work_off(records.collect(), async |wake_up| {
        let WakeUp::LaneV1 { chat, lane, .. } = wake_up;
        if lane != Destination::Telegram.lane() {
            // The lane stays due: the sweeper wakes it through its own queue.
            tracing::error!(%chat, lane = lane.as_str(), "a wake-up in the wrong queue");
            return Ok(());
        }
        lane::work_off(hub, channels, &chat, deadline_ms).await
    })
    .await;
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = failed.into_iter().map(failure).collect();
    answer
}

fn failure(message: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message;
    failure
}
