//! The queues in SQS: standard ones, fair between numbers by their message groups.

use std::time::Duration;

use aws_sdk_sqs::Client;
use serde::Serialize;

use super::{ImportWakeUp, LONGEST_DELAY, Queue, QueueError, WakeUp};
use crate::config::Queues;
use crate::domain::delivery::Lane;
use crate::error::aws_words;

/// The queues in SQS.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Client,
    queues: Queues,
}

impl Sqs {
    /// The queues at these addresses. Timeouts and retries are those of [`crate::config::aws`].
    pub fn new(client: Client, queues: Queues) -> Self {
        Sqs { client, queues }
    }

    fn url(&self, lane: Lane) -> &str {
        match lane {
            Lane::Whatsapp => &self.queues.outbound_url,
            Lane::Crm | Lane::CrmStatus => &self.queues.crm_url,
            Lane::Media => &self.queues.media_url,
            Lane::Telegram => &self.queues.telegram_url,
        }
    }

    async fn send(
        &self,
        (lane, url): (&'static str, &str),
        wake_up: &impl Serialize,
        group: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let failed = |why: String| QueueError { lane, why };
        let body = serde_json::to_string(wake_up).map_err(|error| failed(error.to_string()))?;
        self.client
            .send_message()
            .queue_url(url)
            .message_group_id(group)
            .delay_seconds(delay_seconds(delay))
            .message_body(body)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed(aws_words(&error)))
    }
}

impl Queue for Sqs {
    async fn wake(&self, wake_up: WakeUp, delay: Duration) -> Result<(), QueueError> {
        let lane = wake_up.lane();
        let to = (lane.as_str(), self.url(lane));
        self.send(to, &wake_up, wake_up.group(), delay).await
    }

    async fn wake_import(&self, wake_up: ImportWakeUp, delay: Duration) -> Result<(), QueueError> {
        let to = ("history", self.queues.history_url.as_str());
        self.send(to, &wake_up, wake_up.group(), delay).await
    }
}

/// Rounded up: a lane that is woken too early would only have to wait once more.
pub(super) fn delay_seconds(delay: Duration) -> i32 {
    let delay = delay.min(LONGEST_DELAY);
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_rounded_up_and_cut() {
        let check = |ms: u64, expect: i32| {
            assert_eq!(delay_seconds(Duration::from_millis(ms)), expect, "{ms} ms");
        };
        check(0, 0);
        check(1, 1);
        check(1000, 1);
        check(1001, 2);
        check(899_500, 900);
        check(86_400_000, 900);
    }
}
