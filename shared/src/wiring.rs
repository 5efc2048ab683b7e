//! What the functions' `main`s have in common: from the environment to a [`Hub`].

use aws_config::SdkConfig;
use url::Url;

use crate::backup::rotation::Plan;
use crate::backup::vault::DynamoVault;
use crate::clock::{Clock, Millis};
use crate::config::{
    self, App, Backups, ConfigError, FileLinks, Files, GhlApi, Queues, Tables, TelegramApi, Waits,
    Web,
};
use crate::ghl::client::endpoint;
use crate::ghl::oauth::{OAuth, SCOPES, authorize_url};
use crate::media::s3::S3Store;
use crate::pipeline::ids::IdSource;
use crate::pipeline::{Hub, Settings};
use crate::queue::sqs::Sqs;
use crate::secrets::{AppSecret, Secrets};
use crate::store::dynamo::Dynamo;
use crate::telegram::client::Telegram;

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

/// The same, and the bucket that the environment names, with how long the addresses of its files
/// work.
///
/// # Errors
/// Names the first variable that is missing or wrong.
pub fn hub_with_files_from_env(
    aws: &SdkConfig,
) -> Result<(Hub<Dynamo, Sqs>, S3Store), ConfigError> {
    let files = Files::from_env()?;
    let mut hub = hub_from_env(aws)?;
    hub.settings.file_retention_ms = Millis::from(files.retention_days) * 24 * 3600 * 1000;
    Ok((hub, S3Store::new(aws, files.bucket)))
}

/// The table of chats, the queue of copies and the bucket, for a function that has nothing to do
/// with anything else.
///
/// # Errors
/// Names the first variable that is missing or wrong.
pub fn file_links_from_env(aws: &SdkConfig) -> Result<(Hub<Dynamo, Sqs>, S3Store), ConfigError> {
    let (files, named) = (Files::from_env()?, FileLinks::from_env()?);
    let tables = Tables {
        directory: String::new(),
        chats: named.chats,
        runtime: String::new(),
    };
    let queues = Queues {
        outbound_url: String::new(),
        crm_url: String::new(),
        media_url: named.media_url,
        history_url: String::new(),
        telegram_url: String::new(),
    };
    let hub = Hub {
        db: Dynamo::new(aws_sdk_dynamodb::Client::new(aws), tables),
        queue: Sqs::new(aws_sdk_sqs::Client::new(aws), queues),
        clock: Clock::system(),
        ids: IdSource::random(),
        settings: Settings::default(),
    };
    Ok((hub, S3Store::new(aws, files.bucket)))
}

/// Where backups of the tables are, and which are wanted.
///
/// # Errors
/// Names the first variable that is missing or wrong.
pub fn backups_from_env(aws: &SdkConfig) -> Result<(DynamoVault, Plan), ConfigError> {
    let told = Backups::from_env()?;
    let client = aws_sdk_dynamodb::Client::new(aws);
    let plan = Plan {
        interval_ms: Millis::from(told.interval_hours) * 3_600_000,
        n_kept: told.kept as usize,
    };
    Ok((DynamoVault::new(client, Tables::from_env()?), plan))
}

/// The tables and the time, for a function that has nothing to do with queues.
///
/// # Errors
/// Names the first variable that is missing or wrong.
pub fn tables_from_env(aws: &SdkConfig) -> Result<(Dynamo, Clock), ConfigError> {
    let client = aws_sdk_dynamodb::Client::new(aws);
    Ok((Dynamo::new(client, Tables::from_env()?), Clock::system()))
}

/// The tables and queues of a stack of the template, by the stack's outputs.
#[cfg(any(test, feature = "testing"))]
pub fn hub_of_stack(
    aws: &SdkConfig,
    outputs: &std::collections::BTreeMap<String, String>,
) -> Hub<Dynamo, Sqs> {
    let output = |name: &str| outputs.get(name).cloned().unwrap_or_default();
    let tables = Tables {
        directory: output("DirectoryTableName"),
        chats: output("ChatsTableName"),
        runtime: output("RuntimeTableName"),
    };
    let queues = Queues {
        outbound_url: output("OutboundQueueUrl"),
        crm_url: output("CrmQueueUrl"),
        media_url: output("MediaQueueUrl"),
        history_url: output("HistoryQueueUrl"),
        telegram_url: output("TelegramQueueUrl"),
    };
    let waits = Waits {
        hold_s: 600,
        unknown_after_s: 600,
    };
    hub(aws, tables, queues, waits)
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

/// The bot; `None` if the secret has none, or one that is not a token.
pub fn telegram(http: reqwest::Client, api: &TelegramApi, secret: &AppSecret) -> Option<Telegram> {
    let token = secret.telegram_bot_token.clone()?;
    match Telegram::new(http, api.api_base.clone(), token) {
        Ok(bot) => Some(bot),
        Err(error) => {
            tracing::error!(%error, "Telegram is off");
            None
        }
    }
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
