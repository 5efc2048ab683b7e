//! What the functions' `main`s have in common: from the environment to a [`Hub`].

use aws_config::SdkConfig;
use url::Url;

use crate::clock::{Clock, Millis};
use crate::config::{self, App, ConfigError, GhlApi, Queues, Tables, Waits, Web};
use crate::ghl::client::endpoint;
use crate::ghl::oauth::{OAuth, SCOPES, authorize_url};
use crate::pipeline::ids::IdSource;
use crate::pipeline::{Hub, Settings};
use crate::queue::sqs::Sqs;
use crate::secrets::{AppSecret, Secrets};
use crate::store::dynamo::Dynamo;

/// A year, in seconds: what is longer is a slip of the pen.
const MOST_S: u64 = 366 * 24 * 3600;

/// How long before its function's end a worker has to be done.
const RESERVE_MS: Millis = 3_000;

/// The tables, queues and settings that the environment names.
///
/// # Errors
/// Names the first variable that is missing or wrong.
pub fn hub_from_env(aws: &SdkConfig) -> Result<Hub<Dynamo, Sqs>, ConfigError> {
    Ok(hub(
        aws,
        Tables::from_env()?,
        Queues::from_env()?,
        Waits::from_env()?,
    ))
}

/// These tables and queues, at the time of the system.
pub fn hub(aws: &SdkConfig, tables: Tables, queues: Queues, waits: Waits) -> Hub<Dynamo, Sqs> {
    Hub {
        db: Dynamo::new(aws_sdk_dynamodb::Client::new(aws), tables),
        queue: Sqs::new(aws_sdk_sqs::Client::new(aws), queues),
        clock: Clock::system(),
        ids: IdSource::random(),
        settings: settings(waits),
    }
}

/// The secret that the environment names. Nothing is fetched before somebody asks for it.
///
/// # Errors
/// The variable is missing.
pub fn secrets_from_env(aws: &SdkConfig) -> Result<Secrets, ConfigError> {
    let client = aws_sdk_secretsmanager::Client::new(aws);
    Ok(Secrets::new(client, config::app_secret()?, Clock::system()))
}

/// The app's tokens at GoHighLevel: `api` and `app` say where and for whom.
pub fn oauth(http: reqwest::Client, api: &GhlApi, app: &App, secret: &AppSecret) -> OAuth {
    let redirect_uri = endpoint(&app.public_base_url, &["oauth", "callback"]);
    OAuth::new(
        http,
        api.api_base.clone(),
        api.client_id.clone(),
        secret.ghl_client_secret.clone(),
        redirect_uri.into(),
    )
}

/// Where a person goes to install the app in a sub-account.
pub fn install_url(web: &Web, app: &App) -> Url {
    let callback = endpoint(&app.public_base_url, &["oauth", "callback"]);
    authorize_url(&web.marketplace_base, &web.client_id, &callback, &SCOPES)
}

/// When a worker has to be done, if its function ends at `ends_ms`: what is left is for writing down
/// what was done. Milliseconds since 1970.
pub fn deadline_ms(ends_ms: u64) -> Millis {
    Millis::try_from(ends_ms).unwrap_or(Millis::MAX) - RESERVE_MS
}

fn settings(waits: Waits) -> Settings {
    let ms = |seconds: u64| seconds.min(MOST_S) as Millis * 1000;
    Settings {
        hold_ms: ms(waits.hold_s),
        unknown_after_ms: ms(waits.unknown_after_s),
        ..Settings::default()
    }
}
