//! The connections that API Gateway holds.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;

use super::connections::{Connections, PushError};
use crate::error::aws_words;

/// API Gateway's connections.
#[derive(Clone, Debug)]
pub struct Gateway(Client);

impl Gateway {
    /// The gateway at `endpoint`, a stage's address.
    ///
    /// A frame is tried twice and for little longer than a second each time: others wait for it in
    /// the same run.
    pub fn new(aws: &SdkConfig, endpoint: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_millis(1_200))
            .operation_timeout(Duration::from_millis(2_500))
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(50));
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(aws)
            .endpoint_url(endpoint)
            .timeout_config(timeouts)
            .retry_config(retries)
            .build();
        Gateway(Client::from_conf(config))
    }
}

impl Connections for Gateway {
    async fn post(&self, connection: &str, frame: String) -> Result<(), PushError> {
        let call = self.0.post_to_connection().connection_id(connection);
        let sent = call.data(Blob::new(frame)).send().await;
        sent.map(drop).map_err(|error| failure(&error))
    }

    async fn close(&self, connection: &str) -> Result<(), PushError> {
        let call = self.0.delete_connection().connection_id(connection);
        call.send().await.map(drop).map_err(|error| failure(&error))
    }
}

fn failure<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> PushError {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match code {
        Some("GoneException") => PushError::Gone,
        _ => PushError::Refused(aws_words(error)),
    }
}
