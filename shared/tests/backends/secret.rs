//! The app's secret in Secrets Manager, as the template generates it.

use aws_sdk_secretsmanager::Client;
use greenhub::clock::Clock;
use greenhub::secrets::{Secrets, SecretsError};

/// The secret is found by its name and by its ARN, and has a key for tokens in it from the start.
pub(crate) async fn check_backend(client: Client, id: String) {
    let described = client.describe_secret().secret_id(id).send().await.unwrap();
    for id in [described.name().unwrap(), described.arn().unwrap()] {
        let secrets = Secrets::new(client.clone(), id, Clock::system());
        let secret = secrets.get().await.unwrap();
        assert!(secret.data_keys().is_ok(), "{id}");
    }
    let missing = Secrets::new(client, "not-there", Clock::system());
    let Err(SecretsError::Unavailable { why }) = missing.get().await else {
        panic!("there is none");
    };
    assert!(why.starts_with("ResourceNotFoundException"), "{why}");
}
