//! The queues in SQS, at an endpoint that plays AWS, if `GREENHUB_TEST_AWS` names one.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use greenhub::clock::Clock;
use greenhub::config::Queues;
use greenhub::domain::delivery::Lane;
use greenhub::domain::ids::{ChatId, NumberId};
use greenhub::queue::sqs::Sqs;
use greenhub::queue::{Queue, WakeUp};

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told of the emulator by its environment"
)]
async fn each_lane_has_its_queue() {
    let Ok(endpoint) = std::env::var("GREENHUB_TEST_AWS") else {
        return;
    };
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    let client = Client::from_conf(config);
    let unique = Clock::system().now_ms();
    let create = async |name: &str| {
        let created = client
            .create_queue()
            .queue_name(format!("{name}-{unique}"))
            .send()
            .await;
        created.unwrap().queue_url.unwrap()
    };
    let outbound_url = create("outbound").await;
    let crm_url = create("crm").await;
    let media_url = create("media").await;
    let queues = Queues {
        outbound_url: outbound_url.clone(),
        crm_url: crm_url.clone(),
        media_url: media_url.clone(),
    };
    let queue = Sqs::new(client.clone(), queues);

    let check = async |lane: Lane, expect_url: &str, expect_body: &str| {
        let wake_up = WakeUp::LaneV1 {
            number: NumberId::new("number-1"),
            chat: ChatId::new("chat-1"),
            lane,
        };
        queue.wake(wake_up.clone(), Duration::ZERO).await.unwrap();
        let received = client
            .receive_message()
            .queue_url(expect_url)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .send()
            .await
            .unwrap();
        let message = &received.messages()[0];
        let body = message.body().unwrap();
        assert_eq!(body, expect_body, "{lane:?}");
        assert_eq!(serde_json::from_str::<WakeUp>(body).unwrap(), wake_up);
        let group = &message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId];
        assert_eq!(group, "number-1");
    };
    check(
        Lane::Whatsapp,
        &outbound_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"whatsapp"}"#,
    )
    .await;
    check(
        Lane::Crm,
        &crm_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"crm"}"#,
    )
    .await;
    check(
        Lane::CrmStatus,
        &crm_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"crm_status"}"#,
    )
    .await;
    check(
        Lane::Media,
        &media_url,
        r#"{"type":"LaneV1","number":"number-1","chat":"chat-1","lane":"media"}"#,
    )
    .await;

    // A wake-up with a delay is not there yet, and a lost queue is told.
    let wake_up = || WakeUp::LaneV1 {
        number: NumberId::new("number-1"),
        chat: ChatId::new("chat-1"),
        lane: Lane::Whatsapp,
    };
    queue
        .wake(wake_up(), Duration::from_secs(3600))
        .await
        .unwrap();
    let received = client
        .receive_message()
        .queue_url(&outbound_url)
        .send()
        .await
        .unwrap();
    assert_eq!(received.messages(), []);
    client
        .delete_queue()
        .queue_url(&outbound_url)
        .send()
        .await
        .unwrap();
    let error = queue.wake(wake_up(), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.lane, "whatsapp");
    assert!(
        error.why.contains("NonExistentQueue") || error.why.contains("QueueDoesNotExist"),
        "{error}"
    );
}
