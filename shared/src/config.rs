//! What a function is told by its environment. Nothing else reads it.
//!
//! One struct for each concern, read once at start: a variable that is missing or wrong is named
//! then, and not at the first request that needs it.

use std::str::FromStr;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use secrecy::SecretString;
use tracing::Level;
use url::Url;

use crate::domain::sms::Providers;

mod sockets;

pub use sockets::{Sockets, sockets_endpoint};

/// A variable that a function cannot do without. Its value is not told: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("the environment variable {name} is missing")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// Its value is of no use.
    #[error("the environment variable {name} is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it ought to be.
        expected: &'static str,
    },
}

/// The tables' names: `DIRECTORY_TABLE`, `RUNTIME_TABLE`, and `CHATS_TABLE`, which may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Workspaces, numbers, installs.
    pub directory: String,
    /// Chats and messages.
    pub chats: String,
    /// Leases, limiter items, sessions.
    pub runtime: String,
}

/// The queues' addresses: `OUTBOUND_QUEUE_URL`, `CRM_QUEUE_URL`, `MEDIA_QUEUE_URL`,
/// `TELEGRAM_QUEUE_URL`, and `HISTORY_QUEUE_URL`, which may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Wakes the lanes to WhatsApp.
    pub outbound_url: String,
    /// Wakes the lanes to the CRM, of messages and of statuses.
    pub crm_url: String,
    /// Wakes the lanes of copies.
    pub media_url: String,
    /// Wakes imports; empty for functions that have nothing to do with them.
    pub history_url: String,
    /// Wakes the lanes to Telegram.
    pub telegram_url: String,
}

/// Telegram: `TELEGRAM_API_BASE`, which may be missing. The bot's token is in the app's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelegramApi {
    /// Where its bot API is.
    pub api_base: Url,
}

/// The product itself: `PUBLIC_BASE_URL`, `APP_SECRET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Where people and providers reach it.
    pub public_base_url: Url,
    /// Name or ARN of the secret that [`crate::secrets`] reads.
    pub app_secret: String,
}

/// How long things wait: `HOLD_SECONDS`, `UNKNOWN_AFTER_SECONDS`. Both may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How long messages wait for a number that cannot send, in seconds; 600 unless told, 0 fails
    /// them at once.
    pub hold_s: u64,
    /// When a send whose outcome is unknown is left to a person, in seconds; 600 unless told.
    pub unknown_after_s: u64,
}

/// Backups of the tables: `BACKUP_INTERVAL_HOURS`, `BACKUPS_KEPT`. Both may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backups {
    /// How far apart they are, in hours; 12 unless told, 0 for none.
    pub interval_hours: u32,
    /// How many of each table are kept; 10 unless told.
    pub kept: u32,
}

/// Where files are, and for how long their addresses work: `MEDIA_BUCKET`, `FILE_RETENTION_DAYS`,
/// of which the latter may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The bucket.
    pub bucket: String,
    /// In days; 365 unless told.
    pub retention_days: u32,
}

/// What it takes to lead to files: `CHATS_TABLE`, `MEDIA_QUEUE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLinks {
    /// Chats and messages.
    pub chats: String,
    /// Wakes the lanes of copies.
    pub media_url: String,
}

/// The marketplace app at GoHighLevel: `GHL_CLIENT_ID`, `GHL_APP_ID`, `GHL_PROVIDER_ID`,
/// `GHL_DEFAULT_PROVIDER_ID`, which may be missing, `GHL_API_BASE`, `GHL_MARKETPLACE_BASE`,
/// `GHL_PUBLIC_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ghl {
    /// The OAuth client.
    pub client_id: String,
    /// The app.
    pub app_id: String,
    /// Its conversation providers.
    pub providers: Providers,
    /// Where its API is.
    pub api_base: Url,
    /// Where people choose a location to install into.
    pub marketplace_base: Url,
    /// The keys that webhooks may be signed with.
    pub public_keys: String,
}

/// What it takes to post to GoHighLevel: `GHL_CLIENT_ID`, `GHL_PROVIDER_ID`,
/// `GHL_DEFAULT_PROVIDER_ID`, which may be missing, `GHL_API_BASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GhlApi {
    /// The OAuth client.
    pub client_id: String,
    /// Its conversation providers.
    pub providers: Providers,
    /// Where its API is.
    pub api_base: Url,
}

/// What it takes to hear GoHighLevel: `GHL_APP_ID`, `GHL_PROVIDER_ID`,
/// `GHL_DEFAULT_PROVIDER_ID`, which may be missing, `GHL_API_BASE`, `GHL_PUBLIC_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GhlHook {
    /// The app; events of other apps are signed with the same key.
    pub app_id: String,
    /// Its conversation providers.
    pub providers: Providers,
    /// Where its API is.
    pub api_base: Url,
    /// The keys that webhooks may be signed with.
    pub public_keys: String,
}

/// GREEN-API: `GREEN_API_DEFAULT_BASE`, `ALLOWED_LOCAL_HOSTS`. Both may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Green {
    /// Where numbers are that tell no host of their own.
    pub default_base: Option<Url>,
    /// Origins on this machine that may be called, from pairs of host and port. Only the local run
    /// sets it.
    pub allowed_local_hosts: Vec<String>,
}

/// The page inside GoHighLevel: `GHL_CLIENT_ID`, `GHL_MARKETPLACE_BASE`, and, which may be missing,
/// `WHITELABEL_DOMAINS` and `ALLOWED_LOCAL_HOSTS`.
#[derive(Clone, Debug)]
pub struct Web {
    /// The OAuth client.
    pub client_id: String,
    /// Where people choose a location to install into.
    pub marketplace_base: Url,
    /// Origins of windows that may have our page in a frame, and hand it a user context.
    pub parent_origins: Vec<String>,
}

/// Reads variables. An empty one counts as missing: that is how templates leave something out.
struct Vars<L>(L);

impl<L: Fn(&'static str) -> Option<String>> Vars<L> {
    fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn text(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing { name })
    }

    fn url(&self, name: &'static str) -> Result<Url, ConfigError> {
        web_address(name, &self.text(name)?)
    }

    /// The origins of hosts in a list with commas.
    fn origins(&self, name: &'static str, scheme: &str) -> Result<Vec<String>, ConfigError> {
        let list = self.optional(name).unwrap_or_default();
        let hosts = list.split(',').map(str::trim).filter(|h| !h.is_empty());
        hosts
            .map(|host| {
                let typed = format!("{scheme}://{host}");
                let origin = web_address(name, &typed)?.origin().ascii_serialization();
                let expected = "host names with commas between them";
                (origin == typed)
                    .then_some(origin)
                    .ok_or(ConfigError::Invalid { name, expected })
            })
            .collect()
    }

    fn seconds(&self, name: &'static str, unless_told: u64) -> Result<u64, ConfigError> {
        self.number(name, unless_told, "a number of seconds")
    }

    fn number<T: FromStr>(
        &self,
        name: &'static str,
        unless_told: T,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        self.optional(name).map_or(Ok(unless_told), |value| {
            value
                .parse()
                .map_err(|_| ConfigError::Invalid { name, expected })
        })
    }
}

fn web_address(name: &'static str, value: &str) -> Result<Url, ConfigError> {
    Url::parse(value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(ConfigError::Invalid {
            name,
            expected: "an http or https address",
        })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn env() -> Vars<impl Fn(&'static str) -> Option<String>> {
    Vars(|name| std::env::var(name).ok())
}

type Lookup<'a> = Vars<&'a dyn Fn(&'static str) -> Option<String>>;

macro_rules! from_env {
    ($($concern:ty),*) => {$(
        impl $concern {
            /// Reads the environment.
            ///
            /// # Errors
            /// Names the first variable that is missing or wrong.
            pub fn from_env() -> Result<Self, ConfigError> {
                Self::read(&Vars(&env().0))
            }
        }
    )*};
}

from_env!(
    Tables,
    Queues,
    App,
    Waits,
    Backups,
    Files,
    FileLinks,
    Ghl,
    GhlApi,
    GhlHook,
    Green,
    Sockets,
    TelegramApi,
    Web
);

impl Tables {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Tables {
            directory: vars.text("DIRECTORY_TABLE")?,
            // A function that has nothing to do with chats is not told where they are.
            chats: vars.optional("CHATS_TABLE").unwrap_or_default(),
            runtime: vars.text("RUNTIME_TABLE")?,
        })
    }
}

impl Queues {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Queues {
            outbound_url: vars.text("OUTBOUND_QUEUE_URL")?,
            crm_url: vars.text("CRM_QUEUE_URL")?,
            media_url: vars.text("MEDIA_QUEUE_URL")?,
            history_url: vars.optional("HISTORY_QUEUE_URL").unwrap_or_default(),
            telegram_url: vars.text("TELEGRAM_QUEUE_URL")?,
        })
    }
}

impl App {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(App {
            public_base_url: vars.url("PUBLIC_BASE_URL")?,
            app_secret: vars.text("APP_SECRET")?,
        })
    }
}

impl Waits {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Waits {
            hold_s: vars.seconds("HOLD_SECONDS", 600)?,
            unknown_after_s: vars.seconds("UNKNOWN_AFTER_SECONDS", 600)?,
        })
    }
}

impl Backups {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Backups {
            interval_hours: vars.number("BACKUP_INTERVAL_HOURS", 12, "a number of hours")?,
            kept: vars.number("BACKUPS_KEPT", 10, "a number")?,
        })
    }
}

impl Files {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Files {
            bucket: vars.text("MEDIA_BUCKET")?,
            retention_days: vars.number("FILE_RETENTION_DAYS", 365, "a number of days")?,
        })
    }
}

impl FileLinks {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(FileLinks {
            chats: vars.text("CHATS_TABLE")?,
            media_url: vars.text("MEDIA_QUEUE_URL")?,
        })
    }
}

impl TelegramApi {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        let api_base = vars
            .optional("TELEGRAM_API_BASE")
            .map(|value| web_address("TELEGRAM_API_BASE", &value))
            .transpose()?;
        let official = || web_address("TELEGRAM_API_BASE", crate::telegram::client::BASE);
        Ok(TelegramApi {
            api_base: api_base.map_or_else(official, Ok)?,
        })
    }
}

fn providers(vars: &Lookup<'_>) -> Result<Providers, ConfigError> {
    Ok(Providers {
        extra: vars.text("GHL_PROVIDER_ID")?,
        default: vars.optional("GHL_DEFAULT_PROVIDER_ID"),
    })
}

impl Ghl {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Ghl {
            client_id: vars.text("GHL_CLIENT_ID")?,
            app_id: vars.text("GHL_APP_ID")?,
            providers: providers(vars)?,
            api_base: vars.url("GHL_API_BASE")?,
            marketplace_base: vars.url("GHL_MARKETPLACE_BASE")?,
            public_keys: vars.text("GHL_PUBLIC_KEYS")?,
        })
    }
}

impl GhlApi {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(GhlApi {
            client_id: vars.text("GHL_CLIENT_ID")?,
            providers: providers(vars)?,
            api_base: vars.url("GHL_API_BASE")?,
        })
    }
}

impl GhlHook {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(GhlHook {
            app_id: vars.text("GHL_APP_ID")?,
            providers: providers(vars)?,
            api_base: vars.url("GHL_API_BASE")?,
            public_keys: vars.text("GHL_PUBLIC_KEYS")?,
        })
    }
}

impl Green {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        let default_base = vars
            .optional("GREEN_API_DEFAULT_BASE")
            .map(|value| web_address("GREEN_API_DEFAULT_BASE", &value))
            .transpose()?;
        Ok(Green {
            default_base,
            // Host and port: on this machine nothing speaks TLS.
            allowed_local_hosts: vars.origins("ALLOWED_LOCAL_HOSTS", "http")?,
        })
    }
}

/// Where GoHighLevel itself shows custom pages (GHL contract, user context).
const GHL_ORIGINS: [&str; 2] = [
    "https://app.gohighlevel.com",
    "https://app.leadconnectorhq.com",
];

impl Web {
    fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        let mut parent_origins: Vec<String> = GHL_ORIGINS.map(str::to_owned).into();
        parent_origins.extend(vars.origins("WHITELABEL_DOMAINS", "https")?);
        // The sandbox plays GoHighLevel.
        parent_origins.extend(Green::read(vars)?.allowed_local_hosts);
        Ok(Web {
            client_id: vars.text("GHL_CLIENT_ID")?,
            marketplace_base: vars.url("GHL_MARKETPLACE_BASE")?,
            parent_origins,
        })
    }
}

/// Name or ARN of the secret that [`crate::secrets`] reads, from `APP_SECRET`, for functions that
/// need nothing else of [`App`].
///
/// # Errors
/// It is missing.
pub fn app_secret() -> Result<String, ConfigError> {
    Vars(&env().0 as &dyn Fn(&'static str) -> Option<String>).text("APP_SECRET")
}

/// What the content delivery network in front of us shows, from `EDGE_KEY`, which may be missing.
pub fn edge_key() -> Option<SecretString> {
    let vars = Vars(&env().0 as &dyn Fn(&'static str) -> Option<String>);
    vars.optional("EDGE_KEY").map(SecretString::from)
}

/// How much is logged, from `LOG_LEVEL`: `error`, `warn`, `info` (unless told), `debug`, `trace`.
///
/// # Errors
/// Another word.
pub fn log_level() -> Result<Level, ConfigError> {
    read_log_level(&Vars(&env().0))
}

fn read_log_level(vars: &Lookup<'_>) -> Result<Level, ConfigError> {
    let expected = "error, warn, info, debug or trace";
    vars.optional("LOG_LEVEL").map_or(Ok(Level::INFO), |value| {
        value.parse().map_err(|_| ConfigError::Invalid {
            name: "LOG_LEVEL",
            expected,
        })
    })
}

/// How to reach AWS: `AWS_REGION`, the credentials' variables and, for an emulator,
/// `AWS_ENDPOINT_URL`.
///
/// This stands in for the SDK's own search, which also looks for files, containers and instance
/// metadata and takes milliseconds of every start. In a function all of it is in the environment.
///
/// # Errors
/// No region, or an endpoint that is no address.
pub fn aws() -> Result<SdkConfig, ConfigError> {
    read_aws(&Vars(&env().0))
}

fn read_aws(vars: &Lookup<'_>) -> Result<SdkConfig, ConfigError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    // The SDK's first pause is up to a second unless told, which would eat most of the five.
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50));
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(vars.text("AWS_REGION")?))
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .retry_config(retries);
    if vars.optional("AWS_ENDPOINT_URL").is_some() {
        config.set_endpoint_url(Some(vars.url("AWS_ENDPOINT_URL")?.to_string()));
    }
    Ok(config.build())
}

/// An emulator of AWS at `endpoint`, with the timeouts and retries of [`aws`].
///
/// # Errors
/// `endpoint` is no address.
#[cfg(any(test, feature = "testing"))]
pub fn aws_at(endpoint: &str) -> Result<SdkConfig, ConfigError> {
    let aws = read_aws(&Vars(&|name| match name {
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(endpoint.to_owned()),
        _ => None,
    }))?;
    let anybody = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test");
    let anybody = SharedCredentialsProvider::new(anybody);
    Ok(aws.into_builder().credentials_provider(anybody).build())
}

#[cfg(test)]
mod tests;
