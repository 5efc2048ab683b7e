//! What the queues in SQS have to do.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::{ChatId, NumberId};
use greenhub::queue::sqs::Sqs;
use greenhub::queue::{Queue, WakeUp};

/// `queue` sends to the queues that `outputs` names; `client` receives from them. Removes one.
pub(crate) async fn check_backend(client: Client, queue: Sqs, outputs: BTreeMap<String, String>) {
    let outbound_url = &outputs["OutboundQueueUrl"];
    each_lane_has_its_queue(&client, &queue, &outputs).await;
    a_delayed_wake_up_is_not_there_yet(&client, &queue, outbound_url).await;
    a_lost_queue_is_told(&client, &queue, outbound_url).await;
}

fn wake_up(lane: Lane) -> WakeUp {
    WakeUp::LaneV1 {
        number: NumberId::new("number-1"),
        chat: ChatId::new("chat-1"),
        lane,
    }
}

async fn received(client: &Client, url: &str) -> Vec<Message> {
    let received = client
        .receive_message()
        .queue_url(url)
        .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
        .send()
        .await
        .unwrap();
    received.messages.unwrap_or_default()
}

async fn each_lane_has_its_queue(client: &Client, queue: &Sqs, outputs: &BTreeMap<String, String>) {
    let (outbound_url, crm_url) = (&outputs["OutboundQueueUrl"], &outputs["CrmQueueUrl"]);
    let check = async |lane: Lane, expect_url: &str, expect_body: &str| {
        let wake_up = wake_up(lane);
        queue.wake(wake_up.clone(), Duration::ZERO).await.unwrap();
        let messages = received(client, expect_url).await;
        let body = messages[0].body().unwrap();
        assert_eq!(body, expect_body, "{lane:?}");
        assert_eq!(serde_json::from_str::<WakeUp>(body).unwrap(), wake_up);
        let attributes = messages[0].attributes().unwrap();
        let group = &attributes[&MessageSystemAttributeName::MessageGroupId];
        assert_eq!(group, "number-1");
    };
    check(
        Lane::Whatsapp,
        outbound_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"whatsapp"}"#,
    )
    .await;
    check(
        Lane::Crm,
        crm_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"crm"}"#,
    )
    .await;
    check(
        Lane::CrmStatus,
        crm_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"crm_status"}"#,
    )
    .await;
    check(
        Lane::Media,
        &outputs["MediaQueueUrl"],
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"media"}"#,
    )
    .await;
}

async fn a_delayed_wake_up_is_not_there_yet(client: &Client, queue: &Sqs, url: &str) {
    let delay = Duration::from_secs(3600);
    queue.wake(wake_up(Lane::Whatsapp), delay).await.unwrap();
    assert_eq!(received(client, url).await, []);
}

async fn a_lost_queue_is_told(client: &Client, queue: &Sqs, url: &str) {
    client.delete_queue().queue_url(url).send().await.unwrap();
    let wake_up = wake_up(Lane::Whatsapp);
    let error = queue.wake(wake_up, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.lane, "whatsapp");
    assert!(
        error.why.contains("NonExistentQueue") || error.why.contains("QueueDoesNotExist"),
        "{error}"
    );
}
