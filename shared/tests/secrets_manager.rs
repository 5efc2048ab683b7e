//! The app's secret at an endpoint that plays AWS, if `GREENHUB_TEST_AWS` names one.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use greenhub::clock::Clock;
use greenhub::secrets::{Secrets, SecretsError};

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told of the emulator by its environment"
)]
async fn a_secret_is_found_by_name_and_by_arn() {
    let Ok(endpoint) = std::env::var("GREENHUB_TEST_AWS") else {
        return;
    };
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    let client = Client::from_conf(config);
    let name = format!("app-{}", Clock::system().now_ms());
    let document = r#"{
        "ghl_client_secret": "a",
        "ghl_shared_secret": "b",
        "data_key_1": "0123456789abcdef0123456789abcdef"
    }"#;
    let created = client
        .create_secret()
        .name(&name)
        .secret_string(document)
        .send()
        .await
        .unwrap();

    for id in [name.as_str(), created.arn().unwrap()] {
        let secrets = Secrets::new(client.clone(), id, Clock::system());
        assert!(secrets.get().await.unwrap().data_keys().is_ok(), "{id}");
    }
    let missing = Secrets::new(client, format!("not-{name}"), Clock::system());
    let Err(SecretsError::Unavailable { why }) = missing.get().await else {
        panic!("there is none");
    };
    assert!(why.starts_with("ResourceNotFoundException"), "{why}");
}
