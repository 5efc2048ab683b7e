//! What can be set about the local system, by environment variables or by lines of a `.env` file in
//! the repository (the environment wins).
//!
//! | variable | default | what |
//! |---|---|---|
//! | `PORT` | 3000 | the origin |
//! | `SANDBOX_PORT` | 3100 | the sandbox |
//! | `EMULATOR_PORT` | 4566 | the emulated AWS |
//! | `PUBLIC_BASE_URL` | `http://localhost:{PORT}` | where real providers reach the origin, for example a tunnel |
//! | `SANDBOX_TIME_SCALE` | 1.0 | multiplies the sandbox's pauses; 0.01 is a hundred times faster |
//! | `HOLD_SECONDS` | the template's | how long messages wait for a number that cannot send |
//! | `UNKNOWN_AFTER_SECONDS` | the template's | how long a lost answer is looked for |
//! | `LOG_LEVEL` | the template's | what the functions log: error, warn, info, debug, trace |
//! | `GHL_CLIENT_ID` | the sandbox's app | set it to work with the real GoHighLevel; then the next four are needed too |
//! | `GHL_CLIENT_SECRET` | | of the same marketplace app |
//! | `GHL_SHARED_SECRET` | | of the same app (custom pages) |
//! | `GHL_CONVERSATION_PROVIDER_ID` | | of the same app |
//! | `GHL_DEFAULT_PROVIDER_ID` | none | of the same app: its default SMS provider, if it has one |
//! | `GHL_APP_ID` | the client id up to its last dash | of the same app |
//! | `GHL_API_BASE` | the real one | another address of its API |
//! | `GHL_MARKETPLACE_BASE` | the real one | another address of its install page |
//! | `GHL_PUBLIC_KEYS` | the published one | what signs its webhooks: base64 SPKI, comma separated |
//! | `GREEN_API_DEFAULT_BASE` | the sandbox | set it to work with the real GREEN-API: `per-instance` derives the address from each instance id, as GREEN-API assigns them, anything else is taken as the address |
//! | `TELEGRAM_BOT_TOKEN` | the sandbox's bot | set it to work with the real Telegram; the bot is made with BotFather |
//!
//! Demo data are made only while both providers are the sandbox's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{error::Error, layout, ports::Ports};

const PER_INSTANCE: &str = "per-instance";

/// How a local system is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it keeps everything.
    pub dir: PathBuf,
    /// Where it listens.
    pub ports: Ports,
    /// Where others reach the origin (`None`: `http://localhost:{port}`).
    pub public_base_url: Option<String>,
    /// Multiplies every pause of the sandbox; 1.0 is real.
    pub time_scale: f64,
    /// Shows nothing.
    pub quiet: bool,
    /// Makes the demo data: the app installed in a location, one number added.
    pub demo: bool,
    /// The real GoHighLevel instead of the sandbox's.
    pub ghl: Option<GhlApp>,
    /// The real GREEN-API instead of the sandbox's: its address, or empty to derive it from each
    /// instance's id.
    pub green_api_base: Option<String>,
    /// The bot of the real Telegram instead of the sandbox's.
    pub telegram_bot_token: Option<Secret>,
    /// Parameters of the template that get another value than its default, by their names there.
    pub parameters: BTreeMap<String, String>,
}

/// A marketplace app of the real GoHighLevel.
#[derive(Debug, Clone)]
pub struct GhlApp {
    /// Its client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: Secret,
    /// Its shared secret.
    pub shared_secret: Secret,
    /// Its id.
    pub app_id: String,
    /// The id of its conversation provider.
    pub conversation_provider_id: String,
}

/// A text that is not shown by `Debug`.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl Options {
    /// A system of its own for a test: free ports, no output, the sandbox's pauses a hundredth.
    pub fn for_tests(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            ports: Ports::default(),
            public_base_url: None,
            time_scale: 0.01,
            quiet: true,
            demo: true,
            ghl: None,
            green_api_base: None,
            telegram_bot_token: None,
            parameters: BTreeMap::new(),
        }
    }

    /// What the environment and the repository's `.env` say.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] with everything that is wrong, not only the first.
    pub fn from_environment() -> Result<Self, Error> {
        let root = layout::repository();
        let file = dot_env(&root.join(".env"))?;
        Self::from_lookup(root.join(".local"), |name| {
            environment(name)
                .or_else(|| file.get(name).cloned())
                .filter(|value| !value.is_empty())
        })
    }

    fn from_lookup(dir: PathBuf, get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        let port = |name: &str, default: u16, wrong: &mut Vec<String>| {
            get(name).map_or(default, |text| {
                text.parse().unwrap_or_else(|_| {
                    wrong.push(format!(
                        "{name} should be a port from 0 (any free one) to 65535"
                    ));
                    default
                })
            })
        };
        let ports = Ports {
            origin: port("PORT", 3000, &mut wrong),
            sandbox: port("SANDBOX_PORT", 3100, &mut wrong),
            emulator: port("EMULATOR_PORT", 4566, &mut wrong),
        };
        let time_scale = get("SANDBOX_TIME_SCALE").map_or(Some(1.0), |text| {
            text.parse()
                .ok()
                .filter(|scale: &f64| scale.is_finite() && *scale > 0.0)
        });
        if time_scale.is_none() {
            wrong.push("SANDBOX_TIME_SCALE should be a number above 0".into());
        }
        let ghl = get("GHL_CLIENT_ID").and_then(|id| ghl_app(id, &get, &mut wrong));
        let green_api_base = get("GREEN_API_DEFAULT_BASE").map(|base| {
            if base == PER_INSTANCE {
                String::new()
            } else {
                base
            }
        });
        if !wrong.is_empty() {
            return Err(Error::Settings(wrong));
        }
        Ok(Self {
            dir,
            ports,
            public_base_url: get("PUBLIC_BASE_URL").map(|url| url.trim_end_matches('/').to_owned()),
            time_scale: time_scale.unwrap_or(1.0),
            quiet: false,
            demo: ghl.is_none() && green_api_base.is_none(),
            parameters: parameters(&get, ghl.is_some()),
            ghl,
            green_api_base,
            telegram_bot_token: get("TELEGRAM_BOT_TOKEN").map(Secret),
        })
    }
}

/// The app, or what is missing of it.
fn ghl_app(
    client_id: String,
    get: &impl Fn(&str) -> Option<String>,
    wrong: &mut Vec<String>,
) -> Option<GhlApp> {
    let mut need = |name: &str| {
        let value = get(name);
        if value.is_none() {
            wrong.push(format!("{name} is needed because GHL_CLIENT_ID is set"));
        }
        value
    };
    let client_secret = need("GHL_CLIENT_SECRET");
    let shared_secret = need("GHL_SHARED_SECRET");
    let conversation_provider_id = need("GHL_CONVERSATION_PROVIDER_ID");
    let app_id = get("GHL_APP_ID")
        .or_else(|| client_id.rsplit_once('-').map(|(app, _)| app.to_owned()))
        .or_else(|| need("GHL_APP_ID"));
    Some(GhlApp {
        client_id,
        client_secret: Secret(client_secret?),
        shared_secret: Secret(shared_secret?),
        app_id: app_id?,
        conversation_provider_id: conversation_provider_id?,
    })
}

fn parameters(get: &impl Fn(&str) -> Option<String>, real_ghl: bool) -> BTreeMap<String, String> {
    let mut names = vec![
        ("HOLD_SECONDS", "HoldSeconds"),
        ("UNKNOWN_AFTER_SECONDS", "UnknownAfterSeconds"),
        ("LOG_LEVEL", "LogLevel"),
    ];
    if real_ghl {
        names.extend([
            ("GHL_DEFAULT_PROVIDER_ID", "GhlDefaultProviderId"),
            ("GHL_API_BASE", "GhlApiBase"),
            ("GHL_MARKETPLACE_BASE", "GhlMarketplaceBase"),
            ("GHL_PUBLIC_KEYS", "GhlPublicKeys"),
        ]);
    }
    names
        .into_iter()
        .filter_map(|(variable, parameter)| Some((parameter.to_owned(), get(variable)?)))
        .collect()
}

fn dot_env(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    dotenvy::from_path_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| {
            // The error of a malformed line quotes it, and it may hold a secret.
            let reason = match error {
                dotenvy::Error::LineParse(_, at) => format!("a line is malformed near column {at}"),
                _ => "it cannot be read".to_owned(),
            };
            Error::Settings(vec![format!(".env: {reason}; write NAME=value lines")])
        })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the settings of the local system"
)]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL_GHL: [(&str, &str); 4] = [
        ("GHL_CLIENT_ID", "app1-abcdefgh"),
        ("GHL_CLIENT_SECRET", "not-shown"),
        ("GHL_SHARED_SECRET", "s"),
        ("GHL_CONVERSATION_PROVIDER_ID", "p"),
    ];

    /// Reads `set`, and compares what `show` makes of the options, or the complaints, with `expect`.
    fn check(set: &[(&str, &str)], show: fn(&Options) -> String, expect: &str) {
        let map: BTreeMap<_, _> = set.iter().copied().collect();
        let read = Options::from_lookup("d".into(), |name| map.get(name).map(|v| (*v).to_owned()));
        let shown = match &read {
            Ok(options) => show(options),
            Err(Error::Settings(wrong)) => wrong.join("; "),
            Err(other) => other.to_string(),
        };
        assert_eq!(shown, expect, "{set:?}");
    }

    fn ports(options: &Options) -> String {
        let Ports {
            origin,
            sandbox,
            emulator,
        } = options.ports;
        format!("{origin} {sandbox} {emulator} demo={}", options.demo)
    }

    fn providers(options: &Options) -> String {
        format!(
            "ghl={:?} green={:?} demo={}",
            options.ghl.as_ref().map(|app| &app.app_id),
            options.green_api_base,
            options.demo
        )
    }

    #[test]
    fn ports_are_read() {
        check(&[], ports, "3000 3100 4566 demo=true");
        check(
            &[("PORT", "8080"), ("SANDBOX_PORT", "0")],
            ports,
            "8080 0 4566 demo=true",
        );
        check(
            &[("PORT", "http"), ("EMULATOR_PORT", "70000")],
            ports,
            "PORT should be a port from 0 (any free one) to 65535; \
             EMULATOR_PORT should be a port from 0 (any free one) to 65535",
        );
        check(
            &[("SANDBOX_TIME_SCALE", "0")],
            ports,
            "SANDBOX_TIME_SCALE should be a number above 0",
        );
        check(
            &[("SANDBOX_TIME_SCALE", "NaN")],
            ports,
            "SANDBOX_TIME_SCALE should be a number above 0",
        );
    }

    #[test]
    fn providers_are_replaced_one_at_a_time() {
        check(&[], providers, "ghl=None green=None demo=true");
        check(
            &REAL_GHL,
            providers,
            r#"ghl=Some("app1") green=None demo=false"#,
        );
        check(
            &[("GREEN_API_DEFAULT_BASE", "per-instance")],
            providers,
            r#"ghl=None green=Some("") demo=false"#,
        );
        check(
            &[("GREEN_API_DEFAULT_BASE", "https://api.green-api.com")],
            providers,
            r#"ghl=None green=Some("https://api.green-api.com") demo=false"#,
        );
        check(
            &REAL_GHL[..2],
            providers,
            "GHL_SHARED_SECRET is needed because GHL_CLIENT_ID is set; \
             GHL_CONVERSATION_PROVIDER_ID is needed because GHL_CLIENT_ID is set",
        );
    }

    #[test]
    fn parameters_of_the_template_are_passed_on() {
        fn show(options: &Options) -> String {
            format!("{:?}", options.parameters)
        }
        check(&[("HOLD_SECONDS", "0")], show, r#"{"HoldSeconds": "0"}"#);
        // The sandbox's app is never pointed at the real API by half a configuration.
        check(&[("GHL_API_BASE", "https://elsewhere.example")], show, "{}");
        let mut set = REAL_GHL.to_vec();
        set.push(("GHL_API_BASE", "https://elsewhere.example"));
        check(&set, show, r#"{"GhlApiBase": "https://elsewhere.example"}"#);
    }

    #[test]
    fn secrets_are_not_shown() {
        let map: BTreeMap<_, _> = REAL_GHL.into_iter().collect();
        let options =
            Options::from_lookup("d".into(), |name| map.get(name).map(|v| (*v).to_owned()));
        assert!(!format!("{options:?}").contains("not-shown"));
    }
}
